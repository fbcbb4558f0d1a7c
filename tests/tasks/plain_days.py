"""The days of a rule as RFC 5545, 3.3.10, says them, made of sets of days: slow, for any rule, no code of ours."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import count, takewhile

_NAMES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
_DAY = timedelta(days=1)

Days = list[date]


def days(rule: str, start: date, end: date) -> Iterator[date]:
    """Yield the days of ``rule`` from ``start`` to ``end``, whatever its COUNT and UNTIL."""
    parts = {name: value.split(",") for name, _, value in (part.partition("=") for part in rule.split(";"))}
    (frequency,), (interval,) = parts["FREQ"], parts.get("INTERVAL", ["1"])
    parts |= _of_the_start(parts, start)
    week_start = _NAMES.index(parts.get("WKST", ["MO"])[0])
    for period in _periods(frequency, start, end, week_start)[:: int(interval)]:
        fitting = set.intersection(
            set(period),
            *(_fitting(name, values, period, parts, week_start) for name, values in parts.items()),
        )
        found = sorted(fitting)
        if "BYSETPOS" in parts:
            found = sorted(set(_places(found, parts["BYSETPOS"])))
        yield from (day for day in found if start <= day <= end)


def _of_the_start(parts: dict[str, list[str]], start: date) -> dict[str, list[str]]:
    """Return what a rule takes from its start."""
    if parts["FREQ"] == ["DAILY"] or {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & parts.keys():
        return {}
    if parts["FREQ"] == ["WEEKLY"] or "BYWEEKNO" in parts:
        return {"BYDAY": [_NAMES[start.weekday()]]}
    month = {} if parts["FREQ"] == ["MONTHLY"] or "BYMONTH" in parts else {"BYMONTH": [f"{start.month}"]}
    return {"BYMONTHDAY": [f"{start.day}"], **month}


def _periods(frequency: str, start: date, end: date, week_start: int) -> list[Days]:
    if frequency == "DAILY":
        return [[day] for day in _from_to(start, end)]
    if frequency == "WEEKLY":
        first = next(day for day in (start - n * _DAY for n in count()) if day.weekday() == week_start)
        return [_from_to(day, day + 6 * _DAY) for day in _from_to(first, end)[::7]]
    years = range(start.year, end.year + 1)
    if frequency == "YEARLY":
        return [_year(year) for year in years]
    return [_month(year, month) for year in years for month in range(1, 13)][start.month - 1 :]


def _fitting(
    name: str, values: list[str], period: Days, parts: dict[str, list[str]], week_start: int
) -> set[date]:
    """Return the days that one part allows in a period."""
    months = [_month(*month) for month in sorted({(day.year, day.month) for day in period})]
    year = _year(period[0].year)
    if name == "BYMONTH":
        return {day for day in period if f"{day.month}" in values}
    if name == "BYWEEKNO":
        return {day for day in period if _numbers_of_week(day, week_start) & {*map(int, values)}}
    if name == "BYYEARDAY":
        return set(_places(year, values))
    if name == "BYMONTHDAY":
        return {day for month in months for day in _places(month, values)}
    if name == "BYDAY":
        within = months if parts["FREQ"] == ["MONTHLY"] or "BYMONTH" in parts else [year]
        return {day for value in values for day in _on_weekday(value, period, within)}
    return set(period)


def _on_weekday(value: str, period: Days, within: list[Days]) -> Days:
    number, weekday = value[:-2], _NAMES.index(value[-2:])
    if not number:
        return [day for day in period if day.weekday() == weekday]
    return [
        day for each in within for day in _places([day for day in each if day.weekday() == weekday], [number])
    ]


def _places(found: Days, values: list[str]) -> Days:
    """Return the days at places that are counted from 1, or from -1 at the end."""
    places = [int(value) for value in values]
    return [found[at - 1 if at > 0 else at] for at in places if abs(at) <= len(found)]


@cache
def _numbers_of_week(day: date, week_start: int) -> set[int]:
    found: set[int] = set()
    for year in (day.year - 1, day.year, day.year + 1):
        weeks = _weeks(year, week_start)
        found |= {
            number for at, week in enumerate(weeks) if day in week for number in (at + 1, at - len(weeks))
        }
    return found


@cache
def _weeks(year: int, week_start: int) -> list[Days]:
    """Return the weeks of which at least four days are in a year."""
    starts = [
        day for day in _from_to(date(year - 1, 12, 20), date(year, 12, 31)) if day.weekday() == week_start
    ]
    weeks = [_from_to(day, day + 6 * _DAY) for day in starts]
    return [week for week in weeks if sum(day.year == year for day in week) >= 4]


@cache
def _year(year: int) -> Days:
    return _from_to(date(year, 1, 1), date(year, 12, 31))


@cache
def _month(year: int, month: int) -> Days:
    return [day for day in _year(year) if day.month == month]


def _from_to(first: date, last: date) -> Days:
    return list(takewhile(lambda day: day <= last, (first + n * _DAY for n in count())))
