"""The Pipeline and Health pages over a lake that really runs."""

import json
import os
import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etl.aws import client
from etl.capture.bronze_row import bronze_row
from etl.jobs import job_requests
from etl.lake.config import lake_config
from etl.lake.storage import Bucket
from etl.run import local_lake
from localcloud.iterator_age import IteratorAge
from store import audit
from tests.roles import LAKE, OWNER
from todo_site.operations import quarantine, stream
from web import athena


@pytest.fixture
def lake(tmp_path):
    return local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), Path(tmp_path))


@pytest.fixture
def change():
    """A change of a task, delivered to Bronze."""

    def deliver(**broken):
        now, user, task = datetime.now(UTC), str(uuid.uuid4()), str(uuid.uuid4())
        stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        image = {
            "PK": f"TASK#{user}", "SK": f"TASK#{task}", "id": task, "user_id": user, "title": "Pay rent",
            "status": "pending", "priority": "low", "created_at": stamp, "updated_at": stamp, "updated_by": user,
            "request_id": "r", "entity_type": "TASK",
        } | broken  # fmt: skip
        raw = {name: {"S": value} for name, value in image.items()} | {"version": {"N": "1"}}
        record = {
            "eventID": uuid.uuid4().hex,
            "eventName": "INSERT",
            "dynamodb": {
                "Keys": {"PK": raw["PK"], "SK": raw["SK"]},
                "NewImage": raw,
                "SequenceNumber": str(now.timestamp()).replace(".", ""),
                "ApproximateCreationDateTime": now.timestamp(),
            },
        }
        line = json.dumps(bronze_row(record)).encode() + b"\n"
        OWNER.client("firehose").put_record_batch(
            DeliveryStreamName=os.environ["CDC_STREAM"], Records=[{"Data": line}]
        )
        return record["eventID"]

    return deliver


def fact(root, name):
    """Return what the page says of one layer, such as ``Silver``."""
    sections = re.findall(r'<section class="fact">(.*?)</section>', root.page("pipeline/"), re.DOTALL)
    return next(section for section in sections if f"<h2>{name}" in section)


def delivered(root, change, **broken):
    """Send a change and wait until the page counts its file."""
    before = fact(root, "Bronze")
    event = change(**broken)
    for _ in range(100):
        if fact(root, "Bronze") != before:
            return event
        time.sleep(0.1)
    raise AssertionError("nothing was delivered")


def test_a_requested_run_brings_the_lake_up_to_date(root, lake, change):
    delivered(root, change)
    earlier = fact(root, "Silver"), fact(root, "Gold")
    assert root.send("pipeline/", {"kind": "run"}).status_code == 302
    assert root.get("pipeline/")["Refresh"] == "2"
    assert "waiting" in root.page("pipeline/")
    lake.carry_out_requests()
    page = root.page("pipeline/")
    assert "Refresh" not in root.get("pipeline/")
    assert fact(root, "Silver") != earlier[0]
    assert fact(root, "Gold") != earlier[1]
    for text in ("up to date", "s behind", "task_events: ", "took", root.account.email):
        assert text in page
    (entry,) = audit.by_actor(root.account.id)
    assert (entry.action, entry.kind, entry.object_name) == ("order", "lake", "Run now")


@pytest.fixture
def machine(settings):
    """The state machine of a deployment; it waits, so that it can be looked at."""
    states, iam = OWNER.client("stepfunctions"), OWNER.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    name = "todo-lake"  # the one that the site may start
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    arn = states.create_state_machine(
        name=name, definition=json.dumps(definition), roleArn=role["Role"]["Arn"]
    )["stateMachineArn"]
    settings.LAKE_MACHINE_ARN = arn
    yield lambda: [each["name"] for each in states.list_executions(stateMachineArn=arn)["executions"]]
    states.delete_state_machine(stateMachineArn=arn)
    iam.delete_role(RoleName=name)


def test_an_order_starts_the_lake_at_once(root, machine):
    today = datetime.now(UTC).date().isoformat()
    for order in (
        {"kind": "run"},
        {"kind": "replay", "first_day": today, "last_day": today},
        {"kind": "quarantine"},
    ):
        root.send("pipeline/", order)
    mine = [order.id for order in job_requests.recent(_silver()) if order.ordered_by == root.account.email]
    assert len(mine) == 3
    assert sorted(machine()) == sorted(mine)


def test_an_order_that_cannot_start_the_lake_waits_for_its_next_run(root, lake, settings):
    settings.LAKE_MACHINE_ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:missing"
    page = root.send("pipeline/", {"kind": "run"}, follow=True).content.decode()
    assert "the lake could not be started. Its next run does it." in page
    ordered = job_requests.recent(lake.silver.silver)[0]
    assert (ordered.kind, ordered.state) == ("run", "waiting")
    lake.carry_out_requests()
    taken = job_requests.recent(lake.silver.silver)[0]
    assert (taken.id, taken.state) == (ordered.id, "done")


def test_stream_lag_is_what_capture_reported_last(root, change):
    delivered(root, change)
    now = time.time()
    measured = IteratorAge(OWNER.client("cloudwatch"), clock=lambda: now).of(lambda event, context: "answer")
    record = {"dynamodb": {"ApproximateCreationDateTime": now - 2.5}}
    assert measured({"Records": [record]}, None) == "answer"
    assert "2.5 s" in fact(root, "Stream lag")


