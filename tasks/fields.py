"""What a task's and a profile's fields may hold. Forms, the API and the demo data all pass through here.

The shapes are TypedDicts: validation hands back a plain dict holding only what was given.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, NotRequired
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from typing_extensions import TypedDict

from tasks import recurrence
from tasks.errors import FieldError, ValidationFailed

TITLE_MAX = 200
DESCRIPTION_MAX = 10_000
CATEGORY_MAX = 50
TAG_MAX, TAGS_MAX = 50, 20
CHECKLIST_TEXT_MAX, CHECKLIST_MAX = 200, 100
MAX_ERRORS = 20

Status = Literal["pending", "in_progress", "completed", "cancelled"]
Priority = Literal["low", "medium", "high", "urgent"]

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def invalid(code: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{message}", {"message": message})


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise invalid("control_character", _("Must be one line without control characters."))
    return text


def text_of(text: str) -> str:
    if _CONTROL_IN_TEXT.search(text):
        raise invalid("control_character", _("Must not contain control characters."))
    return text.replace("\r\n", "\n")


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


def _timezone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(
            "timezone", _("Must be a time zone of the IANA database, such as Europe/Berlin.")
        ) from None


def _recurrence(text: str) -> str:
    try:
        return recurrence.parse(text)
    except ValueError as error:
        raise invalid("recurrence", _("Not a usable RFC 5545 rule: %(why)s.") % {"why": error}) from None


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise invalid("email", _("Must be an e-mail address, such as ada@example.com."))
    return text


def whole(value: Any) -> Any:
    """Return 3.0 as 3: to JSON both are the same whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


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


def _blank_to_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def up_to(longest: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


Blank = BeforeValidator(_blank_to_none)
Line = AfterValidator(_one_line)
_LINE_PATTERN = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
AsLine = Field(json_schema_extra={"pattern": _LINE_PATTERN})
AsText = Field(json_schema_extra={"pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"})
Title = Annotated[str, up_to(TITLE_MAX), Line, AsLine]
Description = Annotated[str, Field(max_length=DESCRIPTION_MAX), AfterValidator(text_of), AsText]
Category = Annotated[str, up_to(CATEGORY_MAX), Line, AsLine]
Tag = Annotated[str, up_to(TAG_MAX), Line, AsLine]
Name = Annotated[str, up_to(200), Line, AsLine]
Tags = Annotated[list[Tag], Field(max_length=TAGS_MAX), AfterValidator(unique)]
DueDate = Annotated[
    str, BeforeValidator(_date_text), AfterValidator(_date), Field(json_schema_extra={"format": "date"})
]
DueTime = Annotated[
    str,
    BeforeValidator(_time_text),
    AfterValidator(_time),
    Field(examples=["09:30"], json_schema_extra={"pattern": f"^{_TIME.pattern}$", "maxLength": 5}),
]
Timezone = Annotated[
    str,
    Field(max_length=64, examples=["Europe/Berlin"], json_schema_extra={"format": "iana-timezone"}),
    AfterValidator(_timezone),
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}),
]
Recurrence = Annotated[
    str,
    Field(max_length=200),
    AfterValidator(_recurrence),
    Field(examples=["FREQ=WEEKLY"], json_schema_extra={"format": "rrule"}),
]

# A validator is built when it is first used: a new process has an answer to give first.
STRICT = ConfigDict(extra="forbid", defer_build=True)


@with_config(STRICT)
class ChecklistEntry(TypedDict):
    """One line of a checklist; the id is made when it is missing."""

    id: NotRequired[Annotated[str, up_to(36), Line, AsLine]]
    text: Annotated[str, up_to(CHECKLIST_TEXT_MAX), Line, AsLine]
    done: NotRequired[StrictBool]


Checklist = Annotated[list[ChecklistEntry], Field(max_length=CHECKLIST_MAX), AfterValidator(_identified)]


