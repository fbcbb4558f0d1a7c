"""Due dates in words, sections, and what differs."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tasks.items import TaskItem
from tasks.views import conflicts, rows

NOW = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo("Europe/Berlin"))  # a Sunday


@pytest.mark.parametrize(
    ("due", "time", "words"),
    [
        ("2026-11-22", None, "Today"),
        ("2026-11-22", "09:30", "Today 09:30"),
        ("2026-11-21", None, "Yesterday"),
        ("2026-11-23", None, "Tomorrow"),
        ("2026-11-28", None, "Sat 28 Nov"),
        ("2026-11-29", None, "29 Nov"),
        ("2027-01-03", None, "3 Jan 2027"),
        ("1900-01-01", None, "1 Jan 1900"),
    ],
)
def test_due_dates_in_words(due, time, words):
    assert rows.due_words(TaskItem(due_date=due, due_time=time), NOW) == words


@pytest.mark.parametrize(
    ("zone", "due", "words", "section"),
    [
        ("Europe/Berlin", "09:00", "Today 09:00", "today"),
        (None, "09:00", "Today 09:00", "today"),
        ("Europe/Paris", "09:00", "Today 09:00", "today"),  # another name, the same clock
        ("Europe/London", "09:00", "Today 10:00 (09:00 Europe/London)", "today"),
        ("Pacific/Auckland", "09:00", "Yesterday 21:00 (09:00 Pacific/Auckland)", "overdue"),
        ("America/New_York", "20:00", "Tomorrow 02:00 (20:00 America/New York)", "upcoming"),
    ],
)
def test_a_time_in_another_zone_is_converted(zone, due, words, section):
    task = TaskItem(id="x", status="pending", due_date="2026-11-22", due_time=due, timezone=zone)
    row = rows.make_row(task, NOW)
    assert (row.due, row.section) == (words, section)


@pytest.mark.parametrize(
    ("status", "due", "section"),
    [
        ("pending", "2026-11-21", "overdue"),
        ("in_progress", "2026-11-22", "today"),
        ("pending", "2026-11-23", "upcoming"),
        ("pending", None, "undated"),
        ("completed", "2026-11-21", "closed"),
        ("cancelled", None, "closed"),
    ],
)
def test_sections(status, due, section):
    task = TaskItem(id="x", status=status, due_date=due)
    assert rows.make_row(task, NOW).section == section


def test_differences_name_what_others_changed():
    base = {"title": "a", "description": "same\r\n", "priority": "low"}
    now = {"title": "b", "description": "same", "priority": "high"}
    mine = {"title": "c", "description": "same", "priority": "low"}
    found = conflicts.differences(base, now, mine, ["title"])
    assert [(d.label, d.before, d.now, d.mine, d.both) for d in found] == [
        ("Title", "a", "b", "c", True),
        ("Priority", "Low", "High", "Low", False),
    ]
