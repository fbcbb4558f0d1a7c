"""The history of the demo workspace: a list of events, generated from a seed and an end time only."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any, Literal

from tasks.demo.activity import SATURDAY, Diary, Period, busyness, diary
from tasks.demo.deadlines import EVERYBODY, NEWCOMER, Deadlines
from tasks.demo.edits import Editor
from tasks.demo.lifecycle import Fate, Lifecycle, LifecycleGenerator, Step
from tasks.demo.people import ACCOUNTS, Person, roster
from tasks.demo.task_content import ContentGenerator
from tasks.demo.vocabulary import Category, Routine, categories, category, routines

NEWCOMER_EMAIL = ACCOUNTS[0][0]
NEWCOMER_TASKS = 60
NEWCOMER_OPEN = 0.45
DAYS_A_MONTH = 30.4
OWN_TEAM, AFTER_HOURS = 0.72, 0.14
LONGEST_SERIES = 8


@dataclass(frozen=True, slots=True)
class Event:
    """One write by a person.

    ``verb`` is join, profile, create, update, delete or restore; ``task`` is the storyline's name of the task (empty
    for join and profile); ``fields`` are those of the profile or the new task, or the changed ones. ``id`` numbers the
    events in time order, equally for equal arguments.
    """

    id: str
    at: datetime
    email: str
    verb: Literal["join", "profile", "create", "update", "delete", "restore"]
    task: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def storyline(
    seed: int, now: datetime, *, people: int = 40, tasks: int = 2000, months: int = 6
) -> list[Event]:
    """Return the history of a workspace up to ``now`` (aware), in time order.

    ``people`` is at least three (the demo accounts come first); ``tasks`` counts every task that is created. No two
    events of a person share a millisecond. Equal arguments give equal lists.
    """
    rng = Random(f"{seed}/{people}/{tasks}/{months}")  # noqa: S311 - a story, not a secret
    period = Period(now - timedelta(days=round(months * DAYS_A_MONTH)), now)
    diaries = [diary(rng, person, period) for person in roster(rng, people)]
    lives = _Company(rng, period, diaries).lives(tasks)
    lives.sort(key=lambda life: (life.created, life.diary.person.email))
    events = [event for diary in diaries for event in _arrival(diary)]
    for number, life in enumerate(lives, start=1):
        events.extend(_events(life, f"task-{number:05d}"))
    return _numbered(_spaced(events))


class _Company:
    """Generates the tasks of all people, with random draws in a fixed order."""

    def __init__(self, rng: Random, period: Period, diaries: list[Diary]) -> None:
        self._rng = rng
        self._period = period
        self._diaries = diaries
        self._content = ContentGenerator(rng)
        self._generator = LifecycleGenerator(rng, period)

    def lives(self, count: int) -> list[Lifecycle]:
        """Return ``count`` lifecycles: of the routines, the newcomer and everyone else, with due dates and edits."""
        newcomer, *others = self._diaries
        own = max(min(NEWCOMER_TASKS, count // 10), count // len(self._diaries))
        lives: list[Lifecycle] = []
        for each, routine in zip(self._regulars(), routines(), strict=False):
            lives += self._series(each, routine, min(LONGEST_SERIES, own // 3))
        lives += self._newcomers(newcomer, own - sum(life.diary is newcomer for life in lives))
        lives += self._spread(others, count - len(lives))
        self._date(lives)
        editor = Editor(self._rng, self._period, self._content)
        for life in lives:
            if "recurrence" not in life.fields:
                editor.edit(life)
        return lives

    def _newcomers(self, newcomer: Diary, count: int) -> list[Lifecycle]:
        """Return the tasks of the account that newcomers sign in with: closed ones, and many open ones."""
        recent = round(count * NEWCOMER_OPEN)
        month_ago = self._period.now.date() - timedelta(days=30)
        past = self._spread([newcomer], count - recent, fate="done")
        days = [day for day in newcomer.days if day >= month_ago] or newcomer.days
        fresh = Diary(newcomer.person, newcomer.joined, newcomer.now, days)
        return past + self._spread([fresh], recent, fate="linger")

    def _regulars(self) -> list[Diary]:
        """Return the people with a routine: the newcomer, and one in four of the others."""
        newcomer, *others = self._diaries
        steady = [each for each in others if each.person.stays == "steady"]
        return [newcomer, *self._rng.sample(steady, min(len(steady), len(others) // 4))]

    def _spread(self, diaries: list[Diary], count: int, fate: Fate | None = None) -> list[Lifecycle]:
        """Return ``count`` lifecycles of tasks, created when these people and the company are active."""
        cells = [(each, day) for each in diaries for day in each.days]
        weights = accumulate(each.person.pace * busyness(self._period, day) for each, day in cells)
        cumulative = list(weights)
        lives: list[Lifecycle] = []
        while len(lives) < count:
            each, day = self._rng.choices(cells, cum_weights=cumulative)[0]
            kind = self._kind(each.person, weekend=day.weekday() >= SATURDAY)
            created = each.on(self._rng, day, home=kind.home)
            if created >= self._period.now:
                continue
            fields = self._content.fields(kind)
            lives.append(self._generator.life(each, kind, created, fields, fate or self._generator.fate()))
        return lives

    def _kind(self, person: Person, *, weekend: bool) -> Category:
        """Return the category of a new task: mostly their team's, private ones out of hours."""
        if weekend or self._rng.random() < AFTER_HOURS:
            return self._rng.choice([each for each in categories() if each.home])
        if self._rng.random() < OWN_TEAM:
            return category(person.team)
        return self._rng.choice([each for each in categories() if not each.home])

    def _series(self, each: Diary, routine: Routine, longest: int) -> list[Lifecycle]:
        """Return the occurrences of a routine; the last one is open and carries the recurrence rule."""
        kind = category(routine.category)
        interval = timedelta(
            days=30 if "MONTHLY" in routine.rule else 14 if "INTERVAL=2" in routine.rule else 7
        )
        next_due = self._period.now + timedelta(days=self._rng.randrange(1, 6))
        occurrences = [next_due - interval * back for back in range(longest)]
        lives = [self._occurrence(each, kind, routine, due, interval) for due in occurrences]
        return [life for life in lives if life is not None]

    def _occurrence(
        self, each: Diary, kind: Category, routine: Routine, due: datetime, interval: timedelta
    ) -> Lifecycle | None:
        created = each.settle(self._rng, due - interval, each.joined, home=kind.home)
        if created is None or due - interval <= each.joined:
            return None
        fields = {"title": routine.title, "priority": "medium", "category": kind.name}
        fields["due_date"] = due.date().isoformat()
        if due > self._period.now:
            fields["recurrence"] = routine.rule
            return Lifecycle(each, kind, [Step(created, "create", fields)])
        done = each.settle(
            self._rng, due - timedelta(hours=self._rng.uniform(0, 20)), created, home=kind.home
        )
        steps = [Step(created, "create", fields)]
        return Lifecycle(
            each, kind, steps + ([Step(done, "update", {"status": "completed"})] if done else [])
        )

    def _date(self, lives: list[Lifecycle]) -> None:
        """Set the due dates of all tasks but the routines'."""
        deadlines = Deadlines(self._rng, self._period)
        undated = [life for life in lives if "due_date" not in life.fields]
        for life in undated:
            if not life.is_open:
                deadlines.finished(life)
        waiting = [life for life in undated if life.is_open]
        own = [life for life in waiting if life.diary.person.email == NEWCOMER_EMAIL]
        deadlines.open(own, NEWCOMER)
        deadlines.open([life for life in waiting if life.diary.person.email != NEWCOMER_EMAIL], EVERYBODY)


