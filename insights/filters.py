"""What a page is about, as its URL says it: how many days, compared or not, and which tasks.

A filter chooses tasks by what they are now (of a deleted task: by what it was last); every question then tells their
whole story. No value of a URL is ever part of a SQL text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from urllib.parse import urlencode

from insights import periods

PRIORITIES = ("low", "medium", "high", "urgent")
STATUSES = ("pending", "in_progress", "completed", "cancelled")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tasks; an empty text lets all of them through."""

    category: str = ""
    priority: str = ""
    status: str = ""
    user: str = ""

    def parameters(self) -> dict[str, str]:
        """The values that questions may name as their SQL parameters."""
        return asdict(self)

    @property
    def any(self) -> bool:
        """Whether anything is filtered."""
        return bool(self.category or self.priority or self.status or self.user)


NAMES = tuple(field.name for field in fields(Filters))
_CHOICES = {"priority": PRIORITIES, "status": STATUSES}


@dataclass(frozen=True, slots=True)
class State:
    """A page's whole state. ``person`` is the only one whose data it may show, '' where it may show everybody's."""

    days: int = periods.DEFAULT
    compare: bool = True
    filters: Filters = Filters()
    person: str = ""

    @property
    def chosen(self) -> Filters:
        """The filters as questions get them: of one person's page, that person's tasks whatever the URL says."""
        return replace(self.filters, user=self.person) if self.person else self.filters

    @property
    def query(self) -> str:
        """The query string that leads to this state; the same for the same state."""
        return urlencode(self.pairs())

    def pairs(self) -> list[tuple[str, str]]:
        """The query string as pairs, without what is the default."""
        compare = [] if self.compare else [("compare", "no")]
        chosen = [(name, value) for name, value in self.filters.parameters().items() if value]
        return [("days", str(self.days)), *compare, *chosen]

    @property
    def cleared(self) -> State:
        """This state without any filter."""
        return replace(self, filters=Filters())

    @property
    def chosen_pairs(self) -> list[tuple[str, str]]:
        """The filters that are on, by name."""
        return [(name, value) for name, value in self.filters.parameters().items() if value]


def state_from(query: Mapping[str, str], person: str = "") -> State:
    """Read a query string; what is no possible value is as good as absent.

    Parameters
    ----------
    query
        Such as ``request.GET``.
    person
        The id of the only person whose data may be shown; ``user`` in the query then means nothing.
    """
    values = {name: _value(name, query.get(name, "")) for name in NAMES}
    if person:
        values["user"] = ""
    return State(
        periods.days_from(query.get("days")), query.get("compare") != "no", Filters(**values), person
    )


def _value(name: str, given: str) -> str:
    allowed = _CHOICES.get(name)
    if allowed:
        return given if given in allowed else ""
    return given.strip()[:LONGEST] if "\x00" not in given else ""
