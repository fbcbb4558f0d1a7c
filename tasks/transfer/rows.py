"""What both directions share: the columns, and one row of a file that is being imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from store.errors import FieldError, ValidationFailed

MAX_ROWS = 1000

# What a task is made of, in the order of the columns; the rest is told, and ignored on the way back.
GIVEN = (
    "title",
    "description",
    "status",
    "priority",
    "category",
    "tags",
    "due_date",
    "due_time",
    "timezone",
    "checklist",
    "recurrence",
)
COLUMNS = ("id", *GIVEN, "created_at", "updated_at", "completed_at", "version")
EVERYTHING = (*COLUMNS, "user_id", "next_task_id", "deleted_at")


@dataclass(slots=True)
class Row:
    """One task of a file.

    Attributes
    ----------
    number
        Where it is: the line of a spreadsheet (the header is 1), or the place in a JSON array (from 1).
    fields
        As of ``tasks.fields.NewTask``, unchecked.
    raw
        What the file says, JSON-ready: two rows of the same content are told apart by nothing else.
    own_id
        The id that the row itself gives, if any.
    errors
        What is wrong with it, found while reading.
    names
        Our field -> what the file calls it, where that differs.
    """

    number: int
    fields: dict[str, Any]
    raw: Any
    own_id: str | None = None
    errors: list[FieldError] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)


def refuse(code: str, message: str) -> ValidationFailed:
    """Return the error that says what is wrong with a file as a whole."""
    return ValidationFailed([FieldError(field="file", message=message, code=code)])
