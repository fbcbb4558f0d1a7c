"""The Glue database and its tables, the Athena workgroup, and the permissions to read or write the lake."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from etl.lake import catalog, layout
from etl.lake.tables import BRONZE, REQUESTS
from infra.functions import FunctionSettings, PythonFunction
from infra.names import LAYERS, Names
from infra.policies import allow, arn, bucket_arn

SCAN_LIMIT_BYTES = 10 * 1024**3
PARTITIONS_REASON = "the tables of one database and their partitions, which every publish replaces"
OBJECTS_REASON = "the keys under one prefix of one bucket"


def buckets_of(names: Names) -> dict[str, str]:
    """Return the bucket name of each layer."""
    return {layer: names.bucket(layer) for layer in LAYERS}


class LakeCatalog(Construct):
    """The database, Bronze's tables with partition projection, and (`tables`) those of Silver and Gold."""

    def __init__(self, scope: Construct, construct_id: str, names: Names, code: lambda_.Code) -> None:
        super().__init__(scope, construct_id)
        self.database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=names.database, description="The lake: changes, history, current state, figures"
            ),
        )
        buckets = buckets_of(names)
        changes = catalog.table_input(BRONZE, catalog.first_location(BRONZE, buckets))
        requests = catalog.table_input(REQUESTS, catalog.first_location(REQUESTS, buckets))
        self.changes = self._table("Changes", names, changes)
        self.requests = self._table("Requests", names, requests)
        self.tables = self._published_tables(names, code)

    def _table(self, construct_id: str, names: Names, definition: dict[str, Any]) -> glue.CfnTable:
        table = glue.CfnTable(
            self,
            construct_id,
            catalog_id=cdk.Aws.ACCOUNT_ID,
            database_name=names.database,
            table_input=glue.CfnTable.TableInputProperty(name=definition["Name"]),
        )
        table.add_property_override("TableInput", definition)
        table.add_resource_dependency(self.database)
        return table

    def _published_tables(self, names: Names, code: lambda_.Code) -> cdk.CustomResource:
        worker = PythonFunction(
            self,
            "Tables",
            names,
            code,
            FunctionSettings(
                "tables", "lake_tables.handler", "Creates the tables of Silver and Gold", 1, 256
            ),
        )
        manage_tables(
            worker.role, names, ["glue:GetTables", "glue:CreateTable", "glue:UpdateTable", "glue:DeleteTable"]
        )
        buckets = {f"{layer.title()}Bucket": bucket for layer, bucket in buckets_of(names).items()}
        resource = cdk.CustomResource(
            self,
            "PublishedTables",
            resource_type="Custom::LakeTables",
            service_token=worker.function.function_arn,
            properties={"Database": names.database, **buckets, "Definition": definition_digest()},
        )
        resource.node.add_dependency(self.database, worker)
        return resource


def definition_digest() -> str:
    """Return a digest of all table definitions: when it changes, CloudFormation calls the custom resource."""
    tables = catalog.glue_tables(database="d", bronze_bucket="b", silver_bucket="s", gold_bucket="g")
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def workgroup(scope: Construct, names: Names, removal: cdk.RemovalPolicy) -> athena.CfnWorkGroup:
    """Create the Athena workgroup: encrypted results in Gold, and a limit on the bytes a query may read."""
    group = athena.CfnWorkGroup(
        scope,
        "Workgroup",
        name=names.workgroup,
        description="Queries of the dashboard and of the admin pages",
        recursive_delete_option=True,
        work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
            enforce_work_group_configuration=True,
            publish_cloud_watch_metrics_enabled=True,
            bytes_scanned_cutoff_per_query=SCAN_LIMIT_BYTES,
            engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                selected_engine_version="Athena engine version 3"
            ),
            result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                output_location=f"s3://{names.bucket('gold')}/{layout.RESULTS_PREFIX}",
                encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                    encryption_option="SSE_S3"
                ),
            ),
        ),
    )
    group.apply_removal_policy(removal)
    return group


def manage_tables(role: iam.Role, names: Names, actions: Sequence[str]) -> None:
    """Allow `role` Glue `actions` on the database and its tables."""
    resources = [
        arn("glue", "catalog"),
        arn("glue", f"database/{names.database}"),
        arn("glue", f"table/{names.database}/*"),
    ]
    allow(role, actions, resources, reason=PARTITIONS_REASON)


