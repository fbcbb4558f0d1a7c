"""The columns of exports and imports, and a row of a file that is being imported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from store.errors import FieldError, ValidationFailed
from tasks.fields import EDITABLE

MAX_ROWS = 1000
NAME_MAX = 100  # characters of a field's name in a report
MORE_CELLS = "more cells"  # the field of a row's cells beyond the last column

# What only we set, and an import restores. It ignores the other columns that are not editable.
TIMES = ("created_at", "completed_at")
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
    times
        When the task was created and completed, as the file says it.
    """

    number: int
    fields: dict[str, Any]
    raw: Any
    own_id: str | None = None
    errors: list[FieldError] = field(default_factory=list)
    notes: list[FieldError] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)
    times: dict[str, Any] = field(default_factory=dict)

    def named(self, path: str) -> str:
        """Return the file's name of a field, which may be a path such as ``tags.0``."""
        first, dot, rest = path.partition(".")
        return (self.names.get(first, first) + dot + rest)[:NAME_MAX]

    def note(self, name: str, message: str, code: str) -> None:
        """Say what became of a field."""
        self.notes.append(FieldError(field=self.named(name), message=message, code=code))


def refuse(code: str, message: str) -> ValidationFailed:
    """Return the error of a file that cannot be read as a whole."""
    return ValidationFailed([FieldError(field="file", message=message, code=code)])
