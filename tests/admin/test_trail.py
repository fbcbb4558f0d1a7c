"""The request trail on the local AWS: from a request's log line to Bronze, joined to the change that it made."""

import io
import json
import logging as stdlib_logging
import uuid
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.aws import client as shared_client
from etl.lake.config import lake_config
from etl.lake.layout import REQUESTS_PREFIX
from etl.run import local_lake
from etl.upkeep.erase import Erasure
from localcloud.log_subscription import Follower, Shipper
from tests.etl.test_restore import captured  # noqa: F401  a fixture
from tests.roles import LAKE, OWNER
from tests.slices import examples
from todo_site.operations import request_trail
from todo_site.request_log_policy import POLICY
from web import logging, request_log


@pytest.fixture
def shipped(tmp_path):
    """Log requests to a file; a function that ships what is new to Bronze, as the local runner does."""
    shared_client.cache_clear()
    log_file = tmp_path / "web.log"
    handler = stdlib_logging.FileHandler(log_file)
    handler.setFormatter(logging.JsonFormatter())
    log = stdlib_logging.getLogger("todo_site.requests")
    log.addHandler(handler)
    log.setLevel(stdlib_logging.INFO)
    shipper = Shipper(
        Follower(log_file, tmp_path / "logs.json"), OWNER.client("firehose"), "todo-logs-stream"
    )
    yield shipper.round
    log.removeHandler(handler)
    log.setLevel(stdlib_logging.NOTSET)
    handler.close()


@pytest.fixture
def lake(tmp_path):
    return local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), tmp_path / "lake")


def bronze_requests():
    """Every row of `requests/`."""
    s3, bucket = OWNER.client("s3"), lake_config().bronze_bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=REQUESTS_PREFIX)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    return [row for body in bodies for row in pq.read_table(io.BytesIO(body)).to_pylist()]


def trail(task_id):
    out = io.StringIO()
    call_command("lake", "trail", task_id, stdout=out)
    return out.getvalue()


JSON = "application/json"


def test_the_trail_joins_changes_and_requests(api, alice, shipped, captured, lake):  # noqa: F811
    """API write -> its request in Bronze and its change in Bronze, with the same id; `lake trail` shows both."""
    caller, marks = api(alice), [uuid.uuid4().hex for _ in range(3)]

    def send(method, path, number, body=None):
        return getattr(caller, method)(path, body, JSON, headers={"x-request-id": marks[number]})

    task = send("post", "/api/v1/tasks", 0, {"title": "Water the plants", "priority": "low"}).json()
    path = f"/api/v1/tasks/{task['id']}"
    send("patch", path, 1, {"status": "completed"})
    send("delete", path, 2)
    captured()
    assert shipped() == 3
    lake.run()
    said = trail(task["id"])
    for number, (verb, status, kind) in enumerate(
        [("POST", 201, "created"), ("PATCH", 200, "changed"), ("DELETE", 204, "deleted")]
    ):
        assert f"version {number + 1}  {kind} by {alice.id}" in said
        (line,) = [line for line in said.splitlines() if f"request {marks[number]}" in line]
        assert f"{verb} api/v1/tasks" in line
        assert f"  {status}  " in line
        assert f"by {alice.id}" in line
    assert '{"body": {"title": "[16 characters]", "priority": "low"}}' in said
    assert '"body": {"status": "completed"}' in said
    assert f'"resource": {{"task_id": "{task["id"]}"}}' in said
    assert "Water" not in said
    by_request = trail(marks[1])  # which tasks it changed, and all that happened to them
    assert by_request.startswith(f"task {task['id']}\n")
    assert f"request {marks[2]}" in by_request


def test_a_task_that_the_lake_does_not_know(lake):
    with pytest.raises(CommandError, match="The lake has no task"):
        trail(str(uuid.uuid4()))


def test_an_erased_person_is_gone_from_the_requests(api, alice, bob, shipped, lake):
    for person in (alice, bob):
        api(person).post("/api/v1/tasks", {"title": "x"}, JSON)
    api(bob).get(f"/api/v1/users/{alice.id}")
    shipped()
    assert alice.id in json.dumps(bronze_requests())
    job = Erasure(lake_config(), OWNER.client("s3"), OWNER.client("glue"), alice.id, OWNER.client)
    assert any(f"/{REQUESTS_PREFIX}" in trace.url and trace.own for trace in job.traces())
    job.run()
    rows = json.dumps(bronze_requests())
    assert alice.id not in rows
    assert bob.id in rows
    assert job.traces() == []


