"""The lake's jobs: a state machine runs Silver, Gold and cache warming on either engine. Also business metrics."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from etl.jobs import quality
from etl.lake.layout import GOLD_KPIS, SILVER_CURRENT
from infra.assets import glue_requirements
from infra.functions import FunctionSettings, PythonFunction, log_group
from infra.lake_catalog import buckets_of, erase_from_lake, use_objects, write_lake
from infra.names import Names
from infra.policies import acknowledge, allow, arn, bucket_arn, service_role
from infra.settings import METRICS_NAMESPACE

GLUE_VERSION = "5.1"
LAKE_MINUTES = 15
TURN_SECONDS = 20
METRICS_EVERY_MINUTES = 5
WARM_COMMAND = {"manage": "warm_insights"}  # for this event, Zappa runs a manage.py command
TRANSIENT = ["Lambda.ServiceException", "Lambda.TooManyRequestsException", "Lambda.SdkClientException"]


def lake_environment(names: Names) -> dict[str, str]:
    """Return the settings of the lake jobs on either engine."""
    buckets = {f"{layer.upper()}_BUCKET": bucket for layer, bucket in buckets_of(names).items()}
    return {**buckets, "GLUE_DATABASE": names.database, "ENVIRONMENT": names.settings.stage}


def definition(names: Names) -> dict[str, Any]:
    """Return a run in Amazon States Language: Silver, then Gold, then cache warming, which may fail.

    No two runs work at once: a second one waits for its turn, and a third one ends at once, since the second does its
    work too. With Glue, a run begins with erasures and upkeep: they change single files, and run on the embedded
    engine.
    """
    on_glue = names.settings.engine == "glue"
    step = _glue_step if on_glue else _lambda_step
    first = "Upkeep" if on_glue else "Silver"
    return {
        "Comment": f"The lake, on the {names.settings.engine} engine",
        "StartAt": "OtherRuns",
        "TimeoutSeconds": names.settings.run_minutes * 60,
        "States": {
            **_turn(first),
            **({"Upkeep": _upkeep_step(names)} if on_glue else {}),
            "Silver": {**step(names, "silver"), "Next": "Gold"},
            "Gold": {**step(names, "gold"), "Next": "WarmCache"},
            "WarmCache": _warm_step(names),
            "Done": {"Type": "Succeed"},
        },
    }


def _turn(first: str) -> dict[str, Any]:
    """Return the states that lead to `first` once no older run is going on; executions are listed newest first."""
    listed = [{"Variable": f"$.running[{number}]", "IsPresent": True} for number in range(3)]
    me = [{"Variable": f"$.running[{number}]", "StringEqualsPath": "$$.Execution.Id"} for number in range(2)]
    alone, two = {"Not": listed[1]}, {"Not": listed[2]}
    return {
        "OtherRuns": {
            "Type": "Task",
            "Resource": f"arn:{cdk.Aws.PARTITION}:states:::aws-sdk:sfn:listExecutions",
            "Parameters": {"StateMachineArn.$": "$$.StateMachine.Id", "StatusFilter": "RUNNING"},
            "ResultSelector": {"running.$": "$.Executions[*].ExecutionArn"},
            "Retry": [_retry(["States.TaskFailed"], 5, 2)],
            "Next": "Turn",
        },
        "Turn": {
            "Type": "Choice",
            "Choices": [
                # The list may lag behind, and not have this run yet.
                {"And": [alone, listed[0], {"Not": me[0]}], "Next": "Wait"},
                {**alone, "Next": first},
                {"And": [me[0], two], "Next": "Wait"},
                {**me[0], "Next": "Done"},
                {"And": [me[1], two], "Next": first},
            ],
            "Default": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": TURN_SECONDS, "Next": "OtherRuns"},
    }


def _retry(errors: list[str], attempts: int, seconds: int) -> dict[str, Any]:
    return {
        "ErrorEquals": errors,
        "IntervalSeconds": seconds,
        "BackoffRate": 2,
        "MaxAttempts": attempts,
        "JitterStrategy": "FULL",
    }


def _lambda_step(names: Names, layer: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": names.function_arn(names.functions["lake"]),
        "Parameters": {"layer": layer},
        "ResultPath": None,
        "TimeoutSeconds": LAKE_MINUTES * 60 + 30,
        # A run that lost a commit to another one, or was cut off, continues where it has to when retried.
        "Retry": [_retry(TRANSIENT, 5, 2), _retry(["States.TaskFailed", "States.Timeout"], 2, 20)],
    }


def _upkeep_step(names: Names) -> dict[str, Any]:
    return {
        **_lambda_step(names, "upkeep"),
        # The next run retries a failed request; the figures do not wait for it.
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Silver"}],
        "Next": "Silver",
    }


def _glue_step(names: Names, layer: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"arn:{cdk.Aws.PARTITION}:states:::glue:startJobRun.sync",
        "Parameters": {"JobName": names.jobs[layer]},
        "ResultPath": None,
        "Retry": [
            _retry(["Glue.ConcurrentRunsExceededException"], 5, 60),
            _retry(["States.TaskFailed"], 1, 60),
        ],
    }


def _warm_step(names: Names) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": names.function_arn(names.settings.web_function),
        "Parameters": WARM_COMMAND,
        "ResultPath": None,
        "TimeoutSeconds": 60,
        "Retry": [_retry(TRANSIENT, 2, 2)],
        # With a cold cache the first visitor waits for Athena, but the figures are the same.
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Done"}],
        "Next": "Done",
    }


class LakePipeline(Construct):
    """Both engines, the state machine that runs one of them (`machine`), and its schedule.

    Parameters
    ----------
    code, layer
        Our source and the libraries for the embedded engine.
    script, source
        Script of the Glue jobs, and the folder of our source, which it imports.
    key
        Encrypts the logs and bookmarks of the Glue jobs.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        names: Names,
        *,
        code: lambda_.Code,
        layer: Path,
        script: Path,
        source: Path,
        key: kms.Key,
    ) -> None:
        super().__init__(scope, construct_id)
        self.names = names
        self.runner = PythonFunction(self, "Runner", names, code, self._runner_settings(layer))
        write_lake(self.runner.role, names)
        erase_from_lake(self.runner.role, names)
        self.jobs = GlueJobs(self, "Glue", names, script=script, source=source, key=key)
        self.machine = self._machine()
        self._schedule()

    def _runner_settings(self, layer: Path) -> FunctionSettings:
        libraries = lambda_.LayerVersion(
            self,
            "Libraries",
            layer_version_name=self.names.of(f"todo-{self.names.settings.stage}-lake"),
            description="Libraries of the embedded engine",
            code=lambda_.Code.from_asset(str(layer)),
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        )
        return FunctionSettings(
            purpose="lake",
            handler="etl.run.handler",
            description="Runs one layer of the lake on the embedded engine",
            minutes=LAKE_MINUTES,
            memory_mib=3008,  # the maximum of a new account
            disk_mib=4096,
            environment={
                **lake_environment(self.names),
                "LAKE_WORK_DIR": "/tmp/lake",  # noqa: S108  the only writable folder of a function
                "LAKE_MEMORY_LIMIT": "2GB",
            },
            layers=(libraries,),
        )

    def _machine(self) -> sfn.StateMachine:
        names = self.names
        role = service_role(
            self, "MachineRole", "states.amazonaws.com", names.of(f"todo-{names.settings.stage}-lake-machine")
        )
        self._machine_permissions(role)
        return sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=names.state_machine,
            definition_body=sfn.DefinitionBody.from_string(json.dumps(definition(names))),
            role=role,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=log_group(self, "MachineLogs", f"/aws/vendedlogs/states/{names.state_machine}"),
                level=sfn.LogLevel.ALL,
                include_execution_data=True,
            ),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _machine_permissions(self, role: iam.Role) -> None:
        names = self.names
        functions = [names.functions["lake"], names.settings.web_function]
        allow(role, ["lambda:InvokeFunction"], [names.function_arn(name) for name in functions])
        allow(role, ["states:ListExecutions"], [arn("states", f"stateMachine:{names.state_machine}")])
        if names.settings.engine == "glue":
            verbs = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
            allow(role, verbs, [arn("glue", f"job/{job}") for job in names.jobs.values()])
        reason = "tracing and log delivery, which CDK allows here, do not support resources"
        acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": reason})

    def _schedule(self) -> None:
        name, minutes = self.names.of("todo-lake-schedule"), self.names.settings.lake_every_minutes
        rule = _schedule(self, name, "Brings the lake up to date", minutes)
        rule.add_target(targets.SfnStateMachine(self.machine, retry_attempts=2))


