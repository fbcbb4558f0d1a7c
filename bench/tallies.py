"""What 1,000 new events add to Gold as a sum, by the length of the history: `python -m bench.tallies 20000 100000`.

The history is `bench.lake_history`'s, as the product's Silver has it; its rows of people are made bucket by bucket. The
news are 1,000 changes of as many tasks, a day later: half of status, a quarter of category, a quarter of nothing that
is counted. Bytes are those of one sorted file a table. Processor seconds count reading the history, making the rows and
writing them.
"""

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from bench.lake_history import TODAY, ZONE, generate
from bench.lake_jobs import _lake, clocked
from etl.engine.embedded import Engine
from etl.jobs import tallies
from etl.lake import manifest
from etl.lake.tables import TASK_EVENTS, Table, columns

NEWS = 1_000
CELL = "category string, priority string, status string, day date, measure string, key bigint, n bigint"
PEOPLE = Table("people", "gold", columns(f"user_id string, {CELL}"))
ORDER = {
    "tallies": "category, priority, status, measure, key, day",
    "people": "user_id, category, priority, status, measure, key, day",
    "task_entries": "user_id, task_id",
    "change_entries": "user_id, task_id, changed_at",
}
DAY = TODAY + timedelta(days=1)
NEWS_SQL = f"""
CREATE TEMP TABLE fresh AS
SELECT * REPLACE (
  concat(event_id, '-new') AS event_id, 'MODIFY' AS event_name,
  concat('9', lpad(sequence_number, 39, '0')) AS sequence_number,
  TIMESTAMPTZ '{DAY} 08:00:00Z' AS event_time, TIMESTAMPTZ '{DAY} 08:00:00Z' AS changed_at, 1000 AS version,
  999 AS old_version, status AS old_status,
  CASE WHEN hash(event_id) % 4 < 2 THEN 'completed' ELSE status END AS status,
  CASE WHEN hash(event_id) % 4 = 2 THEN 'moved' ELSE category END AS category,
  CASE WHEN hash(event_id) % 4 < 2 THEN TIMESTAMPTZ '{DAY} 08:00:00Z' END AS completed_at)
FROM (
  SELECT * FROM task_events WHERE entity_type = 'TASK'
  QUALIFY row_number() OVER (PARTITION BY pk, sk ORDER BY lpad(sequence_number, 40, '0') DESC) = 1
)
WHERE event_name <> 'REMOVE'
ORDER BY hash(event_id) LIMIT {NEWS}"""


def measure(events: int) -> dict[str, float]:
    """Return bytes by table, processor seconds by step, and bytes of the history."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "bronze", events, gigabytes=2)
        lake = _lake(folder, "work", 2)
        lake.run_silver()
        files = [folder / "silver" / key for key in manifest.load(lake.silver.silver).files(TASK_EVENTS.name)]
        values = tallies.parameters(DAY, ZONE)
        took: dict[str, float] = {}
        people = []
        with clocked(took, "rebuild"):
            for number, file in enumerate(files):
                with Engine(folder / "spill", "2GB", 1) as engine:
                    engine.read("known_events", TASK_EVENTS, [])
                    engine.read("new_events", TASK_EVENTS, [file])
                    engine.read("known_people", PEOPLE, [])
                    tallies.add_news(engine, values)
                    people.append(folder / f"people-{number}.parquet")
                    _write(engine, "people", people[-1])
        with Engine(folder / "spill", "2GB", 1) as engine:
            engine.read("task_events", TASK_EVENTS, files)
            engine.connection.execute(NEWS_SQL)
            engine.connection.execute("DROP VIEW task_events")
            with clocked(took, "news"):
                engine.read("known_events", TASK_EVENTS, files)
                engine.run("new_events", "SELECT * FROM fresh", {})
                engine.read("all_people", PEOPLE, people)
                touched = "SELECT p.* FROM all_people p LEFT SEMI JOIN new_events e ON e.user_id = p.user_id"
                engine.run("known_people", f"{touched} WHERE p.measure IN ('hour', 'profile')", {})
                tallies.add_news(engine, values)
                sizes = {table: _write(engine, table, folder / f"{table}.parquet") for table in tallies.MADE}
            rows = {f"{table}_rows": engine.count(table) for table in tallies.MADE}
        held = {"events_bytes": _bytes(files), "people_bytes": _bytes(people)}
        seconds = {step: round(took[f"{step}_cpu"], 2) for step in ("rebuild", "news")}
        return {"events": events, **held, **sizes, "written": sum(sizes.values()), **rows, **seconds}


def _write(engine: Engine, table: str, path: Path) -> int:
    query = f"SELECT * FROM {table} ORDER BY {ORDER[table]}"
    engine.connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)")
    return path.stat().st_size


def _bytes(files: list[Path]) -> int:
    return sum(file.stat().st_size for file in files)


if __name__ == "__main__":
    for text in sys.argv[1:]:
        print(measure(int(text)), flush=True)
