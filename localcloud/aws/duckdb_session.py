"""The in-process DuckDB that Athena's queries and Firehose's conversions share."""

import threading
from pathlib import Path
from typing import Any

import duckdb

SETTINGS = (
    "SET GLOBAL threads = 2",
    "SET GLOBAL autoinstall_known_extensions = false",
    "SET GLOBAL parquet_metadata_cache = true",
)
SESSION_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET integer_division = true",  # 7 / 2 = 3, as in Trino
    "SET default_null_order = 'nulls_last'",
    "SET disabled_optimizers = 'type_pushdown'",  # it makes the CSV reader's TRY_CAST strict
)
MACROS = Path(__file__).with_name("macros.sql")
_lock = threading.Lock()
_database: Any = None


def cursor() -> Any:
    """Return a new cursor; different threads may use different cursors at once."""
    global _database  # noqa: PLW0603
    with _lock:
        if _database is None:
            _database = _open()
        cursor = _database.cursor()
    for setting in SESSION_SETTINGS:
        cursor.execute(setting)
    return cursor


def _open() -> Any:
    database = duckdb.connect(":memory:")
    for setting in SETTINGS:
        database.execute(setting)
    database.execute(MACROS.read_text())
    return database


def quoted(text: str) -> str:
    """Return an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
