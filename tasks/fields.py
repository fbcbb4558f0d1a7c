"""The fields of a task and the values they may hold: the one validation of forms, API, imports and demo data.

The shapes are TypedDicts: validation returns a plain dict with only the fields that were given.
"""

import re
import uuid
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, NotRequired

from django.utils.translation import gettext as _
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    TypeAdapter,
    with_config,
)
from typing_extensions import TypedDict

from store.errors import FieldError, ValidationFailed
from store.text import distinct
from store.validation import STRICT, Blank, Line, Prose, Timezone, invalid
from tasks import recurrence

TITLE_MAX = 200
DESCRIPTION_MAX = 10_000
CATEGORY_MAX = 50
TAG_MAX, TAGS_MAX = 50, 20
CHECKLIST_TEXT_MAX, CHECKLIST_MAX = 200, 100

Status = Literal["pending", "in_progress", "completed", "cancelled"]
Priority = Literal["low", "medium", "high", "urgent"]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _date_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


def _date(text: str) -> str:
    try:
        if not _DATE.fullmatch(text) or date.fromisoformat(text).year < 1900:
            raise ValueError(text)
    except ValueError:
        raise invalid("date", _("Must be a date as YYYY-MM-DD, not before 1900.")) from None
    return text


def _time_text(value: Any) -> Any:
    return value.strftime("%H:%M") if isinstance(value, time) else value


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise invalid("time", _("Must be a time as HH:MM, from 00:00 to 23:59."))
    return text


def _recurrence(text: str) -> str:
    try:
        return recurrence.parse(text)
    except recurrence.InvalidRule as error:
        raise invalid("recurrence", _refusal(error)) from None


def _refusal(error: recurrence.InvalidRule) -> str:
    return _("Not a usable RFC 5545 rule: %(why)s.") % {"why": error}


def refused_rule(error: recurrence.InvalidRule, field: str = "recurrence") -> ValidationFailed:
    """Return the error of a rule that does not suit its start."""
    return ValidationFailed([FieldError(field=field, message=_refusal(error), code="recurrence")])


def _identified(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    entries = [
        {
            "id": entry.get("id") or uuid.uuid4().hex[:12],
            "text": entry["text"],
            "done": entry.get("done", False),
        }
        for entry in entries
    ]
    if len({entry["id"] for entry in entries}) < len(entries):
        raise invalid("duplicate", _("Two entries have the same id."))
    return entries


Title = Annotated[str, Line(TITLE_MAX)]
Description = Annotated[str, Prose(DESCRIPTION_MAX)]
Category = Annotated[str, Line(CATEGORY_MAX)]
Tag = Annotated[str, Line(TAG_MAX)]
Tags = Annotated[list[Tag], Field(max_length=TAGS_MAX), AfterValidator(distinct)]
DueDate = Annotated[
    str, BeforeValidator(_date_text), AfterValidator(_date), Field(json_schema_extra={"format": "date"})
]
DueTime = Annotated[
    str,
    BeforeValidator(_time_text),
    AfterValidator(_time),
    Field(examples=["09:30"], json_schema_extra={"pattern": f"^{_TIME.pattern}$", "maxLength": 5}),
]
Recurrence = Annotated[
    str,
    Field(max_length=200),
    AfterValidator(_recurrence),
    Field(examples=["FREQ=WEEKLY"], json_schema_extra={"format": "rrule"}),
]


# A series that is counted from its due dates does not store it.
RepeatFrom = Annotated[
    Literal["due", "done"] | None,
    Blank,
    AfterValidator(lambda value: None if value == "due" else value),
    Field(
        description="What the next occurrence of a recurring task is counted from: its due date (`due`, the default) "
        "or the day on which it is completed (`done`)"
    ),
]


@with_config(STRICT)
class ChecklistEntry(TypedDict):
    """One entry of a checklist; a missing id is generated."""

    id: NotRequired[Annotated[str, Line(36)]]
    text: Annotated[str, Line(CHECKLIST_TEXT_MAX)]
    done: NotRequired[StrictBool]


Checklist = Annotated[list[ChecklistEntry], Field(max_length=CHECKLIST_MAX), AfterValidator(_identified)]


class _TaskFields(TypedDict, total=False):
    description: Annotated[Description | None, Blank]
    status: Status
    priority: Priority
    category: Annotated[Category | None, Blank]
    tags: Tags | None
    due_date: Annotated[DueDate | None, Blank]
    due_time: Annotated[DueTime | None, Blank, Field(description="The time of that day; needs `due_date`")]
    timezone: Annotated[Timezone | None, Blank]
    checklist: Checklist | None
    recurrence: Annotated[Recurrence | None, Blank]
    repeat_from: RepeatFrom


@with_config(STRICT)
class TaskChanges(_TaskFields, total=False):
    """A partial update of a task: an absent field keeps its value, null or blank clears an optional one."""

    title: Title


@with_config(STRICT)
class NewTask(_TaskFields):
    """A new task: only the title is required; by default its status is pending and its priority medium."""

    title: Title


# The fields that a person can set, in the order in which they are shown.
EDITABLE = ("title", *_TaskFields.__annotations__)
NEW_TASK: TypeAdapter[Any] = TypeAdapter(NewTask)
TASK_CHANGES: TypeAdapter[Any] = TypeAdapter(TaskChanges)
