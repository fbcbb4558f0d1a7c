"""Buckets, tables and Parquet files for tests of Athena and Firehose."""

from __future__ import annotations

import io
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.localcloud.conftest import ClientOf
from tests.localcloud.roles import allow, make_role

Columns = dict[str, str]


def glue_columns(columns: Columns) -> list[dict[str, str]]:
    return [{"Name": name, "Type": kind} for name, kind in columns.items()]


def table_input(
    name: str, location: str, columns: Columns, keys: Columns | None = None, **more: str
) -> dict[str, Any]:
    """A Glue TableInput of a Parquet table."""
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet", **more},
        "PartitionKeys": glue_columns(keys or {}),
        "StorageDescriptor": {
            "Columns": glue_columns(columns),
            "Location": location,
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "SerdeInfo": {
                "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
            },
        },
    }


def parquet(**columns: Any) -> bytes:
    """A Snappy Parquet file; a value is a list, or an Arrow array for an exact type."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="snappy")
    return out.getvalue()


def make_lake(shared: ClientOf, bucket: str) -> str:
    """Create a bucket, a database and a workgroup, all of one name (with _ for the database, which is returned)."""
    database = bucket.replace("-", "_")
    shared("s3").create_bucket(Bucket=bucket)
    shared("glue").create_database(DatabaseInput={"Name": database})
    result = {"ResultConfiguration": {"OutputLocation": f"s3://{bucket}/athena-results"}}
    shared("athena").create_work_group(Name=bucket, Configuration=result)
    return database


def firehose_role(shared: ClientOf, bucket: str, database: str) -> str:
    """Create a role that may deliver to a bucket, in the manner of the stacks; return its ARN."""
    glue = "arn:aws:glue:us-east-1:000000000000"
    schema = [f"{glue}:catalog", f"{glue}:database/{database}", f"{glue}:table/{database}/*"]
    return make_role(
        shared,
        f"{bucket}-firehose",
        "firehose.amazonaws.com",
        allow(
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            f"arn:aws:s3:::{bucket}",
        ),
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], f"arn:aws:s3:::{bucket}/*"),
        allow(["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], *schema),
    )


def finished(athena: Any, query_id: str) -> dict[str, Any]:
    """The execution of a query that has ended, well or not."""
    while True:
        execution: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
            return execution
        time.sleep(0.02)
