"""DataStack: the table, and the KMS key for services that cannot use AWS's own keys."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.names import Names
from infra.policies import TRUST, arn
from infra.settings import Settings
from store.model import TTL_ATTRIBUTE, table_definition

RECOVERY_DAYS = 35


class DataStack(cdk.Stack):
    """The table `todo-app-data` with its indexes, stream, time to live and backups, and the key."""

    def __init__(self, scope: Construct, construct_id: str, settings: Settings, **options: Any) -> None:
        super().__init__(scope, construct_id, **options)
        self.removal = cdk.RemovalPolicy.RETAIN if settings.protect else cdk.RemovalPolicy.DESTROY
        names = Names(settings)
        self.table = self._table(names.table, protect=settings.protect)
        self.key = self._key(names)
        cdk.CfnOutput(self, "TableName", value=self.table.table_name)
        cdk.CfnOutput(self, "StreamArn", value=str(self.table.table_stream_arn))

    def _table(self, name: str, *, protect: bool) -> dynamodb.Table:
        definition = table_definition(name)
        types = {each["AttributeName"]: each["AttributeType"] for each in definition["AttributeDefinitions"]}
        table = dynamodb.Table(
            self,
            "Table",
            table_name=name,
            billing_mode=dynamodb.BillingMode[definition["BillingMode"]],
            stream=dynamodb.StreamViewType[definition["StreamSpecification"]["StreamViewType"]],
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            time_to_live_attribute=TTL_ATTRIBUTE,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=RECOVERY_DAYS
            ),
            deletion_protection=protect,
            removal_policy=self.removal,
            partition_key=_key(definition["KeySchema"], "HASH", types),
            sort_key=_key(definition["KeySchema"], "RANGE", types),
        )
        for index in definition["GlobalSecondaryIndexes"]:
            table.add_global_secondary_index(
                index_name=index["IndexName"],
                projection_type=dynamodb.ProjectionType[index["Projection"]["ProjectionType"]],
                partition_key=_key(index["KeySchema"], "HASH", types),
                sort_key=_key(index["KeySchema"], "RANGE", types),
            )
        for index in definition["LocalSecondaryIndexes"]:
            table.add_local_secondary_index(
                index_name=index["IndexName"],
                projection_type=dynamodb.ProjectionType[index["Projection"]["ProjectionType"]],
                sort_key=_key(index["KeySchema"], "RANGE", types),
            )
        return table

    def _key(self, names: Names) -> kms.Key:
        """Return the key: CloudWatch cannot publish to a topic under AWS's own SNS key, and Glue's logs need one."""
        key = kms.Key(
            self,
            "Key",
            alias=names.of(f"todo-{names.settings.stage}"),
            description="Alarm topic; logs and bookmarks of the Glue jobs",
            enable_key_rotation=True,
            removal_policy=self.removal,
        )
        for service in ("cloudwatch", "budgets", "events"):
            key.add_to_resource_policy(_use(f"{service}.amazonaws.com", {"StringEquals": TRUST}))
        logs = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn("logs", "*")}}
        key.add_to_resource_policy(_use(f"logs.{cdk.Aws.REGION}.amazonaws.com", logs))
        return key


def _key(schema: list[dict[str, str]], kind: str, types: dict[str, str]) -> dynamodb.Attribute:
    """Return the `HASH` or `RANGE` key of a boto3 key schema."""
    (name,) = (entry["AttributeName"] for entry in schema if entry["KeyType"] == kind)
    names = {"S": "STRING", "N": "NUMBER", "B": "BINARY"}
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType[names[types[name]]])


def _use(service: str, conditions: dict[str, Any]) -> iam.PolicyStatement:
    """Return a key policy statement that lets `service` encrypt and decrypt with the key."""
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(service)],
        actions=["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:DescribeKey"],
        resources=["*"],  # in a key policy, `*` means the key itself
        conditions=conditions,
    )
