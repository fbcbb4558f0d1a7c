"""What items tell, by brute force: plain Python, item by item and day by day, from the definitions of ADR 049.

`tests.etl.oracle` says when a change happened and what it was. Levels are looked at at the end of each day and compared
with the day before; nothing here knows of steps, spans or differences of runs.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import product, zip_longest
from typing import Any

from tests.etl.oracle import OPEN, Deed, Oracle, due, status

EPOCH = date(1970, 1, 1)
CELLS = list(product((False, True), repeat=3))
Row = tuple[Any, ...]
Told = Counter[Row]
FLAGS = ("created", "completed", "undone", "reopened", "cancelled", "deleted", "restored")
# Reasons to become open, and not to be any more.
CAME, WENT = ("created", "restored", "reopened"), ("completed", "cancelled", "deleted")


def kinds(deed: Deed) -> set[str]:
    """What a change of a task was."""
    new, old = deed.change.new, deed.change.old
    after, before = (None if image is None else status(image) for image in (new, old))
    came = deed.change.name == "INSERT"
    found = set()
    if came:
        found.add("created" if deed.first_of_life else "restored")
    if deed.change.name == "REMOVE":
        found.add("deleted")
    for name in ("completed", "cancelled"):
        if after == name and (deed.first_of_life if came else before != name):
            found.add(name)
    if not came and before in ("completed", "cancelled") and after in OPEN:
        found.add("reopened")
    return found


def flows(own: list[Deed]) -> Iterator[tuple[Deed, set[str], int]]:
    """A task's changes: what each was, and whether the task became open (1) or ceased to be (-1)."""
    was_open = False
    for place, deed in enumerate(own):
        image = deed.change.new
        is_open = image is not None and status(image) in OPEN
        what = kinds(deed)
        later = {status(other.change.new) for other in own[place + 1 :] if other.change.new is not None}
        if "completed" in what and later - {"completed"}:
            what.add("undone")
        yield deed, what, is_open - was_open
        was_open = is_open


def minutes(micros: int) -> int:
    """The key of a time: whole minutes, hours or days, in minutes."""
    whole = micros // 60_000_000
    width = 1 if whole < 60 else 60 if whole < 7 * 1440 else 1440
    return whole // width * width