def _arrival(each: Diary) -> Iterator[Event]:
    """Yield the events of a person who signs up, and sets their time zone a minute later."""
    person = each.person
    names = ("email", "username", "name", "given_name", "family_name")
    yield Event("", each.joined, person.email, "join", fields={name: getattr(person, name) for name in names})
    zone = {"timezone": person.timezone}
    yield Event("", each.joined + timedelta(seconds=75), person.email, "profile", fields=zone)


def _events(life: Lifecycle, name: str) -> Iterator[Event]:
    email = life.diary.person.email
    return (Event("", step.at, email, step.verb, name, step.changes) for step in life.steps)


def _spaced(events: list[Event]) -> list[Event]:
    """Return the events in time order, with at least a millisecond between two events of a person."""
    last: dict[str, datetime] = {}
    spaced = []
    for event in sorted(events, key=lambda each: (each.at, each.email, each.task)):
        earliest = last.get(event.email, event.at - timedelta(1)) + timedelta(milliseconds=1)
        at = max(event.at, earliest)
        last[event.email] = at
        spaced.append(replace(event, at=at))
    return spaced


def _numbered(events: list[Event]) -> list[Event]:
    ordered = sorted(events, key=lambda each: (each.at, each.email))
    return [replace(event, id=f"demo-{number:05d}") for number, event in enumerate(ordered, start=1)]
