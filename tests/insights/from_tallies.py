"""The board's answers out of rows of Gold as a sum: how each figure is read, in plain Python.

Levels come from the opening of their month and the steps since, so nothing older than the first month shown is read.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from insights.filters import Filters
from insights.periods import Period
from tests.etl.ledger import Ledger
from tests.etl.oracle import OPEN
from tests.etl.oracle_tallies import EPOCH, cells, minutes, visited
from tests.insights.truth import BRACKETS, STATUSES, monday

Row = dict[str, Any]
Histogram = Counter[int]


class Cell:
    """Rows of one cell, or of one person: `(day, measure, key)` -> n."""

    def __init__(self, rows: Counter[tuple[date, str, int]], opened: bool = True) -> None:
        self.opened = opened
        self.of: dict[str, list[tuple[date, int, int]]] = defaultdict(list)
        for (day, measure, key), n in rows.items():
            self.of[measure].append((day, key, n))

    def flow(self, measure: str, days: Iterable[date]) -> Counter[int]:
        """Sums over days, by key."""
        wanted, found = set(days), Counter[int]()
        for day, key, n in self.of[measure]:
            if day in wanted:
                found[key] += n
        return found

    def count(self, measure: str, days: Iterable[date]) -> int:
        return sum(self.flow(measure, days).values())

    def level(self, measure: str, day: date) -> Counter[int]:
        """The level at the end of a day, by key."""
        month = day.replace(day=1) if self.opened else date.min
        found = Counter[int]()
        for at, key, n in self.of[measure]:
            found[key] += n if month <= at <= day else 0
        for at, key, n in self.of[f"opening_{measure}"]:
            found[key] += n if at == month else 0
        return found

    def total(self, measure: str, day: date) -> int:
        return sum(self.level(measure, day).values())


def percentile(times: Histogram, share: int) -> int | None:
    """Key of the smallest value that at least ``share`` % do not exceed."""
    place = max(-(-share * sum(times.values()) // 100), 1)
    for key in sorted(times):
        place -= times[key]
        if place <= 0:
            return key
    return None


def within(exact: float | None, key: int | None) -> bool:
    """Whether hours lie within the width of a key: a minute below an hour, an hour below seven days, a day above."""
    if exact is None or key is None:
        return exact is None and key is None
    return minutes(math.floor(exact * 3.6e9 + 0.5)) == key


@dataclass
class Board:
    """What the dashboard says of a ledger."""

    ledger: Ledger
    period: Period
    filters: Filters

    def __post_init__(self) -> None:
        chosen = self.filters
        self.people: dict[str, Counter[tuple[date, str, int]]] = defaultdict(Counter)
        self.by_category: dict[str, Counter[tuple[date, str, int]]] = defaultdict(Counter)
        visits = defaultdict(set)
        for (user, category, priority, status, day, measure, key, _), n in self.ledger.rows["people"].items():
            own = (category, priority, status)
            wanted = (chosen.category, chosen.priority, chosen.status)
            if wanted in cells(own) and chosen.user in ("", user):
                self.people[user][day, measure, key] += n
                self.by_category[category][day, measure, key] += n
                if measure in ("hour", "profile"):
                    visits[user].add(day)
        if chosen.user:
            rows = self.people[chosen.user]
            rows.update({row[3:]: n for row, n in visited(("", "", ""), visits).items()})
            self.cell = Cell(rows, opened=False)
        else:
            cell = (chosen.category, chosen.priority, chosen.status)
            tallies = self.ledger.rows["tallies"].items()
            self.cell = Cell(Counter({row[3:6]: n for row, n in tallies if row[:3] == cell}))
        self.days, self.before = self.period.dates(), self.period.previous_dates()

    def throughput(self) -> list[Row]:
        kinds = ("created", "completed", "reopened", "deleted")
        days = [*self.before, *self.days]
        return [{"day": day.isoformat(), **{k: self.cell.count(k, [day]) for k in kinds}} for day in days]

    def cumulative_flow(self) -> list[Row]:
        return [
            {"day": day.isoformat(), "status": name, "tasks": self.cell.total(f"is_{name}", day)}
            for day in [self.period.previous_end, *self.days]
            for name in STATUSES
        ]

    def open_by_age(self, day: date, measures: Iterable[str]) -> Counter[int]:
        ages: Counter[int] = Counter()
        for measure in measures:
            for key, n in self.cell.level(measure, day).items():
                ages[max((day - EPOCH).days - key, 0)] += n
        return ages

    def ageing(self) -> list[Row]:
        rows = []
        levels = {"tasks": [f"is_{name}" for name in OPEN], "overdue": ["overdue"]}
        for name, (low, high) in BRACKETS.items():
            row: Row = {"age_bucket": name}
            for suffix, day in (("", self.period.end), ("_before", self.period.previous_end)):
                for column, measures in levels.items():
                    ages = self.open_by_age(day, measures)
                    row[column + suffix] = sum(n for age, n in ages.items() if low <= age <= high)
            rows.append(row)
        return rows

    def activity(self) -> list[Row]:
        counted: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        for place, days in enumerate((self.days, self.before)):
            for day in days:
                for hour, n in self.cell.flow("hour", [day]).items():
                    counted[day.isoweekday(), hour][place] += n
        return [
            {"weekday": w, "hour": h, "events": now, "events_before": before}
            for (w, h), (now, before) in sorted(counted.items())
        ]

    def times(self, measure: str) -> dict[str, Histogram]:
        """Of the period, and of the one before."""
        spans = {"period": self.cell.flow(measure, self.days), "before": self.cell.flow(measure, self.before)}
        return {span: found for span, found in spans.items() if found}

    def retention(self) -> list[Row]:
        active: dict[date, Counter[int]] = defaultdict(Counter)
        for week, key, n in self.cell.of["cohort"]:
            active[week][key] += n
        last = monday(self.period.end)
        return [
            {
                "cohort_week": week.isoformat(),
                "week_number": number,
                "cohort_size": found[0],
                "active_users": found[number],
                "rate": found[number] / found[0],
            }
            for week, found in sorted(active.items())
            if 0 <= (last - week).days <= 77
            for number in range((last - week).days // 7 + 1)
        ]

    def kpis(self) -> dict[tuple[str, str], float]:
        found = {}
        levels = [f"is_{name}" for name in (*STATUSES, "other")]
        for day in [*self.before, *self.days]:
            cell = self.cell
            total, done = sum(cell.total(name, day) for name in levels), cell.total("is_completed", day)
            figures = {
                "total_tasks": total,
                "completed_tasks": done,
                "completion_rate": done / total if total else 0,
                "open_tasks": sum(cell.total(f"is_{name}", day) for name in OPEN),
                "overdue_tasks": cell.total("overdue", day),
                "active_users": cell.level("active", day)[30],
                "tasks_created": cell.count("created", [day]),
                "tasks_completed": cell.count("completed", [day]),
            }
            finished = cell.count("lead", [day])
            if finished:
                figures |= {"finished": finished, "lead_hours": cell.count("lead_micros", [day]) / 3.6e9}
            found |= {(day.isoformat(), name): float(value) for name, value in figures.items()}
        return found

    def categories(self) -> list[Row]:
        rows = []
        for category, counted in self.by_category.items():
            cell = Cell(counted)
            row: Row = {"category": category}
            for suffix, days in (("", self.days), ("_before", self.before)):
                row |= {f"{kind}{suffix}": cell.count(kind, days) for kind in ("created", "completed")}
            if category and sum(value for name, value in row.items() if name != "category"):
                rows.append(row)
        return sorted(rows, key=lambda row: (-row["created"], -row["completed"], row["category"]))

    def top_users(self) -> list[Row]:
        people = []
        for user, rows in self.people.items():
            cell = Cell(rows, opened=False)
            person = {
                "completed": cell.count("completed", self.days),
                "created": cell.count("created", self.days),
                "open_tasks": sum(cell.total(f"is_{name}", self.period.end) for name in OPEN),
                "completed_before": cell.count("completed", self.before),
                "overdue_tasks": cell.total("overdue", self.period.end),
            }
            if any(list(person.values())[:4]):
                people.append((user, person, cell.flow("lead", self.days)))
        people.sort(key=lambda one: (-one[1]["completed"], -one[1]["created"], -one[1]["open_tasks"], one[0]))
        groups = [[one] for one in people[:10]] + ([people[10:]] if people[10:] else [])
        return [
            {
                "place": place,
                "user_id": group[0][0] if place <= 10 else "",
                "people": len(group),
                **{name: sum(one[1][name] for one in group) for name in group[0][1]},
                "p50": percentile(sum((one[2] for one in group), Counter()), 50),
            }
            for place, group in enumerate(groups, 1)
        ]

    def choices(self) -> tuple[list[str], list[str], date | None]:
        """Of everybody: the categories and the people with the most tasks, and the first day."""
        counted: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        days = []
        for (user, category, *_, day, measure, _, _), n in self.ledger.rows["people"].items():
            if measure == "tasks":
                counted[0][category] += n
                counted[1][user] += n
            if measure in ("hour", "profile"):
                days.append(day)
        categories, people = (sorted(of, key=lambda one: (-of[one], one))[:50] for of in counted)
        return categories, people, min(days, default=None)
