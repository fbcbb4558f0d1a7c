"""Names and ARNs that several stacks need: derived, not exported, so that stacks can be updated one at a time."""

from dataclasses import dataclass

import aws_cdk as cdk

from etl.lake.catalog import CAPTURE_FUNCTION, CHANGES_STREAM, FAILURE_QUEUE, REQUESTS_STREAM
from infra.policies import arn
from infra.settings import Settings

LAYERS = ("bronze", "silver", "gold")


@dataclass(frozen=True, slots=True)
class Names:
    """Physical names of one deployment."""

    settings: Settings

    def of(self, base: str) -> str:
        """Physical name of a resource: `base` with the deployment's suffix."""
        return self.settings.name(base)

    def bucket(self, purpose: str) -> str:
        """Name of a bucket; account and region make it globally unique."""
        return f"{self.of(f'todo-{self.settings.stage}-{purpose}')}-{cdk.Aws.ACCOUNT_ID}-{cdk.Aws.REGION}"

    @property
    def table(self) -> str:
        """DynamoDB table."""
        return self.of("todo-app-data")

    @property
    def table_arn(self) -> str:
        """ARN of the table."""
        return arn("dynamodb", f"table/{self.table}")

    @property
    def database(self) -> str:
        """Glue database, whose name must not have hyphens."""
        return self.of("todo_analytics").replace("-", "_")

    @property
    def workgroup(self) -> str:
        """Athena workgroup."""
        return self.of("todo-analytics-workgroup")

    @property
    def changes_stream(self) -> str:
        """Firehose stream of the table's changes."""
        return self.of(CHANGES_STREAM)

    @property
    def logs_stream(self) -> str:
        """Firehose stream of the request log."""
        return self.of(REQUESTS_STREAM)

    @property
    def failure_queue(self) -> str:
        """Dead-letter queue for stream records that could not be captured."""
        return self.of(FAILURE_QUEUE)

    @property
    def state_machine(self) -> str:
        """State machine that runs the lake."""
        return self.of("todo-lake")

    @property
    def functions(self) -> dict[str, str]:
        """Our own Lambda functions by purpose; Zappa names the web function."""
        return {
            "capture": self.of(CAPTURE_FUNCTION),
            "lake": self.of("todo-lake-runner"),
            "metrics": self.of("todo-custom-metrics"),
            "tables": self.of("todo-lake-tables"),
        }

    @property
    def jobs(self) -> dict[str, str]:
        """Glue jobs by layer."""
        return {"silver": self.of("todo-silver-transformation"), "gold": self.of("todo-gold-analytics")}

    @property
    def topic(self) -> str:
        """SNS topic of the alarms."""
        return self.of("todo-api-alerts")

    def function_arn(self, name: str) -> str:
        """ARN of a Lambda function."""
        return arn("lambda", f"function:{name}")

    def log_group_arn(self, name: str) -> str:
        """ARN of the log streams in a log group."""
        return arn("logs", f"log-group:{name}:*")
