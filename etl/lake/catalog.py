"""Glue tables and Firehose streams of the lake, as boto3-shaped dicts.

Pure functions over the column lists of `etl.lake.tables`; nothing here calls AWS. Provisioning passes the dicts to
boto3, infrastructure code reads the same ones.
"""

import base64
import json
from typing import Any

from etl.lake.latest import current_sql
from etl.lake.layout import (
    BRONZE_ERROR_PREFIX,
    BRONZE_PREFIX,
    GOLD_PREFIX,
    REQUESTS_ERROR_PREFIX,
    REQUESTS_PREFIX,
    SILVER_PREFIX,
    USER_BUCKETS,
)
from etl.lake.tables import BRONZE, GOLD, REQUESTS, SILVER, TABLES, VIEWS, Column, Table

CHANGES_STREAM = "todo-cdc-stream"
REQUESTS_STREAM = "todo-logs-stream"
CAPTURE_FUNCTION = "todo-cdc-processor"
FAILURE_QUEUE = "todo-cdc-failures"
# Filter pattern of CloudWatch Logs for the lines of the site's log that go to `requests/`.
REQUEST_LINES = '{ $.message = "request" }'
# And for those of the other components: whatever has the common shape, so not what Lambda itself says of a run.
COMPONENT_LINES = '{ $.component = "*" }'

BRONZE_TABLES = (BRONZE.name, REQUESTS.name)
SILVER_TABLES = (*(table.name for table in SILVER), *(view.name for view in VIEWS))
GOLD_TABLES = tuple(table.name for table in GOLD)

# Zero-padded: partition values are text, equal to those that the capture handler writes.
_PROJECTION = {
    "year": ("2020,2100", "4"),
    "month": ("1,12", "2"),
    "day": ("1,31", "2"),
    "user_bucket": (f"0,{USER_BUCKETS - 1}", "2"),
}
_PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
    "Compressed": True,
}
# A location holds a list of the table's files instead of the files (`etl.lake.manifest.LIST`).
_LISTED = {
    **_PARQUET,
    "InputFormat": "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
}
# Trino's names of the types that the columns of views have.
_TRINO = {"string": "varchar", "timestamp": "timestamp(3)"}


def _hive_columns(columns: tuple[Column, ...]) -> list[dict[str, str]]:
    return [{"Name": name, "Type": hive_type} for name, hive_type in columns]


def storage_descriptor(table: Table, location: str) -> dict[str, Any]:
    """Glue `StorageDescriptor` of a table or partition.

    `location` is the `s3://…/` folder of the Parquet files, of Silver that of their list, with its trailing slash.
    """
    kind = _LISTED if table.layer == "silver" else _PARQUET
    return {"Columns": _hive_columns(table.columns), "Location": location, **kind}


def table_input(table: Table, location: str) -> dict[str, Any]:
    """Glue `TableInput`, for create_table and update_table, of a table whose data is at `location`."""
    parameters = {"EXTERNAL": "TRUE", "classification": "parquet", "parquet.compression": "SNAPPY"}
    if table.layer == "bronze":
        parameters |= _projection(table, location)
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": parameters,
        "StorageDescriptor": storage_descriptor(table, location),
        "PartitionKeys": _hive_columns(table.partitions),
    }


def view_input(view: Table, database: str) -> dict[str, Any]:
    """Glue `TableInput` of a view of Silver, as Athena stores its own: the query and the columns as encoded JSON."""
    columns = (*view.columns, *view.partitions)
    text = {
        "originalSql": current_sql(view, f"{database}.{VIEWS[view].name}"),
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": name, "type": _TRINO.get(kind, kind)} for name, kind in columns],
    }
    encoded = base64.b64encode(json.dumps(text).encode()).decode()
    return {
        "Name": view.name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "StorageDescriptor": {"Columns": _hive_columns(columns), "Location": "", "SerdeInfo": {}},
        "PartitionKeys": [],
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
    }


def _projection(table: Table, location: str) -> dict[str, str]:
    fields = [name for name, _ in table.partitions]
    path = "/".join(f"{name}=${{{name}}}" for name in fields)
    parameters = {"projection.enabled": "true", "storage.location.template": f"{location}{path}"}
    for name in fields:
        values, digits = _PROJECTION[name]
        parameters[f"projection.{name}.type"] = "integer"
        parameters[f"projection.{name}.range"] = values
        parameters[f"projection.{name}.digits"] = digits
    return parameters


def first_location(table: Table, buckets: dict[str, str]) -> str:
    """Location of a table before the first publication: an empty folder of its own.

    `buckets` has the name of the S3 bucket of each layer (`bronze`, `silver`, `gold`).
    """
    folder = {
        "bronze": REQUESTS_PREFIX if table is REQUESTS else BRONZE_PREFIX,
        "silver": f"{SILVER_PREFIX}{table.name}/",
        "gold": f"{GOLD_PREFIX}{table.name}/snapshot=none/",
    }[table.layer]
    return f"s3://{buckets[table.layer]}/{folder}"


