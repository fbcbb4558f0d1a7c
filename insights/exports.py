"""Tables as CSV that is safe to open in a spreadsheet."""

import csv
import io
from typing import Any

from insights.model import Column, Row

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(columns: tuple[Column, ...], rows: list[Row]) -> str:
    """Return ``rows`` as CSV with a header line; values are not rounded.

    Text that a spreadsheet would run as a formula is prefixed with an apostrophe (OWASP: CSV injection).
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([column.name for column in columns])
    writer.writerows([[_safe(row.get(column.name)) for column in columns] for row in rows])
    return text.getvalue()


def _safe(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value
