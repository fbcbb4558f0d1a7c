"""/api/v1/imports: files of any size, imported piece by piece"""

import itertools
import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from store.reading import get
from tasks import selectors, services
from tasks.transfer import exporting, import_jobs, reading, todoist
from tests.api.client import assert_problem

IMPORTS = "/api/v1/imports"
TASK = {
    "title": "007",
    "description": "x;=HYPERLINK()\n- one\n- two",
    "status": "completed",
    "tags": ["a,b", "-c"],
    "checklist": [{"text": "one", "done": True}],
    "due_date": "2026-12-01",
    "recurrence": "FREQ=WEEKLY",
    "repeat_from": "done",
}


def send(api, job, content, offset=None, size=None):
    offset = job["offset"] if offset is None else offset
    piece = content[offset : offset + (job["wanted"] if size is None else size)]
    return api.client.post(
        f"{IMPORTS}/{job['id']}/continue?offset={offset}", piece, content_type="application/octet-stream"
    )


def begin(api, content, **given):
    answer = api("POST", IMPORTS, {"bytes": len(content), **given})
    assert answer.status_code == 202
    return answer.json()


def patient(call):
    """Call again when the machine was too busy to answer in time, as clients should."""
    while (answer := call()).status_code in {409, 503}:
        time.sleep(1)
    return answer.json()


def finish(api, content, job=None, **given):
    """Send pieces until it is done; return the job and the offsets it went on from."""
    job, offsets = job or begin(api, content, **given), []
    for _ in range(500):
        if job["status"] != "running":
            return job, offsets
        offsets.append(job["offset"])
        job = patient(lambda job=job: send(api, job, content))
    raise AssertionError(job)


def results(api, job):
    pages = range(1, job["result_pages"] + 1)
    return [row for page in pages for row in api("GET", f"{IMPORTS}/{job['id']}/results?page={page}").json()]


def kept(account, limit=100):
    names = (*TASK, "created_at", "completed_at")
    rows = map(exporting.row, selectors.list_tasks(account.id, limit=limit).items)
    rows = [{name: row[name] for name in names} for row in rows]
    return [
        row | {"checklist": [(entry["text"], entry["done"]) for entry in row["checklist"]]} for row in rows
    ]


def exported(account, file_format):
    return "".join(exporting.export(account.id, file_format)).encode()


@pytest.fixture
def small_pieces(monkeypatch):
    """Let a piece have half a row or two rows."""
    monkeypatch.setattr(import_jobs, "PIECE", 700)
    monkeypatch.setattr(import_jobs, "STEP_ROWS", 2)