# --- Nothing secret, wherever it is put -------------------------------------------------------------------------

SECRET = "hunter2-Zr9"
NAMES = st.sampled_from(
    sorted(
        {*POLICY.shown, "surprise", SECRET, f"x-{SECRET}"}.union(POLICY.measured, POLICY.never, POLICY.nested)
    )
)
LEAVES = st.sampled_from([SECRET, f"a {SECRET} b", f"{SECRET}=1", 4711, True, None, "2026-01-01", "pending"])
BODIES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
PATHS = st.sampled_from(
    [
        "/api/v1/tasks",
        "/api/v1/tasks/batch",
        "/api/v1/users",
        "/api/v1/tokens",
        f"/api/v1/tasks/{SECRET}",
        f"/api/v1/calendar/{SECRET}.ics",
        f"/api/v1/tasks?q={SECRET}&{SECRET}=1&status={SECRET}",
        f"/{SECRET}/",
        "/login/",
        f"/login/?next=/{SECRET}",
        "/account/security/",
        "/account/access/",
        "/account/",
        "/tasks/",
        "/sign-up/",
    ]
)
HEADERS = {
    "authorization": f"Bearer {SECRET}",
    "cookie": f"session={SECRET}; csrf={SECRET}",
    "x-api-key": SECRET,
    "user-agent": SECRET,
    "referer": f"https://example.com/{SECRET}",
    "if-match": f'"{SECRET}"',
    "idempotency-key": SECRET,
    "x-csrftoken": SECRET,
}


@pytest.mark.sliced
def test_no_secret_reaches_bronze(shipped, api, client_for, alice):
    people = [Client(), api(alice), client_for(alice)]
    for person in people:
        person.raise_request_exception = False

    @settings(max_examples=examples(60))
    @given(
        person=st.sampled_from(people),
        path=PATHS,
        body=BODIES,
        header=st.sampled_from(sorted(HEADERS)),
        content_type=st.sampled_from([JSON, "application/x-www-form-urlencoded", "text/csv"]),
    )
    def send(person, path, body, header, content_type):
        if content_type == JSON:
            raw = json.dumps(body)
        else:
            raw = f"password={SECRET}&{SECRET}=1&title={SECRET}&code=123456&status={SECRET}"
        person.generic("POST", path, raw, content_type, headers={header: HEADERS[header]})

    send()
    assert shipped() >= examples(60)
    kept = json.dumps(bronze_requests())
    assert "login" in kept
    for secret in (SECRET, "hunter2", "123456"):
        assert secret not in kept


def test_the_log_of_a_change_shortly_before_midnight_is_looked_for_on_the_next_day_too(monkeypatch):
    change = dict.fromkeys(
        ("changed_at", "updated_by", "entity_type", "event_name", "version", "user_bucket")
    )
    change |= {"event_time": "2026-02-28T23:45:00", "request_id": "r"}
    days = []

    def run(_sql, values):
        if len(values) > 1:
            days.append("-".join(values[:3]))
        return SimpleNamespace(rows=[change] if len(values) == 1 else [])

    monkeypatch.setattr(request_trail.athena, "run", run)
    assert len(request_trail.of_task("a")) == 1
    assert days == ["2026-02-28", "2026-03-01"]


def test_a_line_is_bounded():
    from django.test import RequestFactory

    wide = {
        "operations": [{"op": "create", "task": {"title": "x" * 900, "tags": ["y"] * 90}} for _ in range(25)]
    }
    for body in (wide, {"operations": [wide] * 20}, {"title": "x" * 70_000}, [[[[[[[]]]]]]] * 9):
        request = RequestFactory().post("/api/v1/tasks", body, JSON)
        assert request.body
        request.resolver_match = None
        assert len(json.dumps(request_log.metadata(request, {}))) < 10_000


def test_the_lists_of_the_policy_do_not_overlap():
    groups = [POLICY.shown.keys(), POLICY.measured, POLICY.never, POLICY.nested]
    assert sum(map(len, groups)) == len(set().union(*groups))
