"""On the local AWS: writes to the real table, its stream, Firehose, the lake jobs as processes, Athena."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import date

import boto3
import pyarrow.parquet as pq
import pytest

from etl.lake import catalog
from localcloud.provision import provision
from localcloud.server import ROOT, LocalAws
from tests.etl.checks import same_rows
from tests.etl.oracle import Oracle
from tests.etl.world import World, attribute
from tests.local_aws import free_port
from tests.roles import CAPTURE, LAKE, OWNER

pytestmark = pytest.mark.slow
PATIENCE = 120


class Cloud:
    """A local AWS of this test's own, with change capture and the lake jobs running."""

    def __init__(self, directory):
        self.server = LocalAws(directory, free_port())
        self.server.start()
        settings = provision(self.server.endpoint_url, directory)
        self.environment = {
            **os.environ,
            **settings,
            **OWNER.variables,
            "LOCAL_DIR": str(directory),
            "REPORTING_TIMEZONE": "UTC",
        }
        self.session = boto3.Session("test", "test", region_name="us-east-1")
        self.processes = [
            self.start(CAPTURE, "localcloud.capture"),
            self.start(LAKE, "etl.run", "--watch"),
        ]

    def start(self, role, *module):
        command, environment = [sys.executable, "-m", *module], self.environment | role.variables
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)

    def client(self, service):
        return self.session.client(service, endpoint_url=self.server.endpoint_url)

    def object(self, bucket, key):
        return self.client("s3").get_object(Bucket=self.environment[bucket], Key=key)["Body"].read()

    def holds(self, bucket, key):
        name = self.environment[bucket]
        return "Contents" in self.client("s3").list_objects_v2(Bucket=name, Prefix=key)

    def current(self):
        return json.loads(self.object("GOLD_BUCKET", "gold/_current.json"))

    def gold(self, table):
        location = self.client("glue").get_table(DatabaseName=self.environment["GLUE_DATABASE"], Name=table)
        prefix = location["Table"]["StorageDescriptor"]["Location"].split("/", 3)[3]
        body = self.object("GOLD_BUCKET", prefix + "part-0.parquet")
        return [tuple(row.values()) for row in pq.read_table(io.BytesIO(body)).to_pylist()]

    def athena(self, sql):
        athena = self.client("athena")
        query = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self.environment["GLUE_DATABASE"]},
            WorkGroup=self.environment["ATHENA_WORKGROUP"],
        )["QueryExecutionId"]
        wait_until(lambda: self._state(athena, query) not in ("QUEUED", "RUNNING"))
        assert self._state(athena, query) == "SUCCEEDED"
        rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]
        return [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in rows]

    def _state(self, athena, query):
        return athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(30) for process in self.processes]
        self.server.kill()
        return codes


def wait_until(holds):
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.1)


@pytest.fixture
def cloud(tmp_path):
    cloud = Cloud(tmp_path)
    yield cloud
    cloud.stop()


def write(cloud, world, table):
    """Put every change of the history into the real table, in order."""
    for change in world.history:
        key = {"PK": {"S": change.pk}, "SK": {"S": change.sk}}
        if change.new is None:
            table.delete_item(TableName=cloud.environment["TABLE_NAME"], Key=key)
        else:
            item = {name: attribute(value) for name, value in change.new.items()} | key
            table.put_item(TableName=cloud.environment["TABLE_NAME"], Item=item)


def product_history():
    """Only writes that carry their own times: the stream's clock is not ours to set here."""
    world, random_ = World(), random.Random(5)
    for user in ("ann", "ben"):
        world.create_user(user)
    for _ in range(80):
        world.tick(random_.choice((60, 7200, 86400)))
        tasks = world.task_ids() or [("ann", "none")]
        action = random_.randrange(4)
        if action == 0:
            world.create_task(random_.choice(("ann", "ben")), due_date="2026-05-01", category="home")
        elif action == 1:
            world.delete_task(*random_.choice(tasks))
        elif action == 2:
            world.restore_task(*random_.choice(world.task_ids("TRASH") or tasks))
        else:
            status = random_.choice(("pending", "in_progress", "completed"))
            world.change_task(*random_.choice(tasks), status=status)
    return world


def test_changes_in_the_table_reach_gold(cloud):
    world = product_history()
    write(cloud, world, cloud.client("dynamodb"))
    wanted = float(len([change for change in world.history if not change.pk.startswith("TRASH#")]))
    wait_until(lambda: cloud.holds("GOLD_BUCKET", "gold/_current.json"))
    wait_until(lambda: ("total_events", wanted) in cloud.gold("business_metrics_kpis"))
    oracle = Oracle(world.history, date.fromisoformat(cloud.current()["today"]), "UTC")
    for name, rows in oracle.tables().items():
        same_rows(cloud.gold(name), rows, name)
    assert oracle.tables().keys() == set(catalog.GOLD_TABLES)

    counted = cloud.athena(
        "SELECT status, tasks FROM cumulative_flow WHERE day = current_date ORDER BY status"
    )
    today = {status: str(tasks) for day, status, tasks in oracle.flow() if day == oracle.today}
    assert dict(counted) == today
    assert cloud.athena("SELECT count(*) FROM tasks") == [(str(len(world.live("TASK"))),)]
    assert cloud.athena("SELECT count(DISTINCT event_id) FROM cdc") == [(str(len(world.history)),)]
    people = cloud.athena("SELECT user_id, email, total_events FROM user_analytics ORDER BY user_id")
    assert [row[:2] for row in people] == [("ann", "ann@example.com"), ("ben", "ben@example.com")]

    assert cloud.stop() == [0, 0]