@pytest.mark.parametrize("file_format", ["json", "csv"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_export_is_restored_as_it_is(ctx, as_bob, alice, bob, small_pieces, file_format, encoding):
    past = datetime.now(UTC) - timedelta(days=40)
    for number in range(5):
        services.create_task(ctx(alice, past + timedelta(days=number)), TASK | {"title": f"{number}"})
    content = exported(alice, file_format)
    if encoding == "utf-16":
        content = content.decode("utf-8-sig").encode("utf-16")
    job, offsets = finish(as_bob, content)
    assert (job["status"], job["format"], job["created"], job["rows"]) == ("done", file_format, 5, 5)
    assert (job["offset"], job["errors"], results(as_bob, job)) == (len(content), [], [])
    assert len(offsets) >= 3
    assert kept(bob) == kept(alice)
    assert as_bob("GET", f"{IMPORTS}/{job['id']}").json() == job
    assert as_bob("GET", IMPORTS).json() == [job]
    # The same file again, as another import: everything is there.
    again, _ = finish(as_bob, content)
    assert (again["created"], again["existing"]) == (0, 5)


def test_a_dry_run_writes_nothing(as_alice, alice, small_pieces):
    content = b"title,due_date\none,\ntwo,soon\n,soon\nthree,\n"
    job, _ = finish(as_alice, content, dry_run=True)
    assert (job["rows"], job["created"], job["invalid"], job["remarks"]) == (4, 3, 1, 1)
    assert kept(alice) == []
    real, _ = finish(as_alice, content)
    names = ("rows", "created", "existing", "invalid", "remarks", "errors", "format")
    assert [real[name] for name in names] == [job[name] for name in names]
    ours, theirs = ([row | {"task_id": None} for row in results(as_alice, each)] for each in (job, real))
    assert ours == theirs


def test_the_first_row_becomes_the_newest_task(as_alice, alice, small_pieces):
    finish(as_alice, ("title\n" + "".join(f"{number}\n" for number in range(30))).encode())
    assert [row["title"] for row in kept(alice)] == [f"{number}" for number in range(30)]


def test_every_row_that_is_not_as_the_file_has_it_is_listed(as_alice, monkeypatch):
    monkeypatch.setattr(import_jobs, "PAGE_ROWS", 2)
    job, _ = finish(as_alice, b"title,priority\n" + b"x,hgih\n" * 5 + b"y,high\n,low\n")
    assert (job["result_pages"], job["remarks"], job["invalid"]) == (3, 5, 1)
    rows = results(as_alice, job)
    assert [(row["row"], row["status"]) for row in rows] == [
        *((number, "created") for number in range(2, 7)),
        (8, "invalid"),
    ]
    assert rows[0]["notes"][0]["field"] == "priority"
    assert "hgih" in rows[0]["notes"][0]["message"]


def test_a_request_that_dies_halfway_doubles_nothing(as_alice, alice, monkeypatch, unreliable):
    content = ("title\n" + "".join(f"{number}\n" for number in range(20))).encode()
    job, count = begin(as_alice, content), itertools.count()

    def die(call, arguments):
        if 7 <= next(count) < 27:
            raise KeyboardInterrupt
        return call(**arguments)

    unreliable("TransactWriteItems", die, times=99)
    with pytest.raises(KeyboardInterrupt):
        send(as_alice, job, content)
    assert assert_problem(send(as_alice, job, content), 409)["type"].endswith("import-busy")
    item = get(import_jobs.ImportItem, import_jobs.import_key(alice.id, job["id"]))
    item.claimed_until = 0
    item.save()
    count = itertools.count(27)
    job, _ = finish(as_alice, content, job)
    assert (job["created"], job["existing"]) == (20, 0)
    assert sorted(row["title"] for row in kept(alice)) == sorted(f"{number}" for number in range(20))


def test_a_piece_sent_again_changes_nothing(as_alice, alice, small_pieces):
    content = b"title\none\ntwo\nthree\nfour\n"
    job = begin(as_alice, content)
    first = send(as_alice, job, content).json()
    assert send(as_alice, job, content, offset=0, size=700).json() == first
    assert send(as_alice, job, content, offset=first["offset"] + 1, size=9).json() == first
    finish(as_alice, content, first)
    assert [row["title"] for row in kept(alice)] == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    ("content", "created", "code"),
    [
        (b"title,colour\nx,red\n", 0, "columns"),
        (b'[{"title": "x"}, {"title": ]', 1, "json"),
        (b'[{"title": "x"} {"title": "y"}]', 1, "json"),
        (b'[{"title": "x"}] more', 1, "json"),
        (b'[{"title": NaN}]', 0, "json"),
        (b'[{"title": "\\ud800"}]', 0, "json"),
        (b"[" * 5000, 0, "json"),
        (b'title\nx\n"y\n', 1, "csv"),
        (b"title\nx\n\xff\xff\n", 0, "encoding"),
        (b"   \n", 0, "empty"),
    ],
)
def test_files_that_cannot_be_read_to_the_end(as_alice, monkeypatch, content, created, code):
    monkeypatch.setattr(import_jobs, "STEP_ROWS", 1)
    job, _ = finish(as_alice, content)
    assert (job["status"], job["created"]) == ("failed", created)
    assert [(error["field"], error["code"]) for error in job["errors"]] == [("file", code)]


@pytest.mark.parametrize("file_format", ["json", "csv"])
def test_a_row_longer_than_a_piece(as_alice, alice, monkeypatch, file_format):
    monkeypatch.setattr(import_jobs, "PIECE", 1000)
    monkeypatch.setattr(import_jobs, "PIECE_MAX", 4000)
    rows = {size: {"title": "x", "description": "y" * size} for size in (3000, 6000)}
    for size, row in rows.items():
        content = json.dumps([row, {"title": "z"}]).encode()
        if file_format == "csv":
            content = f"title,description\nx,{row['description']}\nz,\n".encode()
        job, _ = finish(as_alice, content)
        assert job["status"] == ("done" if size == 3000 else "failed")
        assert [error["code"] for error in job["errors"]] == ([] if size == 3000 else ["too_long"])


def test_a_todoist_template_in_one_piece(as_alice, alice):
    content = b"TYPE,CONTENT,PRIORITY,INDENT,DATE\ntask,Plant,1,1,some day\ntask,Dig,4,2,\n"
    job, _ = finish(as_alice, content)
    assert (job["status"], job["format"], job["created"], job["remarks"]) == ("done", "todoist", 1, 1)


TODOIST = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,DATE\n"


def a_template(sections):
    """A template whose rows belong to each other in every way."""
    rows = [
        f"section,Section {number},,,,\nmeta,view_style=list,,,,\n"
        f"task,Plant {number} @tree,,1,1,2026-12-01\nnote,Ash,,,,\nnote,Oak,,,,\n"
        f"task,Dig,,4,2,\ntask,Water it,,4,3,\ntask,Look after it,often,3,2,2026-12-02\n"
        f"task,Rest,,4,1,\n,,,,,\nnote,well,,,,\n"
        for number in range(sections)
    ]
    return (TODOIST + "".join(rows)).encode()


def test_a_todoist_template_of_any_size_is_read_as_one_piece_would_be(
    as_alice, as_bob, alice, bob, small_pieces
):
    content = a_template(4)
    assert as_bob.client.post("/api/v1/import", content, content_type="text/csv").json()["created"] == 12
    job, offsets = finish(as_alice, content)
    assert (job["status"], job["format"], job["rows"], job["created"]) == ("done", "todoist", 12, 12)
    assert len(offsets) > 4
    times = ("created_at", "completed_at")
    (here, there) = (
        [{name: value for name, value in row.items() if name not in times} for row in kept(account)]
        for account in (alice, bob)
    )
    assert here == there
    assert here[0]["description"] == "Ash\n\nOak"
    assert here[0]["checklist"] == [("Dig", False), ("Water it", False)]
    again, _ = finish(as_alice, content)
    assert (again["created"], again["existing"]) == (0, 12)


def test_the_dates_of_a_todoist_template_may_take_more_steps_than_one_request_has(
    as_alice, alice, monkeypatch
):
    monkeypatch.setattr(todoist, "MAX_STEPS", 1000)
    rows = [f"task,{number},,4,1,every 3rd friday of {month}\n" for number in range(6) for month in ("may",)]
    job, offsets = finish(as_alice, (TODOIST + "".join(rows)).encode())
    assert (job["status"], job["created"], job["errors"]) == ("done", 6, [])
    assert len(offsets) > 1
    monkeypatch.setattr(todoist, "MAX_STEPS", 10)
    job, _ = finish(as_alice, (TODOIST + rows[0]).encode())
    assert [error["code"] for error in job["errors"]] == ["too_costly"]


def test_a_todoist_task_with_more_sub_tasks_than_a_request_creates(as_alice, alice, monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 3)
    tree = "task,Tree,,4,1,\n" + "task,Leaf,green,4,2,\n" * 3
    job, _ = finish(as_alice, (TODOIST + "task,Bush,,4,1,\n" + tree).encode())
    assert (job["status"], job["created"]) == ("failed", 1)
    assert job["errors"][0]["code"] == "too_many"
    assert [row["title"] for row in kept(alice)] == ["Bush"]


def test_others_and_yesterdays_are_not_there(as_alice, as_bob, monkeypatch):
    job = begin(as_alice, b"title\nx\n")
    assert as_bob("GET", IMPORTS).json() == []
    for path in ("", "/results"):
        assert_problem(as_bob("GET", f"{IMPORTS}/{job['id']}{path}"), 404)
    assert_problem(send(as_bob, job, b"title\nx\n"), 404)
    monkeypatch.setattr(import_jobs, "KEPT_SECONDS", 0)
    assert_problem(as_alice("GET", f"{IMPORTS}/{begin(as_alice, b'x')['id']}"), 404)


def test_refusals(as_alice, monkeypatch):
    for body in ({}, {"bytes": 0}, {"bytes": "1"}, {"bytes": 2**40}, {"bytes": 1, "dry_run": "no"}):
        assert_problem(as_alice("POST", IMPORTS, body), 422)
    job = begin(as_alice, b"title\nx\n")
    path = f"{IMPORTS}/{job['id']}/continue"
    assert_problem(as_alice.client.post(f"{path}?offset=0", b"", content_type="text/csv"), 400)
    assert_problem(as_alice.client.post(f"{path}?offset=x", b"t", content_type="text/csv"), 422)
    assert_problem(as_alice.client.post(path, b"t", content_type="text/csv"), 422)
    assert_problem(as_alice.client.post(f"{path}?offset=0", b"t", content_type="image/png"), 415)
    assert_problem(as_alice.client.post(f"{path}?offset=0", b"t" * 2**21, content_type="text/csv"), 413)
    monkeypatch.setattr(import_jobs, "MAX_JOBS", 1)
    assert assert_problem(as_alice("POST", IMPORTS, {"bytes": 1}), 409)["type"].endswith("too-many-imports")


def test_started_once_for_a_key(as_alice):
    first, again = (as_alice("POST", IMPORTS, {"bytes": 8}, Idempotency_Key="k") for _ in range(2))
    assert (again.status_code, again.json()) == (202, first.json())
    assert first["Location"] == f"{IMPORTS}/{first.json()['id']}"


@pytest.mark.long
@pytest.mark.parametrize("file_format", ["json", "csv"])
def test_ten_thousand_tasks_go_down_and_up_in_one_file(as_alice, as_bob, alice, bob, settings, file_format):
    settings.RATE_LIMIT_PER_MINUTE = 10**6
    past = datetime(2026, 3, 1, tzinfo=UTC)
    tasks = [
        TASK
        | {"title": f"Task {number}", "description": "x" * 300}
        | {name: (past + timedelta(minutes=number)).isoformat() for name in ("created_at", "completed_at")}
        for number in range(10_000)
    ]
    made, _ = finish(as_alice, json.dumps(tasks).encode())
    assert (made["created"], made["remarks"]) == (10_000, 0)
    export = as_alice("POST", "/api/v1/exports", {"format": file_format}).json()
    while export["status"] == "running":
        path = f"/api/v1/exports/{export['id']}/continue"
        export = patient(lambda path=path: as_alice("POST", path))
    with urllib.request.urlopen(export["url"]) as answer:
        content = answer.read()
    job, offsets = finish(as_bob, content)
    assert (job["status"], job["created"], job["invalid"], job["remarks"]) == ("done", 10_000, 0, 0)
    assert len(offsets) >= 40
    assert exported_again(bob) == exported_again(alice)


def exported_again(account):
    """Return what a second export has of each task, without what is new in a copy."""
    rows = json.loads(b"".join(map(str.encode, exporting.export(account.id, "json"))))
    for row in rows:
        for name in ("id", "user_id", "updated_at"):
            del row[name]
        for entry in row["checklist"]:
            del entry["id"]
    return rows
