"""A Gold layer with known numbers: a small simulated workspace, its tables by brute force, published as the lake does.

``Workspace`` is the truth that tests compare with; ``Lake`` writes Parquet, moves the Glue tables, then the pointer.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from etl.lake.catalog import table_input
from etl.lake.tables import GOLD
from tests.roles import OWNER

NOW = datetime(2026, 11, 22, 17, 20, 5, tzinfo=UTC)
TODAY = NOW.date()
STATUSES = ("pending", "in_progress", "completed", "cancelled")
CATEGORIES = (
    "Engineering",
    "Support",
    "Marketing",
    "Finance",
    "Design",
    "Legal",
    "Hiring",
    "Office",
    "Travel",
)
CATEGORIES += ("Events", None)
AGES = ((1, "today"), (7, "1-6 days"), (14, "1-2 weeks"), (28, "2-4 weeks"), (90, "1-3 months"))
ARROW = {
    "string": pa.string(),
    "bigint": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "date": pa.date32(),
}
ARROW["timestamp"] = pa.timestamp("us")
_count = itertools.count()


@dataclass(frozen=True)
class Task:
    id: str
    user_id: str
    category: str | None
    created: datetime
    started: datetime | None = None
    completed: datetime | None = None
    cancelled: bool = False
    due: date | None = None

    def status(self, moment: datetime) -> str | None:
        """The status at ``moment``; None before the task exists."""
        if self.created > moment:
            return None
        if self.cancelled:
            return "cancelled"
        if self.completed and self.completed <= moment:
            return "completed"
        return "in_progress" if self.started and self.started <= moment else "pending"

    @property
    def cycle_hours(self) -> float | None:
        return (self.completed - self.started).total_seconds() / 3600 if self.started else None

    @property
    def lead_hours(self) -> float:
        return (self.completed - self.created).total_seconds() / 3600

    @property
    def now_status(self) -> str:
        return self.status(datetime.max.replace(tzinfo=UTC))

    def changes(self) -> list[tuple[datetime, str]]:
        """When somebody changed it, and its status from then on."""
        statuses = ["cancelled" if self.cancelled else "pending", "in_progress", "completed"]
        moments = (self.created, self.started, self.completed)
        return [(m, s) for m, s in zip(moments, statuses, strict=True) if m]

    def moments(self) -> list[datetime]:
        """When somebody changed it."""
        return [moment for moment in (self.created, self.started, self.completed) if moment]

    def overdue(self, moment: datetime) -> bool:
        return self.status(moment) in {"pending", "in_progress"} and bool(
            self.due and self.due < moment.date()
        )


@dataclass
class Workspace:
    """Tasks and the names of the people who have them, seen at ``now``."""

    tasks: list[Task]
    names: dict[str, str] = field(default_factory=dict)
    now: datetime = NOW

    def days(self) -> list[date]:
        first = min((task.created.date() for task in self.tasks), default=self.now.date())
        return [first + timedelta(days=n) for n in range((self.now.date() - first).days + 1)]

    @cached_property
    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Rows of every Gold table the dashboard reads."""
        done = [task for task in self.tasks if task.completed]
        created = Counter(task.created.date() for task in self.tasks)
        completed = Counter(task.completed.date() for task in done)
        by_category = {(t.created.date(), t.category) for t in self.tasks} | {
            (t.completed.date(), t.category) for t in done
        }
        new = Counter((task.created.date(), task.category) for task in self.tasks)
        finished = Counter((task.completed.date(), task.category) for task in done)
        events = Counter((m.isoweekday(), m.hour) for task in self.tasks for m in task.moments())
        return {
            "daily_throughput": [(d, created[d], completed[d], 0, 0, 0) for d in self.days()],
            "cumulative_flow": [(d, s, n) for d in self.days() for s, n in self.flow(d).items()],
            "completion_times": [
                (
                    t.completed.date(),
                    t.category,
                    "low",
                    t.lead_hours,
                    None,
                    t.id,
                    t.user_id,
                    t.created,
                    t.completed,
                )
                for t in done
            ],
            "category_daily": [(d, c or "(none)", new[d, c], finished[d, c]) for d, c in by_category],
            "activity_heatmap": [(weekday, hour, n) for (weekday, hour), n in events.items()],
            "task_facts": [_task_fact(task) for task in self.tasks],
            "change_facts": [fact for task in self.tasks for fact in _change_facts(task)],
            "open_task_age": self.ages(),
            "kpi_daily": [(d, name, float(v)) for d in self.days() for name, v in self.kpis(d).items()],
            "user_analytics": [
                (u, f"{u}@example.com", n, self.now, self.now, 1, 1) for u, n in self.names.items()
            ],
            "task_analytics_user_metrics": [self.person(u) for u in {task.user_id for task in self.tasks}],
        }

    def end_of(self, day: date) -> datetime:
        return min(self.now, datetime(day.year, day.month, day.day, 23, 59, 59, 999999, tzinfo=UTC))

    def flow(self, day: date) -> dict[str, int]:
        counts = Counter(task.status(self.end_of(day)) for task in self.tasks)
        return {status: counts[status] for status in STATUSES}

    def kpis(self, day: date) -> dict[str, float]:
        flow = self.flow(day)
        total = sum(flow.values())
        recent = {
            task.user_id
            for task in self.tasks
            for m in task.moments()
            if day - timedelta(days=30) < m.date() <= day
        }
        return {
            "total_tasks": total,
            "completed_tasks": flow["completed"],
            "open_tasks": flow["pending"] + flow["in_progress"],
            "overdue_tasks": sum(task.overdue(self.end_of(day)) for task in self.tasks),
            "completion_rate": flow["completed"] / total if total else 0.0,
            "active_users": len(recent),
            "tasks_created": sum(task.created.date() == day for task in self.tasks),
            "tasks_completed": sum(bool(t.completed and t.completed.date() == day) for t in self.tasks),
        }

    def open(self) -> list[Task]:
        return [task for task in self.tasks if task.status(self.now) in {"pending", "in_progress"}]

    def ages(self) -> list[tuple[str, int, int, int]]:
        brackets = [*AGES, (math.inf, "over 3 months")]
        rows, low = [], 0.0
        for order, (high, name) in enumerate(brackets, start=1):
            inside = [t for t in self.open() if low <= (self.now.date() - t.created.date()).days < high]
            rows.append((name, order, len(inside), sum(task.overdue(self.now) for task in inside)))
            low = high
        return rows

    def person(self, user_id: str) -> tuple[Any, ...]:
        mine = [task for task in self.tasks if task.user_id == user_id]
        status = Counter(task.status(self.now) for task in mine)
        leads = sorted(task.lead_hours for task in mine if task.completed)
        overdue = sum(task.overdue(self.now) for task in mine)
        counts = (status["completed"], status["pending"], status["in_progress"], status["cancelled"], overdue)
        percentiles = tuple(percentile(leads, p) for p in (0.5, 0.85, 0.95))
        days = [task.created.date() for task in mine]
        return (
            user_id,
            len(mine),
            *counts,
            status["completed"] / len(mine),
            *percentiles,
            min(days),
            max(days),
        )


