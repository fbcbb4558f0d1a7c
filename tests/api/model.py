"""What the API should answer, in plain Python: lists of dicts, no index, no cursor."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

Task = dict[str, Any]
PRIORITIES = ("low", "medium", "high", "urgent")
OPEN = ("pending", "in_progress")
SORTS = tuple(sign + name for name in ("created", "due", "priority", "updated") for sign in ("", "-"))


def today() -> date:
    """Return the day it is for the API (UTC); a run may begin on the day before."""
    return datetime.now(UTC).date()


def is_due(task: Task) -> bool:
    """Whether the task is open and has a due date."""
    return task["status"] in OPEN and task["due_date"] is not None


def matches(task: Task, query: dict[str, str]) -> bool:
    """Whether a task belongs into the list of ``query``."""
    due = task["due_date"] or ""
    overdue = is_due(task) and due < today().isoformat()
    texts = [task["title"], task["description"] or "", task["category"] or "", *task["tags"]]
    tests = {
        "status": lambda wanted: task["status"] == wanted,
        "priority": lambda wanted: task["priority"] == wanted,
        "category": lambda wanted: task["category"] == wanted,
        "tag": lambda wanted: wanted in task["tags"],
        "due_before": lambda wanted: is_due(task) and due < wanted,
        "due_after": lambda wanted: is_due(task) and due > wanted,
        "overdue": lambda wanted: overdue == (wanted == "true"),
        "q": lambda wanted: any(wanted.casefold() in text.casefold() for text in texts),
    }
    return all(tests[name](wanted) for name, wanted in query.items() if name in tests)


_KEYS = {
    "created": lambda task: task["id"],
    "due": lambda task: (not is_due(task), task["due_date"] if is_due(task) else "", task["id"]),
    "priority": lambda task: (PRIORITIES.index(task["priority"]), task["id"]),
    "updated": lambda task: (task["updated_at"], task["id"]),
}


def listed(tasks: list[Task], query: dict[str, str]) -> list[Task]:
    """Return the whole list of ``query``, in its order."""
    dated = {"due_before", "due_after"} & query.keys() or query.get("overdue") == "true"
    sort = query.get("sort", "due" if dated else "-created")
    found = [task for task in tasks if matches(task, query)]
    return sorted(found, key=_KEYS[sort.removeprefix("-")], reverse=sort.startswith("-"))
