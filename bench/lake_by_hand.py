"""The lake without the lake: one DuckDB script from Bronze to the same Parquet files.

`bench.lake` compares the product with it: it has no manifests, no checks, no known history and no second engine.
"""

from datetime import date
from pathlib import Path

import duckdb

from etl.lake.tables import GOLD, QUARANTINE, TASK_EVENTS, VIEWS

SQL = Path(__file__).parent / "sql"


def by_hand(bronze: Path, out: Path, today: date, timezone: str, gigabytes: int) -> None:
    """Write the tables of Silver (by user bucket) and Gold (one file each) under `out`."""
    out.mkdir(parents=True, exist_ok=True)
    limits = {"temp_directory": str(out / "spill"), "memory_limit": f"{gigabytes}GB"}
    connection = duckdb.connect(config=limits)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET VARIABLE zone = ?", [timezone])
    connection.execute("SET VARIABLE today = CAST(? AS DATE)", [today])
    files = f"'{bronze}/cdc/**/*.parquet', filename=true, hive_partitioning=true, hive_types_autocast=false"
    connection.execute(f"CREATE VIEW bronze AS SELECT * FROM read_parquet({files})")
    connection.execute((SQL / "by_hand_silver.sql").read_text())
    for table in (TASK_EVENTS, *VIEWS, QUARANTINE):
        columns = ", ".join(table.names)
        for (bucket,) in connection.execute(f"SELECT DISTINCT user_bucket FROM {table.name}").fetchall():
            folder = out / "silver" / table.name / f"user_bucket={bucket}"
            folder.mkdir(parents=True, exist_ok=True)
            rows = f"SELECT {columns} FROM {table.name} WHERE user_bucket = '{bucket}'"
            connection.execute(
                f"COPY ({rows}) TO '{folder}/part-0.parquet' (FORMAT parquet, COMPRESSION snappy)"
            )
    connection.execute((SQL / "by_hand_gold.sql").read_text())
    for table in GOLD:
        columns = ", ".join(table.names)
        (out / "gold" / table.name).mkdir(parents=True, exist_ok=True)
        path = out / "gold" / table.name / "part-0.parquet"
        connection.execute(
            f"COPY (SELECT {columns} FROM {table.name}) TO '{path}' (FORMAT parquet, COMPRESSION snappy)"
        )
    connection.close()
