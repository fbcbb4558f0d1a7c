"""When people are active: the company's calendar, each person's active days, and the hours of a day."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from tasks.demo.people import Person

# Weights of the hours of a day, in local time.
WORK_HOURS = {8: 3, 9: 11, 10: 14, 11: 12, 12: 5, 13: 8, 14: 12, 15: 12, 16: 9, 17: 5, 18: 1}
EVENING_HOURS = {7: 1, 17: 1, 18: 4, 19: 8, 20: 10, 21: 8, 22: 3}
WEEKEND_HOURS = {9: 4, 10: 8, 11: 9, 12: 5, 13: 4, 14: 6, 15: 6, 16: 5, 17: 4, 18: 3, 19: 3, 20: 4, 21: 2}
WEEKDAY_FACTORS = (1.15, 1.2, 1.1, 1.0, 0.75, 0.3, 0.28)
SATURDAY = 5
# Start and end of a phase as positions in the history (0 its start, 1 its end), and the factor of its activity.
LAUNCH = (0.50, 0.66, 1.55)
CLEAN_UP = (0.76, 0.82, 1.0)
COMPANY_BREAK = (0.83, 0.87, 0.3)


@dataclass(frozen=True, slots=True)
class Period:
    """The days of the history, from ``start`` to ``now`` (both aware, UTC)."""

    start: datetime
    now: datetime

    @property
    def days(self) -> int:
        """Return the number of days, at least one."""
        return max(1, (self.now.date() - self.start.date()).days)

    def at(self, place: float) -> date:
        """Return the day at ``place``, from 0 (the first) to 1 (the last)."""
        return self.start.date() + timedelta(days=round(place * self.days))

    def place(self, day: date) -> float:
        """Return the position of a day, from 0 (the first) to 1 (the last)."""
        return (day - self.start.date()).days / self.days

    def within(self, day: date, span: tuple[float, float, float]) -> bool:
        """Return whether the day is in a phase such as ``LAUNCH``."""
        return span[0] <= self.place(day) < span[1]


def busyness(period: Period, day: date) -> float:
    """Return the activity of the company on a day, relative to an ordinary Thursday."""
    factor = WEEKDAY_FACTORS[day.weekday()]
    for span in (LAUNCH, COMPANY_BREAK):
        if period.within(day, span):
            factor *= span[2]
    return factor * _season(day)


def _season(day: date) -> float:
    """Return the factor of the season: lower from late July to mid-August and around the new year."""
    if (7, 20) <= (day.month, day.day) <= (8, 16):
        return 0.55
    return 0.15 if (day.month, day.day) >= (12, 24) or (day.month, day.day) <= (1, 2) else 1.0


@dataclass(slots=True)
class Diary:
    """The active days of a person, and the moments at which they work on their tasks.

    ``days`` are local dates in order, starting with the day they join.
    """

    person: Person
    joined: datetime
    now: datetime
    days: list[date]
    zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        self.zone = _zone(self.person.timezone)

    @property
    def lapsed(self) -> bool:
        """Return whether the person has been inactive for two weeks."""
        return self.days[-1] < self.now.date() - timedelta(days=14)

    def local_day(self, moment: datetime) -> date:
        """Return the date of a moment in the person's time zone."""
        return moment.astimezone(self.zone).date()

    def on(self, rng: Random, day: date, *, home: bool) -> datetime:
        """Return a moment on that day, at work or at home, after the person joined."""
        return self._moment(rng, day, home=home, after=self.joined)

    def settle(self, rng: Random, target: datetime, after: datetime, *, home: bool) -> datetime | None:
        """Return the first moment from ``target`` on at which the person is active, later than ``after``.

        None if there is none before the end of the history.
        """
        target = max(target, after + timedelta(minutes=rng.uniform(1, 25)))
        local = target.astimezone(self.zone)
        index = bisect_left(self.days, local.date())
        if index < len(self.days) and self.days[index] == local.date():
            if local.hour in _hours(local.date(), home=home):
                return target if target < self.now else None
            if local.hour < max(_hours(local.date(), home=home)) and (home or local.weekday() < SATURDAY):
                return self._before_now(self._moment(rng, local.date(), home=home, after=target))
            index += 1
        day = self._open_day(index, home=home)
        return self._before_now(self._moment(rng, day, home=home, after=after)) if day else None

    def _open_day(self, index: int, *, home: bool) -> date | None:
        """Return the first suitable active day from ``index`` on: no office work on weekends."""
        days = self.days[index : index + 14]
        return next((day for day in days if home or day.weekday() < SATURDAY), None)

    def _before_now(self, moment: datetime) -> datetime | None:
        return moment if moment < self.now else None

    def _moment(self, rng: Random, day: date, *, home: bool, after: datetime) -> datetime:
        hours = _hours(day, home=home)
        hour = rng.choices(list(hours), list(hours.values()))[0]
        at = datetime.combine(day, time(hour), self.zone) + timedelta(seconds=rng.uniform(0, 3600))
        moment = at.astimezone(UTC)
        return moment if moment > after else after + timedelta(minutes=rng.uniform(2, 50))


