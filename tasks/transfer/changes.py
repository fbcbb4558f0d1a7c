"""What the lake keeps of a person: every write of their tasks and profile, the oldest first, a page at a time.

The pages of an export are small enough for its steps: a query returns at most ``MOST`` changes, and no more than
``BYTES`` of what they left behind, but one in any case.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from etl.lake.layout import user_bucket
from store.errors import RETRY, DomainError
from store.paging import Page

MOST, BYTES = 2000, 6 * 1024 * 1024
# What a query weighs in a person's allowance, in queries of the table.
READS = 10
TIMEOUT = 15
_PROFILE = (
    "email",
    "username",
    "name",
    "given_name",
    "family_name",
    "timezone",
    "first_day_of_week",
    "disabled_at",
)
_TASK = (
    *("title", "description", "status", "priority", "category", "tags", "checklist", "due_date", "due_time"),
    *("timezone", "recurrence", "repeat_from", "completed_at", "deleted_at"),
)
_KINDS = {"TASK": "task", "TRASH": "task in the trash", "USER": "profile"}
_DONE = {"INSERT": "added", "MODIFY": "changed", "REMOVE": "removed"}
_SQL = """
WITH following AS (
  SELECT event_id, event_name, entity_type, entity_id, changed_at, version, updated_by, request_id, image
  FROM task_events
  WHERE user_bucket = ? AND user_id = ?
    AND (changed_at > CAST(? AS timestamp) OR (changed_at = CAST(? AS timestamp) AND event_id > ?))
  ORDER BY changed_at, event_id
  LIMIT {more}
), measured AS (
  SELECT *,
    row_number() OVER (ORDER BY changed_at, event_id) AS number,
    sum(length(image)) OVER (ORDER BY changed_at, event_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS size,
    count(*) OVER () AS found
  FROM following
)
SELECT * FROM measured WHERE number = 1 OR (number <= {most} AND size <= {size}) ORDER BY number
"""


class HistoryUnreadable(DomainError):  # noqa: N818
    """The lake does not answer."""

    status = 503
    kind = "unavailable"
    headers = RETRY
    message = _("The history of your changes cannot be read right now. Go on in a moment: nothing is lost.")


def page_of(user_id: str, cursor: str | None) -> Page[Any]:
    """Return the next changes of a person. One Athena query. Raises HistoryUnreadable."""
    from web import athena  # imports Athena's client, which only this needs

    at, event_id = json.loads(cursor) if cursor else ("1900-01-01 00:00:00", "")
    sql = _SQL.format(more=MOST + 1, most=MOST, size=BYTES)
    try:  # a parameter has at least one character, and event ids have no blanks
        rows = athena.run(sql, (user_bucket(user_id), user_id, at, at, event_id or " "), timeout=TIMEOUT).rows
    except athena.AthenaError as error:
        raise HistoryUnreadable from error
    last = rows[-1] if rows else None
    following = None
    if last and int(last["found"]) > int(last["number"]):
        following = json.dumps([str(last["changed_at"]).replace("T", " "), last["event_id"]])
    changes: list[Any] = [_change(row, user_id) for row in rows]
    return Page(changes, following, READS)


def _change(row: Mapping[str, Any], user_id: str) -> dict[str, Any]:
    values = json.loads(row["image"] or "{}")
    names = _PROFILE if row["entity_type"] == "USER" else _TASK
    return {
        "at": f"{datetime.fromisoformat(str(row['changed_at'])).isoformat(timespec='milliseconds')}Z",
        "what": _KINDS.get(row["entity_type"], row["entity_type"]),
        "id": row["entity_id"],
        "done": _DONE.get(row["event_name"], row["event_name"]),
        "version": row["version"],
        "by_you": row["updated_by"] == user_id,
        "request_id": row["request_id"],
        "values": {name: values[name] for name in names if values.get(name) not in (None, "", [])},
    }
