"""What phrases mean at a given moment: the actions that the rules of the lexicons name.

An action takes what its pattern captured and returns captures again; what it does not know it passes on. ``day`` is a
date, ``time`` is HH:MM. A repeat is its ``unit``, how many of it (``n``), and the days that it picks (``by``, the BY
parts of its rule), with ``start``, ``until``, ``count`` and ``after`` (from completion) where they are said. None
refuses the phrase.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tasks.language.engine import Captures
from tasks.language.figures import Day
from tasks.language.lexicon import DAYS, between

WORKDAYS = DAYS[:5]
_GROUPS = {"workdays": WORKDAYS, "weekend": ("SA",)}
_FREQUENCIES = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY", "year": "YEARLY"}
_ORDER = ("BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_MOST = 999

Meaning = Captures | None


class Actions:
    """The actions at one moment.

    Parameters
    ----------
    now
        The person's local time.
    afternoon
        The hours that are in the afternoon when nothing else is said.
    """

    def __init__(self, now: datetime, afternoon: frozenset[int]) -> None:
        self._now, self._today, self._afternoon = now, now.date(), afternoon

    def __call__(self, name: str) -> Callable[..., Meaning]:
        """Return the action of that name."""
        action: Callable[..., Meaning] = getattr(self, name)
        return action

    # --- Days ----------------------------------------------------------------------------------------------

    def same(self, **captured: Any) -> Meaning:
        """Pass on what was captured and the constants of the rule."""
        return captured

    def shift(self, n: int = 1, unit: str = "day", **rest: Any) -> Meaning:
        """So many units from today."""
        return _day(later(self._today, n, unit))

    def ago(self, n: int, unit: str) -> Meaning:
        """So many units before today."""
        return _day(later(self._today, -n, unit))

    def ahead(self, ahead: tuple[int, str]) -> Meaning:
        """The days of +3d."""
        n, unit = ahead
        return None if unit == "hour" else _day(later(self._today, n, unit))

    def span_ahead(self, ahead: tuple[int, str]) -> Meaning:
        """The days of "in 3d"; whether "in 15m" means months or minutes, nobody knows."""
        return None if ahead[1] == "month" else self.ahead(ahead)

    def later(self, n: int, unit: str, since: date) -> Meaning:
        """So many units after another day."""
        return _day(later(since, n, unit))

    def coming(self, weekday: str) -> Meaning:
        """The coming day of that name; today's own name is in a week."""
        return _day(self._coming(weekday))

    def coming_in(self, weekday: str, n: int, unit: str) -> Meaning:
        """So many units after the coming day of that name."""
        return _day(later(self._coming(weekday), n, unit)) if unit in {"week", "day"} else None

    def gone(self, weekday: str) -> Meaning:
        """The last day of that name."""
        return _day(
            self._coming(weekday) - timedelta(days=7 if self._today.weekday() != DAYS.index(weekday) else 14)
        )

    def in_week(self, weekday: str, n: int) -> Meaning:
        """That day of this week, or of the nth after it, as ISO 8601 counts weeks."""
        monday = self._today - timedelta(days=self._today.weekday())
        day = monday + timedelta(days=7 * n + DAYS.index(weekday))
        return _day(day) if day >= self._today else None

    def weekend(self) -> Meaning:
        """The coming Saturday; today at a weekend."""
        return _day(self._today + timedelta(days=max(0, 5 - self._today.weekday())))

    def end_of(self, unit: str, n: int = 0) -> Meaning:
        """The last day of this month, quarter or year, or of the nth after it."""
        months = {"month": 1, "quarter": 3, "year": 12}
        if unit not in months:
            return None
        month = self._today.month - 1
        return _day(_last_of(self._today, month - month % months[unit] + months[unit] * (n + 1) - 1 - month))

    def end_of_month(self, month: int, year: int | None = None) -> Meaning:
        """The last day of a month; without a year, of the next one that has not ended."""
        years = [year] if year else [self._today.year, self._today.year + 1]
        days = (date(y, month, monthrange(y, month)[1]) for y in years)
        return _day(next((day for day in days if year or day >= self._today), None))

    def start_of(self, unit: str) -> Meaning:
        """The first day of the next week, month or year."""
        if unit == "week":
            return _day(self._today + timedelta(days=7 - self._today.weekday()))
        day = self._today.replace(day=1) if unit == "month" else self._today.replace(month=1, day=1)
        return _day(later(day, 1, unit)) if unit in {"month", "year"} else None

    def day_in_month(self, day: int, n: int) -> Meaning:
        """A day of the nth month from now, if it has that day."""
        month = later(self._today.replace(day=1), n, "month")
        return (
            _day(month.replace(day=day)) if month and day <= monthrange(month.year, month.month)[1] else None
        )

    def nth_in_month(
        self, nth: int, weekday: str, month: int | None = None, year: int | None = None, n: int = 0
    ) -> Meaning:
        """The nth such weekday of a month, or of the nth month from now: the next one from today on."""
        if month:
            firsts = [
                date(y, month, 1) for y in ([year] if year else range(self._today.year, self._today.year + 9))
            ]
        else:
            firsts = [later(self._today.replace(day=1), n, "month") or self._today]
        days = (_nth(first, nth, weekday) for first in firsts)
        return _day(next((day for day in days if day and (year or day >= self._today)), None))

    def nth_of_month(self, nth: int, weekday: str) -> Meaning:
        """The next nth such weekday of a month that has one."""
        months = (self.nth_in_month(nth, weekday, n=n) for n in range(12))
        return next(filter(None, months), None)

    def agreeing(self, weekday: str, day: date) -> Meaning:
        """A day with its weekday, if they agree."""
        return _day(day) if day.weekday() == DAYS.index(weekday) else None

    def figures(self, **figures: Day) -> Meaning:
        """A date in figures; without a year, the next one from today on."""
        ((year, month, day),) = figures.values()
        return self.month_day(day, month, year)

    def month_day(self, day: int, month: int, year: int | None = None) -> Meaning:
        """A day of a month; without a year, the next one from today on that there is."""
        years = [year] if year else range(self._today.year, self._today.year + 9)
        days = (date(y, month, day) for y in years if y <= _LAST_YEAR and day <= monthrange(y, month)[1])
        return _day(next((found for found in days if year or found >= self._today), None))

    def from_easter(self, days: int = 0, year: int | None = None) -> Meaning:
        """So many days after Easter Sunday; without a year, the next such day from today on."""
        years = [year] if year else [self._today.year, self._today.year + 1]
        found = (easter(y) + timedelta(days=days) for y in years)
        return _day(next((day for day in found if year or day >= self._today), None))

    def day_of_month(self, day: int) -> Meaning:
        """The next such day of a month that has it, from today on."""
        months = (later(self._today.replace(day=1), n, "month") for n in range(3))
        days = (m.replace(day=day) for m in months if m and day <= monthrange(m.year, m.month)[1])
        return _day(next((found for found in days if found >= self._today), None))

    def _coming(self, weekday: str) -> date:
        return self._today + timedelta(days=(DAYS.index(weekday) - self._today.weekday() - 1) % 7 + 1)

    # --- Times ---------------------------------------------------------------------------------------------

    def moment(self, n: int, timeunit: str) -> Meaning:
        """So many hours or minutes from now, by the clock of the zone that ``now`` is in."""
        then = self._now.astimezone(UTC) if self._now.tzinfo else self._now
        then += timedelta(**{f"{timeunit}s": n})
        then = then.astimezone(self._now.tzinfo) if self._now.tzinfo else then
        return {"day": then.date(), "time": f"{then:%H:%M}"}

    def moment_ahead(self, ahead: tuple[int, str]) -> Meaning:
        """The hours of "in 2h"."""
        n, unit = ahead
        return self.moment(n, unit) if unit == "hour" else None

    def at_today(self, time: str) -> Meaning:
        """A time today."""
        return {"day": self._today, "time": time}

    def today_at(self, part: str | None = None, time: str | None = None) -> Meaning:
        """A part of today."""
        return {"day": self._today, "time": part or time}

    def tonight(self, hour: int | None = None, time: str | None = None) -> Meaning:
        """A time of this evening: eight is twenty."""
        return self.in_part("19:00", hour, time=time, day=self._today)

    def stamp(self, stamp: tuple[Day, str]) -> Meaning:
        """A date and a time as ISO 8601 writes them."""
        (year, month, day), time = stamp
        found = self.month_day(day, month, year)
        return found | {"time": time} if found else None

    def at(self, time: str) -> Meaning:
        """A time."""
        return {"time": time}

    def part_of_day(self, part: str) -> Meaning:
        """A part of the day."""
        return {"time": part}

    def oclock(self, hour: int, minute: int = 0) -> Meaning:
        """A full hour; 24 is the midnight that ends the day."""
        hour += 12 * (hour in self._afternoon)
        return {"time": f"{hour:02}:{minute:02}"} if hour < 24 or minute == 0 else None

    def spoken(self, time: str) -> Meaning:
        """A time as it is said: half past three may be in the afternoon."""
        hour = int(time[:2])
        return {"time": f"{hour + 12:02}{time[2:]}" if hour in self._afternoon else time}

    def past(self, hour: int, minutes: int) -> Meaning:
        """So many minutes past the hour, or before it if the number is negative."""
        if not 1 <= hour <= 24 or not -59 <= minutes <= 59:
            return None
        total = (hour + 12 * (hour in self._afternoon)) * 60 + minutes
        return {"time": f"{total // 60 % 24:02}:{total % 60:02}"}

    def before(self, hour: int, minutes: int) -> Meaning:
        """So many minutes before the hour."""
        return self.past(hour, -minutes)

    def before_half(self, hour: int, minutes: int) -> Meaning:
        """So many minutes before half an hour before the hour."""
        return self.past(hour, -30 - minutes)

    def after_half(self, hour: int, minutes: int) -> Meaning:
        """So many minutes after half an hour before the hour."""
        return self.past(hour, minutes - 30)

    def twelve(self, half: str, hour: int | None = None, hmm: str | None = None) -> Meaning:
        """A time of the twelve-hour clock."""
        hours, minutes = (int(hmm[:2]), hmm[3:]) if hmm else (hour or 0, "00")
        return {"time": f"{hours % 12 + 12 * (half == 'pm'):02}:{minutes}"} if 1 <= hours <= 12 else None

    def in_part(self, part: str, hour: int | None = None, time: str | None = None, **rest: Any) -> Meaning:
        """A time of a part of the day: seven in the evening is nineteen."""
        hours, minutes = (int(time[:2]), time[3:]) if time else (hour or 0, "00")
        if hours in self._afternoon and part < "12":
            return {"time": f"{hours:02}:{minutes}"} | rest
        if part >= "15" and 1 <= hours < 12:
            hours += 12
        return {"time": f"{hours:02}:{minutes}"} | rest if hours < 24 else None

    # --- Repeats -------------------------------------------------------------------------------------------

    def freq(self, unit: str, n: int = 1, **rest: Any) -> Meaning:
        """Every n units."""
        return {**rest, "unit": unit, "n": n, "by": {}} if 1 <= n <= _MOST else None

    def on_days(self, unit: str, days: tuple[str, ...] | str, n: int = 1, **rest: Any) -> Meaning:
        """Every n weeks on these days."""
        named = _GROUPS[days] if isinstance(days, str) else days
        picked = tuple(sorted(set(named), key=DAYS.index))
        return {**rest, "unit": unit, "n": n, "by": {"BYDAY": picked}} if unit == "week" else None

    def on_range(self, first: str, second: str) -> Meaning:
        """Every week from one day to another."""
        return self.on_days("week", between(first, second))

    def every_workday(self, **rest: Any) -> Meaning:
        """Monday to Friday."""
        return self.on_days("week", between("MO", "FR"), **rest)

    def on_nth(
        self, nth: int, weekday: str, unit: str = "month", n: int = 1, second: int | None = None, **rest: Any
    ) -> Meaning:
        """Every n months on the nth such weekday."""
        days = tuple(f"{number}{weekday}" for number in (nth, second) if number)
        return {**rest, "unit": unit, "n": n, "by": {"BYDAY": days}} if unit == "month" else None

    def on_nth_yearly(
        self, nth: int, weekday: str, month: int, unit: str = "year", n: int = 1, **rest: Any
    ) -> Meaning:
        """Every n years on the nth such weekday of a month."""
        by = {"BYMONTH": (month,), "BYDAY": (f"{nth}{weekday}",)}
        return {**rest, "unit": unit, "n": n, "by": by} if unit == "year" else None

    def on_dates(self, unit: str, dates: tuple[int, ...] | str, n: int = 1, **rest: Any) -> Meaning:
        """Every n months on these days of the month."""
        named = {"last": (-1,), "first": (1,)}
        days = named[dates] if isinstance(dates, str) else tuple(sorted(set(dates)))
        return {**rest, "unit": unit, "n": n, "by": {"BYMONTHDAY": days}} if unit == "month" else None

    def on_workday(self, pos: int, unit: str = "month", n: int = 1, **rest: Any) -> Meaning:
        """Every n months on the first or last workday."""
        by = {"BYDAY": WORKDAYS, "BYSETPOS": (pos,)}
        return {**rest, "unit": unit, "n": n, "by": by} if unit == "month" else None

    def yearly(self, day: date, unit: str = "year", n: int = 1, **rest: Any) -> Meaning:
        """Every n years on a day."""
        by = {"BYMONTH": (day.month,), "BYMONTHDAY": (day.day,)}
        return {**rest, "unit": unit, "n": n, "by": by} if unit == "year" else None


