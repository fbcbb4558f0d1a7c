"""Recurrence rules as RFC 5545 (3.3.10) defines them, for tasks: days, with the time of day of the task.

``parse`` reads what the grammar allows and returns the normal form that is stored. An occurrence is a day on the
calendar of the person, and with a time of day and a zone an instant; a time that a change of the clocks skips is read
with the offset before the change, one that comes twice is the first (RFC 5545, 3.3.5).

Every call takes at most ``MAX_STEPS`` steps: a step is a period that is visited, or a day that is tried. A rule that
takes more is refused, and with one that was accepted ``occurrences`` and ``following`` raise OutOfStepsError. Which
days of a year, month or week a rule picks depends only on its length, months and first weekday, so each such shape is
tried once, and the calendar repeats after 400 years, so a search that has been through them all has proved that a rule
never comes. A daily rule picks from months too, of which it keeps every so many days.
"""

import re
from calendar import isleap, monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import islice
from math import gcd
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from store.steps import OutOfStepsError, Steps

MAX_LENGTH = 200
MAX_NUMBER = 999  # of COUNT and INTERVAL
# More than twice what the costliest rule takes that a search found.
MAX_STEPS = 30_000
# A rule may come so seldom that its first days lie millennia apart.
SHOWN_YEARS = 400
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# The years, months, weeks and days, 400 years each, after which the calendar repeats.
_CYCLE = {"YEARLY": 400, "MONTHLY": 4800, "WEEKLY": 20_871, "DAILY": 146_097}
_DAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")


class _Part(NamedTuple):
    """What a part may hold: the shape of a value, its largest number, whether it is a list, and with which FREQ."""

    shape: str
    most: int
    many: bool = True
    frequencies: tuple[str, ...] = FREQUENCIES


# In the order of the normal form.
_PARTS = {
    "FREQ": _Part("|".join(FREQUENCIES), 0, many=False),
    "INTERVAL": _Part("[0-9]+", MAX_NUMBER, many=False),
    "BYMONTH": _Part("[0-9]{1,2}", 12),
    "BYWEEKNO": _Part("[+-]?[0-9]{1,2}", 53, frequencies=("YEARLY",)),
    "BYYEARDAY": _Part("[+-]?[0-9]{1,3}", 366, frequencies=("YEARLY",)),
    "BYMONTHDAY": _Part("[+-]?[0-9]{1,2}", 31, frequencies=("DAILY", "MONTHLY", "YEARLY")),
    "BYDAY": _Part(f"(?:[+-]?[0-9]{{1,2}})?{_DAY}", 53),
    "BYSETPOS": _Part("[+-]?[0-9]{1,3}", 366),
    "WKST": _Part(_DAY, 0, many=False),
    "COUNT": _Part("[0-9]+", MAX_NUMBER, many=False),
    "UNTIL": _Part(_UNTIL.pattern, 0, many=False),
}
_OF_THE_TIME = ("BYHOUR", "BYMINUTE", "BYSECOND")
# A rule without its INTERVAL that comes at all comes between these: they have years and months of every shape.
_ANY_DAY, _ENOUGH, _LEAP_YEAR = date(2000, 1, 1), 40, 2000
_TOO_MANY_STEPS = _("it takes too many steps to work out")

Parts = Mapping[str, str]


class InvalidRule(ValueError):  # noqa: N818
    """A rule cannot be used; its text says why, in the language of the request."""

    def __init__(self, reason: str | Promise, **values: object) -> None:
        super().__init__(reason, values)
        self.reason, self.values = reason, values

    def __str__(self) -> str:
        """Return what is wrong, as the end of a sentence."""
        return str(self.reason) % self.values


@dataclass(frozen=True, slots=True)
class Start:
    """When a series starts.

    Attributes
    ----------
    day, at
        The due date and, if there is one, the time of day.
    zone
        Where that day and time are; None for a time of day that is the same everywhere.
    """

    day: date
    at: time | None = None
    zone: tzinfo | None = None

    def instant(self, day: date) -> datetime:
        """Return the start of the occurrence on ``day``: aware if there is a zone, midnight without a time of day."""
        return datetime.combine(day, self.at or time(), self.zone)


# --- Reading -------------------------------------------------------------------------------------------------


