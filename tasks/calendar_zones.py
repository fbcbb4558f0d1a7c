"""VTIMEZONE components (RFC 5545, 3.6.5) that go on for ever: changes of the clocks as yearly rules.

A component with a list of changes ends with the list, and calendar programs that leave RDATE out are wrong from the
first change on. Here every change is a component of its own, and those that follow a yearly rule for good are one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast
from zoneinfo import ZoneInfo

from tasks.recurrence import WEEKDAYS

if TYPE_CHECKING:
    from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

# The last change that the database lists one by one is in 2087 (Morocco's); afterwards, rules go on for ever. In so
# many years, a change on the last Sunday of a month falls on each of the seven days it can.
_RULES_FROM, _RULES_TO = 2089, 2129
_STEP = timedelta(days=7)  # no two changes are as near
_SECOND = timedelta(seconds=1)


class Change(NamedTuple):
    """A change of the clocks: when it comes by the clocks before it, both offsets, and the zone's name after it."""

    at: datetime
    before: timedelta
    after: timedelta
    name: str
    winter: bool


@lru_cache(maxsize=64)
def component(key: str, first_year: int) -> "Timezone":
    """Return the VTIMEZONE of the zone ``key`` for times from ``first_year`` on. Do not change it: it is cached."""
    from icalendar import Timezone

    changes = _changes(ZoneInfo(key), first_year)
    zone = Timezone()
    zone.add("tzid", key)
    days = _yearly(changes)
    listed = [change for change in changes if change.at.year < _RULES_FROM]
    start = _start_of_rules(listed, days)
    for change in listed:
        if change.at.year < start:
            zone.add_component(_observance(change))
    for pattern, found in days.items():
        first = next((it for it in changes if it.at.year >= start and _pattern(it) == pattern), None)
        if first:
            zone.add_component(_observance(first, _rule(pattern, found)))
    return zone


def _changes(zone: ZoneInfo, first_year: int) -> list[Change]:
    """Return the state at the beginning of ``first_year``, as a change to itself, and all changes since."""
    at = datetime(first_year, 1, 1, tzinfo=ZoneInfo("UTC"))
    now = _state(zone, at)
    found = [Change(datetime(first_year, 1, 1), now[0], *now)]  # noqa: DTZ001 (a local time)
    while at.year < _RULES_TO:
        then = at + _STEP
        if _state(zone, then) != now:
            moment = _moment(zone, at, then)
            state = _state(zone, moment)
            found.append(Change(moment.replace(tzinfo=None) + now[0], now[0], *state))
            now = state
        at = then
    return found


def _state(zone: ZoneInfo, at: datetime) -> tuple[timedelta, str, bool]:
    local = at.astimezone(zone)
    return local.utcoffset() or timedelta(), local.tzname() or "", not local.dst()


def _moment(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the instant of the change between two instants."""
    before = _state(zone, low)
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle <= low:
            break
        low, high = (middle, high) if _state(zone, middle) == before else (low, middle)
    return high


Pattern = tuple[object, ...]


def _pattern(change: Change) -> Pattern:
    """Return what all changes of one yearly rule have in common."""
    return (
        change.at.month,
        change.at.weekday(),
        change.at.time(),
        change.before,
        change.after,
        change.winter,
    )


def _yearly(changes: Sequence[Change]) -> dict[Pattern, set[int]]:
    """Return the days of the month on which changes come in the end, by what the changes have in common."""
    days: dict[Pattern, set[int]] = {}
    for change in changes:
        if change.at.year >= _RULES_FROM:
            days.setdefault(_pattern(change), set()).add(change.at.day)
    return days


def _rule(pattern: Pattern, days: set[int]) -> dict[str, object]:
    """Return the rule of changes that come on a weekday if that is one of ``days``."""
    month, weekday, first = pattern[0], WEEKDAYS[cast("int", pattern[1])], min(days)
    rule: dict[str, object] = {"FREQ": "YEARLY", "BYMONTH": month}
    if len(days) == 7 and first % 7 == 1:
        return rule | {"BYDAY": f"{first // 7 + 1}{weekday}"}
    if len(days) == 7 and first == (24 if month in {4, 6, 9, 11} else 25):
        return rule | {"BYDAY": f"-1{weekday}"}
    return rule | {"BYDAY": weekday, "BYMONTHDAY": sorted(days)}


def _start_of_rules(listed: Sequence[Change], days: dict[Pattern, set[int]]) -> int:
    """Return the year from which on all changes follow the rules, as many in every year."""
    years: dict[int, list[Change]] = {}
    for change in listed[1:]:
        years.setdefault(change.at.year, []).append(change)
    start = _RULES_FROM
    number = len(years.get(start - 1, ()))
    while number and all(
        change.at.day in days.get(_pattern(change), ()) for change in years.get(start - 1, ())
    ):
        if len(years.get(start - 1, ())) != number:
            break
        start -= 1
    return start


def _observance(
    change: Change, rule: dict[str, object] | None = None
) -> "TimezoneStandard | TimezoneDaylight":
    from icalendar import TimezoneDaylight, TimezoneStandard, vRecur

    observance = (TimezoneStandard if change.winter else TimezoneDaylight)()
    observance.add("dtstart", change.at)
    observance.add("tzoffsetfrom", change.before)
    observance.add("tzoffsetto", change.after)
    observance.add("tzname", change.name)
    if rule:
        observance.add("rrule", vRecur(rule))
    return observance
