"""Export and import, in the services"""

import contextlib
import csv
import io
import itertools
import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import text
from store.errors import IdempotencyMismatch, ValidationFailed
from store.paging import pages
from tasks import selectors, services
from tasks.transfer import exporting, importing
from tasks.transfer.rows import COLUMNS, TIMES

FULL = {
    "title": "=1+1",
    "description": 'two\nlines, and "quotes"\n  \'@x',
    "status": "in_progress",
    "priority": "urgent",
    "category": "+home",
    "tags": ["a,b", 'c "d"', "-e"],
    "due_date": "2026-12-01",
    "due_time": "09:30",
    "timezone": "Europe/Berlin",
    "checklist": [{"text": "one", "done": True}, {"text": "[x] two", "done": False}],
    "recurrence": "FREQ=WEEKLY;BYDAY=MO,TU",
    "repeat_from": "done",
}


def exported(user_id):
    """Yield the rows of an export, page by page."""
    found = pages(lambda cursor: selectors.list_tasks(user_id, limit=exporting.PAGE, cursor=cursor))
    return (exporting.row(task) for page in found for task in page.items)


def file_of(account, file_format):
    return "".join(exporting.export(account.id, file_format)).encode()


def titles(account):
    return [task.title for task in selectors.list_tasks(account.id, limit=100).items]


def essence(row):
    """Everything of a row that an import keeps."""
    checklist = [(entry["text"], entry["done"]) for entry in row["checklist"]]
    times = {name: row[name] for name in TIMES}
    return {name: row[name] for name in FULL} | {"checklist": checklist} | times


@pytest.fixture
def imported(ctx, alice):
    """Return a function that imports text for Alice and returns the report."""

    def run(text, *, account=alice, **kwargs):
        return importing.import_tasks(ctx(account), text.encode(), **kwargs)

    return run


# --- Export --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["json", "csv"])
def test_an_exported_file_can_be_imported(ctx, alice, bob, imported, file_format):
    past = datetime.now(UTC) - timedelta(days=40)
    services.create_task(ctx(alice, past), FULL)
    services.create_task(ctx(alice, past + timedelta(days=1)), {"title": "plain"})
    done = services.create_task(ctx(alice, past + timedelta(days=2)), FULL | {"title": "007"}).task
    services.update_task(ctx(alice, past + timedelta(days=3)), done.id, {"status": "completed"})
    report = imported(file_of(alice, file_format).decode(), account=bob)
    assert (report.format, report.created, report.invalid, report.remarks) == (file_format, 4, 0, 0)
    assert [essence(row) for row in exported(bob.id)] == [essence(row) for row in exported(alice.id)]


def test_the_export_is_read_page_by_page(ctx, alice, calls, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 2)
    for number in range(5):
        services.create_task(ctx(alice), {"title": f"{number}"})
    calls.clear()
    rows = exported(alice.id)
    assert [next(rows)["title"] for _ in range(2)] == ["4", "3"]
    assert calls.names == ["Query"]
    assert [row["title"] for row in rows] == ["2", "1", "0"]
    assert calls.names == ["Query"] * 3


def test_an_empty_export(alice):
    assert json.loads(file_of(alice, "json")) == []
    assert file_of(alice, "csv").decode() == "\ufeff" + ",".join(COLUMNS) + "\r\n"


def test_an_export_without_the_trash(ctx, alice):
    task = services.create_task(ctx(alice), {"title": "x"}).task
    services.delete_task(ctx(alice), task.id)
    assert list(exported(alice.id)) == []


def test_an_export_that_fails_is_not_complete(ctx, alice, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 1)
    for number in range(2):
        services.create_task(ctx(alice), {"title": f"{number}"})
    chunks = exporting.export(alice.id, "json")
    monkeypatch.setattr(selectors, "list_tasks", lambda *_, **__: 1 / 0)
    written = []
    with pytest.raises(ZeroDivisionError):
        written.extend(chunks)
    with pytest.raises(ValueError, match="Expecting"):
        json.loads("".join(written))


def test_no_cell_is_a_formula(ctx, alice):
    services.create_task(ctx(alice), FULL)
    (row,) = csv.DictReader(io.StringIO(file_of(alice, "csv").decode("utf-8-sig"), newline=""))
    assert row["title"] == "'=1+1"
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


def _is_stored(clean, given):
    try:
        return clean(given) == given != ""
    except text.TextRefused:
        return False