def parse(text: str) -> str:
    """Return the rule ``text`` in normal form: known parts in one order, plain numbers, no defaults, no prefix.

    ``RRULE:`` may stand before it, and small letters count as capitals. Raises InvalidRule, also for a rule that comes
    on no day from any start.
    """
    found = _read(text)
    if isinstance(found, InvalidRule):
        # A new one: an exception that is raised again keeps the frames of all who raised it before, requests included.
        raise InvalidRule(found.reason, **found.values)
    return found


@lru_cache(maxsize=1024)
def _read(text: str) -> str | InvalidRule:
    """Return the normal form or the refusal: a cache keeps what is returned, not what is raised."""
    try:
        parts = _parts_of(text)
        _check_together(parts)
        tried = _days(_without(parts, "INTERVAL"), _ANY_DAY, _ANY_DAY, Steps(MAX_STEPS), quiet=_ENOUGH)
        if next(tried, None) is None:
            raise InvalidRule(_("it never comes"))
    except InvalidRule as refusal:
        return refusal
    except OutOfStepsError:
        return InvalidRule(_TOO_MANY_STEPS)
    return _written(parts)


def _parts_of(text: str) -> dict[str, str]:
    rule = text.strip()
    if not rule.isascii() or len(rule) > MAX_LENGTH:
        raise InvalidRule(_("it must be at most %(most)d plain letters, digits and signs"), most=MAX_LENGTH)
    given = [part.partition("=") for part in rule.upper().removeprefix("RRULE:").split(";")]
    parts = {name: value for name, _equals, value in given}
    if parts.get("FREQ") not in FREQUENCIES:
        raise InvalidRule(_("its frequency (FREQ) must be DAILY, WEEKLY, MONTHLY or YEARLY"))
    if len(parts) < len(given):
        raise InvalidRule(_("a part is given twice"))
    return {name: _normal(name, value, parts["FREQ"]) for name, value in parts.items()}


def _normal(name: str, text: str, frequency: str) -> str:
    if name in _OF_THE_TIME:
        raise InvalidRule(_("%(name)s is not supported: the time of day is the task's own"), name=name)
    if name not in _PARTS:
        raise InvalidRule(_("there is no part “%(name)s”"), name=name[:20])
    part = _PARTS[name]
    if frequency not in part.frequencies:
        raise InvalidRule(_("%(name)s does not go with %(frequency)s"), name=name, frequency=frequency)
    values = text.split(",") if part.many else [text]
    found = {_value(name, part, value) for value in values}
    return ",".join(text for _order, text in sorted(found))


def _value(name: str, part: _Part, text: str) -> tuple[tuple[int, int, int], str]:
    """Return a value in normal form, with its place in a list: in order, and those from the end last."""
    if not re.fullmatch(part.shape, text):
        raise InvalidRule(_("%(name)s cannot be “%(value)s”"), name=name, value=text[:20])
    if not part.most:
        return (0, 0, 0), _until(text) if name == "UNTIL" else text
    day = text[-2:] if name == "BYDAY" else ""
    digits = text.removesuffix(day)
    number = int(digits[-9:].lstrip("+-")) * (-1 if "-" in digits else 1) if digits else 0
    if digits and (not 1 <= abs(number) <= part.most or len(digits.lstrip("+-0")) > 3):
        raise InvalidRule(
            _("%(name)s must be a number from 1 to %(most)d")
            if name in {"COUNT", "INTERVAL", "BYMONTH"}
            else _("the numbers of %(name)s go from 1 to %(most)d, or from -%(most)d to -1"),
            name=name,
            most=part.most,
        )
    return (number < 0, number, WEEKDAYS.index(day) if day else 0), f"{number or ''}{day}"


def _until(text: str) -> str:
    try:
        datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        raise InvalidRule(_("there is no such day or time as “%(value)s”"), value=text) from None
    return text


def _check_together(parts: Parts) -> None:
    numbered = any(len(day) > 2 for day in parts.get("BYDAY", "").split(","))
    if "COUNT" in parts and "UNTIL" in parts:
        raise InvalidRule(_("COUNT and UNTIL exclude each other"))
    if numbered and parts["FREQ"] not in {"MONTHLY", "YEARLY"}:
        raise InvalidRule(_("a number before a weekday is for months and years only"))
    if numbered and "BYWEEKNO" in parts:
        raise InvalidRule(_("a number before a weekday does not go with BYWEEKNO"))
    if "BYSETPOS" in parts and not any(name.startswith("BY") for name in parts if name != "BYSETPOS"):
        raise InvalidRule(_("BYSETPOS needs another BY part to pick from"))


