"""Tasks as the cells of a spreadsheet: exact both ways, and safe to open.

A cell that a spreadsheet could take for a formula gets an apostrophe in front (OWASP: CSV injection). So does one that
has such an apostrophe of its own, so that reading takes away just what writing has put there.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tasks.transfer.rows import COLUMNS

# Full-width signs count too: spreadsheets with East Asian input take them for the plain ones.
_RISKY = re.compile(r"'*[\s=+\-@＝＋－＠]")  # noqa: RUF001
_ENTRY = re.compile(r"\[([ xX]?)\]\s*(.*)")


def guard(text: str) -> str:
    """Return ``text`` as a cell that no spreadsheet runs."""
    return "'" + text if _RISKY.match(text) else text


def unguard(cell: str) -> str:
    """Return the text that ``guard`` made ``cell`` of."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell, 1) else cell


def write(rows: Iterable[Iterable[str]]) -> str:
    """Return rows of cells as lines of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def from_task(task: Mapping[str, Any]) -> list[str]:
    """Return a task's cells, one a column of ``COLUMNS``."""
    return [guard(_WRITERS.get(name, _plain)(task[name])) for name in COLUMNS]


def to_fields(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields that non-blank cells, by column, stand for."""
    texts = {name: unguard(cell) for name, cell in cells.items()}
    return {name: _READERS.get(name, str)(text) for name, text in texts.items()}


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _tags(tags: list[str]) -> str:
    return write([tags]).rstrip("\r\n") if tags else ""


def _checklist(entries: list[dict[str, Any]]) -> str:
    return "\n".join(f"[{'x' if entry['done'] else ' '}] {entry['text']}" for entry in entries)


def _to_tags(text: str) -> list[str]:
    found = [tag.strip() for line in csv.reader([text], skipinitialspace=True) for tag in line]
    return [tag for tag in found if tag]


def _to_checklist(text: str) -> list[dict[str, Any]]:
    return [_to_entry(line) for line in text.split("\n") if line.strip()]


def _to_entry(line: str) -> dict[str, Any]:
    match = _ENTRY.fullmatch(line.strip())
    mark, text = match.groups() if match else ("", line.strip())
    return {"text": text, "done": mark.lower() == "x"}


_WRITERS: dict[str, Callable[[Any], str]] = {"tags": _tags, "checklist": _checklist}
_READERS: dict[str, Callable[[str], Any]] = {"tags": _to_tags, "checklist": _to_checklist}