def rule(repeat: Captures) -> str:
    """Return the RFC 5545 rule of a repeat."""
    parts = [f"FREQ={_FREQUENCIES[repeat['unit']]}"]
    parts += [f"INTERVAL={repeat['n']}"] if repeat["n"] > 1 else []
    parts += [f"{name}={','.join(map(str, repeat['by'][name]))}" for name in _ORDER if name in repeat["by"]]
    parts += [f"UNTIL={repeat['until']:%Y%m%d}"] if "until" in repeat else []
    parts += [f"COUNT={repeat['count']}"] if "count" in repeat else []
    return ";".join(parts)


def easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar, by the algorithm of Meeus, Jones and Butcher."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def later(day: date, n: int, unit: str) -> date | None:
    """Return the day ``n`` units later, at most the last of its month; None beyond the years that are read."""
    if unit in {"day", "week"}:
        days = n * (7 if unit == "week" else 1)
        return day + timedelta(days=days)
    year, month = divmod(day.year * 12 + day.month - 1 + n * (12 if unit == "year" else 1), 12)
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _last_of(day: date, months: int) -> date | None:
    then = later(day.replace(day=1), months, "month")
    return then.replace(day=monthrange(then.year, then.month)[1]) if then else None


def _nth(first: date, nth: int, weekday: str) -> date | None:
    length = monthrange(first.year, first.month)[1]
    ahead = (DAYS.index(weekday) - first.weekday()) % 7
    day = 1 + ahead + 7 * (nth - 1) if nth > 0 else 1 + ahead + 7 * ((length - 1 - ahead) // 7)
    return first.replace(day=day) if day <= length else None


def _day(day: date | None) -> Meaning:
    return {"day": day} if day and _FIRST_YEAR <= day.year <= _LAST_YEAR else None
