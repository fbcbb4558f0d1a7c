"""Validation of fields"""

from contextlib import suppress
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import validation
from store.errors import ValidationFailed
from tasks import fields


def clean(**given):
    return validation.clean(fields.TASK_CHANGES, given)


def test_values_are_cleaned_into_their_stored_form():
    given = {"title": " A ", "due_date": date(2026, 3, 1), "due_time": time(9, 5), "tags": [" a ", "b", "a"]}
    cleaned = clean(**given, timezone="Europe/Berlin", recurrence="rrule:freq=daily", description="a\r\nb")
    assert cleaned == {
        "title": "A",
        "due_date": "2026-03-01",
        "due_time": "09:05",
        "tags": ["a", "b"],
        "timezone": "Europe/Berlin",
        "recurrence": "FREQ=DAILY",
        "description": "a\nb",
    }


@pytest.mark.parametrize(
    "name", ["description", "category", "due_date", "due_time", "timezone", "recurrence"]
)
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_clears(name, blank):
    assert clean(**{name: blank}) == {name: None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", ""),
        ("title", "   "),
        ("title", None),
        ("title", 5),
        ("title", "x" * 201),
        ("title", "a\x00b"),
        ("title", "two\nlines"),
        ("title", "\ud800"),
        ("description", "x" * 10_001),
        ("description", "a\x00b"),
        ("status", "done"),
        ("status", None),
        ("priority", "LOW"),
        ("category", "x" * 51),
        ("tags", "a"),
        ("tags", ["x" * 51]),
        ("tags", [str(number) for number in range(21)]),
        ("tags", [""]),
        ("due_date", "2026-02-30"),
        ("due_date", "20260301"),
        ("due_date", "2026-W01-1"),
        ("due_date", "1066-10-14"),
        ("due_date", 20260301),
        ("due_time", "24:00"),
        ("due_time", "9:00"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("timezone", "America"),
        ("recurrence", "FREQ=NEVER"),
        ("checklist", [{"text": ""}]),
        ("checklist", [{"text": "a", "done": "yes"}]),
        ("checklist", [{"text": "a", "id": "1"}, {"text": "b", "id": "1"}]),
        ("checklist", [{"text": "a", "colour": "red"}]),
        ("checklist", [{"text": "a"}] * 101),
        ("colour", "red"),
    ],
)
def test_refused_by_name(name, value):
    with pytest.raises(ValidationFailed) as failure:
        clean(**{name: value})
    assert failure.value.errors[0]["field"].partition(".")[0] == name
    assert failure.value.errors[0]["message"]


def test_checklist_entries_get_ids():
    first, second = clean(checklist=[{"text": "a"}, {"id": "2", "text": "b", "done": True}])["checklist"]
    assert len(first["id"]) == 12
    assert second == {"id": "2", "text": "b", "done": True}


def test_errors_are_bounded():
    with pytest.raises(ValidationFailed) as failure:
        clean(**{f"unknown{number}": 1 for number in range(500)})
    assert len(failure.value.errors) == validation.MAX_ERRORS


@given(
    st.dictionaries(
        st.sampled_from([*fields.TaskChanges.__annotations__, "x"]), st.text() | st.integers() | st.none()
    )
)
def test_any_input_is_cleaned_or_refused_and_cleaning_is_stable(given):
    with suppress(ValidationFailed):
        cleaned = clean(**given)
        assert clean(**cleaned) == cleaned
