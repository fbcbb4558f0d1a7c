"""How a series is written so that calendar programs read the same instants: as events that they expand alike.

Programs expand many rules otherwise than RFC 5545 says, or not at all, or hang. ``pieces`` keeps a rule that
icalendar, ical.js and libical expand alike, and lists the days of any other. A day that such a rule lacks is an event
of its own, and so is one whose time the clocks skip or show twice, where programs differ.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from store.steps import Steps
from tasks import recurrence
from tasks.recurrence import WEEKDAYS, Parts, Start

# A list has so many days from this month on, and so many in all, those before this month included.
LISTED, MOST_LISTED = 30, 100
# How far ahead of its first day a rule is completed by days of their own.
AHEAD = timedelta(days=5 * 365)
_NOT_OF_A_DAY = {"FREQ", "INTERVAL", "WKST", "COUNT", "UNTIL"}
_SHORTEST = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Piece(NamedTuple):
    """An event of a series: its first day, and its rule; without one it comes once."""

    day: date
    rule: str | None = None


def pieces(rule: str, start: Start, today: date, steps: Steps) -> list[Piece]:
    """Return the events that stand for a valid rule, the earliest first; none if it never comes from its start.

    Raises OutOfStepsError.
    """
    first = next(recurrence.occurrences(rule, start, steps), None)
    if first is None:
        return []
    parts = recurrence.completed(recurrence.parts_of(rule), start.day)
    written = rule if _is_read_alike(parts) else _picked(parts) or _of_long_months(parts)
    if not written:
        return [Piece(day) for day in _listed(rule, start, today, steps)]
    end = min(first, date.max - AHEAD) + AHEAD
    changes = _changes(start, first, end)
    if changes or _has_more(parts):
        return sorted(_apart(rule, written, start, end, changes, steps))
    return [Piece(first, written)]


# --- Rules that are read alike -------------------------------------------------------------------------------


def _is_read_alike(parts: Parts) -> bool:
    """Return whether programs agree on a rule; ``tests/tasks/test_calendar_rules.py`` asks them."""
    names, weekdays = parts.keys() - _NOT_OF_A_DAY, parts.get("BYDAY", "").split(",")
    plain, numbered = (all((len(day) > 2) is kind for day in weekdays) for kind in (False, True))
    match parts["FREQ"], sorted(names):
        case "DAILY", _:
            return names <= {"BYMONTH", "BYDAY", "BYMONTHDAY"} and min(_numbers(parts, "BYMONTHDAY", [1])) > 0
        case "WEEKLY", (["BYDAY"] | ["BYDAY", "BYMONTH"]):
            return "INTERVAL" not in parts or parts.get("WKST", "MO") in {"MO", "SU"}
        case "MONTHLY", ["BYDAY"]:
            return plain or numbered
        case "MONTHLY", ["BYDAY", "BYSETPOS"]:
            return plain
        case "MONTHLY", ["BYDAY", "BYMONTHDAY"]:
            return plain and min(_numbers(parts, "BYMONTHDAY")) > 0
        case ("MONTHLY", ["BYMONTHDAY"]) | ("YEARLY", ["BYYEARDAY"]):
            return all(abs(day) < 366 for day in _numbers(parts, "BYYEARDAY", [1]))
        case "YEARLY", ["BYDAY", "BYMONTH"]:
            return plain or numbered
        case "YEARLY", ["BYDAY", "BYMONTH", "BYSETPOS"]:
            return plain and "," not in parts["BYMONTH"]
        case "YEARLY", ["BYMONTH", "BYMONTHDAY"]:
            months, days = _numbers(parts, "BYMONTH"), _numbers(parts, "BYMONTHDAY")
            in_all = min(_SHORTEST[month - 1] for month in months)
            return all(0 < day <= in_all for day in days) or (months == [2] and days == [-1])
    return False


def _picked(parts: Parts) -> str | None:
    """Return a weekly rule with only the days that its BYSETPOS picks: programs leave it out of a week."""
    if parts["FREQ"] != "WEEKLY" or "BYSETPOS" not in parts or "BYMONTH" in parts:
        return None
    first = WEEKDAYS.index(parts.get("WKST", "MO"))
    week = WEEKDAYS[first:] + WEEKDAYS[:first]
    days = [day for day in week if day in parts["BYDAY"].split(",")]
    places = set(_numbers(parts, "BYSETPOS"))
    picked = [day for place, day in enumerate(days) if not places.isdisjoint({place + 1, place - len(days)})]
    weekly = _without(parts, "BYSETPOS") | {"BYDAY": ",".join(picked)}
    return _rule(weekly) if _is_read_alike(weekly) else None


def _of_long_months(parts: Parts) -> str | None:
    """Return the rule of the 30th that "every month on the 30th, or else on its last day" has in most months."""
    if not _has_more(parts):
        return None
    return _rule(_without(parts, "BYSETPOS") | {"BYMONTHDAY": parts["BYMONTHDAY"].split(",")[-1]})


def _has_more(parts: Parts) -> bool:
    names = parts.keys() - _NOT_OF_A_DAY
    return (
        parts["FREQ"] == "MONTHLY"
        and names == {"BYMONTHDAY", "BYSETPOS"}
        and parts["BYSETPOS"] == "-1"
        and parts["BYMONTHDAY"] in {"28,29", "28,29,30", "28,29,30,31"}
    )


def _numbers(parts: Parts, name: str, default: Sequence[int] = ()) -> list[int]:
    return [int(number) for number in parts[name].split(",")] if name in parts else list(default)


def _rule(parts: Parts) -> str:
    return recurrence.parse(";".join(f"{name}={value}" for name, value in parts.items()))


def _without(parts: Parts, *names: str) -> dict[str, str]:
    return {name: value for name, value in parts.items() if name not in names}


# --- Days that are events of their own -----------------------------------------------------------------------


def _listed(rule: str, start: Start, today: date, steps: Steps) -> list[date]:
    found: list[date] = []
    ahead = 0
    for day in recurrence.occurrences(rule, start, steps):
        found.append(day)
        ahead += day >= today.replace(day=1)
        if ahead == LISTED or len(found) == MOST_LISTED:
            break
    return found


def _apart(
    rule: str, written: str, start: Start, end: date, changes: Collection[date], steps: Steps
) -> Iterator[Piece]:
    """Yield the rule that is ``written`` for ``rule`` around the ``changes``, and to the ``end`` what it leaves out."""
    parts = recurrence.parts_of(rule)
    days, last = _days_to(end, rule, start, steps)
    endless = _without(recurrence.parts_of(written), "COUNT", "UNTIL")
    ends = (
        {"UNTIL": f"{last:%Y%m%d}"}
        if "COUNT" in parts
        else {"UNTIL": parts["UNTIL"]}
        if "UNTIL" in parts
        else {}
    )
    begin: date | None = None
    own = set(days)
    for day in recurrence.occurrences(_rule(endless), start, steps):
        if (last and day > last) or (begin and day > end):
            break
        own.discard(day)
        if day in changes:
            own.add(day)
            if begin:
                before = day - timedelta(days=1)
                yield Piece(begin, _fitted(endless | {"UNTIL": f"{before:%Y%m%d}"}, start))
            begin = None
        elif not begin:
            begin = day
    if begin:
        yield Piece(begin, _fitted(endless | ends, start))
    yield from (Piece(day) for day in own if day <= end)


def _days_to(end: date, rule: str, start: Start, steps: Steps) -> tuple[list[date], date | None]:
    """Return the days of a rule up to the first after ``end``, and the last one if that is known: with COUNT it is."""
    days = []
    for day in recurrence.occurrences(rule, start, steps):
        days.append(day)
        if day > end and "COUNT" not in rule:
            return days, None
    return days, days[-1]


def _fitted(parts: Parts, start: Start) -> str:
    return recurrence.refitted(_rule(parts), start)


def _changes(start: Start, first: date, end: date) -> frozenset[date]:
    """Return the days on which the clocks skip the time of the series, or show it twice."""
    if not start.at or not start.zone:
        return frozenset()
    years = range(first.year, end.year + 1)
    found = frozenset().union(*(_changes_of(start.zone, start.at, year) for year in years))
    return frozenset(day for day in found if day <= end)


@lru_cache(maxsize=1024)
def _changes_of(zone: tzinfo, at: time, year: int) -> frozenset[date]:
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(365))
    moments = (datetime.combine(day, at, zone) for day in days)
    return frozenset(it.date() for it in moments if it.utcoffset() != it.replace(fold=1).utcoffset())
