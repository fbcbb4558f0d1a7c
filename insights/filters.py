"""The state of a page, as its URL holds it: the number of days, the comparison, and the filters.

A filter selects tasks by their current values (the last ones, if deleted); every question then covers their whole
history. Values from a URL reach SQL as parameters only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from urllib.parse import urlencode

from insights import periods

PRIORITIES = ("low", "medium", "high", "urgent")
STATUSES = ("pending", "in_progress", "completed", "cancelled")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tasks to include; an empty value includes all."""

    category: str = ""
    priority: str = ""
    status: str = ""
    user: str = ""

    def parameters(self) -> dict[str, str]:
        """Values for the SQL parameters of questions."""
        return asdict(self)

    @property
    def any(self) -> bool:
        """Whether any filter is set."""
        return bool(self.category or self.priority or self.status or self.user)


NAMES = tuple(field.name for field in fields(Filters))
_CHOICES = {"priority": PRIORITIES, "status": STATUSES}


@dataclass(frozen=True, slots=True)
class State:
    """The state of a page. ``person`` is the only person whose data it may show; empty for everybody's."""

    days: int = periods.DEFAULT
    compare: bool = True
    filters: Filters = Filters()
    person: str = ""

    @property
    def effective_filters(self) -> Filters:
        """The filters for SQL: ``person`` overrides the user of the URL."""
        return replace(self.filters, user=self.person) if self.person else self.filters

    @property
    def query(self) -> str:
        """The query string of this state; equal states have equal query strings."""
        return urlencode(self.pairs())

    def pairs(self) -> list[tuple[str, str]]:
        """The query parameters, without defaults other than ``days``."""
        compare = [] if self.compare else [("compare", "no")]
        return [("days", str(self.days)), *compare, *self.active_filters]

    @property
    def cleared(self) -> "State":
        """This state without any filter."""
        return replace(self, filters=Filters())

    @property
    def active_filters(self) -> list[tuple[str, str]]:
        """Names and values of the filters that are set."""
        return [(name, value) for name, value in self.filters.parameters().items() if value]


def state_from(query: Mapping[str, str], person: str = "") -> State:
    """Read a query string; invalid values are ignored.

    Parameters
    ----------
    query
        Such as ``request.GET``.
    person
        The id of the only person whose data may be shown; ``user`` in the query is then ignored.
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
