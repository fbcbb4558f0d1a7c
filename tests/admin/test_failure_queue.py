"""What waits in the failure queue of change capture: on the admin's pages, by command, and in the lake's jobs."""

import json
import os
import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from etl.jobs import job_requests
from etl.lake.config import lake_config
from etl.lake.storage import Bucket
from etl.run import local_lake
from store import audit
from tests.roles import LAKE, OWNER
from todo_site.operations import stream


@pytest.fixture
def queue(settings, monkeypatch):
    """An empty failure queue; a function that puts a message into it and returns the message's id."""
    sqs, url = OWNER.client("sqs"), settings.CDC_FAILURE_QUEUE_URL or os.environ["CDC_FAILURE_QUEUE_URL"]
    monkeypatch.setenv("CDC_FAILURE_QUEUE_URL", url)
    settings.CDC_FAILURE_QUEUE_URL = url
    sqs.purge_queue(QueueUrl=url)

    def put(content) -> str:
        body = content if isinstance(content, str) else json.dumps(content)
        return str(sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"])

    yield put
    sqs.purge_queue(QueueUrl=url)


def change(user: str = "ann", title=None) -> dict:
    """Return a record of the stream about a task; by default it cannot be read."""
    now = datetime.now(UTC).timestamp()
    keys = {"PK": {"S": f"TASK#{user}"}, "SK": {"S": f"TASK#{uuid.uuid4()}"}}
    return {
        "eventID": uuid.uuid4().hex,
        "eventName": "INSERT",
        "dynamodb": {
            "Keys": keys,
            "NewImage": {**keys, "title": title or {"X": "a secret title"}},
            "SequenceNumber": str(now).replace(".", ""),
            "ApproximateCreationDateTime": now,
        },
    }


def set_aside(**about) -> dict:
    return {"reason": "ValueError: unknown attribute type", "record": change(**about)}


def given_up(**batch) -> dict:
    """Return a message as an event source mapping writes it."""
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{os.environ['TABLE_NAME']}/stream/2026"
    info = {"streamArn": arn, "shardId": "shardId-00000001", "batchSize": 7,
            "startSequenceNumber": "100", "endSequenceNumber": "106"}  # fmt: skip
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 21},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "DDBStreamBatchInfo": info | batch,
    }


def section(page: str) -> str:
    """Return the text of the failure queue on a page."""
    found = re.search(r'id="failures">(.*?)</div>', page, re.DOTALL)[1]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


@pytest.mark.parametrize("path", ["pipeline/", "health/"])
def test_pages_say_how_many_wait_since_when_and_why(root, viewer, queue, path):
    assert "Nothing waits." in section(root.page(path))
    ids = [queue(set_aside()), queue(given_up()), queue("not json"), queue("[]"), queue({"record": "?"})]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for who in (root, viewer):
        text = section(who.page(path))
        assert re.search(rf"5 messages, the oldest shown since {today} \d\d:\d\d:\d\d UTC", text), text
        for wanted in (
            *ids,
            "INSERT TASK#ann TASK#",
            "ValueError: unknown attribute type",
            "7 records of shardId-00000001, 100 to 106",
            "RetryAttemptsExhausted after 21 attempts: Unhandled",
        ):
            assert wanted in text
        assert text.count("the message is not about a change of the table") == 3
        assert "a secret title" not in text
        assert ("Discard" in text, "Replay failures" in text) == (who is root, who is root)


def test_health_is_not_well_while_something_waits(root, queue, monkeypatch):
    monkeypatch.setattr(stream, "newest_change", lambda now: None)  # nothing captures the tests' tasks
    assert "Everything answers." in root.page("health/")
    queue(set_aside())
    page = root.page("health/")
    assert "Everything answers, but something needs attention." in page
    assert "needs attention" in re.search(r"SQS: changes not captured.*?</tr>", page, re.DOTALL)[0]


def test_looking_takes_nothing_out_of_the_queue(root, queue):
    queue(set_aside())
    for _ in range(3):
        assert "1 message, since" in section(root.page("pipeline/"))


def test_a_long_queue_is_shown_in_part(root, queue):
    for _ in range(25):
        queue(set_aside())
    text = section(root.page("pipeline/"))
    assert "25 messages" in text
    assert "15 more are not shown" in text
    assert text.count("INSERT TASK#ann") == 10


def test_a_queue_that_cannot_be_read_leaves_the_rest_of_the_page(root, settings):
    settings.CDC_FAILURE_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/000000000000/no-such-queue"
    page = root.page("pipeline/")
    assert "The failure queue cannot be read" in section(page)
    assert "Job requests" in page


def test_a_message_is_discarded_after_a_question_and_on_the_record(root, queue):
    wrong, right = queue(set_aside()), queue(set_aside(user="ben"))
    asked = root.send("pipeline/", {"kind": "discard", "message": wrong}).content.decode()
    assert "Discard this change?" in asked
    assert "INSERT TASK#ann" in asked
    assert audit.by_actor(root.account.id) == []
    assert wrong in section(root.page("pipeline/"))
    order = {"kind": "discard", "message": wrong, "apply": "1"}
    assert "The change is discarded." in root.send("pipeline/", order, follow=True).content.decode()
    assert right in section(root.page("pipeline/"))
    assert wrong not in section(root.page("pipeline/"))
    (entry,) = audit.by_actor(root.account.id)
    assert (entry.action, entry.kind, entry.object_id, entry.subject_id) == ("discard", "lake", wrong, "ann")
    assert entry.message == "ValueError: unknown attribute type"
    assert "a secret title" not in str(entry.attribute_values)
    assert "discarded" in root.page("tasks/auditentry/")
    again = root.send("pipeline/", order, follow=True).content.decode()
    assert "not in the failure queue any more" in again


