"""Firehose takes envelopes of CloudWatch Logs apart, as the stream of the request log asks for."""

from __future__ import annotations

import gzip
import io
import json

import pyarrow.parquet as pq
import pytest

from etl.lake import catalog
from localcloud.log_subscription import envelope
from tests.localcloud.conftest import ClientOf
from tests.localcloud.lake import firehose_role, make_lake
from tests.localcloud.test_firehose import body, keys

LINE = {
    "timestamp": "2026-11-22T20:00:00.000+00:00",
    "level": "INFO",
    "request_id": "r1",
    "user_id": "ann",
    "component": "api",
    "operation": "POST api/v1/tasks",
    "duration_ms": 12.5,
    "status": 201,
    "message": "request",
    "metadata": {"body": {"title": "[4 characters]", "priority": "low"}},
}


@pytest.fixture
def stream(shared: ClientOf, name: str) -> str:
    """A stream as the product's, into a bucket of the same name."""
    database = make_lake(shared, name)
    tables = catalog.glue_tables(database=name, bronze_bucket=name, silver_bucket=name, gold_bucket=name)
    (table,) = (table for table in tables if table["Name"] == "requests")
    shared("glue").create_table(DatabaseName=database, TableInput=table)
    role = firehose_role(shared, name, database)
    made = catalog.requests_stream(
        name=name, bronze_bucket=name, database=database, region="us-east-1", role_arn=role
    )
    shared("firehose").create_delivery_stream(**made)
    return name


def test_log_lines_become_rows_in_parquet(shared: ClientOf, stream: str) -> None:
    lines = [json.dumps({**LINE, "request_id": f"r{number}"}) for number in range(3)]
    shared("firehose").put_record(DeliveryStreamName=stream, Record={"Data": envelope(lines)})
    (key,) = keys(shared, stream, "requests/")
    assert key.split("/")[1].startswith("year=20")
    assert key.count("=") == 3
    rows = pq.read_table(io.BytesIO(body(shared, stream, key))).to_pylist()
    assert [row["request_id"] for row in rows] == ["r0", "r1", "r2"]
    assert {**rows[1], "metadata": json.loads(rows[1]["metadata"])} == {**LINE, "status": "201"}


def test_control_messages_are_dropped_and_what_is_no_envelope_is_kept_aside(
    shared: ClientOf, stream: str
) -> None:
    control = gzip.compress(json.dumps({"messageType": "CONTROL_MESSAGE", "logEvents": []}).encode())
    records = [
        {"Data": data}
        for data in (control, b"plain text", gzip.compress(b"{}"), envelope([json.dumps(LINE)]))
    ]
    shared("firehose").put_record_batch(DeliveryStreamName=stream, Records=records)
    assert len(keys(shared, stream, "requests/")) == 1
    (errors,) = keys(shared, stream, "requests-errors/processing-failed/")
    assert len(body(shared, stream, errors).splitlines()) == 2
