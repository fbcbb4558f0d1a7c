"""Which ranges of the table and its indexes a list of tasks is made of: the most selective that have its order."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from store.ranges import Range
from store.schema import CHANGES
from tasks.items import OPEN_STATUSES, PRIORITIES, category_prefix

if TYPE_CHECKING:
    from tasks.task_filters import TaskFilters

# "$" sorts right after "#", so it ends the range of everything that begins with "#".
ALL: dict[str, Any] = {"low": "TASK#", "high": "TASK$"}
_OPEN = "#status IN (:open0, :open1)"
_OPEN_VALUES = {f":open{number}": status for number, status in enumerate(OPEN_STATUSES)}

Values = dict[str, Any]


@dataclass
class _Sieve:
    """What a range does not say by itself."""

    conditions: list[str] = field(default_factory=list)
    values: Values = field(default_factory=dict)

    def add(self, condition: str, **values: Any) -> None:
        self.conditions.append(condition)
        self.values |= {f":{name}": value for name, value in values.items()}

    def add_open(self, condition: str, **values: Any) -> None:
        self.add(condition.replace("OPEN", _OPEN), **values)
        self.values |= _OPEN_VALUES


def ranges(user_id: str, filters: "TaskFilters") -> list[Range]:
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
    return bool(filters.updated_since) and filters.sort.removeprefix("-") in {"", "updated"}


def _range(user_id: str, filters: "TaskFilters", covered: str = "", **place: Any) -> Range:
    """Return the range at ``place``, sifted by all filters but the one that the place itself says."""
    sieve = _sieve(filters, covered)
    if filters.updated_since and place.get("index") != CHANGES:
        sieve.add("#updated_at >= :since", since=filters.updated_since)
    keep = _containing(filters.q) if filters.q else None
    if "index" in place and place["index"] != CHANGES:
        place["partition"] = f"USER#{user_id}"
    return Range(
        owner=f"TASK#{user_id}",
        conditions=tuple(sieve.conditions),
        values=sieve.values,
        keep=keep,
        **place,
    )


def _between(prefix: str) -> dict[str, str]:
    return {"low": prefix, "high": prefix[:-1] + "$"}


def _by_created(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range]:
    place: dict[str, Any] = {"forward": forward}
    if filters.category:
        place |= {"covered": "category", "index": "GSI4", **_between(category_prefix(filters.category))}
    elif filters.priority:
        place |= {"covered": "priority", "index": "GSI3", **_between(f"PRIORITY#{filters.priority}#")}
    elif filters.status:
        place |= {"covered": "status", "index": "GSI1", **_between(f"STATUS#{filters.status}#")}
    else:
        place |= ALL
    return [_range(user_id, filters, **place)]


def _by_due(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range]:
    low = f"DUEDATE#{filters.due_after}$" if filters.due_after else "DUEDATE#"
    if filters.not_due_before:
        low = max(low, f"DUEDATE#{filters.not_due_before}#")
    high = f"DUEDATE#{filters.due_before}#" if filters.due_before else "DUEDATE$"
    dated = _range(user_id, filters, "due", index="GSI2", low=low, high=high, forward=forward)
    if filters.due_after or filters.due_before:
        return [dated]
    others = _by_created(user_id, replace(filters, not_due_before=None), forward)
    return [
        dated,
        *(replace(o, conditions=(*o.conditions, "attribute_not_exists( #GSI2PK )")) for o in others),
    ]


def _by_priority(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range]:
    return [
        _range(
            user_id, filters, "priority", index="GSI3", forward=forward, **_between(f"PRIORITY#{priority}#")
        )
        for priority in PRIORITIES
        if filters.priority in {None, priority}
    ]


def _by_updated(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range]:
    return [_range(user_id, filters, index=CHANGES, low="0", high=":", forward=forward)]


_ORDERS: dict[str, Callable[[str, "TaskFilters", bool], list[Range]]] = {
    "created": _by_created,
    "due": _by_due,
    "priority": _by_priority,
    "updated": _by_updated,
}


def _changes(user_id: str, filters: "TaskFilters", forward: bool) -> list[Range]:
    """Return the changed tasks and the deleted ones. Of a task deleted for good nothing is known but that."""
    since = str(filters.updated_since)
    tasks = _range(user_id, filters, index=CHANGES, low=since, high=":", forward=forward)
    conditions = (f"attribute_exists( #purged_at ) OR {' AND '.join(tasks.conditions)}",)
    keep = tasks.keep
    return [
        tasks,
        replace(
            tasks,
            owner=f"TRASH#{user_id}",
            conditions=conditions if tasks.conditions else (),
            keep=(lambda item: "purged_at" in item or keep(item)) if keep else None,
        ),
    ]


def _undated(user_id: str, filters: "TaskFilters") -> Range:
    # Open statuses are neighbours in the index.
    return _range(
        user_id, filters, "undated", index="GSI1", low="STATUS#in_progress#", high="STATUS#pending$"
    )


def _sieve(filters: "TaskFilters", covered: str) -> _Sieve:
    sieve = _Sieve()
    for name in ("status", "priority", "category"):
        value = getattr(filters, name)
        if value and name != covered:
            sieve.add(f"#{name} = :{name}", **{name: value})
    if filters.tag:
        sieve.add("contains( #tags , :tag)", tag=filters.tag)
    if filters.undated:
        sieve.add("attribute_not_exists( #due_date )")
        if covered != "undated":
            sieve.add_open("OPEN")
    if covered != "due":
        _sift_due(sieve, filters)
    return sieve


def _sift_due(sieve: _Sieve, filters: "TaskFilters") -> None:
    if filters.due_after or filters.due_before:
        sieve.add_open("OPEN")
    if filters.due_after:
        sieve.add("#due_date > :due_after", due_after=filters.due_after)
    if filters.due_before:
        sieve.add("#due_date < :due_before", due_before=filters.due_before)
    if filters.not_due_before:
        sieve.add_open(
            "(attribute_not_exists( #due_date ) OR #due_date >= :not_before OR NOT OPEN )",
            not_before=filters.not_due_before,
        )


def _containing(text: str) -> Callable[[Values], bool]:
    wanted = text.casefold()

    def keep(task: Values) -> bool:
        texts = [task["title"], task.get("description", ""), task.get("category", ""), *task.get("tags", ())]
        return any(wanted in part.casefold() for part in texts)

    return keep