def test_viewers_discard_and_replay_nothing(viewer, queue):
    found = queue(set_aside())
    for order in ({"kind": "discard", "message": found}, {"kind": "failures"}):
        assert viewer.send("pipeline/", {**order, "apply": "1"}).status_code == 403
    assert found in section(viewer.page("pipeline/"))


def test_failures_are_replayed_by_a_job_after_a_question(root, queue, tmp_path, monkeypatch):
    for module in ("capture.handler", "upkeep.replay_failures"):  # in the role of the lake's runner
        monkeypatch.setattr(f"etl.{module}.client", LAKE.client)
    lake = local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), tmp_path)
    lake.carry_out_requests()  # what other tests have asked for
    bad, good = queue(set_aside()), queue(set_aside(title={"S": "Pay rent"}))
    foreign = queue("not json")
    ordered = job_requests.recent(silver())
    asked = root.send("pipeline/", {"kind": "failures"}).content.decode()
    assert "Replay what waits in the failure queue?" in asked
    assert job_requests.recent(silver()) == ordered
    assert root.send("pipeline/", {"kind": "failures", "apply": "1"}).status_code == 302
    assert root.get("pipeline/")["Refresh"] == "2"
    lake.carry_out_requests()
    (done, *_) = job_requests.recent(silver())
    assert (done.kind, done.state) == ("failures", "failed")
    assert done.message.startswith("delivered 1 record of 1 message; 2 left: ")
    assert f"{bad}: 1 of 1 records failed again: ImageError: unknown" in done.message
    assert f"{foreign}: the message is not about a change of the table" in done.message
    text = section(root.page("pipeline/"))
    assert bad in text, "what stays is there at once"
    assert foreign in text
    assert good not in text
    (entry,) = audit.by_actor(root.account.id)
    assert (entry.action, entry.object_name) == ("order", "Replay failures")


def silver() -> Bucket:
    return Bucket(lake_config().silver_bucket, LAKE.client("s3"))


@pytest.mark.parametrize(("seconds", "well"), [(30, True), (600, False)])
def test_a_capture_that_stands_still_is_seen_on_both_pages(root, add, queue, monkeypatch, seconds, well):
    made = datetime.fromisoformat(add("Pay rent").created_at)

    class Later(datetime):
        @classmethod
        def now(cls, zone=None):
            return made + timedelta(seconds=seconds)

    monkeypatch.setattr(stream, "datetime", Later)
    monkeypatch.setattr("etl.status.status._newest", lambda entries: made - timedelta(minutes=1))
    health, pipeline = root.page("health/"), root.page("pipeline/")
    row = re.search(r"Change capture.*?</tr>", health, re.DOTALL)[0]
    assert "is not in Bronze yet" in row
    assert ("needs attention" not in row) is well
    assert ("Everything answers." in health) is well
    assert ("Change capture stands still." not in pipeline) is well


# --- By command -----------------------------------------------------------------------------------------------


def test_a_command_lists_the_queue(run, queue):
    assert run("failures", "list")[1] == "0 messages in the failure queue.\n"
    found, foreign = queue(set_aside()), queue("not json")
    status, out, _ = run("failures", "list")
    assert status == 0
    assert out.startswith("2 messages in the failure queue, the oldest shown since 20")
    assert f"{found}  20" in out
    assert "ValueError: unknown attribute type" in out
    listed = json.loads(run("failures", "list", "--json")[1])
    assert (listed["messages"], {one["id"] for one in listed["letters"]}) == (2, {found, foreign})
    assert listed["since"] == min(one["since"] for one in listed["letters"])
    short = json.loads(run("failures", "list", "--json", "--most", "1")[1])
    assert len(short["letters"]) == 1


def test_a_command_discards_one_message(run, queue, monkeypatch):
    found, other = queue(set_aside()), queue(set_aside())
    monkeypatch.setattr("builtins.input", lambda: "no")
    status, _, err = run("failures", "discard", found)
    assert (status, "Nothing was discarded" in err) == (1, True)
    status, out, _ = run("failures", "discard", found, "--yes", "--json")
    assert (status, json.loads(out)["id"]) == (0, found)
    assert [one["id"] for one in json.loads(run("failures", "list", "--json")[1])["letters"]] == [other]
    monkeypatch.setattr("builtins.input", lambda: "yes")
    assert run("failures", "discard", other)[0] == 0
    status, _, err = run("failures", "discard", found, "--yes")
    assert (status, f"has no message {found}" in err) == (1, True)
    entries = audit.history("lake", found)
    assert [(entry.action, entry.actor_name[:9]) for entry in entries] == [("discard", "manage.py")]


def test_replay_says_why_a_message_stays(queue, monkeypatch):
    monkeypatch.setattr("etl.capture.handler.client", OWNER.client)  # an operator's command
    ids = {
        queue(set_aside()): "1 of 1 records failed again: ImageError: unknown attribute type",
        queue("not json"): "the message is not about a change of the table",
        queue({"Records": [{"s3": {}}]}): "the message is not about a change of the table",
        queue({"record": {"dynamodb": {"Keys": {}}}}): "and does not have the whole record",
        queue(given_up(endSequenceNumber="x")): "does not say where the stream has its records",
        queue(given_up(shardId="short")): "does not say where the stream has its records",
    }
    with pytest.raises(CommandError) as error:
        call_command("replay", "--failures")
    for message_id, reason in ids.items():
        assert re.search(rf"{message_id}: .*{re.escape(reason)}", str(error.value)), reason


def test_a_replay_of_failures_can_be_left_to_the_lake(run, queue):
    status, out, _ = run("replay", "--failures", "--queue", "--json")
    assert status == 0
    assert json.loads(out)["kind"] == "failures"
