"""From a mark of a chart to the tasks behind it.

A mark is what a query string says of it: an event in a span of days, a standing at the end of a day, a duration, or a
cohort's week. Each of the four has its SQL in ``questions.tasks``.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from insights import formats
from insights.filters import LONGEST

EVENTS = {
    "created": _("Created"),
    "completed": _("Completed"),
    "reopened": _("Reopened"),
    "deleted": _("Deleted"),
    "changed": _("Changed"),
}
STANDINGS = {
    "any": _("All tasks"),
    "open": _("Open"),
    "in_time": _("Open and not overdue"),
    "overdue": _("Overdue"),
    "pending": _("Pending"),
    "in_progress": _("In progress"),
    "completed": _("Completed"),
    "cancelled": _("Cancelled"),
}
TIMES = {
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
FAMILIES = ("event", "standing", "time", "cohort")
LONGEST_LIST = 20_000
_MOST = 10**9


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark, as read from a query string; ``family`` says which of its fields mean something."""

    family: str
    kind: str
    first: date
    last: date
    weekday: int = 0
    hour: int = -1
    youngest: int = 0
    oldest: int = _MOST
    low: int = 0
    high: int = _MOST
    week: int = 0
    category: str = ""
    beyond: str = ""
    user: str = ""
    besides: str = ""

    def parameters(self) -> dict[str, Any]:
        """The values that the statements name."""
        return {
            "family": self.family,
            "kind": self.kind,
            "first": self.first,
            "last": self.last,
            "first_weekday": self.weekday or 1,
            "last_weekday": self.weekday or 7,
            "first_hour": max(self.hour, 0),
            "last_hour": self.hour if self.hour >= 0 else 23,
            "youngest": self.youngest,
            "oldest": self.oldest,
            "low": self.low,
            "high": self.high,
            "week": self.week,
            "in": self.category,
            "beyond": self.beyond,
            "by": self.user,
            "besides": self.besides,
        }

    def alone(self) -> Mark:
        """The same without any other person: for a page that shows one person's tasks."""
        return replace(self, user="", besides="")

    @property
    def query(self) -> str:
        """The query string of this mark."""
        return urlencode(self.pairs())

    def pairs(self) -> list[tuple[str, str]]:
        """The query string as pairs."""
        own = {
            "event": [("event", self.kind), ("from", self.first), ("to", self.last)],
            "standing": [("standing", self.kind), ("on", self.last)],
            "time": [("time", self.kind), ("from", self.first), ("to", self.last)],
            "cohort": [("cohort", self.first), ("week", self.week)],
        }[self.family]
        optional = {
            "weekday": (self.weekday, 0),
            "hour": (self.hour, -1),
            "youngest": (self.youngest, 0),
            "oldest": (self.oldest, _MOST),
            "low": (self.low, 0),
            "high": (self.high, _MOST),
            "in": (self.category, ""),
            "beyond": (self.beyond, ""),
            "by": (self.user, ""),
            "besides": (self.besides, ""),
        }
        pairs = [*own, *((name, value) for name, (value, default) in optional.items() if value != default)]
        return [(name, str(value)) for name, value in pairs]

    @property
    def title(self) -> str:
        """What the tasks have in common, as a heading."""
        return " ".join(filter(None, [_HEADS[self.family](self), self._among()]))

    def _among(self) -> str:
        if self.category:
            if self.category == "(none)":
                return _now("without a category")
            return _now("in %(category)s") % {"category": self.category}
        if self.beyond:
            return _now("in the other categories")
        return _now("by everybody else") if self.besides else ""


def _span(mark: Mark) -> str:
    if mark.first == mark.last:
        return _now("on %(day)s") % {"day": formats.day(mark.first)}
    return _now("from %(first)s to %(last)s") % {
        "first": formats.day(mark.first),
        "last": formats.day(mark.last),
    }


def _event(mark: Mark) -> str:
    when = str(WEEKDAYS[mark.weekday - 1]) if mark.weekday else ""
    hours = {"first": f"{mark.hour:02}:00", "last": f"{mark.hour + 1:02}:00"}
    hour = _now("from %(first)s to %(last)s") % hours if mark.hour >= 0 else ""
    return " ".join(filter(None, [str(EVENTS[mark.kind]), when, hour, _span(mark)]))


def _standing(mark: Mark) -> str:
    low, high = mark.youngest, mark.oldest
    if low == high:
        text = _now("%(what)s, %(low)d days old at the end of %(day)s")
    elif low == 0 and high == _MOST:
        text = _now("%(what)s at the end of %(day)s")
    elif high < 1_000_000:
        text = _now("%(what)s, %(low)d to %(high)d days old at the end of %(day)s")
    else:
        text = _now("%(what)s, %(low)d days or more old at the end of %(day)s")
    return text % {"what": str(STANDINGS[mark.kind]), "low": low, "high": high, "day": formats.day(mark.last)}


def _time(mark: Mark) -> str:
    times = {"low": formats.hours(mark.low), "high": formats.hours(mark.high)}
    took = str(TIMES[mark.kind][mark.high != _MOST]) % times if (mark.low, mark.high) != (0, _MOST) else ""
    return " ".join(filter(None, [_now("Completed"), _span(mark), took]))


def _cohort(mark: Mark) -> str:
    text = _now("Changed in week %(week)d by those who began in the week of %(day)s")
    return text % {"week": mark.week, "day": formats.day(mark.first)}


_HEADS = {"event": _event, "standing": _standing, "time": _time, "cohort": _cohort}


def mark_from(query: Mapping[str, str]) -> Mark | None:
    """Read a mark from a query string; None where it says none, or something impossible."""
    family = next((name for name in FAMILIES if query.get(name)), None)
    try:
        return _read(family, query) if family else None
    except (KeyError, ValueError):
        return None


def _read(family: str, query: Mapping[str, str]) -> Mark:
    kinds: Container[str] | None = {"event": [*EVENTS], "standing": [*STANDINGS], "time": [*TIMES]}.get(
        family
    )
    if kinds is not None and query[family] not in kinds:
        raise ValueError(query[family])
    first, last = {"standing": ("on", "on"), "cohort": ("cohort", "cohort")}.get(family, ("from", "to"))
    return Mark(
        family=family,
        kind=query[family] if kinds else "",
        first=date.fromisoformat(query[first]),
        last=date.fromisoformat(query[last]),
        weekday=_number(query, "weekday", 0, 7),
        hour=_number(query, "hour", -1, 23),
        youngest=_number(query, "youngest", 0, _MOST),
        oldest=_number(query, "oldest", _MOST, _MOST),
        low=_number(query, "low", 0, _MOST),
        high=_number(query, "high", _MOST, _MOST),
        week=_number(query, "week", 0, 5000),
        category=_text(query, "in", LONGEST),
        beyond=_text(query, "beyond", LONGEST_LIST),
        user=_text(query, "by", LONGEST),
        besides=_text(query, "besides", LONGEST_LIST),
    )


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name, "")
    number = int(text) if text.isascii() and text.isdigit() else default if not text else None
    if number is None or number > most:
        raise ValueError(text)
    return number


def _text(query: Mapping[str, str], name: str, longest: int) -> str:
    text = query.get(name, "")
    if len(text) > longest or "\x00" in text:
        raise ValueError(name)
    return text
