"""Tallies kept in an engine, run after run, as the lake keeps them in files."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any, Self

from etl.engine.embedded import Engine
from etl.jobs import tallies
from etl.lake.tables import TASK_EVENTS
from tests.etl.harness import Harness
from tests.etl.world import Change

CELL = ("category", "priority", "status", "day", "measure", "key")
COLUMNS = {
    "tallies": (*CELL, "month", "category_bucket"),
    "people": ("user_id", *CELL, "month"),
    "task_entries": (
        *("user_id", "task_id", "title", "tags", "category", "priority", "status", "deleted", "due_date"),
        *("created_at", "created_day", "started_at", "completed_at", "completed_day", "lead_micros"),
        *("cycle_micros", "month"),
    ),
    "change_entries": (
        *("user_id", "task_id", "category", "priority", "tags", "created_day", "changed_at", "day", "hour"),
        *("next_day", "status", "due_date", "created", "completed", "undone", "reopened", "cancelled"),
        *("deleted", "restored", "opens", "month"),
    ),
}


def silver_of(lake: Harness, changes: Iterable[Change], folder: Path) -> list[Path]:
    """Deliver changes, and return files of their events as Silver has them."""
    lake.deliver(changes)
    lake.lake.run_silver()
    lake.write_out(folder)
    return lake.files(TASK_EVENTS, folder)


class Ledger:
    """All rows of all runs.

    Parameters
    ----------
    folder
        For spilling.
    files
        `task_events` with everything that will ever happen.
    today, timezone
        Of reporting days.
    """

    def __init__(self, folder: Path, files: list[Path], today: date, timezone: str) -> None:
        self.engine = Engine(folder / "spill", threads=1)
        self.sql = self.engine.connection.execute
        self.timezone = timezone
        self.values = tallies.parameters(today, timezone)
        self.rows: dict[str, Counter[tuple[Any, ...]]] = {name: Counter() for name in COLUMNS}
        self.written: Counter[str] = Counter()
        self.engine.read("read_events", TASK_EVENTS, files)
        self.sql("CREATE TEMP TABLE all_events AS SELECT *, 0 AS arrived FROM read_events")
        self.sql(
            "CREATE TEMP TABLE kept_people (user_id VARCHAR, category VARCHAR, priority VARCHAR, status VARCHAR, "
            "day DATE, measure VARCHAR, key BIGINT, n BIGINT)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.__exit__()

    @property
    def events(self) -> list[str]:
        """Ids of all events."""
        return [row[0] for row in self.sql("SELECT event_id FROM all_events ORDER BY event_id").fetchall()]

    def _make(self, name: str, query: str, *values: object) -> None:
        self.sql(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}", list(values))

    def post(self, news: Iterable[str]) -> None:
        """A run that takes in some events."""
        events = "SELECT * EXCLUDE arrived FROM all_events"
        self._make("news", "SELECT unnest(?::VARCHAR[]) AS event_id", list(news))
        self._make("known_events", f"{events} WHERE arrived = 1")
        self._make("new_events", f"{events} SEMI JOIN news USING (event_id)")
        self._make("known_people", "SELECT * FROM kept_people SEMI JOIN new_events USING (user_id)")
        tallies.add_news(self.engine, self.values)
        self.sql("UPDATE all_events SET arrived = 1 WHERE event_id IN (SELECT event_id FROM news)")
        self._keep(tallies.MADE)

    def erase(self, user_id: str) -> None:
        """A run that takes a person out."""
        own = "SELECT * EXCLUDE arrived FROM all_events WHERE arrived = 1 AND user_id = ?"
        self._make("events_before", own, user_id)
        self._make("events_after", "SELECT * FROM events_before WHERE false")
        self._make("known_people", "SELECT * FROM kept_people WHERE user_id = ?", user_id)
        tallies.add_difference(self.engine, self.values)
        self.sql("DELETE FROM all_events WHERE user_id = ?", [user_id])
        self._keep(tallies.MADE)

    def begin_month(self, today: date) -> None:
        """A run on the first day of a month."""
        last = self.values["month"][:7]
        self.values = tallies.parameters(today, self.timezone)
        rows = [(*row[:-2], n) for row, n in self.rows["tallies"].items() if row[-2] == last]
        self.sql(
            "CREATE OR REPLACE TEMP TABLE last_month (category VARCHAR, priority VARCHAR, status VARCHAR, day DATE, "
            "measure VARCHAR, key BIGINT, n BIGINT)"
        )
        if rows:
            self.engine.connection.executemany("INSERT INTO last_month VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        tallies.open_month(self.engine, self.values)
        self._keep(["tallies"])

    def _keep(self, made: Iterable[str]) -> None:
        for name in made:
            rows = list(self.engine.rows(name, ", ".join((*COLUMNS[name], "n"))))
            self.written[name] += len(rows)
            for *row, n in rows:
                self.rows[name][tuple(row)] += n
                if not self.rows[name][tuple(row)]:
                    del self.rows[name][tuple(row)]
        if "people" in made:
            self.sql(
                "INSERT INTO kept_people SELECT user_id, category, priority, status, day, measure, key, n FROM people"
            )
