"""Athena's client: runs queries, and reads which snapshot of Gold is published.

The first query imports PyAthena, so that processes that run none do not pay for it.
"""

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


class AthenaError(Exception):
    """A query or a read failed; ``query_id`` names the execution, if there was one."""

    def __init__(self, message: str, query_id: str | None = None) -> None:
        super().__init__(message)
        self.query_id = query_id


class QueryTimeout(AthenaError):  # noqa: N818
    """A query exceeded its timeout and was cancelled."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A published state of Gold.

    Attributes
    ----------
    id
        Identifies the snapshot.
    published_at
        Time of publication.
    as_of
        Time of the last event it includes.
    locations
        Table name -> S3 location.
    """

    id: str
    published_at: datetime
    as_of: datetime
    locations: dict[str, str]

    @property
    def lag_seconds(self) -> float:
        """Seconds from the last included event to publication."""
        return max(0.0, (self.published_at - self.as_of).total_seconds())


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query, with values as in JSON (dates are ISO texts), and the cost of running it."""

    rows: list[dict[str, Any]]
    query_id: str
    bytes_scanned: int
    milliseconds: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data; ``Answer(**data)`` restores the answer."""
        return asdict(self)


def client(service: str) -> Any:
    """Return the process's boto3 client for ``service``: created under a lock, then shared by all threads."""
    with _client_lock:
        return _client(service)


@cache
def _client(service: str) -> Any:
    import boto3
    from botocore.config import Config

    # Links to an object name its region's own address; other addresses redirect, which their signature forbids.
    links = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    config = _config().merge(links) if service == "s3" else _config()
    return boto3.client(service, config=config)  # type: ignore[call-overload]


def _config() -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=3,
        read_timeout=20,
        max_pool_connections=16,
        retries={"mode": "standard", "total_max_attempts": 3},
    )


def current_snapshot() -> Snapshot | None:
    """Read which snapshot is published; None before the first one. One GetObject. Raises AthenaError."""
    s3 = client("s3")
    try:
        body = s3.get_object(Bucket=settings.GOLD_BUCKET, Key=GOLD_CURRENT)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    except Exception as error:
        raise AthenaError(f"the published snapshot could not be read: {error}") from error
    return _parse_pointer(json.loads(body))


def _parse_pointer(data: dict[str, Any]) -> Snapshot:
    published = datetime.fromisoformat(data["published_at"])
    return Snapshot(
        id=str(data["snapshot"]),
        published_at=published,
        as_of=datetime.fromisoformat(data.get("as_of") or data["published_at"]),
        locations={name: table["location"].rstrip("/") for name, table in data["tables"].items()},
    )


def is_current(snapshot: Snapshot) -> bool:
    """Return whether Athena still reads ``snapshot``, so that no earlier query can have read a newer one.

    Publishing moves the catalog's tables one by one, the pointer last, and never backwards. This checks the catalog
    because the pointer still names the old snapshot while tables are being moved.
    """
    pages = client("glue").get_paginator("get_tables").paginate(DatabaseName=settings.GLUE_DATABASE)
    tables = [table for page in pages for table in page["TableList"]]
    served = {t["Name"]: t.get("StorageDescriptor", {}).get("Location", "").rstrip("/") for t in tables}
    return all(served.get(name) == location for name, location in snapshot.locations.items())


LONGEST_PARAMETER = 1024  # characters of an execution parameter, which has at least one


def literal(value: str | int | date) -> str:
    """Return a value as an execution parameter: numbers as they are, everything else as a quoted SQL string."""
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def run(sql: str, values: tuple[Any, ...] = (), timeout: float = 20) -> Answer:
    """Run a query and return all its rows.

    Parameters
    ----------
    sql
        Trino SQL with ``?`` as the placeholder for values.
    values
        The values, sent as execution parameters.
    timeout
        Seconds after which the query is cancelled.

    Raises
    ------
    QueryTimeout
        The query was cancelled because it exceeded ``timeout``.
    AthenaError
        Athena rejected the query, failed to run it, or could not be reached.
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
            raise AthenaError(str(error), cursor.query_id) from error
        return Answer(
            rows=rows,
            query_id=str(cursor.query_id),
            bytes_scanned=int(cursor.data_scanned_in_bytes or 0),
            milliseconds=int(cursor.total_execution_time_in_millis or 0),
        )


class _DeadlineOver(Exception):  # noqa: N818 - never leaves this module
    """Raised while polling a query that exceeded its timeout."""


class _Deadline:
    """PyAthena calls it at every poll of a running query."""

    def __init__(self, seconds: float) -> None:
        self._over = time.monotonic() + seconds

    def __call__(self, execution: Any) -> None:
        if time.monotonic() >= self._over and execution.state in {"QUEUED", "RUNNING"}:
            raise _DeadlineOver


def _cancel(cursor: Any) -> None:
    try:
        cursor.cancel()
    except Exception:  # noqa: BLE001  the caller reports the timeout
        _log.warning("query could not be cancelled", extra={"query_id": cursor.query_id}, exc_info=True)


@cache
def _connect() -> "Connection[Any]":
    import pyathena
    from pyathena.util import RetryConfig

    return pyathena.connect(
        # Waits of 1, 2 and 4 seconds: PyAthena's own go on for two minutes, and a page is answered within half of one.
        retry_config=RetryConfig(attempt=4),
        work_group=settings.ATHENA_WORKGROUP,
        schema_name=settings.GLUE_DATABASE,
        region_name=settings.AWS_DEFAULT_REGION,
        s3_staging_dir="",
        poll_interval=POLL_SECONDS,
        kill_on_interrupt=False,
        config=_config(),
    )


def _connection() -> "Connection[Any]":
    with _client_lock:
        return _connect()


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
