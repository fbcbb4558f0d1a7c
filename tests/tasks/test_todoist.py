"""Todoist's CSV template, in the services"""

from datetime import UTC, datetime

import pytest

from tasks import selectors
from tasks.transfer import exporting, importing

NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)  # a Sunday
HEADER = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\n"


def exported(user_id):
    return (exporting.row(task) for task in selectors.list_tasks(user_id, limit=100).items)


@pytest.fixture
def imported(ctx, alice):
    """Return a function that imports a template for Alice and returns the report."""

    def run(text):
        return importing.import_tasks(ctx(alice, NOW), text.encode())

    return run


def task_of(account):
    (row,) = exported(account.id)
    return row


def test_imports_a_template(imported, alice):
    report = imported(
        "TYPE,CONTENT,DESCRIPTION,IS_COLLAPSED,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE,"
        "DURATION,DURATION_UNIT,DEADLINE,DEADLINE_LANG\n"
        "meta,view_style=list,,,,,,,,,,,,,\n"
        "task,Buy *milk* @shop @home,Two bottles,,1,1,Ada (1),,2026-12-01,en,Europe/Berlin,,None,,\n"
        "note,The fresh one,,,,,Ada (1),,,,,,,,\n"
        ",,,,,,,,,,,,,,\n"
        "section,Garden,,,,,,,,,,,,,\n"
        "task,Plant the tree,,,4,1,Ada (1),,every monday at 9:30,en,Europe/Berlin,,None,,\n"
        "task,Dig a hole,,,4,2,Ada (1),,,en,Europe/Berlin,,None,,\n"
        "task,Water it,,,4,3,Ada (1),,,en,Europe/Berlin,,None,,\n"
        "task,Look after it,,,3,2,Ada (1),,in 2 weeks,en,Europe/Berlin,,None,,\n"
    )
    assert (report.format, report.rows, report.created, report.invalid) == ("todoist", 3, 3, 0)
    assert [result.row for result in report.results] == [3, 7, 10]
    milk, tree, look = exported(alice.id)
    assert milk["title"] == "Buy *milk*"
    assert milk["tags"] == ["shop", "home"]
    assert milk["description"] == "Two bottles\n\nThe fresh one"
    assert (milk["priority"], milk["due_date"], milk["due_time"]) == ("urgent", "2026-12-01", None)
    assert milk["category"] is None

    assert (tree["category"], tree["priority"], tree["recurrence"]) == (
        "Garden",
        "low",
        "FREQ=WEEKLY;BYDAY=MO",
    )
    assert (tree["due_date"], tree["due_time"], tree["timezone"]) == ("2026-11-23", "09:30", "Europe/Berlin")
    assert [entry["text"] for entry in tree["checklist"]] == ["Dig a hole", "Water it"]
    assert (look["category"], look["priority"], look["due_date"]) == ("Garden", "medium", "2026-12-06")


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("2027-01-05", "", {"due_date": "2027-01-05"}),
        ("2027-01-05 10:00", "en", {"due_date": "2027-01-05", "due_time": "10:00"}),
        (
            "2027-01-05T10:00:00Z",
            "en",
            {"due_date": "2027-01-05", "due_time": "10:00", "timezone": "UTC"},
        ),
        ("tomorrow", "en", {"due_date": "2026-11-23"}),
        ("31 May", "en", {"due_date": "2027-05-31"}),
        ("May 31 2028 at 9:00", "en", {"due_date": "2028-05-31", "due_time": "09:00"}),
        ("every! day", "en", {"due_date": "2026-11-22", "recurrence": "FREQ=DAILY", "repeat_from": "done"}),
        ("ev day", "en", {"due_date": "2026-11-22", "recurrence": "FREQ=DAILY"}),
        ("tod", "en", {"due_date": "2026-11-22"}),
        ("yesterday", "en", {"due_date": "2026-11-21"}),
        ("every 2nd tuesday", "en", {"due_date": "2026-12-08", "recurrence": "FREQ=MONTHLY;BYDAY=2TU"}),
        ("every last day", "en", {"due_date": "2026-11-30", "recurrence": "FREQ=MONTHLY;BYMONTHDAY=-1"}),
        ("cada lunes", "es", {"due_date": "2026-11-23", "recurrence": "FREQ=WEEKLY;BYDAY=MO"}),
        ("every other week", "en", {"due_date": "2026-11-22", "recurrence": "FREQ=WEEKLY;INTERVAL=2"}),
        ("jeden Tag", "de", {"due_date": "2026-11-22", "recurrence": "FREQ=DAILY"}),
    ],
)
def test_dates(imported, alice, text, language, expected):
    assert imported(HEADER + f"task,x,,,,,,{text},{language},\n").created == 1
    row = task_of(alice)
    names = ("due_date", "due_time", "timezone", "recurrence", "repeat_from")
    assert {name: row[name] for name in names if row[name] and row[name] != "due"} == expected


