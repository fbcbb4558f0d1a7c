"""Tasks as CSV cells: lossless in both directions, through a spreadsheet too.

Cells with words are written as text, so that no spreadsheet makes 7 of 007. Dates and times of day are not: there they
can be sorted and counted with, and are read again in the forms that spreadsheets give them.
"""

import csv
import re
from collections.abc import Callable, Mapping
from typing import Any

from tasks import checklists
from tasks.transfer.rows import COLUMNS, TIMES
from web.csv_files import guard, joined, unguard

_TEXTS = frozenset({"title", "description", "category", "tags", "checklist"})
_MIDNIGHT = r"(?:[T ]0?0:00(?::00(?:[.,]0+)?)?)?"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_MIDNIGHT}")
_DAY_FIRST = re.compile(rf"([0-9]{{1,2}})\.\s?([0-9]{{1,2}})\.\s?([0-9]{{4}}){_MIDNIGHT}")
_EITHER = re.compile(rf"([0-9]{{1,2}})[-/]([0-9]{{1,2}})[-/]([0-9]{{4}}){_MIDNIGHT}")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::00(?:[.,]0+)?)?(?:\s*([ap])\.?m\.?)?", re.IGNORECASE)


def from_task(task: Mapping[str, Any]) -> list[str]:
    """Return the cells of a task, one for each of ``COLUMNS``."""
    return [guard(_WRITERS.get(name, _plain)(task[name]), as_text=name in _TEXTS) for name in COLUMNS]


def to_fields(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a task, and its ``TIMES``, from its non-blank cells, by column."""
    texts = {name: unguard(cell) for name, cell in cells.items()}
    return {name: _READERS.get(name, str)(text) for name, text in texts.items()}


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _tags(tags: list[str]) -> str:
    return joined(tags) if tags else ""


def _to_tags(text: str) -> list[str]:
    found = [tag.strip() for line in csv.reader(text.splitlines(), skipinitialspace=True) for tag in line]
    return [tag for tag in found if tag]


def _date(text: str) -> str:
    """Return a date as YYYY-MM-DD if it can mean only one day: 12/01/2026 is two days, 12/25/2026 is one."""
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text):
        return _iso(*match.groups())
    if match := _DAY_FIRST.fullmatch(text):
        return _iso(*match.groups()[::-1])
    if match := _EITHER.fullmatch(text):
        first, second, year = match.groups()
        if int(first) > 12 or first.zfill(2) == second.zfill(2):
            return _iso(year, second, first)
        if int(second) > 12:
            return _iso(year, first, second)
    return text


def _iso(year: str, month: str, day: str) -> str:
    return f"{year}-{month.zfill(2)}-{day.zfill(2)}"


def _time(text: str) -> str:
    """Return a time of day as HH:MM."""
    match = _CLOCK.fullmatch(text.strip())
    if not match:
        return text
    hour, half = int(match[1]), (match[3] or "").lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif half:
        return text
    return f"{hour:02}:{match[2]}"


_WRITERS: dict[str, Callable[[Any], str]] = {"tags": _tags, "checklist": checklists.to_text}
_READERS: dict[str, Callable[[str], Any]] = {
    "tags": _to_tags,
    "checklist": checklists.parse,
    "due_date": _date,
    "due_time": _time,
    **dict.fromkeys(("status", "priority", "repeat_from", "timezone", "recurrence", *TIMES), str.strip),
}
