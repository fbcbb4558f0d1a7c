"""What 1,000 new events cost Silver, by the length of its history: `python -m bench.silver_growth 10000 100000 400000`.

The new events are changes of 1,000 tasks of all people, on the day after the history. They are measured in the process
that made the history (warm), and in one with an empty working folder (cold); then the merges of the next day.
"""

# Arguments are spelled as boto3 spells them.
# ruff: noqa: N803

import io
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.lake_history import TODAY, generate
from bench.lake_jobs import clocked
from etl.lake.config import LakeConfig
from etl.run import Lake, local_lake
from tests.etl.folder import FolderS3, NoGlue

NEWS = 1_000


class CountedS3(FolderS3):
    """Counts objects and bytes, read and written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.seen: Counter[str] = Counter()

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        reply = super().get_object(Bucket=Bucket, Key=Key)
        body = reply["Body"].read()
        self.seen.update({"read": 1, "read_bytes": len(body)})
        return {**reply, "Body": io.BytesIO(body)}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **rest: Any) -> dict[str, Any]:
        self.seen.update({"written": 1, "written_bytes": len(Body)})
        return super().put_object(Bucket=Bucket, Key=Key, Body=Body, **rest)

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        self.seen.update({"written": 1, "written_bytes": Path(path).stat().st_size})
        super().upload_file(path, bucket, key)


def news(bronze: Path, number: int) -> None:
    """Write Bronze files with a change of each of `NEWS` tasks, later than everything there is."""
    import duckdb

    day = TODAY + timedelta(days=number)
    folder = f"year={day:%Y}/month={day:%m}/day={day:%d}"
    connection = duckdb.connect()
    connection.execute(
        f"""CREATE TABLE fresh AS
        SELECT * REPLACE (
          concat(event_id, '-{number}') AS event_id, 'MODIFY' AS event_name, new_image AS old_image,
          concat('9{number}', lpad(sequence_number, 38, '0')) AS sequence_number,
          '{day}T08:00:00.000000Z' AS event_time),
          regexp_extract(filename, 'user_bucket=([^/]+)', 1) AS bucket
        FROM read_parquet('{bronze}/cdc/**/*.parquet', filename=true, hive_partitioning=false)
        WHERE entity_type = 'TASK' AND event_name = 'INSERT'
        ORDER BY hash(event_id || '{number}') LIMIT {NEWS}"""
    )
    for (bucket,) in connection.execute("SELECT DISTINCT bucket FROM fresh").fetchall():
        path = bronze / "cdc" / folder / f"user_bucket={bucket}" / f"news-{number}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = f"SELECT * EXCLUDE (bucket, filename) FROM fresh WHERE bucket = '{bucket}'"
        connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)")
    connection.close()


def measure(events: int) -> dict[str, dict[str, float]]:
    """Return the figures of each run over a history of so many events."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder / "bronze", events, gigabytes=2)
        s3 = CountedS3(folder)
        config = LakeConfig(
            "bronze", "silver", "gold", "todo_analytics", late_days=100_000, memory_limit="2GB"
        )

        def lake(work: str) -> Lake:
            made = local_lake(config, s3, NoGlue(), folder / work)
            made.next_tidy = datetime.max.replace(tzinfo=UTC)
            return made

        figures: dict[str, dict[str, float]] = {}

        def run(what: str, job: Callable[[], Any]) -> None:
            s3.seen.clear()
            took: dict[str, float] = {}
            with clocked(took, "run"):
                job()
            figures[what] = {**s3.seen, "cpu": round(took["run_cpu"], 2)}

        warm = lake("warm")
        run("history", warm.run_silver)
        for number, what in enumerate(("warm", "cold"), start=1):
            news(folder / "bronze", number)
            run(what, (warm if what == "warm" else lake("cold")).run_silver)
        midnight = datetime.now(UTC) + timedelta(days=1)
        run("tidy", lambda: warm.tidy(midnight))
        return figures


if __name__ == "__main__":
    for text in sys.argv[1:]:
        for what, found in measure(int(text)).items():
            print(json.dumps({"history": int(text), "run": what, **found}))
