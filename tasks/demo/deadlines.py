"""Due dates: met, missed, moved. Open tasks get theirs around the end of the history, in fixed shares."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from random import Random

from tasks.demo.activity import SATURDAY, Period
from tasks.demo.lifecycle import Lifecycle, Step
from tasks.demo.task_content import TIMED

DATED = 0.68
MOVED = 0.75
CLOCK_TIMES = ("09:00", "10:30", "12:00", "14:00", "15:30", "17:00")


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of open tasks that are overdue, due today and due later; the others have no due date."""

    overdue: float
    today: float
    upcoming: float


EVERYBODY = Shares(overdue=0.10, today=0.03, upcoming=0.42)
# The newcomer's list has several tasks in every section.
NEWCOMER = Shares(overdue=0.16, today=0.18, upcoming=0.42)


class Deadlines:
    """Sets the due dates of closed and open tasks."""

    def __init__(self, rng: Random, period: Period) -> None:
        self._rng = rng
        self._today = period.now.date()
        self._period = period

    def finished(self, life: Lifecycle) -> None:
        """Set the due date of a closed task, whether it was met or missed."""
        if self._rng.random() < DATED:
            days = ceil(life.category.lead_hours / 24 * self._rng.uniform(0.8, 2.6))
            self._create_with(life, self._workday(life, self._created_day(life) + timedelta(days=days)))

    def open(self, lives: Iterable[Lifecycle], shares: Shares) -> None:
        """Set the due dates of open tasks so that the given shares are overdue, due today and due later."""
        waiting = list(lives)
        self._rng.shuffle(waiting)
        total = len(waiting)
        overdue = self._take(waiting, round(total * shares.overdue), self._can_be_late)
        today = self._take(waiting, round(total * shares.today), _is_followed)
        upcoming = self._take(waiting, round(total * shares.upcoming), _is_followed)
        for life in overdue:
            self._end_on(life, self._late_day(life))
        for life in today:
            self._end_on(life, self._today)
        for life in upcoming:
            days = 1 + int(self._rng.expovariate(1 / 9)) % 45
            self._end_on(life, self._workday(life, self._today + timedelta(days=days)))

    def _take(
        self, waiting: list[Lifecycle], count: int, fits: Callable[[Lifecycle], bool]
    ) -> list[Lifecycle]:
        """Remove up to ``count`` tasks for which ``fits`` from ``waiting``, and return them."""
        taken = [life for life in waiting if fits(life)][:count]
        waiting[:] = [life for life in waiting if not any(life is each for each in taken)]
        return taken

    def _can_be_late(self, life: Lifecycle) -> bool:
        return self._created_day(life) < self._today - timedelta(days=1)

    def _late_day(self, life: Lifecycle) -> date:
        """Return a past day: a recent one for active people, one soon after creation for people who left."""
        earliest, latest = self._created_day(life), self._today - timedelta(days=1)
        if life.diary.lapsed:
            return min(earliest + timedelta(days=self._rng.randrange(2, 15)), latest)
        return max(earliest, latest - timedelta(days=int(self._rng.expovariate(1 / 5))))

    def _end_on(self, life: Lifecycle, final: date) -> None:
        """Make ``final`` the due date, often after an earlier due date was moved."""
        earlier = self._workday(life, self._created_day(life) + timedelta(days=self._rng.randrange(2, 9)))
        moved = self._moved(life, earlier) if self._rng.random() < MOVED else None
        if moved is None or life.diary.local_day(moved) >= final or earlier >= final:
            self._create_with(life, final)
        else:
            self._create_with(life, earlier)
            life.add(Step(moved, "update", {"due_date": final.isoformat()}))

    def _moved(self, life: Lifecycle, earlier: date) -> datetime | None:
        """Return the moment at which the owner moves the due date ``earlier``: close to that date."""
        midday = self._period.now.replace(year=earlier.year, month=earlier.month, day=earlier.day, hour=11)
        target = midday + timedelta(days=self._rng.randrange(-1, 3))
        return life.moment_before_end(self._rng, target)

    def _create_with(self, life: Lifecycle, due: date) -> None:
        life.fields["due_date"] = due.isoformat()
        if self._rng.random() < TIMED:
            life.fields["due_time"] = self._rng.choice(CLOCK_TIMES)
            life.fields["timezone"] = life.diary.person.timezone

    def _created_day(self, life: Lifecycle) -> date:
        return life.diary.local_day(life.created)

    def _workday(self, life: Lifecycle, day: date) -> date:
        """Return ``day``, or the following Monday if office work would be due on a weekend."""
        weekend = day.weekday() >= SATURDAY and not life.category.home
        return day + timedelta(days=7 - day.weekday()) if weekend else day


def _is_followed(life: Lifecycle) -> bool:
    return not life.diary.lapsed