def _task_fact(task: Task) -> tuple[Any, ...]:
    what = (task.user_id, task.id, f"About {task.id}", task.category or "(none)", "low", task.now_status, 0)
    done = (
        (task.completed, task.completed.date(), task.lead_hours, task.cycle_hours)
        if task.completed
        else (None,) * 4
    )
    return (*what, task.due, task.created, task.created.date(), *done)


def _change_facts(task: Task) -> Iterator[tuple[Any, ...]]:
    what = (task.user_id, task.id, task.category or "(none)", "low", task.now_status, task.created.date())
    changes = task.changes()
    following = [moment.date() for moment, _ in changes[1:]] + [None]
    for number, ((moment, status), next_day) in enumerate(zip(changes, following, strict=True)):
        when = (moment, moment.date(), moment.hour, next_day)
        yield (*what, *when, status, task.due, int(number == 0), int(status == "completed"), 0, 0, 0)


def percentile(values: list[float], p: float) -> float | None:
    """The smallest value that at least ``p`` of all ``values`` do not exceed."""
    return sorted(values)[math.ceil(p * len(values)) - 1] if values else None


def busy_workspace(people: int = 24, days: int = 200, seed: int = 7) -> Workspace:
    """Some 2,000 tasks with working hours, a growing team, and most work done within two weeks."""
    rng = random.Random(seed)
    names = {
        f"user-{n:02}": f"{first} {last}"
        for n, (first, last) in zip(range(people), _names(rng), strict=False)
    }
    tasks = []
    for n in range(days):
        day = TODAY - timedelta(days=days - 1 - n)
        pace = (10 + 6 * n / days) * (0.2 if day.isoweekday() > 5 else 1)
        for _ in range(max(0, round(rng.gauss(pace, 2.5)))):
            tasks.append(_task(rng, f"task-{len(tasks)}", rng.choice(list(names)[: 8 + 16 * n // days]), day))
    return Workspace([task for task in tasks if task.created <= NOW], names)


def _names(rng: random.Random):
    first = [
        "Ada",
        "Ben",
        "Chloé",
        "Dinesh",
        "Eva",
        "Farid",
        "Grace",
        "Hugo",
        "Ines",
        "Jonas",
        "Kofi",
        "Lena",
        "Mei",
    ]
    last = ["Okafor", "Lindqvist", "García", "Novak", "Tanaka", "O'Brien", "Haddad", "Kowalski", "Silva"]
    pairs = [(f, s) for f in first for s in last]
    rng.shuffle(pairs)
    return pairs


def _task(rng: random.Random, id_: str, user_id: str, day: date) -> Task:
    hour = min(23, max(0, round(rng.choice([rng.gauss(10, 1.6), rng.gauss(15, 1.8), rng.gauss(20, 1)]))))
    created = datetime(day.year, day.month, day.day, hour, rng.randrange(60), tzinfo=UTC)
    started = created + timedelta(hours=rng.lognormvariate(2.5, 1))
    completed = started + timedelta(hours=rng.lognormvariate(3.4, 1.1))
    fate = rng.random()
    due = day + timedelta(days=rng.randrange(1, 25)) if rng.random() < 0.6 else None
    category = rng.choices(CATEGORIES, [22, 15, 11, 9, 8, 4, 4, 3, 2, 2, 6])[0]
    if fate > 0.96:
        return Task(id_, user_id, category, created, cancelled=True, due=due)
    if started > NOW or fate > 0.92:
        return Task(id_, user_id, category, created, due=due)
    over = completed > NOW or fate > 0.85
    return Task(id_, user_id, category, created, started, None if over else completed, due=due)


class Lake:
    """Publishes workspaces as Gold snapshots into the local AWS."""

    def __init__(self) -> None:
        self.s3, self.glue = OWNER.client("s3"), OWNER.client("glue")
        self.bucket, self.database = os.environ["GOLD_BUCKET"], os.environ["GLUE_DATABASE"]

    def publish(self, workspace: Workspace) -> str:
        """Write a snapshot, switch the catalog to it, then the pointer; return its id."""
        snapshot = self.write(workspace)
        self.switch(snapshot)
        self.point(snapshot, workspace.now)
        return snapshot

    def publish_files(self, files: dict[str, bytes], now: datetime) -> str:
        """Publish Parquet files that somebody else made, one a table."""
        snapshot = self.write_files(files)
        self.switch(snapshot)
        self.point(snapshot, now)
        return snapshot

    def write_files(self, files: dict[str, bytes]) -> str:
        snapshot = f"test{os.getpid()}-{next(_count)}"
        for name, body in files.items():
            self._put(name, snapshot, body)
        return snapshot

    def write(self, workspace: Workspace) -> str:
        snapshot = f"test{os.getpid()}-{next(_count)}"
        tables = workspace.tables
        for table in GOLD:
            self._write_table(table, tables.get(table.name, []), snapshot)
        return snapshot

    def switch(self, snapshot: str, only: str | None = None) -> None:
        """Move the catalog's tables to ``snapshot`` (only one of them, as in the middle of publishing)."""
        found = self.glue.get_tables(DatabaseName=self.database, MaxResults=100)["TableList"]
        served = {table["Name"]: table["StorageDescriptor"]["Location"] for table in found}
        for table in GOLD:
            location = self.location(table.name, snapshot)
            if only in (None, table.name) and served.get(table.name) != location:
                self.glue.update_table(DatabaseName=self.database, TableInput=table_input(table, location))

    def point(self, snapshot: str, published_at: datetime) -> None:
        body = {
            "snapshot": snapshot,
            "published_at": _iso(published_at),
            "as_of": _iso(published_at - timedelta(seconds=1.5)),
            "tables": {t.name: {"rows": 0, "location": self.location(t.name, snapshot)} for t in GOLD},
        }
        self.s3.put_object(Bucket=self.bucket, Key="gold/_current.json", Body=json.dumps(body).encode())

    def remove_pointer(self) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key="gold/_current.json")

    def location(self, table: str, snapshot: str) -> str:
        return f"s3://{self.bucket}/gold/{table}/snapshot={snapshot}/"

    def _write_table(self, table: Any, rows: list[tuple[Any, ...]], snapshot: str) -> None:
        schema = pa.schema([(name, ARROW[kind]) for name, kind in table.columns])
        columns = list(zip(*rows, strict=True)) or [()] * len(schema)
        plain = [[_naive(value) for value in column] for column in columns]
        arrays = [pa.array(column, kind) for column, kind in zip(plain, schema.types, strict=True)]
        target = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), target, compression="snappy")
        self._put(table.name, snapshot, target.getvalue())

    def _put(self, table: str, snapshot: str, body: bytes) -> None:
        key = self.location(table, snapshot).removeprefix(f"s3://{self.bucket}/") + "part-0.parquet"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
