"""Which tasks a list holds."""

from dataclasses import dataclass

SORTS = ("created", "due", "priority", "updated")


@dataclass(frozen=True, slots=True)
class TaskFilters:
    """Which tasks to list; everything given must hold.

    ``due_after`` and ``due_before`` are exclusive days (YYYY-MM-DD) and select open tasks only; the list is then by
    due date, the earliest first. ``undated`` selects open tasks without a due date, what is pending before what is
    in progress. Every other list has the newest task first, unless ``sort`` says otherwise. ``q`` is looked for in
    title, description, category and tags, whatever the case.

    Attributes
    ----------
    not_due_before
        Leave out open tasks that are due before this day.
    updated_since
        Only what changed at this instant (as it is stored) or later, deletions included: those come as TrashItem.
        The list is then by the last change, the earliest first; with another ``sort``, the deletions come last.
    sort
        One of ``SORTS``, "-" before it turns the whole list round. By due date, open tasks with one come before all
        others, which follow from old to new; by priority, low comes before urgent.
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
