"""The columns of exports and imports, and a row of a file that is being imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from store.errors import FieldError, ValidationFailed
from tasks.fields import EDITABLE

MAX_ROWS = 1000

# An import ignores the columns that are not editable.
COLUMNS = ("id", *EDITABLE, "created_at", "updated_at", "completed_at", "version")
JSON_FIELDS = (*COLUMNS, "user_id", "next_task_id", "deleted_at")


@dataclass(slots=True)
class Row:
    """A task in a file.

    Attributes
    ----------
    number
        The row of the spreadsheet (the header is 1), or the position in the JSON array (from 1).
    fields
        As in ``tasks.fields.NewTask``, not validated yet.
    raw
        The row's content in the file, JSON-serializable.
    own_id
        The task id in the row, if any.
    errors
        The errors found while reading the row.
    notes
        What was read in another way than the file says; the row becomes a task all the same.
    names
        Our field name -> the file's, where they differ.
    """

    number: int
    fields: dict[str, Any]
    raw: Any
    own_id: str | None = None
    errors: list[FieldError] = field(default_factory=list)
    notes: list[FieldError] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)


def refuse(code: str, message: str) -> ValidationFailed:
    """Return the error of a file that cannot be read as a whole."""
    return ValidationFailed([FieldError(field="file", message=message, code=code)])
