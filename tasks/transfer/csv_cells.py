"""Tasks as CSV cells: lossless in both directions, and safe to open in a spreadsheet.

A cell that a spreadsheet could take for a formula is prefixed with an apostrophe (OWASP: CSV injection). So is a cell
that has such an apostrophe of its own, so that reading removes exactly what writing added.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasks import checklists
from tasks.transfer.rows import COLUMNS

# Includes full-width signs, which spreadsheets with East Asian input treat as the plain ones.
_RISKY = re.compile(r"'*[\s=+\-@＝＋－＠]")  # noqa: RUF001


def guard(text: str) -> str:
    """Return ``text`` as a cell that no spreadsheet runs as a formula."""
    return "'" + text if _RISKY.match(text) else text


def unguard(cell: str) -> str:
    """Return the text from which ``guard`` made ``cell``."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell, 1) else cell


def write(rows: Iterable[Iterable[str]]) -> str:
    """Return rows of cells as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def from_task(task: Mapping[str, Any]) -> list[str]:
    """Return the cells of a task, one for each of ``COLUMNS``."""
    return [guard(_WRITERS.get(name, _plain)(task[name])) for name in COLUMNS]


def to_fields(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a task from its non-blank cells, by column."""
    texts = {name: unguard(cell) for name, cell in cells.items()}
    return {name: _READERS.get(name, str)(text) for name, text in texts.items()}


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _tags(tags: list[str]) -> str:
    return write([tags]).rstrip("\r\n") if tags else ""


def _to_tags(text: str) -> list[str]:
    found = [tag.strip() for line in csv.reader([text], skipinitialspace=True) for tag in line]
    return [tag for tag in found if tag]


_WRITERS: dict[str, Callable[[Any], str]] = {"tags": _tags, "checklist": checklists.to_text}
_READERS: dict[str, Callable[[str], Any]] = {"tags": _to_tags, "checklist": checklists.parse}
