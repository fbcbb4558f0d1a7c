"""Generates Bronze for the benchmarks of the lake: a realistic history of any length, made by DuckDB."""

from datetime import date, timedelta
from pathlib import Path

from etl.lake.tables import BRONZE

SQL = Path(__file__).parent / "sql"
START = date(2026, 3, 1)
DAYS = 30
# The longest life of a task is nine gaps of up to 200,000 seconds.
TAIL_DAYS = 24
CHUNK_DAYS = 6
ZONE = "Europe/Paris"
TODAY = START + timedelta(days=DAYS + TAIL_DAYS)


def generate(
    bronze: Path, events: int, *, salt: str = "", start: date = START, days: int = DAYS, gigabytes: int = 8
) -> None:
    """Write Bronze files as Firehose lays them out, one for each day and user bucket.

    Parameters
    ----------
    bronze
        Folder in place of the bucket.
    events
        Approximate number of events.
    salt
        Another salt gives other people, tasks and events.
    start, days
        Period in which the tasks are created; their last changes follow up to `TAIL_DAYS` later.
    gigabytes
        Memory limit.
    """
    import duckdb  # the Spark script imports the dates of this module, without DuckDB

    bronze.mkdir(parents=True, exist_ok=True)
    limits = {"temp_directory": str(bronze.parent / "spill"), "memory_limit": f"{gigabytes}GB"}
    connection = duckdb.connect(config=limits)
    values = {"events": events, "start": start.isoformat(), "days": days, "salt": salt}
    connection.execute((SQL / "events.sql").read_text(), values)
    names = ", ".join((*BRONZE.names, *(name for name, _ in BRONZE.partitions)))
    for first in range(0, days + TAIL_DAYS, CHUNK_DAYS):
        span = {"first": start + timedelta(days=first), "last": start + timedelta(days=first + CHUNK_DAYS)}
        text = {name: day.isoformat() for name, day in span.items()}
        connection.execute((SQL / "bronze.sql").read_text(), {**text, "salt": salt})
        target = str(bronze / "cdc").replace("'", "''")
        options = (
            "FORMAT parquet, COMPRESSION snappy, PARTITION_BY (year, month, day, user_bucket), APPEND true, "
            f"FILENAME_PATTERN '{salt}stream-1-{{uuid}}'"
        )
        connection.execute(
            f"COPY (SELECT {names} FROM bronze ORDER BY user_bucket, day) TO '{target}' ({options})"
        )
    connection.close()
