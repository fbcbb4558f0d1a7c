"""Gold through Athena: which snapshot is published, and the rows a query returns.

Everything that talks to AWS for the dashboard is here, except the cache of answers. PyAthena is imported when the
first query runs, so that pages that draw nothing never pay for it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from etl.lake.layout import GOLD_CURRENT

if TYPE_CHECKING:
    from pyathena.connection import Connection

POLL_SECONDS = 0.1
_log = logging.getLogger(__name__)
_client_lock = threading.Lock()


class WarehouseError(Exception):
    """A query or a read of the warehouse failed; ``query_id`` names the execution where there is one."""

    def __init__(self, message: str, query_id: str | None = None) -> None:
        super().__init__(message)
        self.query_id = query_id


class QueryTimeout(WarehouseError):  # noqa: N818 - the field says timeout, and it is an error by its base
    """A query ran longer than it may and was cancelled."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of Gold that is published: its id, when, up to which event, and where its tables are."""

    id: str
    published_at: datetime
    as_of: datetime
    locations: dict[str, str]

    @property
    def lag_seconds(self) -> float:
        """Time from the last event it holds to its publication."""
        return max(0.0, (self.published_at - self.as_of).total_seconds())


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of one query (values as JSON has them: dates are ISO text) and what they cost."""

    rows: list[dict[str, Any]]
    query_id: str
    bytes_scanned: int
    milliseconds: int

    def to_json(self) -> dict[str, Any]:
        """Plain data from which ``Answer(**data)`` makes an equal answer."""
        return asdict(self)


def client(service: str) -> Any:
    """Return this process's boto3 client for ``service``; clients are made one at a time, then shared by threads."""
    with _client_lock:
        return _client(service)


@cache
def _client(service: str) -> Any:
    import boto3

    return boto3.client(service, config=_config())  # type: ignore[call-overload]


def _config() -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=3,
        read_timeout=20,
        max_pool_connections=16,
        retries={"mode": "standard", "total_max_attempts": 3},
    )


def current_snapshot() -> Snapshot | None:
    """Read which snapshot is published; None before the first one. WarehouseError when it cannot be read."""
    s3 = client("s3")
    try:
        body = s3.get_object(Bucket=settings.GOLD_BUCKET, Key=GOLD_CURRENT)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    except Exception as error:
        raise WarehouseError(f"the published snapshot could not be read: {error}") from error
    return _parse_pointer(json.loads(body))


def _parse_pointer(data: dict[str, Any]) -> Snapshot:
    published = datetime.fromisoformat(data["published_at"])
    return Snapshot(
        id=str(data["snapshot"]),
        published_at=published,
        as_of=datetime.fromisoformat(data.get("as_of") or data["published_at"]),
        locations={name: table["location"].rstrip("/") for name, table in data["tables"].items()},
    )


def serves(snapshot: Snapshot) -> bool:
    """Whether Athena reads ``snapshot`` now, and therefore read nothing newer before.

    Publishing moves the catalog's tables one by one and the pointer last, and only ever forward. So the catalog is
    asked, not the pointer: while tables are being moved the pointer still names the old snapshot.
    """
    pages = client("glue").get_paginator("get_tables").paginate(DatabaseName=settings.GLUE_DATABASE)
    tables = [table for page in pages for table in page["TableList"]]
    served = {t["Name"]: t.get("StorageDescriptor", {}).get("Location", "").rstrip("/") for t in tables}
    return all(served.get(name) == location for name, location in snapshot.locations.items())


def literal(value: str | int | date) -> str:
    """An execution parameter as Athena wants it: numbers bare, everything else as a quoted SQL string."""
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def run(sql: str, values: tuple[Any, ...] = (), timeout: float = 20) -> Answer:
    """Run one query and return all its rows.

    Parameters
    ----------
    sql
        Trino SQL with ``?`` where a value goes.
    values
        The values, sent as execution parameters; never part of the SQL text.
    timeout
        Seconds after which the query is cancelled in Athena.

    Raises
    ------
    QueryTimeout
        The query was cancelled because its time was over.
    WarehouseError
        Athena refused or failed it, or could not be reached.
    """
    from pyathena.cursor import DictCursor

    deadline = _Deadline(timeout)
    with _connection().cursor(DictCursor, on_poll=deadline) as cursor:
        try:
            cursor.execute(sql, [literal(value) for value in values] or None, paramstyle="qmark")
            rows = [{name: _plain(value) for name, value in row.items()} for row in cursor.fetchall()]
        except _DeadlineOver:
            _cancel(cursor)
            raise QueryTimeout(f"no answer within {timeout:g} seconds", cursor.query_id) from None
        except Exception as error:
            raise WarehouseError(str(error), cursor.query_id) from error
        return Answer(
            rows=rows,
            query_id=str(cursor.query_id),
            bytes_scanned=int(cursor.data_scanned_in_bytes or 0),
            milliseconds=int(cursor.total_execution_time_in_millis or 0),
        )


class _DeadlineOver(Exception):  # noqa: N818 - never leaves this module
    """Raised between two polls of a query whose time is over."""


class _Deadline:
    """Called by PyAthena at every poll of a running query."""

    def __init__(self, seconds: float) -> None:
        self._over = time.monotonic() + seconds

    def __call__(self, execution: Any) -> None:
        if time.monotonic() >= self._over and execution.state in {"QUEUED", "RUNNING"}:
            raise _DeadlineOver


def _cancel(cursor: Any) -> None:
    try:
        cursor.cancel()
    except Exception:  # noqa: BLE001 - the caller reports the timeout, which matters more
        _log.warning("query could not be cancelled", extra={"query_id": cursor.query_id}, exc_info=True)


@cache
def _connect() -> Connection[Any]:
    import pyathena

    return pyathena.connect(
        work_group=settings.ATHENA_WORKGROUP,
        schema_name=settings.GLUE_DATABASE,
        region_name=settings.AWS_DEFAULT_REGION,
        s3_staging_dir="",
        poll_interval=POLL_SECONDS,
        kill_on_interrupt=False,
        config=_config(),
    )


def _connection() -> Connection[Any]:
    with _client_lock:
        return _connect()


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
