"""The only readers of the table. A page of a list is one Query on the index that serves it best.

Index reads are eventually consistent; everything read from the table itself is consistent.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from tasks import cursors, table
from tasks.errors import TaskNotFound
from tasks.ids import is_id
from tasks.items import (
    TTL_ATTRIBUTE,
    Item,
    TaskItem,
    TrashItem,
    UserItem,
    category_prefix,
    task_key,
    user_key,
)

LIMIT, MAX_LIMIT = 50, 100
# A filter that no index serves reads this many tasks at a time, and gives up filling a page after so many reads.
SIFTED, MAX_READS = 250, 8

AnyItem = TypeVar("AnyItem", bound=Item)
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """Which tasks to list; everything given must hold.

    ``due_after`` and ``due_before`` are exclusive days (YYYY-MM-DD) and select open tasks only; the list is then by
    due date, the earliest first. ``undated`` selects open tasks without a due date, what is pending before what is
    in progress. Every other list has the newest task first. ``q`` is looked for in title, description, category and
    tags, whatever the case.
    """

    status: str | None = None
    priority: str | None = None
    category: str | None = None
    tag: str | None = None
    due_after: str | None = None
    due_before: str | None = None
    q: str | None = None
    undated: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyItem]):
    """Some items of a list, and the cursor that gets the next ones (None at the end)."""

    items: list[AnyItem]
    next_cursor: str | None


def get_task(user_id: str, task_id: str) -> TaskItem:
    """Return a task of ``user_id``. One GetItem. Raises TaskNotFound, also for somebody else's."""
    values = table.get(task_key(user_id, task_id)) if is_id(task_id) else None
    if values is None:
        raise TaskNotFound
    return TaskItem.of(values)


def get_profile(user_id: str) -> UserItem | None:
    """Return the profile of ``user_id``, or None. One GetItem."""
    values = table.get(user_key(user_id))
    return UserItem.of(values) if values else None


def list_tasks(
    user_id: str, *, filters: TaskFilters = TaskFilters(), limit: int = LIMIT, cursor: str | None = None
) -> Page[TaskItem]:
    """Return a page of at most ``limit`` tasks of ``user_id``. One Query, unless no index serves the filters.

    Raises InvalidCursor.
    """
    scope = f"tasks\0{user_id}\0" + "\0".join(f"{getattr(filters, f.name) or ''}" for f in fields(filters))
    search = _search(user_id, filters)
    items, position = search.run(limit, cursors.load(scope, cursor) if cursor else None)
    return Page(
        [TaskItem.of(values) for values in items], cursors.dump(scope, position) if position else None
    )


def get_trashed(
    user_id: str, *, now: float | None = None, limit: int = LIMIT, cursor: str | None = None
) -> Page[TrashItem]:
    """Return a page of the deleted tasks of ``user_id`` still kept at ``now`` (epoch seconds). One Query."""
    moment = time.time() if now is None else now
    scope = f"trash\0{user_id}"
    search = _Search(
        partition=f"TRASH#{user_id}", prefix="TASK#", keep=lambda values: bool(values[TTL_ATTRIBUTE] > moment)
    )
    items, position = search.run(limit, cursors.load(scope, cursor) if cursor else None)
    return Page(
        [TrashItem.of(values) for values in items], cursors.dump(scope, position) if position else None
    )


def count_tasks(user_id: str, *, filters: TaskFilters = TaskFilters(), at_most: int = 1000) -> int:
    """Return how many tasks match, counting no further than ``at_most`` tasks. One Query."""
    search = _search(user_id, filters)
    return table.count(search.values(), Limit=at_most, **search.arguments())


