"""Change capture: the mapping from the table's stream to the function `todo-cdc-processor`, and the dead letters."""

from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from etl.capture.bronze_row import ENTITIES
from etl.capture.dead_letters import MESSAGE_BYTES, RETENTION_DAYS
from etl.lake.layout import ERASED
from infra.functions import FunctionSettings, PythonFunction
from infra.lake_catalog import use_objects
from infra.names import Names
from infra.policies import acknowledge, allow, arn
from infra.settings import METRICS_NAMESPACE

BATCH_SIZE = 500
WINDOW_SECONDS = 5
# A stream keeps a record for 24 hours. Giving up after 12 leaves 12 to fetch failed records from the stream.
RETRIES = 20
MAX_AGE_HOURS = 12
# Whoever looks at the queue receives its messages, and releases what stays.
USE_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")


class Capture(Construct):
    """The capture function, its event source mapping and the dead-letter queue."""

    def __init__(
        self, scope: Construct, construct_id: str, names: Names, table: dynamodb.Table, code: lambda_.Code
    ) -> None:
        super().__init__(scope, construct_id)
        self.failures = sqs.Queue(
            self,
            "Failures",
            queue_name=names.failure_queue,
            retention_period=cdk.Duration.days(RETENTION_DAYS),
            max_message_size_bytes=MESSAGE_BYTES,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.failures,
            {"AwsSolutions-SQS3": "this is the dead-letter queue; the runbook says how to empty it"},
        )
        self.worker = PythonFunction(self, "Processor", names, code, _function_settings(names, self.failures))
        self._permissions(names, table)
        self.mapping = self._mapping(table)

    def _permissions(self, names: Names, table: dynamodb.Table) -> None:
        role = self.worker.role
        verbs = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        allow(role, verbs, [str(table.table_stream_arn)])
        allow(role, ["dynamodb:ListStreams"], ["*"], reason="ListStreams does not support resources")
        _let_deliver(role, names)
        allow(role, ["sqs:SendMessage"], [self.failures.queue_arn])
        use_objects(role, names.bucket("bronze"), {ERASED: ["s3:GetObject"]})

    def let_replay(self, worker: PythonFunction, names: Names, table: dynamodb.Table) -> None:
        """Let another function capture again what waits in the queue."""
        worker.function.add_environment("CDC_STREAM", names.changes_stream)
        worker.function.add_environment("CDC_FAILURE_QUEUE_URL", self.failures.queue_url)
        verbs = ["dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        allow(worker.role, verbs, [str(table.table_stream_arn)])
        _let_deliver(worker.role, names)
        allow(worker.role, USE_QUEUE, [self.failures.queue_arn])

    def _mapping(self, table: dynamodb.Table) -> lambda_.EventSourceMapping:
        mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=self.worker.function,
            event_source_arn=table.table_stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=BATCH_SIZE,
            max_batching_window=cdk.Duration.seconds(WINDOW_SECONDS),
            report_batch_item_failures=True,
            bisect_batch_on_error=True,
            retry_attempts=RETRIES,
            max_record_age=cdk.Duration.hours(MAX_AGE_HOURS),
            filters=[lambda_.FilterCriteria.filter(key_filter())],
        )
        # CDK's own destination would also grant the role to read the queue's attributes and address.
        cast("cdk.CfnResource", mapping.node.default_child).add_property_override(
            "DestinationConfig.OnFailure.Destination", self.failures.queue_arn
        )
        mapping.node.add_dependency(
            self.worker.role
        )  # AWS checks the permissions when it creates the mapping
        return mapping


def _let_deliver(role: iam.Role, names: Names) -> None:
    allow(role, ["firehose:PutRecordBatch"], [arn("firehose", f"deliverystream/{names.changes_stream}")])


def key_filter() -> dict[str, Any]:
    """Return the filter pattern for the records of items that belong in the lake."""
    prefixes = [{"prefix": f"{entity}#"} for entity in ENTITIES]
    return {"dynamodb": {"Keys": {"PK": {"S": prefixes}}}}


def _function_settings(names: Names, failures: sqs.Queue) -> FunctionSettings:
    return FunctionSettings(
        purpose="capture",
        handler="etl.capture.handler.handler",
        description="Change capture: DynamoDB stream to Firehose",
        minutes=1,
        memory_mib=512,
        environment={
            "BRONZE_BUCKET": names.bucket("bronze"),
            "CDC_STREAM": names.changes_stream,
            "CDC_FAILURE_QUEUE_URL": failures.queue_url,
            "METRICS_NAMESPACE": METRICS_NAMESPACE,
        },
    )
