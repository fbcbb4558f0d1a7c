"""Runs a translated query in DuckDB, on a worker thread."""

import asyncio
from typing import Any

import duckdb
from ministack.services import athena

from localcloud.aws import duckdb_session
from localcloud.aws.athena import catalog, results, show_statements
from localcloud.aws.athena.errors import QueryError, ScanLimitError
from localcloud.aws.athena.translate import Translation, translate

AT_ONCE = 4
_slots = asyncio.Semaphore(AT_ONCE)


async def run(sql: str, database: str, parameters: list[str], execution: dict[str, Any]) -> results.Result:
    """Return the result of a query, or raise QueryError; `execution` gets the cursor, so that it can be stopped."""
    answer = show_statements.answer(sql, database)
    if answer is not None:
        return answer
    async with _slots:
        translation = translate(sql, database, parameters)
        for table in translation.tables.values():
            table.find_files()
        _check_scan(execution, sum(table.scanned for table in translation.tables.values()))
        cursor = duckdb_session.cursor()
        execution["_cursor"] = cursor
        try:
            return await asyncio.to_thread(_run, cursor, translation)
        finally:
            execution.pop("_cursor", None)
            cursor.close()


def _check_scan(execution: dict[str, Any], scanned: int) -> None:
    """Raise ScanLimitError beyond the workgroup's limit; Athena counts only the columns read, so it may allow more."""
    workgroup = athena._workgroups.get(execution["WorkGroup"]) or {}
    limit = (workgroup.get("Configuration") or {}).get("BytesScannedCutoffPerQuery")
    if limit and scanned > int(limit):
        raise ScanLimitError(f"{scanned:,} bytes")


def _run(cursor: Any, translation: Translation) -> results.Result:
    try:
        for name, table in translation.tables.items():
            cursor.execute(f"CREATE TEMP VIEW {name} AS {catalog.relation(cursor, table)}")
        cursor.execute(translation.sql)
        rows = cursor.fetchall()
        names = translation.names or [description[0] for description in cursor.description]
    except duckdb.Error as error:
        raise QueryError(*_reason(error)) from error
    columns = [
        results.column(name, str(description[1]))
        for name, description in zip(names, cursor.description, strict=True)
    ]
    scanned = sum(table.scanned for table in translation.tables.values())
    return results.Result(columns, [[results.text(value) for value in row] for row in rows], scanned)


def _reason(error: duckdb.Error) -> tuple[str, str]:
    """Return Trino's error name and the message of an error of DuckDB."""
    message = str(error)
    for part, name in (
        ("Division by zero", "DIVISION_BY_ZERO"),
        ("INVALID_CAST_ARGUMENT: ", "INVALID_CAST_ARGUMENT"),
        ("Conversion Error", "INVALID_CAST_ARGUMENT"),
        ("Referenced column", "COLUMN_NOT_FOUND"),
        ("does not have a column named", "COLUMN_NOT_FOUND"),
        ("cannot be referenced before it is defined", "COLUMN_NOT_FOUND"),
        ("must appear in the GROUP BY", "EXPRESSION_NOT_AGGREGATE"),
        ("INTERRUPT", "USER_CANCELED"),
    ):
        if part in message:
            return name, message.replace("INVALID_CAST_ARGUMENT: ", "")
    return "GENERIC_USER_ERROR", message
