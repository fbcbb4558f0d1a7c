"""What a page of the dashboard has to say, to the last number, by brute force from the table's full change history.

Counted and worded here again, from the definitions on the page, with nothing of the product's own drawing: tiles with
their changes and courses, sentences, facts, tables and the numbers inside the figures. ``Truth`` knows what happened.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from insights.filters import State
from insights.periods import Period
from tests.etl.oracle import Oracle
from tests.insights.truth import BRACKETS, Truth, monday, percentile
from tests.insights.wording import NONE, count, lasting, on, percent, things, week_of

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FLOWS = ("created", "completed", "reopened", "deleted")
STATUSES = {
    "completed": "Completed",
    "cancelled": "Cancelled",
    "in_progress": "In progress",
    "pending": "Pending",
}
WIDTHS = (1, 2, 4, 8, 12, 24, 48, 96, 168, 336, 672, 1344, 2688)


@dataclass
class Said:
    """What a card says: its sentences, facts, table, and the numbers of its figure's traces."""

    summary: str
    finding: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)
    traces: list[dict[str, Any]] = field(default_factory=list)
    lines: list[float] = field(default_factory=list)


@dataclass
class Told:
    """What a tile says; ``sparkline`` are the values its line goes through, None before the first."""

    label: str
    value: str
    change: str
    sparkline: list[float | None]