def glue_tables(
    *, database: str, bronze_bucket: str, silver_bucket: str, gold_bucket: str
) -> list[dict[str, Any]]:
    """`TableInput` of every table and view of the lake, as before the first publication.

    See `glue_partitions.sync_tables`, which keeps the locations that the lake jobs move with every publication.
    """
    buckets = {"bronze": bronze_bucket, "silver": silver_bucket, "gold": gold_bucket}
    tables = [table_input(table, first_location(table, buckets)) for table in TABLES]
    return [*tables, *(view_input(view, database) for view in VIEWS)]


def firehose_stream(
    *,
    name: str,
    bronze_bucket: str,
    database: str,
    region: str,
    role_arn: str,
    log_group: str = f"/aws/kinesisfirehose/{CHANGES_STREAM}",
) -> dict[str, Any]:
    """Keyword arguments of `firehose.create_delivery_stream` for the change stream.

    A record is one JSON object. Firehose converts records to Snappy Parquet by the Glue table `cdc` and partitions them
    by their own year, month, day and user_bucket. Records that cannot be converted go to `cdc-errors/`.

    Parameters
    ----------
    name, bronze_bucket, database, region
        The stream, the bucket it fills, the Glue database with `cdc`, and their region.
    role_arn
        Role that may write the bucket and read the Glue table.
    log_group
        CloudWatch log group for delivery errors.
    """
    fields = [field for field, _ in BRONZE.partitions]
    path = "/".join(f"{field}=!{{partitionKeyFromQuery:{field}}}" for field in fields)
    query = ",".join(f"{field}:.{field}" for field in fields)
    extraction = {"MetadataExtractionQuery": f"{{{query}}}", "JsonParsingEngine": "JQ-1.6"}
    stream = _stream(name, bronze_bucket, role_arn, log_group, 60)  # the least for dynamic partitioning
    stream["ExtendedS3DestinationConfiguration"] |= {
        "Prefix": f"{BRONZE_PREFIX}{path}/",
        "ErrorOutputPrefix": f"{BRONZE_ERROR_PREFIX}!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd}}/",
        "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}},
        "ProcessingConfiguration": _processing(MetadataExtraction=extraction),
        "DataFormatConversionConfiguration": _to_parquet(BRONZE, database, region, role_arn),
    }
    return stream


def requests_stream(
    *,
    name: str,
    bronze_bucket: str,
    database: str,
    region: str,
    role_arn: str,
    log_group: str = f"/aws/kinesisfirehose/{REQUESTS_STREAM}",
) -> dict[str, Any]:
    """Keyword arguments of `firehose.create_delivery_stream` for the request log.

    A record is an envelope of a CloudWatch Logs subscription: many lines, compressed. Firehose opens it and converts
    each line by the Glue table `requests`. A file belongs to the day when its lines arrived.

    Parameters
    ----------
    name, bronze_bucket, database, region, role_arn, log_group
        As of `firehose_stream`.
    """
    day = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/"
    stream = _stream(name, bronze_bucket, role_arn, log_group, 300)
    stream["ExtendedS3DestinationConfiguration"] |= {
        "Prefix": f"{REQUESTS_PREFIX}{day}",
        "ErrorOutputPrefix": f"{REQUESTS_ERROR_PREFIX}!{{firehose:error-output-type}}/{day}",
        "ProcessingConfiguration": _processing(
            Decompression={"CompressionFormat": "GZIP"},
            CloudWatchLogProcessing={"DataMessageExtraction": "true"},
        ),
        "DataFormatConversionConfiguration": _to_parquet(REQUESTS, database, region, role_arn),
    }
    return stream


def _stream(name: str, bucket: str, role_arn: str, log_group: str, buffer_seconds: int) -> dict[str, Any]:
    return {
        "DeliveryStreamName": name,
        "DeliveryStreamType": "DirectPut",
        "ExtendedS3DestinationConfiguration": {
            "RoleARN": role_arn,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            # Parquet compresses the converted output itself (Snappy); AWS accepts no less than 64 MiB here.
            "CompressionFormat": "UNCOMPRESSED",
            "BufferingHints": {"SizeInMBs": 128, "IntervalInSeconds": buffer_seconds},
            "CloudWatchLoggingOptions": {
                "Enabled": True,
                "LogGroupName": log_group,
                "LogStreamName": "DestinationDelivery",
            },
        },
    }


def _processing(**processors: dict[str, str]) -> dict[str, Any]:
    """Processors by type, each with its parameters by name, in order."""
    return {
        "Enabled": True,
        "Processors": [
            {
                "Type": kind,
                "Parameters": [
                    {"ParameterName": name, "ParameterValue": value} for name, value in given.items()
                ],
            }
            for kind, given in processors.items()
        ],
    }


def _to_parquet(table: Table, database: str, region: str, role_arn: str) -> dict[str, Any]:
    return {
        "Enabled": True,
        # The default, spelled out: CDK drops empty objects from CloudFormation templates.
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {"CaseInsensitive": True}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
        "SchemaConfiguration": {
            "DatabaseName": database,
            "TableName": table.name,
            "Region": region,
            "RoleARN": role_arn,
            "VersionId": "LATEST",
        },
    }
