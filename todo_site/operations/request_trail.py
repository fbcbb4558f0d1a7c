"""The trail of a task from the lake: each change, and the request that made it.

Every item carries the id of the request that wrote it, which joins changes with the request log. The log is partitioned
by the day on which its lines arrived, so only the days around the changes are read.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from web import athena

_CHANGES = """
SELECT event_name, entity_type, changed_at, event_time, version, user_id, user_bucket, updated_by, request_id
FROM task_events
WHERE entity_id = ? AND entity_type IN ('TASK', 'TRASH') AND NOT (event_name = 'REMOVE' AND entity_type = 'TASK')
  AND coalesce(is_change, 1) = 1
ORDER BY version, event_time
LIMIT 500
"""
_CHANGED = """
SELECT DISTINCT entity_id FROM task_events
WHERE request_id = ? AND entity_type IN ('TASK', 'TRASH') AND coalesce(is_change, 1) = 1
ORDER BY entity_id
LIMIT 50
"""
_REQUESTS = """
SELECT DISTINCT request_id, "timestamp" AS at, user_id, component, operation, status, duration_ms, metadata
FROM requests
WHERE year = ? AND month = ? AND day = ?
  AND request_id IN (SELECT request_id FROM task_events WHERE user_bucket = ? AND entity_id = ?)
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A line of the request log; ``asked`` is its metadata, ``duration_ms`` the time it took."""

    at: str
    user_id: str
    operation: str
    status: str
    duration_ms: float
    asked: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a task.

    ``requests`` has the log lines of its request: none if there are none yet, several if a caller used its id again.
    """

    at: str
    kind: str
    version: int
    updated_by: str
    request_id: str
    requests: tuple[Request, ...]


def of(some_id: str) -> dict[str, list[Step]]:
    """Return the changes of a task, or of each task that a request changed (at most 50), by the task's id.

    Makes a query more than ``of_task`` makes for each. Raises AthenaError.
    """
    if steps := of_task(some_id):
        return {some_id: steps}
    changed = [row["entity_id"] for row in athena.run(_CHANGED, (some_id,)).rows]
    return {task_id: of_task(task_id) for task_id in changed}


def of_task(task_id: str) -> list[Step]:
    """Return the changes of a task, the oldest first, at most 500.

    Makes one Athena query, and one for each day with changes. Raises AthenaError.
    """
    changes = athena.run(_CHANGES, (task_id,)).rows
    lines = list(_lines(task_id, changes))
    return [_step(change, lines) for change in changes]


def _lines(task_id: str, changes: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for day in sorted({day for change in changes for day in _days(change)}):
        yield from athena.run(_REQUESTS, (*day.split("-"), changes[0]["user_bucket"], task_id)).rows


def _days(change: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the days on which the log line of a change may have arrived: its own, or the next after midnight."""
    moment = datetime.fromisoformat(str(change["event_time"]))
    return tuple({(moment + timedelta(minutes=late)).date().isoformat() for late in (0, 30)})


def _step(change: Mapping[str, Any], lines: list[dict[str, Any]]) -> Step:
    mine = [line for line in lines if line["request_id"] == change["request_id"]]
    return Step(
        at=f"{change['changed_at']}Z",
        kind=_kind(change),
        version=int(change["version"] or 0),
        updated_by=change["updated_by"] or "",
        request_id=change["request_id"] or "",
        requests=tuple(_request(line) for line in sorted(mine, key=lambda line: str(line["at"]))),
    )


def _kind(change: Mapping[str, Any]) -> str:
    if change["entity_type"] == "TRASH":
        return "removed" if change["event_name"] == "REMOVE" else "deleted"
    if change["event_name"] == "INSERT":
        return "created" if change["version"] in {None, 1} else "restored"
    return "changed"


def _request(line: Mapping[str, Any]) -> Request:
    return Request(
        at=str(line["at"]),
        user_id=line["user_id"] or "",
        operation=line["operation"] or "",
        status=str(line["status"] or ""),
        duration_ms=float(line["duration_ms"] or 0),
        asked=json.loads(line["metadata"] or "{}"),
    )
