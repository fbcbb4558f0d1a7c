"""Our own Lambda functions: one shape for all, each with a role and a log group of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.names import LOG_DAYS, Names
from infra.policies import acknowledge, allow, service_role

RETENTION = {30: logs.RetentionDays.ONE_MONTH}
RUNTIME = lambda_.Runtime.PYTHON_3_13
RUNTIME_REASON = "Python 3.13 is what the code is tested on and what the web function runs on"


@dataclass(frozen=True, slots=True)
class Shape:
    """What tells one function from another.

    Parameters
    ----------
    purpose
        Its key in `Names.functions`.
    handler
        `module.function`.
    description
        What it does.
    minutes, memory_mib, disk_mib
        Limits.
    environment
        Its settings.
    layers
        Libraries beside those of the runtime.
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
    """Log group with the retention of all of them."""
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=RETENTION[LOG_DAYS],
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


class PythonFunction(Construct):
    """A function, its role (`role`), and its log group (`logs`).

    Parameters
    ----------
    names
        Of the deployment.
    code
        What it runs.
    shape
        What tells it from the others.
    """

    def __init__(
        self, scope: Construct, construct_id: str, names: Names, code: lambda_.Code, shape: Shape
    ) -> None:
        super().__init__(scope, construct_id)
        name = names.functions[shape.purpose]
        role_name = names.of(f"todo-{names.settings.stage}-{shape.purpose}")
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
            description=shape.description,
            runtime=RUNTIME,
            architecture=_architecture(names.settings.architecture),
            code=code,
            handler=shape.handler,
            role=self.role,
            log_group=self.logs,
            timeout=cdk.Duration.minutes(shape.minutes),
            memory_size=shape.memory_mib,
            ephemeral_storage_size=cdk.Size.mebibytes(shape.disk_mib),
            environment={"ENVIRONMENT": names.settings.stage, **shape.environment},
            layers=list(shape.layers),
        )
        acknowledge(self.function, {"AwsSolutions-L1": RUNTIME_REASON})


def _architecture(name: str) -> lambda_.Architecture:
    return {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}[name]
