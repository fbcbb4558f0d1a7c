"""Rows of which not every field can be used: the task is created, and nothing that the file said is lost."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.request_context import timestamp
from tasks import selectors
from tasks.fields import EDITABLE
from tasks.transfer import exporting, importing

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
MANY = 200
PAST = "2026-03-01T09:30:00.000001Z"


@pytest.fixture
def imported(ctx, alice):
    """Return a function that imports one task as JSON; it returns the row of the report and of the export."""

    def run(**fields):
        report = importing.import_tasks(ctx(alice, NOW), json.dumps([fields]).encode(), dry_run=False)
        (result,) = report.results
        (task,) = selectors.list_tasks(alice.id, limit=5).items
        return result, exporting.row(task)

    return run


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("due_date", "12/01/2026", "12/01/2026"),
        ("due_date", "2026-02-30", "2026-02-30"),
        ("due_date", 20261201, "20261201"),
        ("due_time", "09:30", "09:30"),
        ("timezone", "Mars/City", "Mars/City"),
        ("priority", "hgih", "hgih"),
        ("status", ["done"], '["done"]'),
        ("recurrence", "every blue moon", "every blue moon"),
        ("recurrence", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"),
        ("repeat_from", "done", "done"),
        ("category", "x" * 51, "x" * 51),
        ("tags", "not a list", "not a list"),
        ("tags", ["a", "y" * 51], "y" * 51),
        ("tags", [f"t{number}" for number in range(22)], "t20, t21"),
        ("checklist", [{"text": "a"}, {"text": "z" * 201}, {"text": "b", "done": True}], "z" * 201),
        ("checklist", [{"text": f"{number}"} for number in range(101)], "100"),
        ("colour", "red", "red"),
        ("colour", {"deep": [1, None]}, '{"deep":[1,null]}'),
        ("created_at", "long ago", "long ago"),
        ("created_at", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("created_at", "2026-11-30T12:00:01Z", "2026-11-30T12:00:01Z"),
        ("created_at", "2026-03-01T09:30:00", "2026-03-01T09:30:00"),
        ("created_at", 5, "5"),
        ("completed_at", PAST, PAST),
    ],
)
def test_a_field_that_cannot_be_used_becomes_words(imported, name, value, words):
    result, row = imported(title="x", description="Two bottles", **{name: value})
    assert (result.status, result.errors) == ("created", [])
    assert [note["field"] for note in result.notes] == [name]
    assert words[:100] in result.notes[0]["message"]
    assert row["description"] == f"Two bottles\n\n{name}: {words}"
    assert row["created_at"] == timestamp(NOW)


def test_the_others_are_kept(imported):
    result, row = imported(
        title="x", status="done", priority="high", due_date="soon", due_time="09:30", tags=["a", 5, "b"]
    )
    assert (row["status"], row["priority"], row["tags"], row["due_time"]) == (
        "pending",
        "high",
        ["a", "b"],
        None,
    )
    assert {note["field"] for note in result.notes} == {"status", "due_date", "due_time", "tags"}
    assert set(row["description"].split("\n\n")) == {
        "status: done",
        "due_date: soon",
        "due_time: 09:30",
        "tags: 5",
    }


@pytest.mark.parametrize(
    ("given", "title", "description"),
    [
        ({"title": "x" * 201}, f"{'x' * 199}…", f"title: {'x' * 201}"),
        ({"title": "one\ntwo"}, "one two", "title: one\ntwo"),
        ({"title": 7}, "7", "title: 7"),
        ({"description": "Buy milk\nand bread"}, "Buy milk", "Buy milk\nand bread"),
        ({"title": " ", "description": "\n  Buy milk"}, "Buy milk", "\n  Buy milk"),
        ({"title": None, "description": "y" * 300}, f"{'y' * 199}…", "y" * 300),
    ],
)
def test_a_title_is_found(imported, given, title, description):
    result, row = imported(**given)
    assert (result.status, [note["field"] for note in result.notes]) == ("created", ["title"])
    assert (row["title"], row["description"]) == (title, description)


def test_a_row_without_words_is_refused(ctx, alice):
    report = importing.import_tasks(ctx(alice, NOW), b'[{"title": " ", "due_date": "soon"}, {}, 5]')
    fields = [{error["field"] for error in result.errors} for result in report.results]
    assert (report.invalid, fields) == (3, [{"title", "due_date"}, {"title"}, {""}])
    assert selectors.list_tasks(alice.id).items == []


def test_a_description_that_is_too_long_is_cut_and_told(imported):
    result, row = imported(title="x", description="y" * 10_001, priority="hgih")
    assert row["description"] == "y" * 10_000
    assert {note["field"] for note in result.notes} == {"description", "priority"}
    assert any("hgih" in note["message"] and "no room" in note["message"] for note in result.notes)


def test_many_fields_that_do_not_exist(imported):
    result, row = imported(title="x", **{f"n{number}": number for number in range(MANY)})
    assert len(result.notes) == importing.NOTES_MAX
    assert "n0: 0" in row["description"]
    assert f"n{MANY - 1}" in row["description"]
    assert len(row["description"]) < 10_000


@pytest.mark.parametrize(
    ("given", "created", "completed"),
    [
        ({"created_at": "2026-03-01T10:30:00.000001+01:00"}, PAST, None),
        ({"created_at": PAST, "status": "completed", "completed_at": PAST}, PAST, PAST),
        ({"created_at": PAST, "status": "completed"}, PAST, timestamp(NOW)),
        ({"status": "completed", "completed_at": PAST}, PAST, PAST),
        ({"created_at": timestamp(NOW)}, timestamp(NOW), None),
    ],
)
def test_times_are_restored(imported, given, created, completed):
    result, row = imported(title="x", **given)
    assert (row["created_at"], row["completed_at"], result.notes) == (created, completed, [])
    assert row["updated_at"] == timestamp(NOW)


def test_a_task_is_not_completed_before_it_is_created(imported):
    before = timestamp(datetime.fromisoformat(PAST) - timedelta(days=1))
    result, row = imported(title="x", status="completed", created_at=PAST, completed_at=before)
    assert (row["created_at"], row["completed_at"]) == (PAST, timestamp(NOW))
    assert [note["field"] for note in result.notes] == ["completed_at"]


def test_a_dry_run_says_the_same_for_one_read_of_the_profile(ctx, alice, calls):
    rows = [{"title": f"{number}", "recurrence": "FREQ=WEEKLY", "priority": "hgih"} for number in range(30)]
    content = json.dumps(rows).encode()
    calls.clear()
    tried = importing.import_tasks(ctx(alice), content, dry_run=True)
    assert calls == {"GetItem": 1, "BatchGetItem": 1}
    calls.clear()
    real = importing.import_tasks(ctx(alice), content)
    assert [(r.row, r.status, r.errors, r.notes) for r in tried.results] == [
        (r.row, r.status, r.errors, r.notes) for r in real.results
    ]
    assert calls == {"GetItem": 1, "BatchGetItem": 1, "TransactWriteItems": 30}


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.just(PAST),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_names = st.sampled_from([*EDITABLE, "created_at", "completed_at", "id", "colour"])


@given(st.dictionaries(_names, _anything, max_size=8), st.text(max_size=20))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_row_with_a_title_is_never_refused(ctx, alice, fields, end):
    content = json.dumps([fields | {"title": f"x{end}"}]).encode()
    report = importing.import_tasks(ctx(alice, NOW), content, dry_run=True)
    assert (report.created, report.invalid) == (1, 0)