def use_objects(role: iam.Role, bucket: str, keys: Mapping[str, Sequence[str]]) -> None:
    """Allow `role` to list `bucket`, and S3 actions on its objects by key pattern, for example `gold/*`."""
    allow(role, ["s3:ListBucket"], [bucket_arn(bucket)])
    for pattern, actions in keys.items():
        allow(role, actions, [bucket_arn(bucket, pattern)], reason=OBJECTS_REASON)


def query_objects(role: iam.Role, bucket: str, keys: Mapping[str, Sequence[str]]) -> None:
    """Allow `role` what `use_objects` allows, on a bucket that Athena reads, which asks for its region."""
    allow(role, ["s3:GetBucketLocation"], [bucket_arn(bucket)])
    use_objects(role, bucket, keys)


def write_lake(role: iam.Role, names: Names) -> None:
    """Allow `role` to run the lake jobs: read Bronze, write Silver and Gold, move their tables' locations."""
    write = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    read = ["s3:GetObject"]
    use_objects(role, names.bucket("bronze"), {layout.BRONZE_PREFIX + "*": read, layout.ERASED: read})
    use_objects(role, names.bucket("silver"), {layout.SILVER_PREFIX + "*": write})
    use_objects(role, names.bucket("gold"), {layout.GOLD_PREFIX + "*": write})
    # A Gold table that somebody removed is created again by the next publish.
    verbs = ("CreateTable", "UpdateTable", "GetPartitions", "BatchCreatePartition", "BatchUpdatePartition")
    manage_tables(role, names, [f"glue:{verb}" for verb in verbs])


def erase_from_lake(role: iam.Role, names: Names) -> None:
    """Allow `role` to remove a person from every layer, in addition to `write_lake`.

    An erasure rewrites Bronze, deletes query results and cached answers, and deletes older versions of all of these. It
    deletes messages of the on-failure queue, and items of tables that `rebuild_table` has restored beside the table.
    """
    remove = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    rewrite = ["s3:GetObject", "s3:PutObject", *remove]
    prefixes = {
        "bronze": (
            layout.BRONZE_PREFIX,
            layout.BRONZE_ERROR_PREFIX,
            layout.REQUESTS_PREFIX,
            layout.REQUESTS_ERROR_PREFIX,
        ),
        "silver": (layout.SILVER_PREFIX,),
        "gold": (layout.GOLD_PREFIX, layout.RESULTS_PREFIX, layout.CACHE_PREFIX, layout.EXPORTS_PREFIX),
    }
    for layer, erased in prefixes.items():
        bucket = names.bucket(layer)
        actions = rewrite if layer == "bronze" else remove
        use_objects(role, bucket, {f"{prefix}*": actions for prefix in erased})
        allow(role, ["s3:ListBucketVersions"], [bucket_arn(bucket)])
    lists = {key: ["s3:GetObject", "s3:PutObject"] for key in (layout.ERASED, layout.REBUILT_TABLES)}
    use_objects(role, names.bucket("bronze"), lists)
    verbs = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"]
    allow(role, [f"sqs:{verb}" for verb in verbs], [arn("sqs", names.failure_queue)])
    allow(role, ["dynamodb:ListTables"], ["*"], reason="ListTables does not support resources")
    reason = "tables are restored under any name that begins like this"
    allow(role, ["dynamodb:Query", "dynamodb:BatchWriteItem"], [f"{names.table_arn}-rebuilt*"], reason=reason)


def read_gold(role: iam.Role, names: Names, extra: Mapping[str, Sequence[str]] | None = None) -> None:
    """Allow `role` to query Gold through Athena; `extra` has further S3 actions on its bucket by key pattern."""
    results = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    keys = {layout.GOLD_PREFIX + "*": ["s3:GetObject"], layout.RESULTS_PREFIX + "*": results, **(extra or {})}
    query_objects(role, names.bucket("gold"), keys)
    read = ["GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions", "BatchGetPartition"]
    manage_tables(role, names, [f"glue:{verb}" for verb in read])
    # Athena asks for this database of the account, whatever database a query names; it need not exist.
    allow(role, ["glue:GetDatabase"], [arn("glue", "database/default")])
    verbs = [
        "StartQueryExecution",
        "GetQueryExecution",
        "GetQueryResults",
        "StopQueryExecution",
        "GetWorkGroup",
    ]
    allow(role, [f"athena:{verb}" for verb in verbs], [arn("athena", f"workgroup/{names.workgroup}")])