_line = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    partial(_is_stored, text.line)
)
_task = st.fixed_dictionaries(
    {"title": _line},
    optional={
        "description": st.text(
            st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=20
        ).filter(partial(_is_stored, text.prose)),
        "category": _line,
        "tags": st.lists(_line, max_size=3, unique=True),
        "checklist": st.lists(st.fixed_dictionaries({"text": _line, "done": st.booleans()}), max_size=3),
    },
)


@given(st.lists(_task, max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tasks_survive_csv(ctx, alice, bob, tasks):
    accounts = [type(account)(f"{uuid.uuid4()}", "", "", "") for account in (alice, bob)]
    there, back = accounts
    for task in tasks:
        services.create_task(ctx(there), task)
    report = importing.import_tasks(ctx(back), file_of(there, "csv"))
    assert (report.created, report.invalid) == (len(tasks), 0)
    assert [essence(row) for row in exported(back.id)] == [essence(row) for row in exported(there.id)]


# --- Import --------------------------------------------------------------------------------------------------


def test_rows_that_are_not_valid(imported, alice):
    report = imported(
        "title,due_date,due_time\nok,2026-12-01,\n,2026-12-01,\nbad,soon,\nx,,09:00\nlong,,,1\n"
    )
    assert (report.rows, report.created, report.invalid, report.remarks) == (5, 4, 1, 3)
    assert [
        (result.row, [error["field"] for error in result.errors], [note["field"] for note in result.notes])
        for result in report.results
    ] == [
        (2, [], []),
        (3, ["title"], []),
        (4, [], ["due_date"]),
        (5, [], ["due_time"]),
        (6, [], ["more cells"]),
    ]
    assert titles(alice) == ["ok", "bad", "x", "long"]
    assert [row["description"] for row in exported(alice.id)] == [
        None,
        "due_date: soon",
        "due_time: 09:00",
        "more cells: 1",
    ]


def test_a_corrected_file_adds_only_what_was_missing(imported, alice):
    imported("title,due_date\none,\n,2026-12-01\ntwo,\n")
    report = imported("title,due_date\none,\ntwo,2026-12-01\ntwo,\n")
    assert [result.status for result in report.results] == ["existing", "created", "existing"]
    assert Counter(titles(alice)) == {"one": 1, "two": 2}


def test_the_same_row_twice_is_two_tasks(imported, alice):
    for _ in range(2):
        imported("title\nmilk\nmilk\n")
    assert titles(alice) == ["milk", "milk"]


def test_a_dry_run_writes_nothing(imported, alice, calls):
    report = imported("title\none\n\n,\n", dry_run=True)
    assert calls.names == ["BatchGetItem"]
    assert (report.dry_run, report.created, report.results[0].task_id) == (True, 1, None)
    assert titles(alice) == []
    imported("title\none\n")
    assert imported("title\none\n", dry_run=True).existing == 1


def test_the_order_of_the_file_is_the_order_of_the_list(imported, alice):
    imported("title\n" + "".join(f"{number}\n" for number in range(30)))
    assert titles(alice) == [f"{number}" for number in range(30)]


def test_an_import_that_died_halfway(imported, alice, unreliable):
    text = "title\n" + "".join(f"{number}\n" for number in range(20))
    count = itertools.count()

    def die(call, arguments):
        if 7 <= next(count) < 27:
            raise KeyboardInterrupt
        return call(**arguments)

    unreliable("TransactWriteItems", die, times=99)
    with pytest.raises(KeyboardInterrupt):
        imported(text)
    assert len(titles(alice)) == 7
    count = itertools.count(27)
    report = imported(text)
    assert (report.created, report.existing) == (13, 7)
    assert sorted(titles(alice)) == sorted(f"{number}" for number in range(20))


def test_an_answer_that_was_lost(imported, alice, unreliable):
    from tests.dynamodb import answer_lost

    unreliable("TransactWriteItems", answer_lost, times=3)
    imported("title\none\ntwo\nthree\n")
    assert sorted(titles(alice)) == ["one", "three", "two"]


def test_what_is_exported_is_there_already(ctx, alice, imported):
    services.create_task(ctx(alice), FULL)
    for file_format in ("json", "csv"):
        report = imported(file_of(alice, file_format).decode())
        assert (report.created, report.existing) == (0, 1)
    assert len(titles(alice)) == 1


def test_what_was_deleted_can_be_imported_again(ctx, alice, imported):
    for _ in range(3):
        report = imported("title\none\ntwo\n")
        assert report.created == 2
        for result in report.results:
            services.delete_task(ctx(alice), result.task_id)
    imported("title\none\ntwo\n")
    assert imported("title\none\ntwo\n").existing == 2
    assert titles(alice) == ["one", "two"]


def test_a_key_makes_it_the_same_import_or_another(imported, alice):
    first = imported("title\none\n", key="a")
    again = imported("title\none\n", key="a")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.results == first.results
    assert imported("title\none\n", key="b").created == 1
    assert titles(alice) == ["one", "one"]
    with pytest.raises(IdempotencyMismatch):
        imported("title\nother\n", key="a")


def test_a_key_of_another_file_writes_nothing_of_it(imported, alice):
    imported("title,due_date\n,soon\none,\n", key="a")
    with pytest.raises(IdempotencyMismatch):
        imported("title,due_date\ngood,\none,\n", key="a")
    assert titles(alice) == ["one"]


def test_another_persons_ids_do_not_count(ctx, alice, bob, imported):
    services.create_task(ctx(alice), {"title": "x"})
    report = imported(file_of(alice, "json").decode(), account=bob)
    assert report.created == 1
    assert report.results[0].task_id not in {row["id"] for row in exported(alice.id)}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe\x00", "encoding"),
        (b"[1,", "json"),
        (b'{"a": 1}', "json"),
        (b"[" * 500, "json"),
        (b"name\nx\n", "columns"),
        (b"title,colour\nx,red\n", "columns"),
        (b"title,title\nx,y\n", "columns"),
        (b'title\n"x\n', "csv"),
        (b'title\n"x"y\n', "csv"),
        (b"title\n" + b"x\n" * 1001, "too_many"),
        (json.dumps([{}] * 1001).encode(), "too_many"),
    ],
)
def test_files_that_cannot_be_read(ctx, alice, calls, content, code):
    with pytest.raises(ValidationFailed) as failure:
        importing.import_tasks(ctx(alice), content)
    assert [(error["field"], error["code"]) for error in failure.value.errors] == [("file", code)]
    assert not calls


