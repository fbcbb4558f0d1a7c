"""The days of a rule as others give them that share no code with ours: dateutil, libical, and ``plain_days``.

Neither library follows RFC 5545 throughout: it is not asked about a rule of which it is known to give other days. What
can be said so that both understand it is written out for them first, such as the weekday that a rule leaves to its
start. ``plain_days`` is asked about every rule.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import NamedTuple

from dateutil.rrule import rrulestr

from tasks.recurrence import WEEKDAYS, parts_of
from tests import libical
from tests.tasks import plain_days

_AT_AN_EDGE = {1, 52, 53}


class Library(NamedTuple):
    """How a library is asked.

    ``differs`` says why it gives other days of a rule than RFC 5545 does; blank if it does not. ``days`` gives its days
    of a rule from a start on, as far as the last of the days that are expected. It is not asked for years from ``ends``
    on.
    """

    name: str
    differs: Callable[[str], str]
    days: Callable[[str, date, Sequence[date]], Iterator[date]]
    ends: int


def _dateutil_differs(rule: str) -> str:
    parts = parts_of(rule)
    if len(_kinds_of_weekdays(parts)) > 1 and "BYSETPOS" in parts:
        return "takes only what fits a weekday with a number and one without, where a rule lists both"
    if _AT_AN_EDGE & _weeks(parts):
        return "leaves out the days of a week that are in another year than the rest of it"
    return ""


def _libical_differs(rule: str) -> str:
    parts = parts_of(rule)
    days = set(parts.get("BYMONTHDAY", "").split(","))
    from_the_end = {day for day in days if day.startswith("-")}
    if parts["FREQ"] == "DAILY" and "INTERVAL" in parts and from_the_end:
        return "leaves out days from the end of the month in a daily rule"
    if parts["FREQ"] == "WEEKLY" and "BYSETPOS" in parts:
        return "leaves BYSETPOS out of a week"
    if parts["FREQ"] == "WEEKLY" and "INTERVAL" in parts and parts.get("WKST", "MO") not in {"MO", "SU"}:
        return "counts weeks from another one where they begin on neither a Monday nor a Sunday"
    if "BYWEEKNO" in parts and {"BYMONTH", "BYMONTHDAY", "BYYEARDAY"} & parts.keys():
        return "refuses weeks of the year beside days, and is wrong about those that reach into another month"
    if "BYYEARDAY" in parts and {"BYMONTH", "BYMONTHDAY"} & parts.keys():
        return "refuses days of the year beside months and their days"
    if any(week < 0 for week in _weeks(parts, signed=True)) or _AT_AN_EDGE & _weeks(parts):
        return "counts weeks from the end of the year and those at its edges by another year"
    if parts["FREQ"] == "YEARLY" and "BYMONTHDAY" in parts and "BYMONTH" not in parts and _is_numbered(parts):
        return "takes days of the month from the month of the start only"
    if "BYSETPOS" in parts and from_the_end and days - from_the_end and parts["FREQ"] != "DAILY":
        return "counts a day twice that is listed from both ends of the month"
    return ""


def _by_dateutil(rule: str, start: date, expected: Sequence[date]) -> Iterator[date]:
    parts, first = _written_out(rule, start), start
    if parts["FREQ"] == "WEEKLY":
        # It begins to count the places of BYSETPOS at the start, and not with its week.
        first -= timedelta(days=(start.weekday() - WEEKDAYS.index(parts.get("WKST", "MO"))) % 7)
    begin, end = (datetime.combine(day, time()) for day in (first, expected[-1]))
    found: set[date] = set()
    # Of weekdays with a number and without it takes only what fits both: it is asked for each.
    for weekdays in _kinds_of_weekdays(parts) or [""]:
        asked = parts | ({"BYDAY": weekdays} if weekdays else {})
        moments = rrulestr(_joined(asked), dtstart=begin).replace(until=end)
        found |= set(
            islice((moment.date() for moment in moments if moment.date() >= start), len(expected) + 1)
        )
    return iter(sorted(found))


def _by_libical(rule: str, start: date, expected: Sequence[date]) -> Iterator[date]:
    parts = _written_out(rule, start)
    if parts["FREQ"] == "DAILY":
        parts.pop("BYSETPOS", None)  # which picks from one day
        if "INTERVAL" not in parts and "BYMONTHDAY" in parts:
            parts["FREQ"] = "MONTHLY"  # where it knows days from the end of a month
    if parts["FREQ"] == "WEEKLY":
        # It counts from the week before where the start is not a day of the rule.
        start = expected[0]
    return takewhile(lambda day: day <= expected[-1], libical.days(_joined(parts), start))


def _by_plain_days(rule: str, start: date, expected: Sequence[date]) -> Iterator[date]:
    return plain_days.days(rule, start, expected[-1])


def _written_out(rule: str, start: date) -> dict[str, str]:
    parts = parts_of(rule)
    takes_weekday = "BYWEEKNO" in parts or parts["FREQ"] == "WEEKLY"
    if takes_weekday and not {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & parts.keys():
        parts["BYDAY"] = WEEKDAYS[start.weekday()]
    if parts["FREQ"] == "YEARLY" and "BYMONTHDAY" in parts and not _is_numbered(parts):
        parts.setdefault("BYMONTH", ",".join(map(str, range(1, 13))))
    return parts


def _kinds_of_weekdays(parts: dict[str, str]) -> list[str]:
    """Return the weekdays without and with a number; without those that no month has, at which dateutil fails."""
    days = [day for day in parts.get("BYDAY", "").split(",") if day]
    if parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts:
        days = [day for day in days if abs(int(day[:-2] or 0)) <= 5]
    kinds = ([day for day in days if len(day) == 2], [day for day in days if len(day) > 2])
    return [",".join(kind) for kind in kinds if kind]


def _is_numbered(parts: dict[str, str]) -> bool:
    return any(len(day) > 2 for day in parts.get("BYDAY", "").split(","))


def _weeks(parts: dict[str, str], *, signed: bool = False) -> set[int]:
    weeks = {int(week) for week in parts.get("BYWEEKNO", "").split(",") if week}
    return weeks if signed else set(map(abs, weeks))


def _joined(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


LIBRARIES = (
    # It takes minutes for rules that seldom come.
    Library("dateutil", _dateutil_differs, _by_dateutil, ends=2200),
    Library("libical", _libical_differs, _by_libical, ends=2500),
    Library("plain days", lambda rule: "", _by_plain_days, ends=2200),
)