class Tallies:
    """Everything that a history tells."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        # Of every task that ever was: what it is now or was last.
        self.facts = {(row[0], row[1]): row for row in oracle.task_facts()}
        self.last_day = max([*(deed.day for deed in oracle.deeds), oracle.today])

    def attributes(self, user: str, task: str) -> Row:
        """Category, priority and status."""
        row = self.facts[user, task]
        return row[3], row[4], row[5] or "unknown"

    def tasks(self) -> Iterator[tuple[str, str, list[Deed]]]:
        for (pk, sk), own in self.oracle.of_item.items():
            if pk.startswith("TASK#"):
                yield pk.partition("#")[2], sk.partition("#")[2], own

    def told(self) -> Told:
        """Rows of people: person, attributes, day, measure, key -> n."""
        found: Told = Counter()
        for user, task, own in self.tasks():
            who = (user, *self.attributes(user, task))
            for row, n in self._task(user, task, own).items():
                found[*who, *row] += n
        for (pk, _), own in self.oracle.of_item.items():
            if pk.startswith("USER#"):
                who = (pk.partition("#")[2], "", "", "")
                found.update((*who, deed.day, "profile", 0) for deed in own)
                for row, n in self._levels(own, lambda image, day: {("profiles", 0)}).items():
                    found[*who, *row] += n
        return clean(found)

    def _task(self, user: str, task: str, own: list[Deed]) -> Counter[Row]:
        created = self.facts[user, task][9]

        def standing(image: dict[str, Any], day: date) -> set[tuple[str, Any]]:
            now = status(image)
            name = now if now in (*OPEN, "completed", "cancelled") else "other"
            levels: set[tuple[str, Any]] = {(f"is_{name}", created if now in OPEN else 0)}
            limit = due(image)
            if now in OPEN and limit is not None and limit < day:
                levels.add(("overdue", created))
            return levels

        found = self._levels(own, standing)
        found[created, "tasks", 0] += 1
        for deed, what, opens in flows(own):
            found.update((deed.day, kind, 0) for kind in what)
            found[deed.day, "hour", deed.hour] += 1
            for key, kind in enumerate((*CAME, *WENT), start=1):
                if kind in what and opens != (1 if kind in CAME else -1):
                    found[deed.day, "aside", key] += 1
            if opens == 1 and not what & set(CAME):
                found[deed.day, "entered", 0] += 1
            if opens == -1 and not what & set(WENT):
                found[deed.day, "left", 0] += 1
        self._times(user, task, found)
        return found

    def _times(self, user: str, task: str, found: Counter[Row]) -> None:
        key = (f"TASK#{user}", f"TASK#{task}")
        finished = self.oracle.finished_at(key) if key in self.oracle.items else None
        if finished is not None:
            day = self.oracle.local_day(finished)
            spent = {"lead": self.oracle.lead_micros(key), "cycle": self.oracle.cycle_micros(key)}
            for name, micros in spent.items():
                if micros is not None:
                    found[day, name, minutes(micros)] += 1
                    found[day, f"{name}_micros", 0] += micros

    def _levels(self, own: list[Deed], standing: Any) -> Counter[Row]:
        """Where an item's levels at the end of a day differ from those at the end of the day before."""
        found: Counter[Row] = Counter()
        days = {deed.day for deed in own}
        limits = {limit for deed in own if (limit := due(deed.change.new or {})) is not None}
        days |= {limit + timedelta(days=1) for limit in limits if own[0].day <= limit < date.max}
        before: set[tuple[str, Any]] = set()
        for day in sorted(days):
            image = [deed.change.new for deed in own if deed.day <= day][-1]
            levels = set() if image is None else standing(image, day)
            for level, n in [(x, 1) for x in levels - before] + [(x, -1) for x in before - levels]:
                found[day, level[0], self._age(level[1], day)] += n
            before = levels
        return found

    @staticmethod
    def _age(created: Any, day: date) -> int:
        if created == 0:
            return 0
        return (max(created, day - timedelta(days=90)) - EPOCH).days

    def steps(self) -> Told:
        """Rows of cells without openings: category, priority, status, day, measure, key -> n."""
        found: Told = Counter()
        for (_, *attributes, day, measure, key), n in self.told().items():
            for cell in cells(attributes):
                found[*cell, day, measure, key] += n
        visits: dict[Row, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
        for deed in self.oracle.deeds:
            task = deed.change.sk.partition("#")[2]
            attributes = self.attributes(deed.user, task) if deed.is_task else ("", "", "")
            for cell in cells(attributes):
                visits[cell][deed.user].add(deed.day)
        for cell, people in visits.items():
            found.update(visited(cell, people))
        return clean(found)

    def task_entries(self) -> Iterator[Row]:
        """Every task that ever was: `COLUMNS` of the ledger's table."""
        for user, task, own in self.tasks():
            key, fact = (f"TASK#{user}", f"TASK#{task}"), self.facts[user, task]
            item = own[-1].change.new or own[-1].change.old or {}
            here = key in self.oracle.items
            finished = self.oracle.finished_at(key) if here else None
            started = [deed.at for deed in own if deed.after == "in_progress"] if here else []
            now = fact[5] or "unknown"
            yield (
                *(
                    user,
                    task,
                    fact[2],
                    _tags(item),
                    fact[3],
                    fact[4],
                    now,
                    fact[6],
                    fact[7],
                    fact[8],
                    fact[9],
                ),
                *(
                    started[0] if started else None,
                    finished,
                    self.oracle.local_day(finished) if finished else None,
                ),
                self.oracle.lead_micros(key) if finished else None,
                self.oracle.cycle_micros(key) if finished else None,
                month_of(self.oracle.local_day(finished))
                if finished
                else "open"
                if here and now in OPEN
                else "closed",
            )

    def change_entries(self) -> Iterator[Row]:
        """Every change: `COLUMNS` of the ledger's table."""
        for (pk, sk), own in self.oracle.of_item.items():
            kind, _, user = pk.partition("#")
            task = sk.partition("#")[2]
            fact = self.facts[user, task] if kind == "TASK" else None
            last = own[-1].change.new or own[-1].change.old or {}
            of_task = (task, fact[3], fact[4], _tags(last), fact[9]) if fact else (None,) * 5
            deeds = flows(own) if fact else ((deed, set(), 0) for deed in own)
            for (deed, what, opens), later in zip_longest(deeds, own[1:]):
                image = deed.change.new
                yield (
                    *(user, *of_task, deed.at, deed.day, deed.hour, later.day if later else None),
                    None if image is None else status(image) or "unknown",
                    due(image or deed.change.old or {}),
                    *(int(flag in what) for flag in FLAGS),
                    *(opens, month_of(deed.day)),
                )

    def openings(self, steps: Told) -> Told:
        """Rows of openings: the levels of every month's first day before anything happens on it."""
        levels = {"active", "overdue", "profiles", "tasks"}
        by_month: dict[date, Counter[Row]] = defaultdict(Counter)
        wanted = [row for row in steps if row[4] in levels or row[4].startswith("is_")]
        first = min((row[3] for row in wanted), default=self.oracle.today)
        months = list(_months(max(first, date(2000, 1, 1)), self.oracle.today))
        for *cell, day, measure, key in wanted:
            n = steps[*cell, day, measure, key]
            for month in months:
                if day < month:
                    aged = measure in ("is_pending", "is_in_progress", "overdue")
                    kept = max(key, (month - EPOCH).days - 90) if aged else key
                    by_month[month][*cell, month, f"opening_{measure}", kept] += n
        return clean(added(by_month.values()))


def month_of(day: date) -> str:
    """The partition of a day."""
    return f"{min(max(day, date(2000, 1, 1)), date(2099, 12, 31)):%Y-%m}"


def _tags(item: dict[str, Any]) -> str | None:
    tags = item.get("tags")
    return json.dumps(tags, separators=(",", ":"), ensure_ascii=False) if tags else None


def added(parts: Iterable[Counter[Row]]) -> Told:
    found: Told = Counter()
    for part in parts:
        found.update(part)
    return found


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


def cells(attributes: Iterable[str]) -> Iterator[Row]:
    """The cells that a task counts in; a profile counts where all is any."""
    values = tuple(attributes)
    if not values[0]:
        yield "", "", ""
        return
    for wanted in CELLS:
        yield tuple(value if own else "" for value, own in zip(values, wanted, strict=True))


def visited(cell: Row, people: Mapping[str, set[date]]) -> Told:
    """Rows of the measures that count people, from the days of each."""
    found: Told = Counter()
    for span in (1, 7, 30):
        here: dict[date, int] = Counter()
        for days in people.values():
            covered = {day + timedelta(days=n) for day in days for n in range(span)}
            here = Counter(here) + Counter(covered)
        for day in sorted({*here, *(day + timedelta(days=1) for day in here)}):
            step = here[day] - here[day - timedelta(days=1)]
            if step:
                found[*cell, day, "active", span] += step
    for days in people.values():
        weeks = sorted({day - timedelta(days=day.weekday()) for day in days})
        found.update((*cell, weeks[0], "cohort", (week - weeks[0]).days // 7) for week in weeks)
    return found


def clean(rows: Told) -> Told:
    """The rows whose n is not 0."""
    return Counter({row: n for row, n in rows.items() if n})
