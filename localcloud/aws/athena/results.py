"""Athena's form of DuckDB's values: type names, texts, the CSV file."""

import datetime as dt
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

NAMES = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INTEGER": "integer", "BIGINT": "bigint",
    "HUGEINT": "bigint", "UHUGEINT": "bigint", "UBIGINT": "bigint", "UINTEGER": "bigint", "USMALLINT": "integer",
    "UTINYINT": "smallint", "FLOAT": "float", "DOUBLE": "double", "VARCHAR": "varchar", "UUID": "varchar",
    "BLOB": "varbinary", "DATE": "date", "TIME": "time", "TIMESTAMP": "timestamp", "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp", "TIMESTAMP_NS": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "INTERVAL": "interval day to second", "JSON": "json", '"NULL"': "unknown", "NULL": "unknown",
}  # fmt: skip
PRECISION = {
    "tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19, "float": 17, "double": 17, "varchar": 2147483647,
    "timestamp": 3, "timestamp with time zone": 3, "time": 3,
}  # fmt: skip
DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


@dataclass(frozen=True, slots=True)
class Column:
    """A result column: its label, Athena's type name, precision and scale."""

    name: str
    type: str
    precision: int = 0
    scale: int = 0

    def info(self) -> dict[str, Any]:
        """The ColumnInfo of GetQueryResults."""
        return {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": self.type,
            "Precision": self.precision,
            "Scale": self.scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": self.type == "varchar",
        }


@dataclass(frozen=True, slots=True)
class Result:
    """A finished query: columns, rows of text (None is NULL), bytes read."""

    columns: list[Column]
    rows: list[list[str | None]]
    scanned: int = 0


def column(name: str, duckdb_type: str) -> Column:
    """Describe a result column of a DuckDB type."""
    if match := DECIMAL.fullmatch(duckdb_type):
        return Column(name, "decimal", int(match[1]), int(match[2]))
    if duckdb_type.endswith("]"):
        return Column(name, "array")
    base = duckdb_type.partition("(")[0]
    if base in ("STRUCT", "MAP"):
        return Column(name, "row" if base == "STRUCT" else "map")
    kind = NAMES.get(base, "varchar")
    return Column(name, kind, PRECISION.get(kind, 0))


def text(value: Any) -> str | None:
    """Return Athena's text of a value, None for NULL."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    for kind, form in FORMS:
        if isinstance(value, kind):
            return form(value)
    return str(value)


def _double(value: float) -> str:
    """Format a number as Java's Double.toString does, which Athena uses."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = f"{Decimal(repr(value)):f}"
        return plain if "." in plain else f"{plain}.0"
    digits, _, exponent = f"{Decimal(repr(value)).normalize():e}".lower().partition("e")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def _timestamp(value: dt.datetime) -> str:
    zone = " UTC" if value.tzinfo is not None else ""
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}{zone}"


def _interval(value: dt.timedelta) -> str:
    sign, value = ("-", -value) if value < dt.timedelta(0) else ("", value)
    hours, rest = divmod(value.seconds, 3600)
    return f"{sign}{value.days} {hours:02d}:{rest // 60:02d}:{rest % 60:02d}.{value.microseconds // 1000:03d}"


def _nested(value: Any) -> str:
    return "null" if value is None else str(text(value))


FORMS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (float, _double),
    (Decimal, lambda value: f"{value:f}"),
    (dt.datetime, _timestamp),
    (dt.date, lambda value: value.isoformat()),
    (dt.time, lambda value: f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}"),
    (dt.timedelta, _interval),
    (bytes, lambda value: value.hex(" ")),
    (list, lambda value: "[" + ", ".join(map(_nested, value)) + "]"),
    (dict, lambda value: "{" + ", ".join(f"{_nested(k)}={_nested(v)}" for k, v in value.items()) + "}"),
)


def csv(result: Result) -> bytes:
    """Return the result file: everything quoted except NULL, which is empty."""
    names: list[str | None] = [column.name for column in result.columns]
    lines = [",".join(map(_quoted, row)) + "\n" for row in (names, *result.rows)]
    return "".join(lines).encode()


def _quoted(cell: str | None) -> str:
    return "" if cell is None else '"' + cell.replace('"', '""') + '"'