def _schedule(scope: Construct, name: str, description: str, minutes: int) -> events.Rule:
    rate = events.Schedule.rate(cdk.Duration.minutes(minutes))
    return events.Rule(scope, "Schedule", rule_name=name, description=description, schedule=rate)


def _publish_metrics(role: iam.Role, namespace: str) -> None:
    allow(
        role,
        ["cloudwatch:PutMetricData"],
        ["*"],
        reason="PutMetricData does not support resources; the condition limits the namespace",
        conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
    )


class GlueJobs(Construct):
    """The Spark jobs `todo-silver-transformation` and `todo-gold-analytics`, for a lake too large for one machine."""

    def __init__(
        self, scope: Construct, construct_id: str, names: Names, *, script: Path, source: Path, key: kms.Key
    ) -> None:
        super().__init__(scope, construct_id)
        self.names = names
        self.script = s3_assets.Asset(self, "Script", path=str(script))
        self.source = s3_assets.Asset(self, "Source", path=str(source))
        self.requirements = s3_assets.Asset(self, "Requirements", path=str(glue_requirements()))
        self.role = service_role(
            self, "Role", "glue.amazonaws.com", names.of(f"todo-{names.settings.stage}-lake-jobs")
        )
        self._permissions(key)
        self.security = glue.CfnSecurityConfiguration(
            self,
            "Security",
            name=names.job_security,
            encryption_configuration=_encryption(key),
        )
        self.jobs = {layer: self._job(layer, name) for layer, name in names.jobs.items()}

    def _permissions(self, key: kms.Key) -> None:
        write_lake(self.role, self.names)
        # Spark's file system asks for the region of the buckets that it reads.
        lake = [bucket_arn(bucket) for bucket in buckets_of(self.names).values()]
        allow(self.role, ["s3:GetBucketLocation"], lake)
        assets = [
            bucket_arn(asset.s3_bucket_name, asset.s3_object_key)
            for asset in (self.script, self.source, self.requirements)
        ]
        allow(self.role, ["s3:GetObject"], assets)
        allow(
            self.role,
            [
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
                "logs:AssociateKmsKey",
            ],
            [self.names.log_group_arn("/aws-glue/*")],
            reason="Glue names log groups and streams after its jobs and runs",
        )
        _publish_metrics(self.role, "Glue")
        allow(self.role, ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])

    def _job(self, layer: str, name: str) -> glue.CfnJob:
        size = self.names.settings.jobs
        job = glue.CfnJob(
            self,
            f"{layer.title()}Job",
            name=name,
            description=f"Runs {layer} of the lake on Spark",
            role=self.role.role_arn,
            glue_version=GLUE_VERSION,
            worker_type=size.worker_type,
            number_of_workers=size.workers,
            timeout=size.minutes,
            max_retries=0,  # the state machine retries
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=1),
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=self.script.s3_object_url
            ),
            default_arguments=self._arguments(layer),
            security_configuration=self.security.name,
            tags=self.names.settings.tags,
        )
        job.add_resource_dependency(self.security)
        job.node.add_dependency(self.role)
        return job

    def _arguments(self, layer: str) -> dict[str, str]:
        settings = {f"--{name}": value for name, value in lake_environment(self.names).items()}
        return {
            "--layer": layer,
            "--extra-py-files": self.source.s3_object_url,
            # Glue's own boto3 may be too old for the conditional writes that commits are made of.
            "--additional-python-modules": self.requirements.s3_object_url,
            "--python-modules-installer-option": "-r",
            "--enable-metrics": "true",
            "--enable-observability-metrics": "true",
            "--enable-continuous-cloudwatch-log": "true",
            "--job-bookmark-option": "job-bookmark-disable",  # the lake commits its own bookmarks
            **settings,
        }