def _written(parts: Parts) -> str:
    kept = {name: parts[name] for name in _PARTS if name in parts}
    defaults = {("INTERVAL", "1"), ("WKST", "MO")}
    return ";".join(f"{name}={value}" for name, value in kept.items() if (name, value) not in defaults)


def parts_of(rule: str) -> dict[str, str]:
    """Return the parts of a rule in normal form."""
    return dict(part.split("=", 1) for part in rule.split(";"))


def completed(given: Parts, start: date) -> dict[str, str]:
    """Return the parts of a rule with what it leaves to its start: its weekday, its day and month."""
    frequency, parts = given["FREQ"], dict(given)
    picks = {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & parts.keys()
    if frequency == "DAILY" or picks:
        return parts
    if frequency == "WEEKLY" or "BYWEEKNO" in parts:
        return parts | {"BYDAY": WEEKDAYS[start.weekday()]}
    parts["BYMONTHDAY"] = str(start.day)
    if frequency == "YEARLY":
        parts.setdefault("BYMONTH", str(start.month))
    return parts


def _without(parts: Parts, *names: str) -> dict[str, str]:
    return {name: value for name, value in parts.items() if name not in names}


def is_valid(rule: str) -> bool:
    """Return whether a stored rule can be used."""
    return not isinstance(_read(rule), InvalidRule)


# --- A rule and its start ------------------------------------------------------------------------------------


def fitted(text: str, start: Start) -> str:
    """Return the rule ``text`` in the normal form for a series that starts at ``start``.

    An UNTIL that is a day becomes, where there is a time of day and a zone, the end of that day in UTC.

    Raises InvalidRule if it is not valid, if its UNTIL is of another kind than the start, or if it never comes.
    """
    rule = parse(text)
    until = parts_of(rule).get("UNTIL", "")
    if "T" in until:
        if start.at is None:
            raise InvalidRule(_("UNTIL must be a day, as the start has no time of day"))
        if until.endswith("Z") != (start.zone is not None):
            raise InvalidRule(
                _("UNTIL must be in UTC, as the start has a time zone")
                if start.zone
                else _("UNTIL must not be in UTC, as the start has no time zone")
            )
    rule = refitted(rule, start)
    try:
        first = next(occurrences(rule, start), None)
    except OutOfStepsError:
        raise InvalidRule(_TOO_MANY_STEPS) from None
    if first is None:
        raise InvalidRule(_("it never comes"))
    return rule


def refitted(rule: str, start: Start) -> str:
    """Return a valid rule whose UNTIL is of the kind that its ``start`` needs, whatever kind it was."""
    parts = parts_of(rule)
    if "UNTIL" not in parts:
        return rule
    until = parts["UNTIL"]
    if start.at is None:
        parts["UNTIL"] = f"{_last_day(until, start.zone):%Y%m%d}"
    elif "T" not in until or until.endswith("Z") != (start.zone is not None):
        last = datetime.combine(_last_day(until, start.zone), time(23, 59, 59), start.zone)
        # Its own form pads the year: strftime does not everywhere.
        text = last.astimezone(UTC).isoformat() if start.zone else last.isoformat()
        parts["UNTIL"] = re.sub("[-:]", "", text[:19]) + ("Z" if start.zone else "")
    return _written(parts)


def _last_day(until: str, zone: tzinfo | None) -> date:
    moment = datetime.fromisoformat(until.removesuffix("Z"))
    if until.endswith("Z") and zone:
        moment = moment.replace(tzinfo=UTC).astimezone(zone)
    return moment.date()


def occurrences(rule: str, start: Start, steps: Steps | None = None, *, span: int = 9999) -> Iterator[date]:
    """Yield the days of a valid rule from ``start`` on, the start's own only if the rule has it.

    They end ``span`` years after the first one.
    """
    parts = parts_of(rule)
    count = int(parts["COUNT"]) if "COUNT" in parts else None
    within = _within(parts.get("UNTIL"), start)
    for day in islice(_days(parts, start.day, start.day, steps or Steps(MAX_STEPS), span=span), count):
        if not within(day):
            return
        yield day


def _within(until: str | None, start: Start) -> Callable[[date], bool]:
    if until is None:
        return lambda day: True
    last = refitted_until(until, start)
    if isinstance(last, datetime):
        return lambda day: start.instant(day) <= last
    return lambda day: day <= last


def refitted_until(until: str, start: Start) -> date:
    """Return UNTIL as a day, or with a time of day in UTC as the last instant (naive where the start is)."""
    if start.at is None or "T" not in until or until.endswith("Z") != (start.zone is not None):
        return _last_day(until, start.zone)
    moment = datetime.fromisoformat(until.removesuffix("Z"))
    return moment.replace(tzinfo=UTC) if start.zone else moment


def following(
    rule: str, start: Start, now: datetime, *, from_done: bool = False, steps: Steps | None = None
) -> tuple[date, str] | None:
    """Return the day of the next occurrence of a task that is done at ``now``, and the next task's rule.

    Parameters
    ----------
    start
        When the task is due.
    now
        The moment of the completion, in the person's zone.
    from_done
        Count from that day, not from the due date.

    Returns
    -------
    The first occurrence after the due date that is not past: missed ones are left out. COUNT is reduced by the
    occurrences that have passed. None if the series has ended.
    """
    steps = steps or Steps(MAX_STEPS)
    here = now.astimezone(start.zone) if start.zone and start.at else now
    if from_done:
        start = Start(here.date(), start.at, start.zone)
    parts = parts_of(rule)
    endless = _without(parts, "COUNT")
    within = _within(parts.get("UNTIL"), start)
    since = start.day if "COUNT" in parts else max(start.day, here.date() - timedelta(days=1))
    left = int(parts.get("COUNT", MAX_NUMBER))
    for passed, day in enumerate(_days(endless, start.day, since, steps)):
        used = 1 if from_done else passed
        if (used >= left and "COUNT" in parts) or not within(day):
            return None
        if day <= start.day or not _is_to_come(start, day, here):
            continue
        return day, _written({**parts, "COUNT": str(left - used)}) if "COUNT" in parts else rule
    return None


def first_days(rule: str, start: Start, count: int) -> list[date]:
    """Return the first ``count`` days of a valid rule, of those in the ``SHOWN_YEARS`` from the first one on."""
    return list(islice(occurrences(rule, start, span=SHOWN_YEARS), count))


def every(rule: str, day: date) -> str:
    """Return the rule that a choice such as "every month" means for a task due on ``day``: it comes every time.

    As RFC 5545 reads ``FREQ=MONTHLY``, a task due on the 31st leaves out the short months. From the last day of a month
    the choice means the last day, and from another day after the 28th that day or else the last.
    """
    parts = parts_of(rule)
    if (
        parts["FREQ"] not in {"MONTHLY", "YEARLY"}
        or any(name.startswith("BY") for name in parts)
        or day.day < 29
    ):
        return rule
    if parts["FREQ"] == "YEARLY":
        leap_day = {"BYMONTH": "2", "BYMONTHDAY": "-1"}
        return _written(parts | leap_day) if day.month == 2 else rule
    if day.day == monthrange(day.year, day.month)[1]:
        return _written(parts | {"BYMONTHDAY": "-1"})
    ends = ",".join(str(number) for number in range(28, day.day + 1))
    return _written(parts | {"BYMONTHDAY": ends, "BYSETPOS": "-1"})


def without_moved(rule: str, day: date, to: date | None) -> str | None:
    """Return the rule of a series whose occurrence on ``day`` moves to another one, so that the others stay.

    What the rule leaves to its start is what it was. An occurrence that is off the rule now is not counted by COUNT any
    more. None if it was the last one.
    """
    parts = completed(parts_of(rule), day)
    if "COUNT" not in parts or (to and first_day(_written(_without(parts, "COUNT", "UNTIL")), to) == to):
        return _written(parts)
    left = int(parts["COUNT"]) - 1
    return _written(parts | {"COUNT": str(left)}) if left else None


def first_day(rule: str, day: date) -> date | None:
    """Return the first day of a valid rule that starts on ``day``, None if there is none."""
    return next(occurrences(rule, Start(day)), None)


def _is_to_come(start: Start, day: date, here: datetime) -> bool:
    if start.at is None:
        return day >= here.date()
    if start.zone is None:
        return datetime.combine(day, start.at) > here.replace(tzinfo=None)
    return start.instant(day) > here


# --- Days ----------------------------------------------------------------------------------------------------


def _days(
    given: Parts, start: date, since: date, steps: Steps, *, quiet: int = 0, span: int = 9999
) -> Iterator[date]:
    """Yield the days of a rule that starts on ``start``, from ``since`` on, whatever its COUNT and UNTIL.

    It ends ``span`` years after the first day, after ``quiet`` years without a day, or when the calendar and the rule
    have repeated.
    """
    rule = _Rule(given, start, steps)
    if rule.is_impossible():
        return
    quiet, last, end = quiet or rule.years, since.year, 9999
    for period in _periods(rule, start, since):
        steps.spend()
        if period.first.year > min(last + quiet, end):
            return
        for day in rule.days_of(period):
            if day >= since:
                last, end = day.year, min(end, day.year + span)
                yield day


class _Period(NamedTuple):
    first: date
    length: int


def _periods(rule: "_Rule", start: date, since: date) -> Iterator[_Period]:
    periods = {"DAILY": _months_of_days, "WEEKLY": _weeks_of, "MONTHLY": _months_of, "YEARLY": _years_of}
    return periods[rule.frequency](rule, start, since)


def _months_of_days(rule: "_Rule", start: date, since: date) -> Iterator[_Period]:
    """Yield the months that have one of every so many days."""
    stride, origin = rule.interval, start.toordinal()
    at = origin + -(-max(0, since.toordinal() - origin) // stride) * stride
    while at <= date.max.toordinal():
        day = date.fromordinal(at)
        if not (passed := rule.days_to_its_months(day, 1)):
            length = monthrange(day.year, day.month)[1]
            yield _Period(day.replace(day=1), length)
            passed = length - day.day + 1
        else:
            rule.steps.spend()
        at += -(-passed // stride) * stride


def _weeks_of(rule: "_Rule", start: date, since: date) -> Iterator[_Period]:
    """Yield every so many weeks; months that the rule leaves out are passed over."""
    stride = 7 * rule.interval
    origin = start.toordinal() - (start.weekday() - rule.week_start) % 7
    at = origin + max(0, (since.toordinal() - origin) // stride) * stride
    while 1 <= at <= date.max.toordinal() - 7:
        first = date.fromordinal(at)
        if not (passed := rule.days_to_its_months(first, 7)):
            yield _Period(first, 7)
            passed = 1
        else:
            rule.steps.spend()
        at += -(-passed // stride) * stride


def _months_of(rule: "_Rule", start: date, since: date) -> Iterator[_Period]:
    """Yield every so many months, without those that cannot have a day of the rule."""
    stride, origin = rule.interval, start.year * 12 + start.month - 1
    at = origin + max(0, (since.year * 12 + since.month - 1 - origin) // stride) * stride
    # After so many strides the same months come again.
    cycle = [at + stride * number for number in range(12 // gcd(12, stride))]
    wanted = [number - at for number in cycle if number % 12 + 1 in rule.visited]
    for first in range(at, 9999 * 12, stride * len(cycle)) if wanted else ():
        for number in wanted:
            year, month = divmod(first + number, 12)
            if year < 9999:
                yield _Period(date(year, month + 1, 1), monthrange(year, month + 1)[1])


def _years_of(rule: "_Rule", start: date, since: date) -> Iterator[_Period]:
    first = start.year + max(0, (since.year - start.year) // rule.interval) * rule.interval
    for year in range(first, 9999, rule.interval):
        yield _Period(date(year, 1, 1), 365 + isleap(year))


class _Rule:
    """The parts of a rule as sets of numbers, with what it leaves to its start: weekday, day of the month, month."""

    def __init__(self, given: Parts, start: date, steps: Steps) -> None:
        parts = completed(given, start)
        self.steps = steps
        self.frequency = parts["FREQ"]
        self.interval = int(parts.get("INTERVAL", "1"))
        self.week_start = WEEKDAYS.index(parts.get("WKST", "MO"))
        self.years = 400 * self.interval // gcd(_CYCLE[self.frequency], self.interval)
        self.months = _numbers(parts, "BYMONTH")
        self.weeks = _numbers(parts, "BYWEEKNO")
        self.year_days = _numbers(parts, "BYYEARDAY")
        self.month_days = _numbers(parts, "BYMONTHDAY")
        self.weekdays = frozenset(filter(None, parts.get("BYDAY", "").split(",")))
        self.positions = _numbers(parts, "BYSETPOS")
        # The months that can have a day of the rule: the others need no visit.
        self.visited = frozenset(
            month
            for month in self.months or range(1, 13)
            if not self.month_days or min(map(abs, self.month_days)) <= monthrange(_LEAP_YEAR, month)[1]
        )
        self.start = start
        self._offsets: dict[tuple[int, ...], list[int]] = {}

    def is_impossible(self) -> bool:
        """Return whether no day can fit, where that is plain without trying: 30 February, a Tuesday every 7 Mondays."""
        if not self.visited:
            return True
        most = {"DAILY": 1, "WEEKLY": len(self.weekdays)}.get(self.frequency, 366)
        if self.positions and min(map(abs, self.positions)) > most:
            return True
        weekly = self.frequency == "DAILY" and self.interval % 7 == 0 and self.weekdays
        return bool(weekly) and WEEKDAYS[self.start.weekday()] not in self.weekdays

    def days_to_its_months(self, first: date, length: int) -> int:
        """Return how many days after ``first`` the next month to visit begins, 0 if the period has one already."""
        last = first + timedelta(days=length - 1)
        if first.month in self.visited or last.month in self.visited:
            return 0
        month = min(self.visited, key=lambda month: (month - first.month) % 12)
        year = first.year + (month < first.month)
        # A week that begins in the month before may reach into it.
        return (
            max(1, date(year, month, 1).toordinal() - length + 1 - first.toordinal())
            if year <= 9999
            else 10**7
        )

    def days_of(self, period: _Period) -> list[date]:
        """Return the days of the rule in a period."""
        first, length = period
        shape: tuple[int, ...] = (first.weekday(), length)
        if self.frequency == "WEEKLY":
            last = first + timedelta(days=6)
            shape = (first.month, last.month, min(7, last.day))
        elif self.frequency == "YEARLY":
            # The number of a week depends on the years beside this one.
            shape = (*shape, isleap(first.year - 1), isleap(first.year + 1)) if self.weeks else shape
        else:
            shape = (*shape, first.month)
        if shape not in self._offsets:
            days = self._picked([day for day in _span(first, length) if self._tried(day)])
            self._offsets[shape] = [(day - first).days for day in days]
        offsets = self._offsets[shape]
        if self.frequency == "DAILY":
            missed = (self.start - first).days % self.interval
            offsets = [offset for offset in offsets if offset % self.interval == missed]
        return [first + timedelta(days=offset) for offset in offsets]

    def _picked(self, days: list[date]) -> list[date]:
        if not self.positions or self.frequency == "DAILY":  # a day's only one, or it is impossible
            return days
        places = {at - 1 if at > 0 else len(days) + at for at in self.positions}
        return [day for place, day in enumerate(days) if place in places]

    def _tried(self, day: date) -> bool:
        self.steps.spend()
        return self._fits(day)

    def _fits(self, day: date) -> bool:
        if self.months and day.month not in self.months:
            return False
        in_month = monthrange(day.year, day.month)[1]
        if self.month_days and self.month_days.isdisjoint({day.day, day.day - in_month - 1}):
            return False
        in_year, of_year = 365 + isleap(day.year), day.timetuple().tm_yday
        if self.year_days and self.year_days.isdisjoint({of_year, of_year - in_year - 1}):
            return False
        if self.weeks and self.weeks.isdisjoint(_weeks(day, self.week_start)):
            return False
        if not self.weekdays:
            return True
        by_month = self.frequency == "MONTHLY" or self.months
        at, length = (day.day, in_month) if by_month else (of_year, in_year)
        name = WEEKDAYS[day.weekday()]
        return not self.weekdays.isdisjoint(
            {name, f"{(at - 1) // 7 + 1}{name}", f"-{(length - at) // 7 + 1}{name}"}
        )


def _numbers(parts: Parts, name: str) -> frozenset[int]:
    return frozenset(int(number) for number in parts.get(name, "").split(",") if number)


def _span(first: date, length: int) -> Iterator[date]:
    return (date.fromordinal(number) for number in range(first.toordinal(), first.toordinal() + length))


def _weeks(day: date, week_start: int) -> set[int]:
    """Return the number of a day's week, from the start and from the end of the year that has four days of it."""
    middle = day.toordinal() - (day.weekday() - week_start) % 7 + 3
    if middle > date.max.toordinal():
        return set()
    fourth = date.fromordinal(middle)
    weekday, new_year = (week_start + 3) % 7, date(fourth.year, 1, 1).weekday()
    long = new_year == weekday or (isleap(fourth.year) and (new_year + 1) % 7 == weekday)
    number = (fourth.timetuple().tm_yday - 1) // 7 + 1
    return {number, number - (53 if long else 52) - 1}
