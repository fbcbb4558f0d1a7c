"""Predicates: which tasks a value of a chart stands for, as the query string of its link says.

Each kind of predicate is a class; its attributes are the query parameters it reads and the SQL parameters of its branch
in ``questions.tasks``.
"""

import hashlib
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from datetime import date
from functools import partial
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from insights import filters, formats
from web import athena

EVENTS = {
    "created": _("Created"),
    "completed": _("Completed"),
    "reopened": _("Reopened"),
    "deleted": _("Deleted"),
    "changed": _("Changed"),
}
STATUSES = {
    "any": _("All tasks"),
    "open": _("Open"),
    "in_time": _("Open and not overdue"),
    "overdue": _("Overdue"),
    **{status: formats.NAMES[status] for status in filters.STATUSES},
}
DURATIONS = {
    "lead": (_("with a lead time of %(low)s or more"), _("with a lead time from %(low)s to %(high)s")),
    "cycle": (_("with a cycle time of %(low)s or more"), _("with a cycle time from %(low)s to %(high)s")),
}
WEEKDAYS = (
    _("on Mondays"),
    _("on Tuesdays"),
    _("on Wednesdays"),
    _("on Thursdays"),
    _("on Fridays"),
    _("on Saturdays"),
    _("on Sundays"),
)
# The list of an earlier version's link, with the names themselves; and any list, as a parameter of the query.
_LONGEST_OLD_LIST = 20_000
UNBOUNDED = 10**9
SEPARATOR = "\x1f"
DIGEST = 10  # hexadecimal digits: of two thousand categories, two are the same once in half a million
_DURATION_COLUMNS = frozenset({"lead_hours", "cycle_hours"})


def _parameter(name: str, parse: Callable[..., Any], *limits: Any) -> dict[str, Any]:
    """Metadata of a dataclass field: its query parameter, and the function that parses and validates the text."""
    return {"name": name, "parse": partial(parse, *limits)}


def _one_of(names: Container[str], text: str) -> str:
    if text not in names:
        raise ValueError(text)
    return text


def _number(most: int, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > most:
        raise ValueError(text)
    return int(text)


class ListTooLong(Exception):  # noqa: N818
    """A link lists more categories or people than a query takes."""


def _list(text: str) -> str:
    if (
        len(athena.literal(text)) > athena.LONGEST_PARAMETER
    ):  # with its quotation marks, and those in it doubled
        raise ListTooLong
    return _text(athena.LONGEST_PARAMETER, text)


def _categories(text: str) -> str:
    """Return the digests of categories; older links have the names instead, between unit separators."""
    if text.startswith(SEPARATOR):
        names = _text(_LONGEST_OLD_LIST, text).strip(SEPARATOR).split(SEPARATOR)
        text = category_digests(names)
    return _list(text)


def category_digests(names: Iterable[str]) -> str:
    """Return what a link has instead of these categories: ``,1f0e9c0a2b,…,``, however long their names are."""
    digests = (hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:DIGEST] for name in names)
    return f",{','.join(digests)},"