def test_a_task_that_is_not_in_bronze_is_lag_though_capture_reports_nothing(add):
    task = add("Pay rent")
    made = datetime.fromisoformat(task.created_at)
    position = stream.position(made - timedelta(minutes=1), made + timedelta(seconds=7))
    assert position.lag_seconds == pytest.approx(7)
    assert "is not in Bronze yet" in position.note
    assert "is not in Bronze yet" not in stream.position(made, made + timedelta(seconds=7)).note


def test_replay(root, lake, change):
    delivered(root, change)
    lake.run()
    today = datetime.now(UTC).date().isoformat()
    root.send("pipeline/", {"kind": "replay", "first_day": today, "last_day": today})
    lake.carry_out_requests()
    assert "read 1 day again" in root.page("pipeline/")


def test_a_senseless_order_is_not_taken(root):
    page = root.send(
        "pipeline/", {"kind": "replay", "first_day": "x", "last_day": ""}, follow=True
    ).content.decode()
    assert "Not requested" in page
    assert all(order.ordered_by != root.account.email for order in job_requests.recent(_silver()))


def _silver():
    return Bucket(lake_config().silver_bucket, client("s3"))


def test_quarantine(root, lake, change):
    event = delivered(root, change, SK="NOTE#1")
    for _ in range(50):
        lake.run()
        if "0 events" not in root.page("pipeline/"):
            break
    page = root.page("insights/quarantinedevent/")
    assert event in page
    detail = re.search(r'href="/admin/(insights/quarantinedevent/[^"]*/change/[^"]*)"', page)[1]
    assert "Pay rent" in root.page(detail.replace("&amp;", "&"))
    assert "1 quarantined event on this page" in " ".join(page.split())
    assert "0 quarantined events" in " ".join(
        root.page("insights/quarantinedevent/?q=nothing-like-it").split()
    )


def test_a_site_without_the_lake_says_so(root, monkeypatch):
    monkeypatch.delenv("SILVER_BUCKET")
    assert "The lake is not configured" in root.page("pipeline/")


SERVICES = (
    *("Cognito", "Cognito: token keys", "DynamoDB: table", "DynamoDB: stream", "Firehose: changes"),
    *("Firehose: request log", "SQS: changes not captured", "S3: Bronze", "S3: Silver", "S3: Gold"),
    *("Step Functions: lake", "Glue", "Athena", "CloudWatch", "SNS: alarms", "Change capture"),
)


def rows(html):
    """Return the cells of each row of the first table, by the first."""
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)[1]
    cells = [re.findall(r"<t[hd][^>]*>\s*(.*?)\s*</t[hd]>", row, re.DOTALL) for row in body.split("</tr>")]
    return {row[0]: row[1:] for row in cells if row}


def test_health(root, machine, monkeypatch):
    monkeypatch.setattr(stream, "newest_change", lambda now: None)  # nothing captures the tests' tasks
    page = root.page("health/")
    assert "Everything answers." in page
    found = rows(page)
    assert tuple(found) == SERVICES
    for name, (state, took, version, detail) in found.items():
        assert state == "up", name
        assert re.fullmatch(r"[\d.]+ ms", took), name
        assert re.match("API 20|RS256", version) or name == "Change capture", name
        assert detail or name == "CloudWatch"
    assert "pynamodb" in page


def test_what_is_down_is_shown_as_down(root, settings):
    settings.GOLD_BUCKET = "no-such-bucket"
    page = root.page("health/")
    assert "Something does not answer." in page
    state, _, _, detail = rows(page)["S3: Gold"]
    assert (state, detail[:3]) == ("down", "404")


def test_many_days_are_replayed_after_a_question_only(root):
    order = {"kind": "replay", "first_day": "2020-01-01", "last_day": "2099-01-01"}
    page = root.send("pipeline/", order).content.decode()
    assert "Replay 28856 days?" in page
    assert audit.by_actor(root.account.id) == []
    assert root.send("pipeline/", {**order, "apply": "1"}).status_code == 302
    assert [entry.object_id for entry in audit.by_actor(root.account.id)] == ["replay"]


@pytest.mark.parametrize("part", ["status.read", "job_requests.recent", "run_log.latest", "stream.position"])
@pytest.mark.parametrize("error", [ValueError("not JSON"), KeyError("state"), TypeError("None")])
def test_a_part_that_cannot_be_read_leaves_the_others(root, monkeypatch, part, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(f"todo_site.operations.pipeline.{part}", fail)
    page = root.page("pipeline/")
    assert "cannot be read: " in page
    assert type(error).__name__ in page
    assert "Job requests" in page


def test_viewers_see_no_item_of_the_quarantine(root, viewer, monkeypatch):
    row = dict.fromkeys(quarantine.COLUMNS, "x") | {
        "place": "p",
        "old_image": "a secret",
        "new_image": "a secret",
    }
    answer = athena.Answer([row], "q", 0, 0)
    monkeypatch.setattr(athena, "run", lambda *args: answer)
    path = "insights/quarantinedevent/"
    for page in (f"{path}p/change/", f"{path}export.csv"):
        assert "a secret" in root.page(page)
        assert "a secret" not in viewer.page(page)
