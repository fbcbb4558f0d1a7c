"""GET /api/v1/export and POST /api/v1/import"""

import csv
import io
import json

from django.test import Client

from tasks import selectors
from tasks.transfer import exporting
from tests.api.client import TASKS, assert_problem

EXPORT, IMPORT = "/api/v1/export", "/api/v1/import"
CSV = "title,due_date,tags\nWater the plants,2026-12-01,home\n,soon,\n"


def send(api, text, path=IMPORT, media_type="text/csv", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.post(path, text.encode(), content_type=media_type, headers=named)


def test_exports_and_imports_a_file(as_alice, as_bob):
    as_alice.create(title="=SUM(A1)", tags=["a"], checklist=[{"text": "one"}])
    as_alice.create(title="second")
    answer = as_alice("GET", EXPORT)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer["Content-Disposition"].startswith('attachment; filename="tasks-')
    text = answer.content.decode()
    assert json.loads(text) == as_alice("GET", TASKS).json()

    answer = as_alice("GET", f"{EXPORT}?format=csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    sheet = answer.content.decode("utf-8-sig")
    assert [row["title"] for row in csv.DictReader(io.StringIO(sheet))] == ["second", "'=SUM(A1)"]

    for body, media_type in ((text, "application/json"), (sheet, "text/csv")):
        report = send(as_bob, body, media_type=media_type).json()
        assert (report["created"], report["rows"]) == (2, 2)
    assert sorted(task["title"] for task in as_bob("GET", TASKS).json()) == [
        "=SUM(A1)",
        "=SUM(A1)",
        "second",
        "second",
    ]


def test_an_export_that_fails_is_no_file(as_alice, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 1)
    for _ in range(2):
        as_alice.create()
    read = selectors.list_tasks

    def fail_on_the_second_page(user_id, *, limit, cursor):
        return 1 / 0 if cursor else read(user_id, limit=limit)

    monkeypatch.setattr(selectors, "list_tasks", fail_on_the_second_page)
    as_alice.client.raise_request_exception = False
    assert_problem(as_alice("GET", EXPORT), 500)


def test_the_head_of_an_export(as_alice):
    answer = as_alice("HEAD", EXPORT)
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "application/json", b"")


def test_import(as_alice):
    answer = send(as_alice, CSV)
    assert answer.status_code == 200
    report = answer.json()
    (task,) = as_alice("GET", TASKS).json()
    assert report == {
        "format": "csv",
        "dry_run": False,
        "rows": 2,
        "created": 1,
        "existing": 0,
        "invalid": 1,
        "remarks": 0,
        "results": [
            {"row": 2, "status": "created", "task_id": task["id"], "errors": [], "notes": []},
            {
                "row": 3,
                "status": "invalid",
                "task_id": None,
                "errors": report["results"][1]["errors"],
                "notes": [],
            },
        ],
    }
    assert {error["field"] for error in report["results"][1]["errors"]} == {"title", "due_date"}
    assert send(as_alice, CSV).json()["existing"] == 1


def test_dry_run(as_alice):
    assert send(as_alice, CSV, f"{IMPORT}?dry_run=true", Idempotency_Key="k").json()["created"] == 1
    assert as_alice("GET", TASKS).json() == []
    assert send(as_alice, CSV, f"{IMPORT}?dry_run=false", Idempotency_Key="k").json()["dry_run"] is False


def test_idempotency_key(as_alice, unreliable):
    first, again = (send(as_alice, CSV, Idempotency_Key="k") for _ in range(2))
    assert (again.status_code, again.content) == (200, first.content)
    assert again["Idempotency-Replayed"] == "true"
    assert send(as_alice, CSV, Idempotency_Key="other").json()["created"] == 1
    assert len(as_alice("GET", TASKS).json()) == 2
    assert_problem(send(as_alice, "title\ny\n", Idempotency_Key="k"), 422)
    as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="task")
    assert_problem(send(as_alice, CSV, Idempotency_Key="task"), 422)


def test_an_answer_too_long_to_keep_is_the_same_again(as_alice, monkeypatch):
    monkeypatch.setattr("tasks.transfer.importing.REPLY_MAX", 10)
    first, again = (send(as_alice, CSV, Idempotency_Key="k") for _ in range(2))
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"


def test_refusals(as_alice):
    assert_problem(send(as_alice, ""), 400)
    assert_problem(send(as_alice, CSV, media_type="multipart/form-data; boundary=x"), 415)
    assert_problem(send(as_alice, "title\nx\n", media_type="application/json"), 400)
    assert_problem(send(as_alice, "colour\nred\n"), 422, fields={"file"})
    assert_problem(send(as_alice, CSV, f"{IMPORT}?dry_run=yes"), 422, fields={"dry_run"})
    assert_problem(as_alice("GET", f"{EXPORT}?format=xml"), 422, fields={"format"})
    assert_problem(send(as_alice, "title\n" + "x" * 1024 * 1024), 413)


def test_a_token_that_reads_exports_but_does_not_import(as_alice):
    made = as_alice("POST", "/api/v1/tokens", {"name": "x"}).json()
    script = Client(headers={"authorization": f"Bearer {made['token']}"})
    assert script.get(EXPORT).status_code == 200
    assert_problem(script.post(IMPORT, CSV, content_type="text/csv"), 403)


def test_nobody(client):
    assert_problem(client.get(EXPORT), 401)
    assert_problem(client.post(IMPORT, CSV, content_type="text/csv"), 401)
