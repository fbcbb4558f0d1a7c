"""A table that is gone comes back by the runbook alone, and its changes reach the lake again."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.server import LocalAws
from store.model import table_definition
from tests.infra.cloud import REGION, Cloud
from tests.infra.test_local import eventually, free_port, web_function

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = ROOT / "docs" / "runbooks" / "recovery.md"
TABLE = "todo-app-data"
# The local AWS keeps no backups: the test restores the table itself, as DynamoDB does, where the runbook restores it.
BACKUP = re.compile(r"aws dynamodb (?:list-backups|restore-table-from-backup|wait table-exists) [^\n]+")


def section(title):
    """The commands of a section, in the order in which a reader types them."""
    text = RUNBOOK.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    found = re.findall(r"```sh\n(.*?)```|`(aws [^`]+)`", text, re.DOTALL)
    return BACKUP.sub("", "\n".join(block or span for block, span in found).replace("\\\n", " "))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    server = LocalAws(tmp_path_factory.mktemp("aws"), free_port())
    server.start()
    yield Cloud(server.endpoint_url)
    server.kill()


@pytest.fixture(scope="module")
def stacks(cloud, dev):
    found = {name: value for outputs in cloud.deploy(dev.folder).values() for name, value in outputs.items()}
    web_function(cloud, found["WebRoleArn"])
    return found


@pytest.fixture
def shell(cloud, stacks, tmp_path):
    """Return a function that runs commands in a shell that has `aws`, and what `make env-of` sets; their output."""
    program = tmp_path / "aws"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.infra.awscli "$@"\n')
    program.chmod(0o700)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": cloud.options["endpoint_url"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "STAGE": "dev",
        "TABLE_NAME": stacks["TableName"],
        "CAPTURE_FUNCTION": stacks["CaptureFunction"],
        "CDC_FAILURE_QUEUE_URL": stacks["FailureQueueUrl"],
        "BRONZE_BUCKET": stacks["BronzeBucket"],
    }

    def run(commands):
        done = subprocess.run(
            ["sh", "-e", "-c", commands],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def mapping(cloud):
    (found,) = cloud.client("lambda").list_event_source_mappings(FunctionName="todo-cdc-processor")[
        "EventSourceMappings"
    ]
    return found


def lose(cloud):
    dynamodb = cloud.client("dynamodb")
    dynamodb.update_table(TableName=TABLE, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=TABLE)


def restore(cloud):
    """Make the table as DynamoDB restores it: items, keys and indexes, and nothing else."""
    wanted = table_definition(TABLE)
    del wanted["StreamSpecification"]
    cloud.client("dynamodb").create_table(**wanted)


def change(cloud, number):
    item = {
        "PK": {"S": "TASK#alice"},
        "SK": {"S": f"TASK#{number}"},
        "version": {"N": "1"},
        "title": {"S": "t"},
    }
    cloud.client("dynamodb").put_item(TableName=TABLE, Item=item)


def same(found):
    """What a mapping does, without what it is called and which stream it reads."""
    own = {"UUID", "EventSourceArn", "EventSourceMappingArn", "LastModified", "LastProcessingResult"}
    return {name: value for name, value in found.items() if name not in own}


def test_a_table_that_is_gone_comes_back_and_is_captured(cloud, stacks, shell):
    before, dynamodb = mapping(cloud), cloud.client("dynamodb")
    definition = dynamodb.describe_table(TableName=TABLE)["Table"]
    lose(cloud)
    restore(cloud)
    *steps, look = section("A table that is gone").strip().splitlines()
    assert look.startswith("aws s3 ls")
    shell("\n".join(steps).replace("<id>", before["UUID"]))
    after = dynamodb.describe_table(TableName=TABLE)["Table"]
    for name in ("StreamSpecification", "DeletionProtectionEnabled", "KeySchema"):
        assert after[name] == definition[name]
    expiry = dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert mapping(cloud)["EventSourceArn"] == after["LatestStreamArn"] != before["EventSourceArn"]
    assert same(mapping(cloud)) == same(before)
    change(cloud, 1)
    eventually(lambda: "cdc/" in shell(look), "a file in Bronze")
    assert cloud.client("events").describe_rule(Name="todo-lake-schedule")["State"] == "ENABLED"