def diary(rng: Random, person: Person, period: Period) -> Diary:
    """Return the random days on which a person opens the app, from joining to leaving."""
    first = _first_day(rng, person, period)
    opening = datetime.combine(first, time(8, rng.randrange(5, 55)), _zone(person.timezone)).astimezone(UTC)
    joined = max(opening, period.start + timedelta(minutes=rng.uniform(1, 20)))
    last = period.now.astimezone(_zone(person.timezone)).date()
    away = _holiday(rng, first, last)
    span = (first + timedelta(days=offset) for offset in range(1, (last - first).days + 1))
    days = [day for day in span if _is_active(rng, person, first, day, away, period)]
    return Diary(person, joined, period.now, [first, *days])


def _first_day(rng: Random, person: Person, period: Period) -> date:
    """Return a weekday in the week in which the person's group joins; each group is one cohort."""
    wave = period.at(person.joins)
    monday = wave - timedelta(days=wave.weekday())
    day = monday + timedelta(days=rng.randrange(4))
    return day if day > period.start.date() else _weekday_from(period.start.date() + timedelta(days=1))


def _weekday_from(day: date) -> date:
    return day + timedelta(days=(7 - day.weekday()) % 7 if day.weekday() >= SATURDAY else 0)


def _holiday(rng: Random, first: date, last: date) -> tuple[date, date]:
    """Return one or two weeks off, in summer if the person is there then."""
    length = rng.choice((7, 10, 14))
    summer = date(last.year, 7, 25) + timedelta(days=rng.randrange(18))
    start = (
        summer
        if first + timedelta(days=21) < summer < last
        else first + timedelta(days=rng.randrange(60, 200))
    )
    return start, start + timedelta(days=length)


def _is_active(
    rng: Random, person: Person, first: date, day: date, away: tuple[date, date], period: Period
) -> bool:
    draw = rng.random()
    if away[0] <= day < away[1] and person.email != "person@example.com":
        return False
    usual = 0.86 if day.weekday() < SATURDAY else 0.42
    quiet = 0.5 if period.within(day, COMPANY_BREAK) else 1.0
    return draw < usual * quiet * _presence(person, (day - first).days / 7)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _presence(person: Person, week: float) -> float:
    """Return how likely a person is still active ``week`` weeks after joining, relative to the first day."""
    if person.stays == "fading":
        return float(0.5 ** (week / 4.5))
    if person.stays == "brief":
        return 1.0 if week < 1.6 else 0.0
    if person.stays == "returning":
        return 0.0 if 3.5 < week < 8.5 else 0.8
    return 1.0 if week < 3 else 0.94


def _hours(day: date, *, home: bool) -> dict[int, int]:
    if not home:
        return WORK_HOURS
    return EVENING_HOURS if day.weekday() < SATURDAY else WEEKEND_HOURS