def _text(longest: int, text: str) -> str:
    if len(text) > longest or "\x00" in text:
        raise ValueError(text)
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """The part that all kinds share: one category, or all but some; one person, or all but some.

    ``except_categories`` are digests of their names, ``except_users`` is a list as ``rankings`` joins it.
    ``branch`` names the kind's branch of SQL, ``hidden_columns`` the columns that say nothing about tasks of that kind.
    """

    branch: ClassVar[str]
    hidden_columns: ClassVar[frozenset[str]] = _DURATION_COLUMNS

    only_category: str = field(default="", metadata=_parameter("in", _text, filters.LONGEST))
    except_categories: str = field(default="", metadata=_parameter("beyond", _categories))
    only_user: str = field(default="", metadata=_parameter("by", _text, filters.LONGEST))
    except_users: str = field(default="", metadata=_parameter("besides", _list))

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """Read a predicate of this kind; KeyError or ValueError where a parameter is missing or invalid."""
        return cls(
            **{
                f.name: f.metadata["parse"](query[f.metadata["name"]])
                for f in fields(cls)
                if f.default is MISSING or query.get(f.metadata["name"])
            }
        )

    @property
    def query(self) -> str:
        """The query string, without parameters that have their default value."""
        shared = len(fields(Predicate))
        ordered = (*fields(self)[shared:], *fields(self)[:shared])
        values = [(f, getattr(self, f.name)) for f in ordered]
        return urlencode([(f.metadata["name"], value) for f, value in values if value != f.default])

    def parameters(self) -> dict[str, Any]:
        """The values of the SQL parameters; the branches of the other kinds get values that they ignore."""
        return {**_IGNORED, **asdict(self), "branch": self.branch}

    def for_any_person(self) -> Self:
        """The same predicate without its restriction to people: for a page that shows one person's tasks anyway."""
        return replace(self, only_user="", except_users="")

    @property
    def title(self) -> str:
        """A heading that describes the tasks."""
        return " ".join(filter(None, [self._heading(), self._restriction()]))

    def _heading(self) -> str:
        raise NotImplementedError

    def _restriction(self) -> str:
        if self.only_category == "(none)":
            return _now("without a category")
        if self.only_category:
            return _now("in %(category)s") % {"category": self.only_category}
        if self.except_categories:
            return _now("in the other categories")
        return _now("by everybody else") if self.except_users else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Predicate):
    """Tasks with an event in a span of days, counted once an event; ``weekday`` 0 and ``hour`` -1 mean any."""

    branch = "event"

    kind: str = field(metadata=_parameter("event", _one_of, EVENTS))
    first: date = field(metadata=_parameter("from", date.fromisoformat))
    last: date = field(metadata=_parameter("to", date.fromisoformat))
    weekday: int = field(default=0, metadata=_parameter("weekday", _number, 7))
    hour: int = field(default=-1, metadata=_parameter("hour", _number, 23))

    def _heading(self) -> str:
        weekday = str(WEEKDAYS[self.weekday - 1]) if self.weekday else ""
        hours = {"first": f"{self.hour:02}:00", "last": f"{self.hour + 1:02}:00"}
        hour = _now("from %(first)s to %(last)s") % hours if self.hour >= 0 else ""
        return " ".join(filter(None, [str(EVENTS[self.kind]), weekday, hour, _span(self.first, self.last)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAsOf(Predicate):
    """Tasks with a status as of the end of a day; ``youngest`` and ``oldest`` bound their age in days."""

    branch = "status_as_of"
    hidden_columns = _DURATION_COLUMNS | {"times"}

    kind: str = field(metadata=_parameter("standing", _one_of, STATUSES))
    day: date = field(metadata=_parameter("on", date.fromisoformat))
    youngest: int = field(default=0, metadata=_parameter("youngest", _number, UNBOUNDED))
    oldest: int = field(default=UNBOUNDED, metadata=_parameter("oldest", _number, UNBOUNDED))

    def _heading(self) -> str:
        low, high = self.youngest, self.oldest
        if low == high:
            text = _now("%(what)s, %(low)d days old at the end of %(day)s")
        elif low == 0 and high == UNBOUNDED:
            text = _now("%(what)s at the end of %(day)s")
        elif high < 1_000_000:
            text = _now("%(what)s, %(low)d to %(high)d days old at the end of %(day)s")
        else:
            text = _now("%(what)s, %(low)d days or more old at the end of %(day)s")
        return text % {
            "what": str(STATUSES[self.kind]),
            "low": low,
            "high": high,
            "day": formats.day(self.day),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration(Predicate):
    """Tasks completed in a span of days whose lead or cycle time is at least ``low`` and below ``high`` hours."""

    branch = "duration"
    hidden_columns = frozenset({"times"})

    kind: str = field(metadata=_parameter("time", _one_of, DURATIONS))
    first: date = field(metadata=_parameter("from", date.fromisoformat))
    last: date = field(metadata=_parameter("to", date.fromisoformat))
    low: int = field(default=0, metadata=_parameter("low", _number, UNBOUNDED))
    high: int = field(default=UNBOUNDED, metadata=_parameter("high", _number, UNBOUNDED))

    def _heading(self) -> str:
        limits = {"low": formats.hours(self.low), "high": formats.hours(self.high)}
        text = str(DURATIONS[self.kind][self.high != UNBOUNDED]) % limits
        limited = (self.low, self.high) != (0, UNBOUNDED)
        return " ".join([_now("Completed"), _span(self.first, self.last), *([text] if limited else [])])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort(Predicate):
    """Tasks changed by the people whose first change was in the week of ``first_week``, ``week`` weeks later."""

    branch = "cohort"

    first_week: date = field(metadata=_parameter("cohort", date.fromisoformat))
    week: int = field(default=0, metadata=_parameter("week", _number, 5000))

    def _heading(self) -> str:
        text = _now("Changed in week %(week)d by those who began in the week of %(day)s")
        return text % {"week": self.week, "day": formats.day(self.first_week)}


# The query parameter that a link of each kind has.
_KINDS: dict[str, type[Predicate]] = {
    "event": Event,
    "standing": StatusAsOf,
    "time": Duration,
    "cohort": Cohort,
}
_IGNORED: dict[str, Any] = {
    "kind": "",
    **dict.fromkeys(("first", "last", "day", "first_week"), date.min),
    **dict.fromkeys(("weekday", "hour", "youngest", "oldest", "low", "high", "week"), 0),
}


def from_query(query: Mapping[str, str]) -> Predicate | None:
    """Read a predicate from a query string; None where it has none, or an invalid one. Raises ListTooLong."""
    kind = next((kind for name, kind in _KINDS.items() if query.get(name)), None)
    try:
        return kind.read(query) if kind else None
    except (KeyError, ValueError):
        return None


def _span(first: date, last: date) -> str:
    if first == last:
        return _now("on %(day)s") % {"day": formats.day(first)}
    return _now("from %(first)s to %(last)s") % {"first": formats.day(first), "last": formats.day(last)}
