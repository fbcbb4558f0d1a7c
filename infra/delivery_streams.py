"""The two Firehose delivery streams into Bronze: the table's changes and the request log."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_logs as logs
from constructs import Construct

from etl.lake import catalog, layout
from etl.lake.tables import BRONZE, REQUESTS
from infra.functions import log_group
from infra.lake_catalog import OBJECTS_REASON
from infra.names import Names
from infra.policies import allow, arn, bucket_arn, service_role

DESTINATION = "ExtendedS3DestinationConfiguration"
LOG_STREAM = "DestinationDelivery"
_ENCRYPTION = firehose.CfnDeliveryStream.DeliveryStreamEncryptionConfigurationInputProperty(
    key_type="AWS_OWNED_CMK"
)


class BronzeStream(Construct):
    """A delivery stream, its role and its error log.

    Parameters
    ----------
    table
        Glue table with the columns of the Parquet files.
    prefixes
        Prefixes in Bronze that the stream may write to.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        names: Names,
        name: str,
        table: str,
        prefixes: tuple[str, ...],
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.logs = log_group(self, "Logs", f"/aws/kinesisfirehose/{name}")
        logs.LogStream(
            self,
            "LogStream",
            log_group=self.logs,
            log_stream_name=LOG_STREAM,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        purpose = name.removesuffix(names.settings.suffix)
        self.role = service_role(
            self, "Role", "firehose.amazonaws.com", names.of(f"{purpose}-{names.settings.stage}")
        )
        self._permissions(names, table, prefixes)
        self.stream = firehose.CfnDeliveryStream(
            self,
            "Stream",
            delivery_stream_name=name,
            delivery_stream_type="DirectPut",
            delivery_stream_encryption_configuration_input=_ENCRYPTION,
        )
        self.stream.node.add_dependency(self.role)

    def _permissions(self, names: Names, table: str, prefixes: tuple[str, ...]) -> None:
        bronze = names.bucket("bronze")
        allow(
            self.role,
            ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            [bucket_arn(bronze)],
        )
        allow(
            self.role,
            ["s3:PutObject", "s3:AbortMultipartUpload"],
            [bucket_arn(bronze, f"{prefix}*") for prefix in prefixes],
            reason=OBJECTS_REASON,
        )
        schema = [f"table/{names.database}/{table}", f"database/{names.database}", "catalog"]
        verbs = ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"]
        allow(self.role, verbs, [arn("glue", resource) for resource in schema])
        allow(
            self.role,
            ["logs:PutLogEvents"],
            [names.log_group_arn(f"/aws/kinesisfirehose/{self.name}")],
            reason="the log streams of one group",
        )

    def deliver(self, names: Names, define: Callable[..., dict[str, Any]]) -> None:
        """Set the destination that `define` describes for boto3: CloudFormation uses the same names."""
        definition = define(
            name=self.name,
            bronze_bucket=names.bucket("bronze"),
            database=names.database,
            region=cdk.Aws.REGION,
            role_arn=self.role.role_arn,
            log_group=self.logs.log_group_name,
        )
        self.stream.add_property_override(DESTINATION, definition[DESTINATION])


def changes_stream(scope: Construct, names: Names) -> BronzeStream:
    """Create the stream that the capture function writes to, as `etl.lake.catalog` defines it."""
    prefixes = (layout.BRONZE_PREFIX, layout.BRONZE_ERROR_PREFIX)
    stream = BronzeStream(scope, "Changes", names, names.changes_stream, BRONZE.name, prefixes)
    stream.deliver(names, catalog.firehose_stream)
    return stream


def logs_stream(scope: Construct, names: Names) -> BronzeStream:
    """Create the stream that the log subscription writes to, as `etl.lake.catalog` defines it."""
    prefixes = (layout.REQUESTS_PREFIX, layout.REQUESTS_ERROR_PREFIX)
    stream = BronzeStream(scope, "Requests", names, names.logs_stream, REQUESTS.name, prefixes)
    stream.deliver(names, catalog.requests_stream)
    return stream


def subscription_role(scope: Construct, names: Names) -> iam.Role:
    """Create the role with which CloudWatch Logs puts log lines into the stream of the request log."""
    role = service_role(
        scope,
        "SubscriptionRole",
        "logs.amazonaws.com",
        names.of(f"todo-{names.settings.stage}-log-subscription"),
    )
    stream = arn("firehose", f"deliverystream/{names.logs_stream}")
    allow(role, ["firehose:PutRecord", "firehose:PutRecordBatch"], [stream])
    return role
