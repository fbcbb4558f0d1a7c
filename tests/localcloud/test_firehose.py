"""Firehose: one Parquet object per batch and partition, there when the call returns."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf
from tests.localcloud.lake import firehose_role, make_lake, table_input

COLUMNS = {"id": "string", "number": "bigint", "image": "string", "tags": "array<string>"}


def make_stream(of: ClientOf, bucket: str) -> None:
    """A stream like the product's: partitions from the record, Parquet by the Glue table."""
    database = make_lake(of, bucket)
    of("glue").create_table(
        DatabaseName=database, TableInput=table_input("cdc", f"s3://{bucket}/cdc/", COLUMNS)
    )
    role = firehose_role(of, bucket, database)
    extraction = [
        {"ParameterName": "MetadataExtractionQuery", "ParameterValue": "{year: .year, bucket: .bucket}"},
        {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
    ]
    of("firehose").create_delivery_stream(
        DeliveryStreamName=bucket,
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "Prefix": "cdc/year=!{partitionKeyFromQuery:year}/bucket=!{partitionKeyFromQuery:bucket}/",
            "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
            "DynamicPartitioningConfiguration": {"Enabled": True},
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{"Type": "MetadataExtraction", "Parameters": extraction}],
            },
            "DataFormatConversionConfiguration": {
                "Enabled": True,
                "SchemaConfiguration": {"DatabaseName": database, "TableName": "cdc", "RoleARN": role},
                "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "SNAPPY"}}},
            },
        },
    )


def record(number: Any, bucket: str = "00", **more: Any) -> dict[str, bytes]:
    image = json.dumps({"text": "Grüße\n'quoted'"})
    fields = {
        "id": f"id-{number}",
        "number": number,
        "image": image,
        "year": "2026",
        "bucket": bucket,
        **more,
    }
    return {"Data": json.dumps(fields).encode() + b"\n"}


def keys(of: ClientOf, bucket: str, prefix: str = "") -> list[str]:
    pages = of("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def body(of: ClientOf, bucket: str, key: str) -> bytes:
    return bytes(of("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def test_a_batch_becomes_one_durable_parquet_file_per_partition(aws: LocalAws, of: ClientOf) -> None:
    make_stream(of, "lake-bucket")
    batch = [record(number, bucket=f"{number % 3:02d}") for number in range(500)]
    answer = of("firehose").put_record_batch(DeliveryStreamName="lake-bucket", Records=batch)
    aws.kill()
    aws.start()
    assert answer["FailedPutCount"] == 0
    assert len({response["RecordId"] for response in answer["RequestResponses"]}) == 500
    found = keys(of, "lake-bucket", "cdc/")
    assert sorted(key.split("/")[2] for key in found) == ["bucket=00", "bucket=01", "bucket=02"]
    files = [pq.ParquetFile(io.BytesIO(body(of, "lake-bucket", key))) for key in found]
    assert {file.metadata.row_group(0).column(0).compression for file in files} == {"SNAPPY"}
    rows = [row for file in files for row in file.read().to_pylist()]
    assert sorted(row["number"] for row in rows) == list(range(500))
    assert set(rows[0]) == set(COLUMNS)
    assert json.loads(rows[0]["image"]) == {"text": "Grüße\n'quoted'"}
    assert rows[0]["tags"] is None


def test_single_records_and_big_numbers(shared: ClientOf, name: str) -> None:
    make_stream(shared, name)
    exact = 9007199254740993
    shared("firehose").put_record(DeliveryStreamName=name, Record=record(exact, tags=["a", "b"]))
    (key,) = keys(shared, name, "cdc/")
    (row,) = pq.read_table(io.BytesIO(body(shared, name, key))).to_pylist()
    assert (row["number"], row["tags"]) == (exact, ["a", "b"])


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b"no json", "processing-failed"),
        (b'{"id": "no partition"}', "processing-failed"),
        (record("not a number")["Data"], "format-conversion-failed"),
    ],
)
def test_a_bad_record_goes_to_the_error_prefix_and_its_neighbours_do_not(
    bad: bytes, kind: str, shared: ClientOf, name: str
) -> None:
    make_stream(shared, name)
    batch = [record(1), {"Data": bad}, record(2)]
    assert shared("firehose").put_record_batch(DeliveryStreamName=name, Records=batch)["FailedPutCount"] == 0
    rows = [
        row
        for key in keys(shared, name, "cdc/")
        for row in pq.read_table(io.BytesIO(body(shared, name, key))).to_pylist()
    ]
    assert sorted(row["number"] for row in rows) == [1, 2]
    (key,) = keys(shared, name, f"errors/{kind}/")
    assert base64.b64decode(json.loads(body(shared, name, key))["rawData"]) == bad


def test_limits_and_a_missing_bucket_fail_the_call(shared: ClientOf, name: str) -> None:
    make_stream(shared, name)
    firehose = shared("firehose")
    for records in ([record(1)] * 501, [{"Data": b"x" * 1_000_000}] * 5):
        with pytest.raises(ClientError):
            firehose.put_record_batch(DeliveryStreamName=name, Records=records)
    assert keys(shared, name) == []
    shared("s3").delete_bucket(Bucket=name)
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        firehose.put_record(DeliveryStreamName=name, Record=record(1))
