"""Tables as CSV that is safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from insights.model import Column, Row
from web.answers import Budget

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(columns: tuple[Column, ...], rows: list[Row]) -> str:
    """Return ``rows`` as CSV with a header line; values are not rounded.

    Text that a spreadsheet would run as a formula is prefixed with an apostrophe (OWASP: CSV injection).
    """
    return _line([column.name for column in columns]) + "".join(_lines(columns, rows))


def page_of_csv(columns: tuple[Column, ...], rows: list[Row]) -> tuple[str, int]:
    """Return as much of ``to_csv`` as one answer holds, and the number of its rows."""
    budget, text, count = Budget(), _line([column.name for column in columns]), 0
    fitting = takewhile(lambda line: budget.take(line.encode()), _lines(columns, rows))
    for count, line in enumerate(fitting, start=1):  # noqa: B007
        text += line
    return text, count


def _lines(columns: tuple[Column, ...], rows: list[Row]) -> Iterator[str]:
    return (_line([_safe(row.get(column.name)) for column in columns]) for row in rows)


def _line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _safe(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value
