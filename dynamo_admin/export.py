"""A list as CSV that no spreadsheet takes for formulas."""

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
    """Return a value as the text of one cell; what a spreadsheet would calculate gets a quote in front."""
    if value is None:
        return ""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text


def lines(names: list[str], objects: Iterable[Any]) -> Iterator[str]:
    """Yield the CSV lines of objects: a header of field names, then the fields' values."""
    writer = csv.writer(_Echo())
    yield writer.writerow(names)
    for obj in objects:
        yield writer.writerow([cell(getattr(obj, name)) for name in names])
