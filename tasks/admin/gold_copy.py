"""Gold's copy of everybody's tasks: it sorts and counts what the table cannot, and is as old as Gold."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from dynamo_admin.reading import Question
from web import athena

_log = logging.getLogger(__name__)
# How a field is sorted by, and how it is compared: with the type of what it is compared with.
_SORTED = {
    "title": "lower(title)",
    "category": "CASE WHEN category = '(none)' THEN NULL ELSE lower(category) END",
    "status": "status",
    "priority": "priority",
    "due_date": "CAST(due_date AS date)",
    "created_at": "created_at",
    "user_id": "user_id",
}
_COMPARED = {
    "title": ("title", "?"),
    "category": ("category", "?"),
    "status": ("status", "?"),
    "priority": ("priority", "?"),
    "user_id": ("user_id", "?"),
    "due_date": ("CAST(due_date AS date)", "CAST(? AS date)"),
    "created_at": ("created_at", "CAST(? AS timestamp)"),
}
_OPERATORS = {"exact": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class GoldCopy:
    """Reads Gold's ``task_facts`` through Athena, one query a page or total."""

    def keys(self, question: Question, start: int, size: int) -> tuple[list[str], datetime] | None:
        """Return the keys of the rows from ``start`` on; see ``dynamo_admin.reading.SortedCopy``."""
        if not {name for name, _ in question.ordering} <= _SORTED.keys():
            return None
        order = [
            f"{_SORTED[name]} {'DESC NULLS LAST' if back else 'ASC NULLS FIRST'}"
            for name, back in question.ordering
        ]
        order += ["created_at DESC", "task_id"]
        found = self._ask(
            "user_id, task_id", question, f"ORDER BY {', '.join(order)} OFFSET {start} LIMIT {size}"
        )
        if found is None:
            return None
        rows, as_of = found
        return [f"{row['user_id']}.{row['task_id']}" for row in rows], as_of

    def count(self, question: Question) -> tuple[int, datetime] | None:
        """Return the number of rows; see ``dynamo_admin.reading.SortedCopy``."""
        found = self._ask("count(*) AS number", question, "")
        return (int(found[0][0]["number"]), found[1]) if found else None

    def _ask(
        self, columns: str, question: Question, rest: str
    ) -> tuple[list[dict[str, Any]], datetime] | None:
        conditions = _conditions(question)
        if conditions is None:
            return None
        where = " AND ".join(["deleted = 0", *conditions])
        sql = f"SELECT {columns} FROM task_facts WHERE {where} {rest}"  # noqa: S608 (constants and whole numbers)
        try:
            snapshot = athena.current_snapshot()  # first: what is read is as new as this at least
            return (athena.run(sql, tuple(conditions.values())).rows, snapshot.as_of) if snapshot else None
        except athena.AthenaError:
            _log.warning("Gold could not sort or count a list of the admin", exc_info=True)
            return None


def _conditions(question: Question) -> Mapping[str, str] | None:
    """Return SQL conditions with one placeholder each, and its values; None if Gold cannot evaluate one."""
    found: dict[str, str] = {}
    for name, asked, value in question.conditions:
        lookup = asked
        if name not in _COMPARED or lookup not in {"iexact", *_OPERATORS} or value is None or value == "":
            return None
        column, placeholder = _COMPARED[name]
        if lookup == "iexact":
            column, placeholder, lookup = f"lower({column})", "lower(?)", "exact"
        found[f"{column} {_OPERATORS[lookup]} {placeholder}"] = _plain(value)
    return found


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    return value.isoformat() if isinstance(value, date) else str(value)
