"""Our own Lambda functions: a common construct that gives each its own role and log group."""

from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.names import Names
from infra.policies import acknowledge, allow, service_role

ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}
RUNTIME = lambda_.Runtime.PYTHON_3_13
RUNTIME_REASON = "Python 3.13 is what the code is tested on and what the web function runs on"


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """The settings in which our functions differ.

    Parameters
    ----------
    purpose
        Key of the function in `Names.functions`.
    handler
        `module.function`.
    minutes, memory_mib, disk_mib
        Limits.
    environment
        Environment variables.
    layers
        Libraries in addition to those of the runtime.
    """

    purpose: str
    handler: str
    description: str
    minutes: float
    memory_mib: int
    disk_mib: int = 512
    environment: dict[str, str] = field(default_factory=dict)
    layers: tuple[lambda_.ILayerVersion, ...] = ()


def log_group(scope: Construct, construct_id: str, name: str) -> logs.LogGroup:
    """Create a log group with the common retention."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=logs.RetentionDays.ONE_MONTH,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


class PythonFunction(Construct):
    """A function (`function`), its role (`role`) and its log group (`logs`)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        names: Names,
        code: lambda_.Code,
        settings: FunctionSettings,
    ) -> None:
        super().__init__(scope, construct_id)
        name = names.functions[settings.purpose]
        role_name = names.of(f"todo-{names.settings.stage}-{settings.purpose}")
        self.logs = log_group(self, "Logs", f"/aws/lambda/{name}")
        self.role = service_role(self, "Role", "lambda.amazonaws.com", role_name)
        allow(
            self.role,
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [names.log_group_arn(f"/aws/lambda/{name}")],
            reason="Lambda names the log streams",
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            description=settings.description,
            runtime=RUNTIME,
            architecture=ARCHITECTURES[names.settings.architecture],
            code=code,
            handler=settings.handler,
            role=self.role,
            log_group=self.logs,
            timeout=cdk.Duration.minutes(settings.minutes),
            memory_size=settings.memory_mib,
            ephemeral_storage_size=cdk.Size.mebibytes(settings.disk_mib),
            environment={"ENVIRONMENT": names.settings.stage, **settings.environment},
            layers=list(settings.layers),
        )
        acknowledge(self.function, {"AwsSolutions-L1": RUNTIME_REASON})
