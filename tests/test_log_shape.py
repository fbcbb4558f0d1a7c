"""Every component logs one JSON object a line, of one shape; and a request's id goes from browser to lake."""

import io
import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from localcloud.provision import provision
from localcloud.server import LocalAws
from tests.local_aws import free_port
from tests.roles import OWNER

pytestmark = [pytest.mark.slow, pytest.mark.long]
ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 120
SHAPE = [
    *("timestamp", "level", "request_id", "user_id", "component"),
    *("operation", "duration_ms", "status", "message", "metadata"),
]
REQUEST_ID = "from-the-browser-1"
PRODUCT = "import django; django.setup();"
WEB = f"""{PRODUCT}
from django.test import Client
for path in ("/health", "/login/", "/nothing-here", "/api/v1/tasks", "/api/nothing"):
    Client().get(path, headers={{"x-request-id": {REQUEST_ID!r}}})
"""
# What views and operations do with a request's id.
WRITE = f"""{PRODUCT}
from datetime import UTC, datetime
from tasks import services
from store.request_context import RequestContext
services.create_task(RequestContext("ann", "ann", {REQUEST_ID!r}, datetime.now(UTC)), {{"title": "Tea"}})
"""
UNHANDLED = f"""{PRODUCT}
from unittest import mock
from django.test import Client
with mock.patch("todo_site.site_pages.manifest", side_effect=RuntimeError("broken")):
    Client(raise_request_exception=False).get("/manifest.webmanifest")
"""
CAPTURE = """
import boto3, json, os
from etl.capture.handler import handler
streams = boto3.client("dynamodbstreams")
(stream,) = streams.list_streams(TableName=os.environ["TABLE_NAME"])["Streams"]
shards = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
records = []
for shard in shards:
    start = streams.get_shard_iterator(
        StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records += streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
for record in records:
    record["dynamodb"]["ApproximateCreationDateTime"] = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
assert handler({"Records": records}, None) == {"batchItemFailures": []}
handler({"Records": [{"eventID": "1", "dynamodb": {"SequenceNumber": "1"}}]}, None)
"""
LAKE = """
from etl import run
run.handler({"layer": "silver"}, None)
run.handler({"layer": "gold"}, None)
"""
ONCE = "import sys; from etl import run; sys.exit(run.main(['--once']))"
METRICS = "from etl.jobs import metrics; metrics.handler({}, None)"
WARMING = f"{PRODUCT} from django.core.management import call_command; call_command('warm_insights')"
TABLES = """
import os, urllib.request
from infra.handlers import lake_tables
urllib.request.urlopen = lambda *_, **__: open(os.devnull)  # where CloudFormation would be told
lake_tables.handler({
    "RequestType": "Create", "ResponseURL": "https://told.invalid", "StackId": "s", "RequestId": "r",
    "LogicalResourceId": "l", "ResourceProperties": {"Database": os.environ["GLUE_DATABASE"], **{
        f"{layer}Bucket": os.environ[f"{layer.upper()}_BUCKET"] for layer in ("Bronze", "Silver", "Gold")}}}, None)
"""


class Cloud:
    """A local AWS, and what components print that are run beside it."""

    def __init__(self, folder):
        self.server = LocalAws(folder, free_port())
        self.server.start()
        settings = provision(self.server.endpoint_url, folder)
        own = {
            "LOG_LEVEL": "INFO",
            "METRICS_NAMESPACE": "Test",
            "DJANGO_SETTINGS_MODULE": "todo_site.settings",
        }
        self.environment = {**os.environ, **settings, **OWNER.variables, **own, "DEBUG": "true"}
        self.options = {"endpoint_url": self.server.endpoint_url, "region_name": "us-east-1"}

    def run(self, code):
        """The lines that a new process logged while it ran `code`."""
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]

    def rows(self, bucket, prefix):
        """Rows of every Parquet file below a prefix."""
        s3, name, found = OWNER.client("s3", **self.options), self.environment[bucket], []
        for each in s3.list_objects_v2(Bucket=name, Prefix=prefix).get("Contents", ()):
            if each["Key"].endswith(".parquet"):
                body = s3.get_object(Bucket=name, Key=each["Key"])["Body"].read()
                found += pq.read_table(io.BytesIO(body)).to_pylist()
        return found


def assert_shape(line):
    assert list(line)[: len(SHAPE)] == SHAPE
    assert datetime.fromisoformat(line["timestamp"]).utcoffset().total_seconds() == 0
    assert line["level"] in {"INFO", "WARNING", "ERROR"}
    assert all(isinstance(line[name], str | None) for name in ("request_id", "user_id"))
    assert all(isinstance(line[name], str) and line[name] for name in ("component", "operation", "message"))
    assert isinstance(line["duration_ms"], int | float | None)
    assert isinstance(line["status"], int | str | None)
    assert isinstance(line["metadata"], dict)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    cloud = Cloud(tmp_path_factory.mktemp("aws"))
    yield cloud
    cloud.server.kill()


@pytest.fixture(scope="module")
def said(cloud):
    """Lines of every component, by component, while one request's change goes through all of them."""
    found = {"web": cloud.run(WEB), "unhandled error": cloud.run(UNHANDLED)}
    cloud.run(WRITE)
    found["change capture"] = cloud.run(CAPTURE)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not cloud.rows("BRONZE_BUCKET", "cdc/"):
        assert time.monotonic() < deadline, "nothing reached Bronze"
        time.sleep(0.3)
    found["lake"] = cloud.run(LAKE)
    found["lake, once more"] = cloud.run(ONCE)
    found["business metrics"] = cloud.run(METRICS)
    found["cache warming"] = cloud.run(WARMING)
    found["tables of the lake"] = cloud.run(TABLES)
    return found


def test_every_line_of_every_component_has_the_shape(said):
    """Each component said something, and every line has the shape."""
    assert not [name for name, lines in said.items() if not lines]
    for lines in said.values():
        for line in lines:
            assert_shape(line)


def test_levels_and_metrics(said):
    levels = {name: {line["level"] for line in lines} for name, lines in said.items()}
    assert "ERROR" in levels["unhandled error"]
    assert {"INFO", "ERROR"} <= levels["change capture"]  # one record of it could not be read
    assert [line for line in said["change capture"] if "_aws" in line]


def test_the_browsers_request_id_is_in_the_log_and_in_bronze_and_silver(cloud, said):
    assert {line["request_id"] for line in said["web"]} == {REQUEST_ID}
    assert REQUEST_ID in {row["request_id"] for row in cloud.rows("BRONZE_BUCKET", "cdc/")}
    assert REQUEST_ID in {row["request_id"] for row in cloud.rows("SILVER_BUCKET", "silver/task_events/")}
