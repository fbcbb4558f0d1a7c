"""An AdminSite whose "Recent actions" need no SQL."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpResponse

Latest = Callable[[str | None, int], Sequence[Any]]


class RecentActions:
    """Stands in for the QuerySet of LogEntry that the index template filters (``user__pk=…``) and slices.

    Parameters
    ----------
    latest
        Returns the latest entries, given a user's id (None for everybody) and their number.
    """

    def __init__(self, latest: Latest, user_id: str | None = None) -> None:
        self._latest, self._user_id = latest, user_id

    def filter(self, **conditions: Any) -> "RecentActions":
        """Return the actions of one user."""
        return RecentActions(self._latest, conditions.get("user__pk", self._user_id))

    def __getitem__(self, part: slice) -> Sequence[Any]:
        return self._latest(self._user_id, part.stop or 10)


class DynamoAdminSite(admin.AdminSite):
    """Override ``csv_lines`` to write exports, and ``latest_actions`` to fill "Recent actions".

    Override ``fitting`` and ``fit_page`` if an answer has a limit.
    """

    def latest_actions(self, user_id: str | None, limit: int) -> Sequence[Any]:
        """Return the latest history entries of one user, or of everybody (None)."""
        return []

    def get_log_entries(self, request: Any) -> Any:
        """Return the entries for "Recent actions"."""
        return RecentActions(self.latest_actions)

    def csv_lines(self, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
        """Return the lines of a CSV export; the first has the ``names`` of the columns."""
        raise NotImplementedError("the site writes CSV in its own way")

    def fitting(self) -> Callable[[str], bool]:
        """Return a function that says of each line of a CSV export, in order, whether the answer still holds it."""
        return lambda line: True

    def fit_page(self, build: Callable[[int], HttpResponse], rows: int) -> HttpResponse:
        """Return the page of a list that ``build`` makes, given the most rows it may show: ``rows``, or fewer."""
        return build(rows)