class Sheet:
    """The whole page for one state of it."""

    def __init__(self, oracle: Oracle, state: State) -> None:
        self.oracle, self.days = oracle, state.days
        since = min((deed.day for deed in oracle.deeds), default=None)
        begin = oracle.today - timedelta(days=2 * state.days - 1)
        self.compared = state.compare and since is not None and since <= begin
        self.period = Period(state.days, oracle.today, self.compared)
        self.truth = Truth(oracle, self.period, state.effective_filters)
        self.own = bool(state.person)

    # -- sentences

    def largest(
        self, changes: list[tuple[str, float | None, float | None]], text: Callable[..., str] = count
    ) -> str:
        """The first of the largest changes, in words."""
        if not self.compared:
            return ""
        known = [c for c in changes if c[1] is not None and c[2] is not None]
        if not known:
            return f"There is nothing to compare with in the {self.days} days before."
        name, now, before = max(known, key=lambda c: abs(c[1] - c[2]))
        if text(now) == text(before):
            return f"No change against the {self.days} days before."
        share = f" ({(now - before) / before * 100:+,.0f}%)" if before else ""
        verb = "rose" if now > before else "fell"
        against = f"the largest change against the {self.days} days before."
        return f"{name} {verb} from {text(before)} to {text(now)}{share}, {against}"

    def happened(self, kind: str, days: list[date], **among: str) -> int:
        return len(self.truth.events(kind, days, **among))

    # -- tiles

    def tiles(self) -> list[Told]:
        truth, now, before = self.truth, self.truth.days, self.truth.before
        daily = truth.kpis()

        def level(metric: str, day: date) -> float:
            return daily[day.isoformat(), metric]

        def mean(days: list[date]) -> float | None:
            hours = truth.finished(days)
            return math.fsum(hours.values()) / len(hours) if hours else None

        def standing(label: str, metric: str) -> Told:
            values = level(metric, now[-1]), level(metric, before[-1])
            return self._tile(label, *values, [level(metric, day) for day in now])

        def flow(label: str, kind: str) -> Told:
            values = self.happened(kind, now), self.happened(kind, before)
            return self._tile(label, *values, [self.happened(kind, [day]) for day in now])

        rates = level("completion_rate", now[-1]), level("completion_rate", before[-1])
        shares = [level("completion_rate", day) for day in now]
        made = [
            standing("All tasks", "total_tasks"),
            flow("Created", "created"),
            flow("Completed", "completed"),
            self._tile("Completion rate", *rates, shares, percent, points=True),
            standing("Open", "open_tasks"),
            standing("Overdue", "overdue_tasks"),
            standing("Active people", "active_users"),
            self._tile(
                "Average lead time", mean(now), mean(before), _held([mean([day]) for day in now]), lasting
            ),
        ]
        return [tile for tile in made if not self.own or tile.label != "Active people"]

    def _tile(
        self,
        label: str,
        now: float | None,
        before: float | None,
        sparkline: list[Any],
        text: Callable[..., str] = count,
        points: bool = False,
    ) -> Told:
        value = NONE if now is None else text(now)
        if not self.compared:
            return Told(label, value, "", sparkline)
        if before is None:
            return Told(label, value, "nothing to compare with", sparkline)
        was = f"from {text(before)}"
        if now is None or (before == 0 and not points):
            return Told(label, value, was, sparkline)
        change = (now - before) * 100 if points else (now - before) / before * 100
        size = f"{round(abs(change), 1):g} points" if points else f"{round(abs(change)):g}%"
        same = round(change, 1 if points else 0) == 0
        arrow = "no change" if same else f"{'▲' if change > 0 else '▼'} {size}"
        return Told(label, value, f"{arrow} {was}", sparkline)

    def tiles_finding(self) -> str:
        truth = self.truth
        figures: dict[str, Callable[[list[date]], float]] = {
            "All tasks": lambda days: len(truth.standing(days[-1])),
            "Created tasks": lambda days: self.happened("created", days),
            "Completed tasks": lambda days: self.happened("completed", days),
            "Open tasks": lambda days: len(truth.open(days[-1])),
            "Overdue tasks": lambda days: len(truth.overdue(days[-1])),
        }
        return self.largest([(n, get(truth.days), get(truth.before)) for n, get in figures.items()])

    # -- cards

    def cards(self) -> dict[str, Said]:
        """Every card of the page, by slug."""
        shared = {
            "throughput": self.throughput(),
            "cumulative-flow": self.cumulative_flow(),
            "lead-time": self.durations("lead"),
            "cycle-time": self.durations("cycle"),
            "categories": self.categories(),
            "ageing": self.ageing(),
            "activity": self.activity(),
        }
        if self.own:
            return {"weeks": self.weeks(), "streaks": self.streaks(), **shared}
        return {**shared, "top-users": self.top_users(), "retention": self.retention()}

    def throughput(self) -> Said:
        now, before = self.truth.days, self.truth.before
        created, completed = ([self.happened(kind, [day]) for day in now] for kind in FLOWS[:2])
        if not any(self.happened(kind, now) for kind in FLOWS):
            return Said("No task was created or completed in this period.")
        best = now[completed.index(max(completed))]
        earlier = [self.happened("completed", [day]) for day in before]
        days = [day.isoformat() for day in now]
        width = 7 if self.days == 180 else 1
        shown = _blocks(days, width)
        where = {"x": [block[0] for block in shown], "customdata": [[block[0], block[-1]] for block in shown]}
        traces = [
            {**where, "y": [sum(numbers) for numbers in _blocks(values, width)]}
            for values in (completed, created)
        ]
        were = [[block[0].isoformat(), block[-1].isoformat()] for block in _blocks(before, width)]
        ghost = {**where, "y": [sum(numbers) for numbers in _blocks(earlier, width)], "customdata": were}
        made, done = sum(created), sum(completed)
        return Said(
            f"{things(made, 'task was', 'tasks were')} created and {count(done)} completed; most completions in a "
            f"day: {count(max(completed))}, on {on(best)}.",
            self.largest([(f"Tasks {k}", self.happened(k, now), self.happened(k, before)) for k in FLOWS]),
            [("Created", count(made)), ("Completed", count(done)), ("Net", f"{made - done:+,}")],
            [[on(day), *(count(self.happened(kind, [day])) for kind in FLOWS)] for day in reversed(now)],
            [*traces, ghost] if self.compared else traces,
        )

    def cumulative_flow(self) -> Said:
        at = {
            day: Counter(self.truth.status(item) for item in self.truth.standing(day).values())
            for day in [self.period.previous_end, *self.truth.days]
        }
        now, last, before = self.truth.days, at[self.period.end], at[self.period.previous_end]
        if not any(at[day][status] for day in now for status in STATUSES):
            return Said("There were no tasks in this period.")
        first, still = (counted["pending"] + counted["in_progress"] for counted in (at[now[0]], last))
        moved = (
            f"stayed at {things(still)}"
            if first == still
            else f"{'grew' if still > first else 'fell'} from {count(first)} to {things(still)}"
        )
        days = [day.isoformat() for day in now]
        order = ("completed", "cancelled", "in_progress", "pending")
        return Said(
            f"Open work {moved} over the period; {count(last['in_progress'])} of the {count(still)} open tasks are in "
            "progress.",
            self.largest(
                [(f"{n} tasks at the end of the period", last[s], before[s]) for s, n in STATUSES.items()]
            ),
            [(STATUSES[status], count(last[status])) for status in reversed(STATUSES)],
            [[on(day), *(count(at[day][status]) for status in STATUSES)] for day in reversed(now)],
            [{"x": days, "y": [at[day][status] for day in now]} for status in order],
        )

    def durations(self, measure: str) -> Said:
        hours = sorted(self.truth.finished(self.truth.days, measure).values())
        earlier = sorted(self.truth.finished(self.truth.before, measure).values())
        if not hours:
            return Said("No such task was completed in this period.")
        names = {"p50": 50, "p85": 85, "p95": 95}
        shares = {name: percentile(hours, share) or 0.0 for name, share in names.items()}
        width, bars, unit = _bars(hours, shares["p95"])
        scale = 24 if unit == "days" else 1
        slowest = math.floor(hours[-1]) + 1
        labels, spans = [], []
        for n in range(len(bars)):
            open_ended = n == len(bars) - 1 and slowest > width * len(bars)
            low, high = f"{n * width / scale:g}", f"{(n + 1) * width / scale:g}"
            labels.append(f"{low} or more" if open_ended else f"{low} to {high}")
            spans.append([labels[-1], n * width, 10**9 if open_ended else (n + 1) * width])
        p50, p85, p95 = (lasting(value) for value in shares.values())
        return Said(
            f"{things(len(hours), 'completed task')}: half took at most {p50}, 85% at most {p85} and 95% at most "
            f"{p95}.",
            self.largest(
                [
                    (f"{measure.capitalize()} time at {n}", shares[n], percentile(earlier, s))
                    for n, s in names.items()
                ],
                lasting,
            ),
            [(name, lasting(value)) for name, value in shares.items()],
            [[labels[n], count(bar), percent(bar / len(hours))] for n, bar in enumerate(bars)],
            [{"x": [(n + 0.5) * width / scale for n in range(len(bars))], "y": bars, "customdata": spans}],
            [value / scale for value in shares.values()],
        )

    def categories(self) -> Said:
        names = {self.truth.category_of(key) for key in self.truth.deeds}
        counted = {n: [self.happened(k, self.truth.days, name=n) for k in FLOWS[:2]] for n in names}
        before = {n: [self.happened(k, self.truth.before, name=n) for k in FLOWS[:2]] for n in names}
        order = sorted(names, key=lambda n: (-counted[n][0], -counted[n][1], n))
        shown = [name for name in order if any(counted[name])]
        if not shown:
            return Said("No task was created or completed in this period.")
        called = {name: "No category" if name == "(none)" else name for name in names}
        created, completed = (sum(counted[name][n] for name in shown) for n in (0, 1))
        changes = [
            (f"Tasks {kind} in {called[name]}", counted[name][n], before[name][n])
            for name in order
            if any(counted[name]) or any(before[name])
            for n, kind in enumerate(FLOWS[:2])
        ]
        bars = _with_others([(called[name], *counted[name], name) for name in shown], 8)
        table = _with_others([(called[name], *counted[name], name) for name in shown], 50)
        return Said(
            f"{called[shown[0]]} had the most new tasks: {count(counted[shown[0]][0])} created, "
            f"{count(counted[shown[0]][1])} completed.",
            self.largest(changes),
            [("Created", count(created)), ("Completed", count(completed))],
            [[label, count(new), count(done)] for label, new, done, _ in table],
            [{"x": [bar[n] for bar in bars], "y": [bar[0] for bar in bars]} for n in (1, 2)],
        )

    def ageing(self) -> Said:
        end, before = self.period.end, self.period.previous_end
        now, late, earlier = (dict.fromkeys(BRACKETS, 0) for _ in range(3))
        for moment, into in ((end, now), (before, earlier)):
            for key in self.truth.open(moment):
                age = max((moment - self.truth.created_day(key)).days, 0)
                name = next(name for name, (low, high) in BRACKETS.items() if low <= age <= high)
                into[name] += 1
                if moment == end and key in self.truth.overdue(end):
                    late[name] += 1
        tasks, overdue = sum(now.values()), sum(late.values())
        if not tasks:
            return Said("No task is open.")
        largest = max(now, key=lambda name: now[name])
        ages = list(BRACKETS)
        bounds = [list(BRACKETS[name]) for name in ages]
        return Said(
            f"{things(tasks, 'task is', 'tasks are')} open, {count(overdue)} of them overdue; the largest group "
            f"({count(now[largest])}) has this age: {largest}.",
            self.largest([(f"Open tasks aged {name}", now[name], earlier[name]) for name in ages]),
            [("Not overdue", count(tasks - overdue)), ("Overdue", count(overdue))],
            [[name, count(now[name]), count(late[name])] for name in ages],
            [
                {"x": ages, "y": [now[name] - late[name] for name in ages], "customdata": bounds},
                {"x": ages, "y": [late[name] for name in ages], "customdata": bounds},
            ],
        )

    def activity(self) -> Said:
        spans = self.truth.days, self.truth.before
        now, before = (
            Counter((d.day.weekday(), d.hour) for d in self.truth.events("changed", s)) for s in spans
        )
        if not now:
            return Said("No task was changed in this period.")
        most = max(now.values())
        weekday, hour = min(slot for slot in now if now[slot] == most)
        z = [[now[weekday, hour] for hour in range(24)] for weekday in range(7)]
        by_day = [
            (f"Changes on {name}s", sum(z[n]), sum(before[n, h] for h in range(24)))
            for n, name in enumerate(WEEK)
        ]
        where = [[[n + 1, h] for h in range(24)] for n in range(7)]
        return Said(
            f"Most changes are made on {WEEK[weekday][:3]} between {hour:02}:00 and {hour + 1:02}:00: {count(most)} of "
            f"{count(now.total())}.",
            self.largest(by_day),
            [("Changes", count(now.total())), ("In the busiest hour", count(most))],
            [[WEEK[n][:3], *(count(value) for value in z[n])] for n in range(7)],
            [{"z": z, "customdata": where}],
        )

    def top_users(self) -> Said:
        rows = self.truth.top_users()
        if not rows:
            return Said("Nobody has tasks in this period.")
        called = [
            row["person"]
            or (f"User {row['user_id'][:8]}" if row["user_id"] else things(row["people"], "other"))
            for row in rows
        ]
        done = sum(row["completed"] for row in rows)
        counts = ("completed", "created", "open_tasks", "overdue_tasks")
        return Said(
            f"{called[0]} completed the most: {things(rows[0]['completed'])} of {count(done)}.",
            self.largest(
                [
                    (f"Completions of {who}", row["completed"], row["completed_before"])
                    for who, row in zip(called, rows, strict=True)
                ]
            ),
            [],
            [
                [who, *(count(row[name]) for name in counts), lasting(row["p50_hours"], " d")]
                for who, row in zip(called, rows, strict=True)
            ],
        )

    def retention(self) -> Said:
        rows = self.truth.retention()
        if not rows:
            return Said("Nobody has started yet.")
        by = {(row["cohort_week"], row["week_number"]): row for row in rows}
        cohorts = sorted({cohort for cohort, _ in by})
        weeks = max(week for _, week in by) + 1
        sizes = {cohort: by[cohort, 0]["cohort_size"] for cohort in cohorts}
        over = [c for c in cohorts if date.fromisoformat(c) + timedelta(days=13) <= self.period.end]
        latest = over[::-1]

        def back(chosen: list[str]) -> float | None:
            people = sum(sizes[cohort] for cohort in chosen)
            return sum(by[cohort, 1]["active_users"] for cohort in chosen) / people if people else None

        came = (
            f"{percent(back(over))} came back the week after their first."
            if over
            else "none of these weeks is long enough ago to say who came back."
        )
        grid = [[by.get((c, w)) for w in range(weeks)] for c in cohorts]
        people = [
            [[row and row["active_users"], row and row["cohort_size"], cohort] for row in line]
            for cohort, line in zip(cohorts, grid, strict=True)
        ]
        figure = [{"z": [[row and row["rate"] for row in line] for line in grid], "customdata": people}]
        return Said(
            f"{things(sum(sizes.values()), 'person', 'people')} began in the last {things(len(cohorts), 'week')} in "
            f"which somebody began; {came}",
            self._newcomers(back(latest[:4]), back(latest[4:8]), len(latest[:4])),
            [],
            [
                [
                    on(date.fromisoformat(cohort)),
                    count(sizes[cohort]),
                    *(percent(row and row["rate"]) for row in line),
                ]
                for cohort, line in zip(cohorts[::-1], grid[::-1], strict=True)
            ],
            figure if weeks > 1 else [],
        )

    def _newcomers(self, now: float | None, before: float | None, weeks: int) -> str:
        if not self.compared:
            return ""
        if now is None or before is None:
            return "There are no earlier newcomers to compare with."
        same = percent(now) == percent(before)
        return (
            f"{percent(now)} of the newcomers of the latest {things(weeks, 'week')} came back the week after, "
            f"{'the same as' if same else 'compared with ' + percent(before)} before."
        )

    def weeks(self) -> Said:
        last = monday(self.period.end)
        done = {}
        for n in reversed(range(12)):
            begin = last - timedelta(weeks=n)
            days = [begin + timedelta(days=m) for m in range(7)]
            done[begin] = self.happened("completed", [day for day in days if day <= self.period.end])
        if not any(done.values()):
            return Said("You have completed nothing in the last twelve weeks.")
        now, before = done[last], done[last - timedelta(weeks=1)]
        apart = things(abs(now - before), "completion")
        changed = f"{apart} {'more' if now > before else 'fewer'} than last week so far."
        finding = "No change against last week." if now == before else changed
        spans = [[begin.isoformat(), (begin + timedelta(days=6)).isoformat()] for begin in done]
        return Said(
            f"You completed {things(now)} this week; your best of the last twelve weeks had "
            f"{count(max(done.values()))}.",
            finding if self.compared else "",
            [("This week", count(now)), ("Last week", count(before))],
            [[on(begin), count(number)] for begin, number in reversed(done.items())],
            [{"x": [week_of(begin) for begin in done], "y": list(done.values()), "customdata": spans}],
        )

    def streaks(self) -> Said:
        runs = [
            (date.fromisoformat(row["first_day"]), date.fromisoformat(row["last_day"]), row["completed"])
            for row in self.truth.streaks()
        ]
        if not runs:
            return Said("You have not completed a task yet.")
        length = {run: (run[1] - run[0]).days + 1 for run in runs}
        current = next((length[run] for run in runs if (self.period.end - run[1]).days <= 1), 0)

        def within(days: list[date]) -> int:
            return max(sum(first <= day <= last for day in days) for first, last, _ in runs)

        longest = sorted(runs, key=lambda run: (-length[run], run[0]))[:5]
        return Said(
            f"Your current streak is {things(current, 'day')}; your longest was {things(max(length.values()), 'day')}.",
            self.largest(
                [("The days of your longest streak", within(self.truth.days), within(self.truth.before))]
            ),
            [("Current streak", str(current)), ("Longest streak", str(max(length.values())))],
            [[on(run[0]), on(run[1]), count(length[run]), count(run[2])] for run in longest],
        )