def _encryption(key: kms.Key) -> glue.CfnSecurityConfiguration.EncryptionConfigurationProperty:
    kinds = glue.CfnSecurityConfiguration
    return kinds.EncryptionConfigurationProperty(
        cloud_watch_encryption=kinds.CloudWatchEncryptionProperty(
            cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=key.key_arn
        ),
        job_bookmarks_encryption=kinds.JobBookmarksEncryptionProperty(
            job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key.key_arn
        ),
        s3_encryptions=[kinds.S3EncryptionProperty(s3_encryption_mode="SSE-S3")],
    )


class BusinessMetrics(Construct):
    """The function `todo-custom-metrics`, which publishes figures of Gold to CloudWatch on a schedule."""

    def __init__(self, scope: Construct, construct_id: str, names: Names, code: lambda_.Code) -> None:
        super().__init__(scope, construct_id)
        self.worker = PythonFunction(self, "Publisher", names, code, _metrics_settings(names))
        read = ["s3:GetObject"]
        use_objects(self.worker.role, names.bucket("gold"), {GOLD_KPIS: read, quality.REFUSED: read})
        use_objects(self.worker.role, names.bucket("silver"), {SILVER_CURRENT: read})
        use_objects(self.worker.role, names.bucket("bronze"), {})  # lists what waits there, reads nothing
        _publish_metrics(self.worker.role, METRICS_NAMESPACE)
        name = names.of("todo-custom-metrics-schedule")
        rule = _schedule(self, name, "Publishes the business metrics", METRICS_EVERY_MINUTES)
        rule.add_target(targets.LambdaFunction(self.worker.function, retry_attempts=2))


def _metrics_settings(names: Names) -> FunctionSettings:
    return FunctionSettings(
        purpose="metrics",
        handler="etl.jobs.metrics.handler",
        description="Publishes business metrics from Gold",
        minutes=1,
        memory_mib=256,
        environment={
            **lake_environment(names),
            "METRICS_NAMESPACE": METRICS_NAMESPACE,
        },
    )