@given(st.binary(max_size=60) | st.text('[]{}",;\n\ttitleTYPECONTENT', max_size=60).map(str.encode))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused(ctx, alice, content):
    with contextlib.suppress(ValidationFailed):
        report = importing.import_tasks(ctx(alice), content, dry_run=True)
        assert report.rows == report.created + report.existing + report.invalid


def test_what_spreadsheets_make_of_csv(imported, alice):
    report = imported('\ufeffTitle;Due Date;Tags\r\n"one; two";2026-12-01;"a, b"\r\n;;\r\n')
    assert (report.rows, report.created) == (1, 1)
    (row,) = exported(alice.id)
    assert (row["title"], row["due_date"], row["tags"]) == ("one; two", "2026-12-01", ["a", "b"])


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ('Title,Due Date,Due Time\r\n"a;b",12/25/2026,9:30 AM\r\n', "utf-8-sig"),
        ('Title;Due Date;Due Time\r\n"a;b";25.12.2026;09:30:00\r\n', "utf-8-sig"),
        ('sep=;\r\nTitle;Due Date;Due Time\r\n"a;b";2026-12-25 00:00:00;9:30\r\n', "utf-8"),
        ('Title\tDue Date\tDue Time\r\n"a;b"\t25/12/2026\t09:30\r\n', "utf-16"),
        ('Title\tDue Date\tDue Time\r"a;b"\t2026/12/25\t9:30\r', "utf-16"),
    ],
)
def test_what_excel_saves(ctx, alice, content, encoding):
    report = importing.import_tasks(ctx(alice), content.encode(encoding))
    assert (report.format, report.created, report.remarks) == ("csv", 1, 0)
    (row,) = exported(alice.id)
    assert (row["title"], row["due_date"], row["due_time"]) == ("a;b", "2026-12-25", "09:30")


def test_a_date_that_may_be_two_is_kept_as_words(imported, alice):
    report = imported("title,due_date\nx,12/01/2026\n")
    assert [note["field"] for note in report.results[0].notes] == ["due_date"]
    (row,) = exported(alice.id)
    assert (row["due_date"], row["description"]) == (None, "due_date: 12/01/2026")


def test_json_with_what_is_no_task(imported):
    report = imported('[1, {"title": "ok", "tags": null, "id": 7}, {"title": "x", "colour": "red"}]')
    assert [(result.row, result.status) for result in report.results] == [
        (1, "invalid"),
        (2, "created"),
        (3, "created"),
    ]
    assert [note["field"] for note in report.results[2].notes] == ["colour"]


def test_each_row_is_one_write(imported, calls):
    imported("title\n" + "".join(f"{number}\n" for number in range(10)))
    assert calls.names == ["BatchGetItem"] + ["TransactWriteItems"] * 10
