"""Tables as CSV that is safe to open in a spreadsheet."""

from collections.abc import Iterator
from itertools import takewhile

from insights.model import Column, Row
from web import csv_files
from web.answers import Budget


def to_csv(columns: tuple[Column, ...], rows: list[Row]) -> str:
    """Return ``rows`` as CSV with a header line; values are not rounded."""
    return _head(columns) + "".join(_lines(columns, rows))


def page_of_csv(columns: tuple[Column, ...], rows: list[Row]) -> tuple[str, int]:
    """Return as much of ``to_csv`` as one answer holds, and the number of its rows."""
    budget, text, count = Budget(), _head(columns), 0
    fitting = takewhile(lambda line: budget.take(line.encode()), _lines(columns, rows))
    for count, line in enumerate(fitting, start=1):  # noqa: B007
        text += line
    return text, count


def _head(columns: tuple[Column, ...]) -> str:
    return csv_files.head(column.name for column in columns)


def _lines(columns: tuple[Column, ...], rows: list[Row]) -> Iterator[str]:
    return (csv_files.line(row.get(column.name) for column in columns) for row in rows)
