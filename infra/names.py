"""Names and ARNs that several stacks need: derived, not exported, so that stacks can be updated one at a time."""

import aws_cdk as cdk

from etl.lake.catalog import CAPTURE_FUNCTION, CHANGES_STREAM, FAILURE_QUEUE, REQUESTS_STREAM
from infra.policies import arn
from infra.settings import Settings

LAYERS = ("bronze", "silver", "gold")


class Names:
    """Physical names of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.table = self.of("todo-app-data")
        self.table_arn = arn("dynamodb", f"table/{self.table}")
        self.database = self.of("todo_analytics").replace("-", "_")  # Glue allows no hyphens
        self.workgroup = self.of("todo-analytics-workgroup")
        self.changes_stream = self.of(CHANGES_STREAM)
        self.logs_stream = self.of(REQUESTS_STREAM)  # of the request log
        self.failure_queue = self.of(FAILURE_QUEUE)  # for stream records that could not be captured
        self.state_machine = self.of("todo-lake")
        self.topic = self.of("todo-api-alerts")
        # Our own Lambda functions by purpose; Zappa names the web function.
        self.functions = {
            "capture": self.of(CAPTURE_FUNCTION),
            "lake": self.of("todo-lake-runner"),
            "metrics": self.of("todo-custom-metrics"),
            "tables": self.of("todo-lake-tables"),
        }
        # Glue jobs by layer.
        self.jobs = {"silver": self.of("todo-silver-transformation"), "gold": self.of("todo-gold-analytics")}
        self.job_security = self.of(f"todo-{settings.stage}-lake")  # security configuration of the jobs

    @property
    def gateway_logs(self) -> str:
        """Log group of the gateway's access log."""
        return f"/aws/apigateway/{self.settings.web_function}"

    @property
    def log_groups(self) -> tuple[str, ...]:
        """Log groups of the deployment, and the beginnings of the names that Glue gives those of the jobs."""
        functions = (self.settings.web_function, *self.functions.values())
        streams = (self.changes_stream, self.logs_stream)
        return (
            self.gateway_logs,
            *(f"/aws/lambda/{name}" for name in functions),
            *(f"/aws/kinesisfirehose/{name}" for name in streams),
            f"/aws/vendedlogs/states/{self.state_machine}",
            f"/aws-glue/jobs/{self.job_security}-role/",
            f"/aws-glue/jobs/logs-v2-{self.job_security}",
        )

    def of(self, base: str) -> str:
        """Physical name of a resource: `base` with the deployment's suffix."""
        return self.settings.name(base)

    def bucket(self, purpose: str) -> str:
        """Name of a bucket; account and region make it globally unique."""
        return f"{self.of(f'todo-{self.settings.stage}-{purpose}')}-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"

    def function_arn(self, name: str) -> str:
        """ARN of a Lambda function."""
        return arn("lambda", f"function:{name}")

    def log_group_arn(self, name: str) -> str:
        """ARN of the log streams in a log group."""
        return arn("logs", f"log-group:{name}:*")
