"""Every number of the dashboards by brute force, from the table's full change history: plain Python, task by task.

Written from the definitions on the page, not from the SQL. ``tests.etl.oracle`` says when a change happened and what it
was; everything else is here.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from insights.filters import Filters
from insights.periods import Period
from tests.etl.oracle import OPEN, Deed, Oracle, category, due, moment

Key = tuple[str, str]
STATUSES = ("cancelled", "completed", "in_progress", "pending")
BRACKETS = {
    "today": (0, 0),
    "1-6 days": (1, 6),
    "1-2 weeks": (7, 13),
    "2-4 weeks": (14, 27),
    "1-3 months": (28, 89),
    "over 3 months": (90, 10**6),
}


@dataclass
class Truth:
    """The history seen through filters; ``period`` as the page has it."""

    oracle: Oracle
    period: Period
    filters: Filters = Filters()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        deeds: dict[Key, list[Deed]] = defaultdict(list)
        for deed in self.oracle.task_deeds():
            deeds[deed.change.pk, deed.change.sk].append(deed)
        self.deeds = {key: own for key, own in deeds.items() if self._wanted(key, own[-1])}
        self.by_day: dict[date, list[tuple[Key, Deed]]] = defaultdict(list)
        for key, own in self.deeds.items():
            for deed in own:
                self.by_day[deed.day].append((key, deed))
        self.days = self.period.dates()
        self.before = self.period.previous_dates()

    def _wanted(self, key: Key, last: Deed) -> bool:
        item = last.change.new or last.change.old or {}
        mine = {
            "category": category(item),
            "priority": item.get("priority") or "(none)",
            "status": item.get("status", "unknown"),
            "user": key[0].partition("#")[2],
        }
        return all(value in ("", mine[name]) for name, value in self.filters.parameters().items())

    # -- what happened, and what there was

    def events(self, kind: str, days: Iterable[date], user: str = "", name: str = "") -> list[Deed]:
        return [
            deed
            for day in sorted(set(days))
            for key, deed in self.by_day.get(day, ())
            if _is(kind, deed) and user in ("", deed.user) and name in ("", self.category_of(key))
        ]

    def category_of(self, key: Key) -> str:
        last = self.deeds[key][-1].change
        return category(last.new or last.old or {})

    def standing(self, day: date) -> dict[Key, dict[str, Any]]:
        """Tasks as they were at the end of a day."""
        found = {}
        for key, own in self.deeds.items():
            until = [deed for deed in own if deed.day <= day]
            if until and until[-1].change.new is not None:
                found[key] = until[-1].change.new
        return found

    def status(self, item: dict[str, Any]) -> str:
        return item.get("status", "unknown")

    def open(self, day: date) -> dict[Key, dict[str, Any]]:
        return {key: item for key, item in self.standing(day).items() if self.status(item) in OPEN}

    def overdue(self, day: date) -> dict[Key, dict[str, Any]]:
        return {k: i for k, i in self.open(day).items() if (limit := due(i)) is not None and limit < day}

    def finished(self, days: Iterable[date], measure: str = "lead") -> dict[Key, float]:
        """Hours of the tasks completed on ``days`` that still are."""
        wanted, place = set(days), ("lead", "cycle").index(measure)
        return {
            key: hours
            for key, (day, *times) in self.completions.items()
            if day in wanted and (hours := times[place]) is not None
        }

    @cached_property
    def completions(self) -> dict[Key, tuple[date, float | None, float | None]]:
        """Of the tasks that are completed now: the day, and the hours since creation and since the start."""
        found = {}
        for key in self.deeds.keys() & self.oracle.live("TASK").keys():
            at = self.oracle.finished_at(key)
            if at is not None:
                micros = self.oracle.lead_micros(key), self.oracle.cycle_micros(key)
                hours = [None if value is None else value / 3.6e9 for value in micros]
                found[key] = (self.oracle.local_day(at), hours[0], hours[1])
        return found

    def hours_of(self, key: Key) -> list[float | None]:
        """Lead and cycle time of a task, where it is completed now."""
        return list(self.completions.get(key, (None, None, None))[1:])

    def created_at(self, key: Key) -> datetime:
        last = self.deeds[key][-1].change
        return moment((last.new or last.old or {}).get("created_at")) or self.deeds[key][0].at

    def created_day(self, key: Key) -> date:
        return self.oracle.local_day(self.created_at(key))

    # -- the questions

    def throughput(self) -> list[dict[str, Any]]:
        kinds = ("created", "completed", "reopened", "deleted")
        return [
            {"day": day.isoformat(), **{kind: len(self.events(kind, [day])) for kind in kinds}}
            for day in [*self.before, *self.days]
        ]

    def cumulative_flow(self) -> list[dict[str, Any]]:
        rows = []
        for day in [self.period.previous_end, *self.days]:
            counted = Counter(self.status(item) for item in self.standing(day).values())
            rows += [{"day": day.isoformat(), "status": s, "tasks": counted[s]} for s in STATUSES]
        return rows

    def durations(self, measure: str) -> list[dict[str, Any]]:
        rows = []
        for span, days in (("period", self.days), ("before", self.before)):
            hours = sorted(self.finished(days, measure).values())
            marks = {
                name: percentile(hours, share) for name, share in (("p50", 50), ("p85", 85), ("p95", 95))
            }
            for whole, tasks in sorted(Counter(math.floor(value) for value in hours).items()):
                rows.append({"span": span, "whole_hours": whole, "tasks": tasks, **marks})
        return rows

    def categories(self) -> list[dict[str, Any]]:
        rows = []
        for name in {self.category_of(key) for key in self.deeds}:
            row = {
                "category": name,
                "created": len(self.events("created", self.days, name=name)),
                "completed": len(self.events("completed", self.days, name=name)),
                "created_before": len(self.events("created", self.before, name=name)),
                "completed_before": len(self.events("completed", self.before, name=name)),
            }
            if sum(value for value in row.values() if isinstance(value, int)):
                rows.append(row)
        return sorted(rows, key=lambda row: (-row["created"], -row["completed"], row["category"]))

    def ageing(self) -> list[dict[str, Any]]:
        rows = []
        for name, (low, high) in BRACKETS.items():
            row: dict[str, Any] = {"age_bucket": name}
            for suffix, day in (("", self.period.end), ("_before", self.period.previous_end)):
                inside = [
                    key for key in self.open(day) if low <= max((day - self.created_day(key)).days, 0) <= high
                ]
                row[f"tasks{suffix}"] = len(inside)
                row[f"overdue{suffix}"] = sum(key in self.overdue(day) for key in inside)
            rows.append(row)
        return rows

    def activity(self) -> list[dict[str, Any]]:
        now = Counter((deed.day.isoweekday(), deed.hour) for deed in self.events("changed", self.days))
        before = Counter((deed.day.isoweekday(), deed.hour) for deed in self.events("changed", self.before))
        return [
            {"weekday": w, "hour": h, "events": now[w, h], "events_before": before[w, h]}
            for w, h in sorted(now.keys() | before.keys())
        ]

    def top_users(self) -> list[dict[str, Any]]:
        users = {key[0].partition("#")[2] for key in self.deeds}
        people = [row for user in users if any((row := self._person(user))[1:5])]
        people.sort(key=lambda row: (-row[1], -row[2], -row[3], row[0]))
        top = [[row] for row in people[:10]] + ([people[10:]] if people[10:] else [])
        return [self._people(place, rows) for place, rows in enumerate(top, start=1)]

    def _person(self, user: str) -> tuple[Any, ...]:
        end = self.period.end
        return (
            user,
            len(self.events("completed", self.days, user)),
            len(self.events("created", self.days, user)),
            sum(key[0] == f"TASK#{user}" for key in self.open(end)),
            len(self.events("completed", self.before, user)),
            sum(key[0] == f"TASK#{user}" for key in self.overdue(end)),
        )

    def _people(self, place: int, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
        users = {row[0] for row in rows}
        hours = sorted(h for key, h in self.finished(self.days).items() if key[0].partition("#")[2] in users)
        user = rows[0][0] if place <= 10 else ""
        profile = self.oracle.items.get((f"USER#{user}", "METADATA"), {})
        return {
            "place": place,
            "user_id": user,
            "person": profile.get("name", ""),
            "people": len(rows),
            "completed": sum(row[1] for row in rows),
            "created": sum(row[2] for row in rows),
            "open_tasks": sum(row[3] for row in rows),
            "overdue_tasks": sum(row[5] for row in rows),
            "p50_hours": percentile(hours, 50),
            "completed_before": sum(row[4] for row in rows),
        }

    def deeds_of_people(self) -> list[Deed]:
        """Changes to tasks, and to profiles where no filter asks for tasks."""
        chosen = [deed for own in self.deeds.values() for deed in own]
        if not (self.filters.category or self.filters.priority or self.filters.status):
            everybody = [deed for deed in self.oracle.deeds if not deed.is_task]
            chosen += [deed for deed in everybody if self.filters.user in ("", deed.user)]
        return chosen

    def retention(self) -> list[dict[str, Any]]:
        weeks: dict[str, set[date]] = defaultdict(set)
        for deed in self.deeds_of_people():
            if deed.day <= self.period.end:
                weeks[deed.user].add(monday(deed.day))
        last = monday(self.period.end)
        rows = []
        for cohort in sorted({min(theirs) for theirs in weeks.values()}):
            members = [user for user, theirs in weeks.items() if min(theirs) == cohort]
            for number in range((last - cohort).days // 7 + 1):
                active = sum(cohort + timedelta(weeks=number) in weeks[user] for user in members)
                rows.append(
                    {
                        "cohort_week": cohort.isoformat(),
                        "week_number": number,
                        "cohort_size": len(members),
                        "active_users": active,
                        "rate": active / len(members),
                    }
                )
        return [row for row in rows if (last - date.fromisoformat(row["cohort_week"])).days <= 77]

    def kpis(self) -> dict[tuple[str, str], float]:
        found = {}
        active: dict[date, set[str]] = defaultdict(set)
        for deed in self.deeds_of_people():
            for n in range(30):
                active[deed.day + timedelta(days=n)].add(deed.user)
        for day in [*self.before, *self.days]:
            standing = self.standing(day)
            done = sum(self.status(item) == "completed" for item in standing.values())
            figures = {
                "total_tasks": len(standing),
                "completed_tasks": done,
                "completion_rate": done / len(standing) if standing else 0,
                "open_tasks": len(self.open(day)),
                "overdue_tasks": len(self.overdue(day)),
                "active_users": len(active[day]),
                "tasks_created": len(self.events("created", [day])),
                "tasks_completed": len(self.events("completed", [day])),
            }
            hours = self.finished([day])
            if hours:
                figures |= {"finished": len(hours), "lead_hours": math.fsum(hours.values())}
            found |= {(day.isoformat(), name): float(value) for name, value in figures.items()}
        return found

    def streaks(self) -> list[dict[str, Any]]:
        days = Counter(deed.day for own in self.deeds.values() for deed in own if _is("completed", deed))
        rows: list[dict[str, Any]] = []
        for day in sorted(day for day in days if day <= self.period.end):
            if rows and rows[-1]["last_day"] == (day - timedelta(days=1)).isoformat():
                rows[-1]["last_day"] = day.isoformat()
                rows[-1]["days"] += 1
                rows[-1]["completed"] += days[day]
            else:
                iso = day.isoformat()
                rows.append({"first_day": iso, "last_day": iso, "days": 1, "completed": days[day]})
        return rows[::-1]

    def weeks(self) -> list[dict[str, Any]]:
        last = monday(self.period.end)
        rows = []
        for n in reversed(range(12)):
            begin = last - timedelta(weeks=n)
            days = [day for m in range(7) if (day := begin + timedelta(days=m)) <= self.period.end]
            rows.append({"week": begin.isoformat(), "completed": len(self.events("completed", days))})
        return rows

    def answers(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of every question but the key figures (see ``kpis``), by slug."""
        return {
            "throughput": self.throughput(),
            "cumulative-flow": self.cumulative_flow(),
            "lead-time": self.durations("lead"),
            "cycle-time": self.durations("cycle"),
            "categories": self.categories(),
            "ageing": self.ageing(),
            "activity": self.activity(),
            "top-users": self.top_users(),
            "retention": self.retention(),
        }


def _is(kind: str, deed: Deed) -> bool:
    if kind == "changed":
        return True
    if kind == "created":
        return deed.first_of_life
    if kind == "completed":
        turned = deed.after == "completed" and deed.before != "completed"
        return turned and (deed.change.name == "MODIFY" or deed.first_of_life)
    if kind == "reopened":
        return deed.before in ("completed", "cancelled") and deed.after in OPEN
    return deed.change.name == "REMOVE"


def percentile(values: list[float], share: int) -> float | None:
    """The smallest value that at least ``share`` % of ``values`` (sorted) do not exceed."""
    return values[max(-(-share * len(values) // 100), 1) - 1] if values else None


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
