"""DataStack: the table and the key that encrypts what AWS's own keys cannot."""

from __future__ import annotations

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
    """The table `todo-app-data` with its indexes, stream, expiry and backups.

    Parameters
    ----------
    settings
        Of the deployment.
    """

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
        types = {
            entry["AttributeName"]: entry["AttributeType"] for entry in definition["AttributeDefinitions"]
        }
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
            **_keys(definition["KeySchema"], types),
        )
        for index in definition["GlobalSecondaryIndexes"]:
            table.add_global_secondary_index(
                index_name=index["IndexName"],
                projection_type=dynamodb.ProjectionType[index["Projection"]["ProjectionType"]],
                **_keys(index["KeySchema"], types),
            )
        for index in definition["LocalSecondaryIndexes"]:
            table.add_local_secondary_index(
                index_name=index["IndexName"],
                projection_type=dynamodb.ProjectionType[index["Projection"]["ProjectionType"]],
                sort_key=_keys(index["KeySchema"], types)["sort_key"],
            )
        return table

    def _key(self, names: Names) -> kms.Key:
        """CloudWatch cannot publish to a topic under AWS's own SNS key, nor Glue encrypt its logs without one."""
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


def _keys(schema: list[dict[str, str]], types: dict[str, str]) -> dict[str, dynamodb.Attribute]:
    """Arguments `partition_key` and `sort_key` for a boto3 key schema."""
    names = {"HASH": "partition_key", "RANGE": "sort_key"}
    kinds = {"S": "STRING", "N": "NUMBER", "B": "BINARY"}
    return {
        names[entry["KeyType"]]: dynamodb.Attribute(
            name=entry["AttributeName"], type=dynamodb.AttributeType[kinds[types[entry["AttributeName"]]]]
        )
        for entry in schema
    }


def _use(service: str, conditions: dict[str, Any]) -> iam.PolicyStatement:
    """Let a service encrypt and decrypt with the key whose policy this becomes part of."""
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(service)],
        actions=["kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:DescribeKey"],
        resources=["*"],  # in a key's own policy this is that key
        conditions=conditions,
    )