class _TaskFields(TypedDict, total=False):
    description: Annotated[Description | None, Blank]
    status: Status
    priority: Priority
    category: Annotated[Category | None, Blank]
    tags: Tags | None
    due_date: Annotated[DueDate | None, Blank]
    due_time: Annotated[DueTime | None, Blank]
    timezone: Annotated[Timezone | None, Blank]
    checklist: Checklist | None
    recurrence: Annotated[Recurrence | None, Blank]


@with_config(STRICT)
class TaskChanges(_TaskFields, total=False):
    """A partial update of a task: what is absent stays, null or blank clears an optional field."""

    title: Title


@with_config(STRICT)
class NewTask(_TaskFields):
    """A new task: only the title is required; status is pending and priority medium unless given."""

    title: Title


@with_config(STRICT)
class ProfileChanges(TypedDict, total=False):
    """A partial update of a profile."""

    email: Annotated[Email | None, Blank]
    username: Name
    name: Name
    given_name: Annotated[Name | None, Blank]
    family_name: Annotated[Name | None, Blank]
    timezone: Annotated[Timezone | None, Blank]


# What only we set. A client that sends back what it was sent includes them.
READ_ONLY = frozenset(
    {
        *("id", "user_id", "created_at", "updated_at", "completed_at"),
        *("deleted_at", "next_task_id", "version"),
    }
)

NEW_TASK: TypeAdapter[Any] = TypeAdapter(NewTask)
TASK_CHANGES: TypeAdapter[Any] = TypeAdapter(TaskChanges)
PROFILE_CHANGES: TypeAdapter[Any] = TypeAdapter(ProfileChanges)

# What to do about an error of pydantic's; the names in braces are from its context.
_MESSAGES = {
    "missing": gettext_lazy("This field is required."),
    "extra_forbidden": gettext_lazy("There is no such field, or it cannot be set."),
    "string_type": gettext_lazy("Must be text."),
    "string_unicode": gettext_lazy("Must be valid Unicode text."),
    "string_too_short": gettext_lazy("Must not be empty."),
    "string_too_long": gettext_lazy("Must be at most {max_length} characters."),
    "string_pattern_mismatch": gettext_lazy("Must match {pattern}."),
    "too_long": gettext_lazy("Must have at most {max_length} entries."),
    "too_short": gettext_lazy("Must have at least {min_length} entries."),
    "literal_error": gettext_lazy("Must be one of {expected}."),
    "list_type": gettext_lazy("Must be an array."),
    "dict_type": gettext_lazy("Must be an object."),
    "bool_type": gettext_lazy("Must be true or false."),
    "bool_parsing": gettext_lazy("Must be true or false."),
    "int_type": gettext_lazy("Must be a whole number."),
    "int_parsing": gettext_lazy("Must be a whole number."),
    "int_parsing_size": gettext_lazy("Must be a smaller number."),
    "greater_than_equal": gettext_lazy("Must be at least {ge}."),
    "less_than_equal": gettext_lazy("Must be at most {le}."),
}


def clean(adapter: TypeAdapter[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``given`` validated and normalised, with no other keys than it has.

    Raises ValidationFailed listing what is wrong with each field.
    """
    try:
        return dict(adapter.validate_python(given))
    except ValidationError as error:
        raise ValidationFailed(field_errors(error.errors(include_url=False, include_input=False))) from None


def field_errors(errors: list[ErrorDetails]) -> list[FieldError]:
    """Return pydantic's error details as ours, the first ``MAX_ERRORS`` of them."""
    return [_field_error(error) for error in errors[:MAX_ERRORS]]


def _field_error(error: ErrorDetails) -> FieldError:
    path = ".".join(str(part) for part in error["loc"])[:100]
    context = {name: str(value).replace(" or ", ", ") for name, value in error.get("ctx", {}).items()}
    template = _MESSAGES.get(error["type"])
    message = str(template).format_map(context) if template else error["msg"]
    return {"field": path, "message": message, "code": error["type"]}
