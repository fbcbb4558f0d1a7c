"""CSV export in which spreadsheets recognise no formulas."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, text: str) -> str:
        return text


def cell(value: Any) -> str:
    """Return the text of a cell; a quote precedes text that a spreadsheet would evaluate."""
    if value is None:
        return ""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text


def lines(names: list[str], objects: Iterable[Any]) -> Iterator[str]:
    """Yield CSV lines: a header with the field names, then one line per object."""
    writer = csv.writer(_Echo())
    yield writer.writerow(names)
    for obj in objects:
        yield writer.writerow([cell(getattr(obj, name)) for name in names])
