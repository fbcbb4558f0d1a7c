"""Which ranges of the table and its indexes a list of tasks is made of: the most selective that have its order."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from pynamodb.expressions.condition import Condition

from store.model import CHANGES
from store.ranges import Range
from store.text import folded
from tasks.items import (
    OPEN_STATUSES,
    PRIORITIES,
    TaskItem,
    TrashItem,
    category_prefix,
    spelled_prefix,
)

if TYPE_CHECKING:
    from tasks.task_filters import TaskFilters

# "$" sorts right after "#", so it ends the range of everything that begins with "#".
ALL: dict[str, Any] = {"low": "TASK#", "high": "TASK$"}
_OPEN = TaskItem.status.is_in(*OPEN_STATUSES)


def ranges(user_id: str, filters: "TaskFilters") -> list[Range[TaskItem]]:
    """Return what the list of ``filters`` is made of, in its order; merged, if it is about changes."""
    sort, forward = filters.sort.removeprefix("-"), not filters.sort.startswith("-")
    if filters.updated_since and sort in {"", "updated"}:
        return _changes(user_id, filters, forward)
    dated = filters.due_after or filters.due_before
    if not sort and filters.undated:
        return [_undated(user_id, filters)]
    order = _ORDERS[sort or ("due" if dated else "created")]
    found = order(user_id, filters, bool(sort or dated) and forward)
    found = found if forward or not sort else found[::-1]
    return [*found, *_changes(user_id, filters, forward)[1:]] if filters.updated_since else found


def merged(filters: "TaskFilters") -> bool:
    """Return whether the ranges of the list are merged by their keys; otherwise they follow each other."""
    if filters.updated_since:
        return filters.sort.removeprefix("-") in {"", "updated"}
    return _is_of_category(filters)


def _is_of_category(filters: "TaskFilters") -> bool:
    """Return whether the list is the tasks of a category by their age, which an index serves."""
    dated = filters.due_after or filters.due_before or filters.undated
    by_age = filters.sort.removeprefix("-") == "created" or not (filters.sort or dated)
    return bool(filters.category) and by_age and not filters.updated_since


def _range(user_id: str, filters: "TaskFilters", covered: str = "", **place: Any) -> Range[TaskItem]:
    """Return the range at ``place``, filtered by everything but what the place itself says."""
    conditions = [*_conditions(filters, covered)]
    if filters.updated_since and place.get("index") != CHANGES:
        conditions.append(TaskItem.updated_at >= filters.updated_since)
    if "index" in place and place["index"] != CHANGES:
        place["partition"] = f"USER#{user_id}"
    return Range(
        model=TaskItem,
        owner=f"TASK#{user_id}",
        condition=reduce(and_, conditions) if conditions else None,
        keep=_kept(filters, covered),
        **place,
    )


def _between(prefix: str) -> dict[str, str]:
    return {"low": prefix, "high": prefix[:-1] + "$"}


def _by_created(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range[TaskItem]]:
    place: dict[str, Any] = {"forward": forward}
    if filters.category and _is_of_category(filters):
        return _of_category(user_id, filters, filters.category, forward)
    if filters.priority:
        place |= {"covered": "priority", "index": "GSI3", **_between(f"PRIORITY#{filters.priority}#")}
    elif filters.status:
        place |= {"covered": "status", "index": "GSI1", **_between(f"STATUS#{filters.status}#")}
    else:
        place |= ALL
    return [_range(user_id, filters, **place)]


def _of_category(user_id: str, filters: "TaskFilters", name: str, forward: bool) -> list[Range[TaskItem]]:
    """Return the range of a category, and those of tasks that are indexed by the spelling they were written with."""
    spellings = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    prefixes = dict.fromkeys([category_prefix(name), *map(spelled_prefix, spellings)])
    return [
        _range(user_id, filters, "category", index="GSI4", forward=forward, by_item=True, **_between(prefix))
        for prefix in prefixes
    ]


def _by_due(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range[TaskItem]]:
    low = f"DUEDATE#{filters.due_after}$" if filters.due_after else "DUEDATE#"
    if filters.not_due_before:
        low = max(low, f"DUEDATE#{filters.not_due_before}#")
    high = f"DUEDATE#{filters.due_before}#" if filters.due_before else "DUEDATE$"
    dated = _range(user_id, filters, "due", index="GSI2", low=low, high=high, forward=forward)
    if filters.due_after or filters.due_before:
        return [dated]
    others = _by_created(user_id, replace(filters, not_due_before=None), forward)
    undated = TaskItem.GSI2PK.does_not_exist()
    return [
        dated,
        *(replace(o, condition=undated if o.condition is None else o.condition & undated) for o in others),
    ]


def _by_priority(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range[TaskItem]]:
    return [
        _range(
            user_id, filters, "priority", index="GSI3", forward=forward, **_between(f"PRIORITY#{priority}#")
        )
        for priority in PRIORITIES
        if filters.priority in {None, priority}
    ]


def _by_updated(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range[TaskItem]]:
    return [_range(user_id, filters, index=CHANGES, low="0", high=":", forward=forward)]


_ORDERS: dict[str, Callable[[str, "TaskFilters", bool], list[Range[TaskItem]]]] = {
    "created": _by_created,
    "due": _by_due,
    "priority": _by_priority,
    "updated": _by_updated,
}


def _changes(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range[TaskItem]]:
    """Return the ranges of changed and of deleted tasks. A permanently deleted task has left only its tombstone."""
    since = str(filters.updated_since)
    tasks = _range(user_id, filters, index=CHANGES, low=since, high=":", forward=forward)
    keep = tasks.keep
    trash = replace(
        tasks,
        owner=f"TRASH#{user_id}",
        condition=None if tasks.condition is None else TrashItem.purged_at.exists() | tasks.condition,
        keep=(lambda item: "purged_at" in item.attribute_values or keep(item)) if keep else None,
    )
    return [tasks, trash]


def _undated(user_id: str, filters: "TaskFilters") -> Range[TaskItem]:
    # Open statuses are neighbours in the index.
    return _range(
        user_id, filters, "undated", index="GSI1", low="STATUS#in_progress#", high="STATUS#pending$"
    )


def _conditions(filters: "TaskFilters", covered: str) -> Iterator[Condition]:
    for name in ("status", "priority"):
        value = getattr(filters, name)
        if value and name != covered:
            yield getattr(TaskItem, name) == value
    if filters.undated:
        yield TaskItem.due_date.does_not_exist()
        if covered != "undated":
            yield _OPEN
    if covered != "due":
        yield from _due_conditions(filters)


def _due_conditions(filters: "TaskFilters") -> Iterator[Condition]:
    if filters.due_after or filters.due_before:
        yield _OPEN
    if filters.due_after:
        yield TaskItem.due_date > filters.due_after
    if filters.due_before:
        yield TaskItem.due_date < filters.due_before
    if filters.not_due_before:
        later = TaskItem.due_date >= filters.not_due_before
        yield TaskItem.due_date.does_not_exist() | later | ~_OPEN


def _kept(filters: "TaskFilters", covered: str) -> Callable[[TaskItem], bool] | None:
    """Return the conditions on text, which DynamoDB can only compare byte by byte; None without any."""
    tests: list[Callable[[TaskItem], bool]] = []
    category, wanted = folded(filters.category or ""), folded(filters.tag or "")
    if filters.category and covered != "category":
        tests.append(lambda task: folded(task.category or "") == category)
    if filters.tag:
        tests.append(lambda task: any(folded(tag) == wanted for tag in task.tags or ()))
    if filters.q:
        tests.append(_containing(filters.q))
    return (lambda task: all(test(task) for test in tests)) if tests else None


def _containing(text: str) -> Callable[[TaskItem], bool]:
    wanted = folded(text)

    def keep(task: TaskItem) -> bool:
        texts = [task.title, task.description or "", task.category or "", *(task.tags or ())]
        return any(wanted in folded(part) for part in texts)

    return keep