def test_tomorrow_is_in_the_rows_own_time_zone(ctx, alice):
    late = NOW.replace(hour=23, minute=30)
    importing.import_tasks(ctx(alice, late), f"{HEADER}task,x,,,,,,tomorrow,en,Asia/Tokyo\n".encode())
    assert task_of(alice)["due_date"] == "2026-11-24"


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ("task,x,,5,,,,,,", "PRIORITY", "PRIORITY: 5"),
        (f"task,{'x' * 201},,,,,,,,", "CONTENT", f"CONTENT: {'x' * 201}"),
        ("task,x,,,,,,2027-01-05 10:00,en,Mars", "TIMEZONE", "TIMEZONE: Mars"),
        ("project,x,,,,,,,,", "TYPE", None),
        ("task,,Two bottles,,,,,,,", "CONTENT", "Two bottles"),
        ("task,@a @a,,,,,,,,", None, None),
    ],
)
def test_what_cannot_be_used_is_told(imported, alice, row, field, words):
    report = imported(f"{HEADER}{row}\n")
    assert [(result.row, result.status) for result in report.results] == [(2, "created")]
    assert [note["field"] for note in report.results[0].notes] == [field] * bool(field)
    assert task_of(alice)["description"] == words


def test_a_row_without_words_is_not_valid(imported):
    report = imported(f"{HEADER}task,,,,,,,,,\ntask,ok,,,,,,,,\n")
    assert [(result.row, result.status) for result in report.results] == [(2, "invalid"), (3, "created")]
    assert [error["field"] for error in report.results[0].errors] == ["CONTENT"]


def test_a_duration_and_a_second_date_are_told(imported, alice):
    header = "TYPE,CONTENT,DATE,DURATION,DURATION_UNIT,DEADLINE\n"
    report = imported(header + "task,x,2027-01-05,30,minute,2027-02-01\n")
    assert [note["field"] for note in report.results[0].notes] == ["DEADLINE", "DURATION"]
    row = task_of(alice)
    assert (row["due_date"], row["description"]) == (
        "2027-01-05",
        "DEADLINE: 2027-02-01\n\nDURATION: 30 minute",
    )


@pytest.mark.parametrize("words", ["3/4", "some day", "every april", "no date", "every 12 hours"])
def test_a_date_that_is_not_understood_goes_to_the_description(imported, alice, words):
    report = imported(HEADER + f"task,x,Two bottles,,,,,{words},en,\n")
    assert (report.created, report.invalid) == (1, 0)
    (note,) = report.results[0].notes
    assert (note["field"], words in note["message"]) == ("DATE", True)
    row = task_of(alice)
    assert row["description"] == f"Two bottles\n\nDATE: {words}"
    assert (row["due_date"], row["recurrence"]) == (None, None)


def test_a_sub_task_with_a_priority_is_a_task(imported, alice):
    imported(HEADER + "task,x,,,1,,,,,\ntask,urgent part,,1,2,,,,,\ntask,part,,4,2,,,,,\n")
    rows = {row["title"]: row for row in exported(alice.id)}
    assert rows["urgent part"]["priority"] == "urgent"
    assert [entry["text"] for entry in rows["urgent part"]["checklist"] or rows["x"]["checklist"]] == ["part"]


def test_a_long_list_of_sub_tasks(imported, alice):
    report = imported(HEADER + "task,x,,,1,,,,,\n" + "".join(f"task,{n},,,2,,,,,\n" for n in range(102)))
    assert report.created == 3
    assert len(next(exported(alice.id))["checklist"]) == 100


def test_sent_again(imported, alice):
    text = HEADER + "task,x,,,1,,,,,\ntask,one,,,2,,,,,\nnote,said,,,,,,,,\n"
    imported(text)
    assert imported(text).existing == 1
    assert len(list(exported(alice.id))) == 1
