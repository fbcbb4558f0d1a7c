"""AdminSite without SQL: recent actions come from wherever the site keeps them."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin

Latest = Callable[[str | None, int], Sequence[Any]]


class RecentActions:
    """What the index page's template asks of a QuerySet of LogEntry: ``filter(user__pk=…)`` and a slice.

    Parameters
    ----------
    latest
        From the id of who acted (None for anybody) and a number to the latest entries.
    """

    def __init__(self, latest: Latest, user_id: str | None = None) -> None:
        self._latest, self._user_id = latest, user_id

    def filter(self, **conditions: Any) -> "RecentActions":
        """Return the actions of one person."""
        return RecentActions(self._latest, conditions.get("user__pk", self._user_id))

    def __getitem__(self, part: slice) -> Sequence[Any]:
        return self._latest(self._user_id, part.stop or 10)


class DynamoAdminSite(admin.AdminSite):
    """Override ``latest_actions`` to fill "Recent actions"."""

    def latest_actions(self, user_id: str | None, limit: int) -> Sequence[Any]:
        """Return the latest entries of the history, of one person or of everybody."""
        return []

    def get_log_entries(self, request: Any) -> Any:
        """Return what the index page lists."""
        return RecentActions(self.latest_actions)