def _held(steps: list[float | None]) -> list[float | None]:
    """Days without a value have the one of the day before."""
    held: list[float | None] = []
    for step in steps:
        held.append(step if step is not None or not held else held[-1])
    return held


def _bars(hours: list[float], p95: float) -> tuple[int, list[int], str]:
    """A histogram of at most 36 bars that reaches a quarter beyond p95; the last bar takes what is slower."""
    slowest = math.floor(hours[-1]) + 1
    shown = min(p95 * 1.25 + 1, slowest)
    width = next((width for width in WIDTHS if shown <= 36 * width), WIDTHS[-1])
    number = math.ceil(shown / width)
    counted = Counter(min(math.floor(value) // width, number - 1) for value in hours)
    return width, [counted[n] for n in range(number)], "days" if width * number >= 72 else "hours"


def _with_others(rows: list[tuple[str, int, int, str]], most: int) -> list[tuple[str, int, int, str]]:
    if len(rows) <= most + 1:
        return rows
    rest = rows[most:]
    return [*rows[:most], (f"{len(rest)} others", sum(r[1] for r in rest), sum(r[2] for r in rest), "")]


def _blocks(values: list[Any], width: int) -> list[list[Any]]:
    """Pieces of ``width`` values, the last of them whole."""
    pieces = [values[max(end - width, 0) : end] for end in range(len(values), 0, -width)]
    return pieces[::-1]
