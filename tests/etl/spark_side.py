"""Runs the SQL files on real Spark, in the environment that has it: Bronze files in a folder, one folder a table out.

    .venv-spark/bin/python -m tests.etl.spark_side TODAY TIMEZONE FOLDER...

FOLDER/bronze holds Bronze files by key, in one or more deliveries (FOLDER/bronze/1/cdc/…), which are taken in one after
the other: what the first made is what the second knows.
"""

import json
import sys
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from etl.engine.spark import SparkEngine
from etl.steps import GOLD_STEPS, SILVER, gold_parameters, silver_parameters, sql_text
from etl.tables import BRONZE, GOLD, QUARANTINE, TASK_EVENTS
from etl.tables import SILVER as SILVER_TABLES


def session(large: bool) -> SparkSession:
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.sql.files.openCostInBytes": "0",
        "spark.driver.memory": "2g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        # Compiling each of a hundred small plans takes longer than running it.
        **(
            {}
            if large
            else {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
        ),
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]").appName("parity")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*.parquet"))


def silver(spark: SparkSession, delivery: Path, known: Path | None, out: Path) -> None:
    with SparkEngine(spark) as engine:
        found = files(delivery)
        bad = engine.unreadable(found)
        lost = [(path.partition("user_bucket=")[2][:2], path[len(str(delivery)) + 1 :]) for path in bad]
        engine.read_bronze(BRONZE, [path for path in found if path not in bad], str(delivery), lost)
        for name, table in (("known_events", TASK_EVENTS), ("known_quarantine", QUARANTINE)):
            engine.read(name, table, files(known / table.name) if known else [])
        for step in SILVER:
            engine.run(step, sql_text("silver", step), silver_parameters())
        for table in SILVER_TABLES:
            engine.write_buckets(table, str(out / table.name))


def gold(spark: SparkSession, source: Path, out: Path, today: str, timezone: str) -> dict[str, int]:
    with SparkEngine(spark) as engine:
        for table in SILVER_TABLES:
            engine.read(table.name, table, files(source / table.name))
        for step in GOLD_STEPS:
            engine.run(step, sql_text("gold", step), gold_parameters(date.fromisoformat(today), timezone))
        return {table.name: engine.write(table, str(out / table.name)) for table in GOLD}


def lake(spark: SparkSession, folder: Path, today: str, timezone: str) -> None:
    known = None
    for number, delivery in enumerate(sorted((folder / "bronze").iterdir(), key=lambda path: int(path.name))):
        out = folder / f"silver-{number}"
        silver(spark, delivery, known, out)
        known = out
    assert known is not None
    rows = gold(spark, known, folder / "gold", today, timezone)
    (folder / "done.json").write_text(
        json.dumps({"silver": known.name, "rows": rows, "spark": spark.version})
    )


def main(today: str, timezone: str, folders: list[Path]) -> None:
    size = sum(path.stat().st_size for folder in folders for path in folder.rglob("*.parquet"))
    spark = session(large=size > 50_000_000)
    for folder in folders:
        lake(spark, folder, today, timezone)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], [Path(name) for name in sys.argv[3:]])
