"""The filters and orders of a list of tasks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """Filters of a list of tasks: a task must match all that are given.

    ``due_after`` and ``due_before`` are exclusive dates (YYYY-MM-DD) and select open tasks only, ordered by due date,
    the earliest first. ``undated`` selects open tasks without a due date, pending ones before those in progress. Other
    lists have the newest task first, unless ``sort`` is given. ``q`` is searched in title, description, category and
    tags, ignoring case.

    Attributes
    ----------
    not_due_before
        Exclude open tasks that are due before this date.
    updated_since
        Only tasks changed at this instant (as stored) or later, deleted ones included (as TrashItem). The list is
        ordered by last change, the earliest first; with another ``sort``, the deleted tasks come last.
    sort
        ``created``, ``due``, ``priority`` or ``updated``; a leading "-" reverses the list. By due date, open tasks that
        have one come first and all others follow from old to new; by priority, low comes before urgent.
    """

    status: str | None = None
    priority: str | None = None
    category: str | None = None
    tag: str | None = None
    due_after: str | None = None
    due_before: str | None = None
    q: str | None = None
    undated: bool = False
    not_due_before: str | None = None
    updated_since: str | None = None
    sort: str = ""
