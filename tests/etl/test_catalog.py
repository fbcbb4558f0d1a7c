"""What provisioning is told: valid for AWS's own models, and consistent with what the jobs write."""

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter

import boto3
import pytest
from botocore.stub import Stubber

from etl.lake import catalog, layout, tables
from etl.lake.config import ConfigError, lake_config
from tests.etl.world import World

BUCKETS = {"bronze_bucket": "b-bronze", "silver_bucket": "b-silver", "gold_bucket": "b-gold"}
NOWHERE = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
ENVIRONMENT = {"BRONZE_BUCKET": "b", "SILVER_BUCKET": "s", "GOLD_BUCKET": "g", "GLUE_DATABASE": "d"}


@pytest.fixture
def stream():
    return catalog.firehose_stream(
        name="todo-cdc-stream",
        bronze_bucket="b-bronze",
        database="todo_analytics",
        region="us-east-1",
        role_arn="arn:aws:iam::123456789012:role/firehose",
    )


def test_aws_accepts_every_table_definition():
    glue = boto3.client("glue", **NOWHERE)
    with Stubber(glue) as stub:
        for table in catalog.glue_tables(database="todo_analytics", **BUCKETS):
            stub.add_response("create_table", {})
            glue.create_table(DatabaseName="todo_analytics", TableInput=table)
    names = {table["Name"] for table in catalog.glue_tables(database="todo_analytics", **BUCKETS)}
    assert names == {*catalog.BRONZE_TABLES, *catalog.SILVER_TABLES, *catalog.GOLD_TABLES}


def test_the_stream_is_what_firehose_accepts(stream):
    firehose = boto3.client(
        "firehose", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(firehose) as stub:
        stub.add_response("create_delivery_stream", {"DeliveryStreamARN": "arn"})
        firehose.create_delivery_stream(**stream)
    destination = stream["ExtendedS3DestinationConfiguration"]
    assert destination["BufferingHints"]["SizeInMBs"] >= 64
    assert destination["CompressionFormat"] == "UNCOMPRESSED"


def test_the_stream_partitions_as_bronze_is_read(stream, lake):
    prefix = stream["ExtendedS3DestinationConfiguration"]["Prefix"]
    world = World()
    world.create_user("ann")
    lake.capture(world.history)
    line = json.loads(lake.firehose.taken[0])
    folder = re.sub(r"!\{partitionKeyFromQuery:(\w+)\}", lambda found: line[found.group(1)], prefix)
    lake.firehose.flush()
    (key,) = lake.s3.buckets["bronze"]
    assert key.startswith(folder)
    (parameter, _) = stream["ExtendedS3DestinationConfiguration"]["ProcessingConfiguration"]["Processors"][0][
        "Parameters"
    ]
    assert set(re.findall(r"(\w+):\.\1", parameter["ParameterValue"])) == {
        name for name, _ in tables.BRONZE.partitions
    }


def test_a_captured_line_has_every_bronze_column(lake):
    world = World()
    world.create_user("ann")
    lake.capture(world.history)
    line = json.loads(lake.firehose.taken[0])
    assert line.keys() == {*tables.BRONZE.names, *(name for name, _ in tables.BRONZE.partitions)}


def test_bronze_partitions_are_projected_to_the_paths_that_are_written():
    (bronze, *_) = catalog.glue_tables(database="todo_analytics", **BUCKETS)
    parameters = bronze["Parameters"]
    template = parameters["storage.location.template"]
    assert template.replace("${", "{").format(year="2026", month="03", day="09", user_bucket="07") == (
        "s3://b-bronze/cdc/year=2026/month=03/day=09/user_bucket=07"
    )
    for key in bronze["PartitionKeys"]:
        assert parameters[f"projection.{key['Name']}.type"] == "integer"


def test_user_buckets_are_stable_and_even():
    digest = hashlib.sha256(b"ann").hexdigest()
    assert layout.user_bucket("ann") == f"{int(digest[:8], 16) % 16:02d}"
    counted = Counter(layout.user_bucket(f"user-{number}") for number in range(16_000))
    assert len(counted) == 16
    assert max(counted.values()) < 1.2 * min(counted.values())


def test_tables_are_unique_and_their_columns_too():
    names = [table.name for table in tables.TABLES]
    assert len(names) == len(set(names))
    for table in tables.TABLES:
        every = [*table.names, *(name for name, _ in table.partitions)]
        assert len(every) == len(set(every)), table.name


def test_settings_come_from_the_environment():
    config = lake_config(ENVIRONMENT | {"REPORTING_TIMEZONE": "Europe/Paris", "LAKE_POLL_SECONDS": "2"})
    assert (config.bronze_bucket, str(config.timezone), config.poll_seconds) == ("b", "Europe/Paris", 2.0)
    assert str(lake_config(ENVIRONMENT).timezone) == "UTC"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"GOLD_BUCKET": "", "GLUE_DATABASE": ""}, "GOLD_BUCKET, GLUE_DATABASE"),
        ({"REPORTING_TIMEZONE": "Mars/Olympus"}, "Mars/Olympus"),
        ({"REPORTING_TIMEZONE": "localtime"}, "localtime"),
        ({"REPORTING_TIMEZONE": "posix/UTC"}, "posix/UTC"),
        ({"REPORTING_TIMEZONE": "europe/paris"}, "europe/paris"),
        ({"LAKE_POLL_SECONDS": "soon"}, "LAKE_POLL_SECONDS"),
        ({"LAKE_KEEP_SNAPSHOTS": "1"}, "LAKE_KEEP_SNAPSHOTS must be a number of at least 3"),
        ({"LAKE_THREADS": "0"}, "LAKE_THREADS"),
    ],
)
def test_bad_settings_fail_loudly(changes, complaint):
    with pytest.raises(ConfigError, match=complaint):
        lake_config(ENVIRONMENT | changes)


def test_other_apps_get_names_and_keys_without_loading_any_library():
    code = (
        "import sys; before = set(sys.modules); from etl.lake import catalog, config, layout, tables; "
        "names = {name.partition('.')[0] for name in set(sys.modules) - before if not name.startswith('_')}; "
        "print(*sorted(names - sys.stdlib_module_names - {'etl'}))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == ""
