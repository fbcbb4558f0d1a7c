"""Reads Todoist's CSV template.

A section becomes the category of its tasks, an ``@label`` a tag, and a note a paragraph of the description. A sub-task
that is only a line of text becomes a checklist entry of its task; a sub-task with a date, a description, labels or a
priority becomes a task. A date that is not understood goes to the description, and the report says so. A
duration does so too, and a deadline beside a date. Authors and the project's view are ignored.

A section and a task at the margin begin anew: what comes before them can be read apart from what comes after, if the
section is known.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from store import time_zones
from store.steps import OutOfStepsError, Steps
from tasks.fields import CHECKLIST_MAX, CHECKLIST_TEXT_MAX
from tasks.language import quick_add
from tasks.transfer import mending
from tasks.transfer.rows import Row, refuse

# Todoist's p1 is the highest.
PRIORITIES = {"1": "urgent", "2": "high", "3": "medium", "4": "low"}
NAMES = {
    "title": "CONTENT",
    "tags": "CONTENT",
    "description": "DESCRIPTION",
    "priority": "PRIORITY",
    "category": "CONTENT of the section",
    "due_date": "DATE",
    "due_time": "DATE",
    "recurrence": "DATE",
    "repeat_from": "DATE",
    "timezone": "TIMEZONE",
}
# To understand all the dates of a file, or of a step. An ordinary one takes a hundred or two.
MAX_STEPS = 5_000_000
_NO_PRIORITY = {"", "4"}
_LABEL = re.compile(r"(?:^|\s)@([^\s@]+)")

Cells = dict[str, str]


def cells_of(header: Sequence[str], line: Sequence[str]) -> Cells:
    """Return the cells of a record by the names of their columns (in lower case)."""
    return dict(zip(header, (cell.strip() for cell in line), strict=False))


def rows(header: Sequence[str], records: Sequence[tuple[int, list[str]]], now: datetime) -> list[Row]:
    """Return the rows of a template.

    Parameters
    ----------
    header
        The column names, in lower case.
    records
        The rows below, each with its number.
    now
        The time that relative dates such as "tomorrow" are based on, in the row's own time zone (aware).
    """
    reader = Reader(now)
    for number, line in records:
        reader.read(number, cells_of(header, line))
    return reader.rows


class Reader:
    """Reads row by row; keeps the section and the tasks that the next row may belong to.

    ``section`` is the one that the rows are in. Of a longer name than can be kept, the beginning counts.
    """

    def __init__(self, now: datetime, section: str = "") -> None:
        self.rows: list[Row] = []
        self.section = section
        self._now = now
        self._steps = Steps(MAX_STEPS)
        self._parents: list[tuple[int, Row]] = []

    @staticmethod
    def begins_anew(cells: Cells) -> bool:
        """Return whether a record belongs to no task before it."""
        kind = cells.get("type", "").lower()
        return kind == "section" or (kind not in {"note", "meta", ""} and _indent(cells) == 1)

    def read(self, number: int, cells: Cells) -> None:
        """Read the next record. Raises ValidationFailed if the dates so far take too many steps."""
        kind = cells.get("type", "").lower()
        if kind == "section":
            self.section, self._parents = cells.get("content", "")[: mending.WORDS_MAX], []
        elif kind == "note":
            self._note(cells)
        elif kind == "task":
            self._task(number, cells)
        elif kind not in {"meta", ""}:
            self._task(number, cells)
            self._parents[-1][1].note(
                "TYPE", _("Must be task, section or note. It was read as a task."), "todoist"
            )

    def _note(self, cells: Cells) -> None:
        if not self._parents or not cells.get("content"):
            return
        parent = self._parents[-1][1]
        paragraphs = [parent.fields.get("description"), cells["content"]]
        parent.fields["description"] = "\n\n".join(filter(None, paragraphs))
        parent.raw.append(cells)

    def _task(self, number: int, cells: Cells) -> None:
        indent = _indent(cells)
        while self._parents and self._parents[-1][0] >= indent:
            self._parents.pop()
        if self._parents and _is_checklist_entry(cells) and _add_checklist_entry(self._parents[-1][1], cells):
            return
        try:
            row = _row(number, cells, self.section, self._now, self._steps)
        except OutOfStepsError as error:
            text = _("The dates of this file take more than %(most)d steps to understand. Split it.")
            raise refuse("too_costly", text % {"most": error.limit}) from None
        self.rows.append(row)
        self._parents.append((indent, row))


def _indent(cells: Cells) -> int:
    indent = cells.get("indent", "")
    return max(1, int(indent[:9])) if indent.isdecimal() else 1


def _is_checklist_entry(cells: Cells) -> bool:
    text = cells.get("content", "")
    return (
        0 < len(text) <= CHECKLIST_TEXT_MAX
        and not any(cells.get(name) for name in ("date", "description", "deadline"))
        and cells.get("priority", "") in _NO_PRIORITY
        and not _LABEL.search(text)
    )


def _add_checklist_entry(parent: Row, cells: Cells) -> bool:
    checklist = parent.fields.setdefault("checklist", [])
    if len(checklist) >= CHECKLIST_MAX:
        return False
    checklist.append({"text": cells["content"]})
    parent.raw.append(cells)
    return True


def _row(number: int, cells: Cells, section: str, now: datetime, steps: Steps) -> Row:
    fields: dict[str, Any] = _title_and_tags(cells.get("content", "").removeprefix("* "))
    row = Row(number, fields, [section, cells], names=NAMES)
    if cells.get("description"):
        fields["description"] = cells["description"]
    if section:
        fields["category"] = section
    _read_priority(row, cells.get("priority", ""))
    _read_date(row, cells, now, steps)
    return row


def _title_and_tags(content: str) -> dict[str, Any]:
    tags = _LABEL.findall(content)
    title = " ".join(_LABEL.sub(" ", content).split()) or content
    return {"title": title, **({"tags": tags} if tags else {})}


def _read_priority(row: Row, text: str) -> None:
    if text in PRIORITIES:
        row.fields["priority"] = PRIORITIES[text]
    elif text:
        row.fields["priority"] = text
        mending.leave_out(row, "priority", _("Must be a number from 1 (highest) to 4, or blank."), "todoist")


def _read_date(row: Row, cells: Cells, now: datetime, steps: Steps) -> None:
    # Without a date, the deadline is the due date.
    name = "date" if cells.get("date") else "deadline"
    text = cells.get(name, "")
    if name == "date" and cells.get("deadline"):
        _keep_words(row, "DEADLINE", cells["deadline"], _("A task has one date."))
    if cells.get("duration"):
        duration = f"{cells['duration']} {cells.get('duration_unit', '')}".strip()
        _keep_words(row, "DURATION", duration, _("Tasks have no duration."))
    if not text:
        return
    language = cells.get(f"{name}_lang", "")[:2].lower() or "en"
    found = _parse_date(text, _local(now, cells.get("timezone", "")), language, steps)
    if found is None:
        _keep_words(row, name.upper(), text, _("That is not understood as a date."))
        return
    row.fields |= found
    if "due_time" in found and "timezone" not in found and cells.get("timezone"):
        row.fields["timezone"] = cells["timezone"]


def _keep_words(row: Row, name: str, text: str, why: str) -> None:
    """Put what has no field into the description, and say so."""
    row.fields[name] = text
    mending.leave_out(row, name, why, "todoist")


def _local(now: datetime, zone: str) -> datetime:
    found = time_zones.named(zone)
    return now.astimezone(found) if found else now


def _parse_date(text: str, now: datetime, language: str, steps: Steps) -> dict[str, Any] | None:
    """Return the fields of a date as Todoist writes it or people type it; None unless all of it is understood."""
    try:
        return _fields_of(datetime.fromisoformat(text), timed=":" in text)
    except ValueError:
        pass
    return quick_add.dated(text, now, language, steps)


def _fields_of(moment: datetime, *, timed: bool) -> dict[str, Any]:
    zone = {}
    if moment.tzinfo:
        moment, zone = moment.astimezone(UTC), {"timezone": "UTC"}
    clock = {"due_time": moment.strftime("%H:%M"), **zone} if timed else {}
    return {"due_date": moment.date().isoformat(), **clock}