# --- How a list is read --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Search:
    """A range of one partition of the table or an index, sifted by what the range itself does not say."""

    partition: str
    index: str = ""
    prefix: str = ""
    between: tuple[str, str] | None = None
    equal: tuple[tuple[str, str], ...] = ()
    tag: str | None = None
    keep: Callable[[Values], bool] | None = None
    undated: bool = False

    @property
    def _sifted(self) -> bool:
        return bool(self.equal or self.tag or self.keep or self.undated)

    def values(self) -> Values:
        low, high = self.between or (self.prefix, None)
        values: Values = {":pk": self.partition, ":low": low, ":high": high, ":tag": self.tag}
        return values | {f":{name}": value for name, value in self.equal}

    def arguments(self) -> dict[str, Any]:
        within = "BETWEEN :low AND :high" if self.between else ""
        names = {"#pk": f"{self.index}PK", "#sk": f"{self.index}SK"} | {
            f"#{name}": name for name, _ in self.equal
        }
        conditions = [f"#{name} = :{name}" for name, _ in self.equal]
        if self.tag:
            conditions.append("contains(tags, :tag)")
        if self.undated:
            conditions.append("attribute_not_exists(due_date)")
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "#pk = :pk AND "
            + (f"#sk {within}" if within else "begins_with(#sk, :low)"),
            "ExpressionAttributeNames": names,
            "ScanIndexForward": self.index == "GSI2",
            **({"FilterExpression": " AND ".join(conditions)} if conditions else {}),
        }
        return arguments | ({"IndexName": self.index} if self.index else {"ConsistentRead": True})

    def run(self, limit: int, position: list[str] | None) -> tuple[list[Values], list[str] | None]:
        """Return up to ``limit`` items after ``position``, and the position to go on from (None at the end)."""
        if self.between and self.between[0] > self.between[1]:
            return [], None
        found: list[Values] = []
        start: Mapping[str, str] = self._start(position) if position else {}
        size = max(limit + 1, SIFTED) if self._sifted else limit + 1
        arguments, values = self.arguments(), self.values()
        for _ in range(MAX_READS):
            page, start = table.query(values, start, Limit=size, **arguments)
            found += filter(self.keep, page) if self.keep else page
            if len(found) > limit:
                return found[:limit], self._position(found[limit - 1])
            if not start:
                return found, None
        return found, self._position(start)

    def _position(self, key: Mapping[str, Any]) -> list[str]:
        return [key["SK"], *([key[f"{self.index}SK"]] if self.index else [])]

    def _start(self, position: list[str]) -> dict[str, str]:
        key = {"PK": self.partition, "SK": position[0]}
        if self.index:
            key["PK"] = self.partition.replace("USER#", "TASK#", 1)
            key |= {f"{self.index}PK": self.partition, f"{self.index}SK": position[1]}
        return key


def _search(user_id: str, filters: TaskFilters) -> _Search:
    rest = {name: value for name in ("status", "priority", "category") if (value := getattr(filters, name))}
    place: dict[str, Any] = {"partition": f"USER#{user_id}"}
    if filters.due_after or filters.due_before:
        # "$" sorts after "#", so it stands for everything of that day.
        low = f"DUEDATE#{filters.due_after}$" if filters.due_after else "DUEDATE#"
        high = f"DUEDATE#{filters.due_before}#" if filters.due_before else "DUEDATE$"
        place |= {"index": "GSI2", "between": (low, high)}
    elif filters.undated:
        # Open statuses are neighbours in the index, and "$" sorts after "#".
        place |= {"index": "GSI1", "between": ("STATUS#in_progress#", "STATUS#pending$"), "undated": True}
    elif "category" in rest:
        place |= {"index": "GSI4", "prefix": category_prefix(rest.pop("category"))}
    elif "priority" in rest:
        place |= {"index": "GSI3", "prefix": f"PRIORITY#{rest.pop('priority')}#"}
    elif "status" in rest:
        place |= {"index": "GSI1", "prefix": f"STATUS#{rest.pop('status')}#"}
    else:
        place = {"partition": f"TASK#{user_id}", "prefix": "TASK#"}
    keep = _containing(filters.q) if filters.q else None
    return _Search(**place, equal=tuple(rest.items()), tag=filters.tag, keep=keep)


def _containing(text: str) -> Callable[[Values], bool]:
    wanted = text.casefold()

    def keep(task: Values) -> bool:
        texts = [task["title"], task.get("description", ""), task.get("category", ""), *task.get("tags", ())]
        return any(wanted in part.casefold() for part in texts)

    return keep
