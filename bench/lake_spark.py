"""A plain PySpark script for the same tables: `.venv-spark/bin/python -m bench.lake_spark FOLDER GIGABYTES`.

It reads Bronze, runs the SQL files one after the other and writes Parquet: no bookmarks, manifests or checks.
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention

from bench.lake_history import TODAY, ZONE
from etl.engine.spark import SETTINGS
from etl.jobs.steps import GOLD_STEPS, SILVER, gold_parameters, silver_parameters, sql_text
from etl.lake.latest import current_sql
from etl.lake.tables import GOLD, QUARANTINE, TASK_EVENTS, VIEWS
from tests.etl.spark_session import session

TABLES = (TASK_EVENTS, *VIEWS, QUARANTINE)


def silver(spark: SparkSession, bronze: Path, out: Path) -> None:
    """Bronze to Silver."""
    frame = spark.read.parquet(f"{bronze}/cdc")
    frame = frame.withColumn(
        "source_file", F.expr("substring(_metadata.file_path, instr(_metadata.file_path, 'cdc/'))")
    )
    frame = frame.withColumn("row_id", F.monotonically_increasing_id()).withColumn(
        "file_error", F.lit(None).cast("string")
    )
    frame.createOrReplaceTempView("bronze")
    for name, table in (("known_events", TASK_EVENTS), ("known_quarantine", QUARANTINE)):
        declared = ", ".join(" ".join(column) for column in (*table.columns, *table.partitions))
        spark.createDataFrame([], declared).createOrReplaceTempView(name)
    for step in SILVER:
        result = spark.sql(
            sql_text("silver", step), args=silver_parameters(datetime.now(UTC).date())
        ).persist()
        result.createOrReplaceTempView(step)
    for view in VIEWS:
        spark.sql(current_sql(view)).createOrReplaceTempView(view.name)
    for table in TABLES:
        spark.table(table.name).repartition("user_bucket").write.partitionBy("user_bucket").parquet(
            f"{out}/silver/{table.name}"
        )
    spark.catalog.clearCache()


def gold(spark: SparkSession, out: Path) -> None:
    """Silver to Gold."""
    for table in TABLES:
        spark.read.parquet(f"{out}/silver/{table.name}").createOrReplaceTempView(table.name)
    for step in GOLD_STEPS:
        spark.sql(
            sql_text("gold", step), args=gold_parameters(TODAY, ZONE)
        ).persist().createOrReplaceTempView(step)
    for table in GOLD:
        spark.table(table.name).coalesce(1).write.parquet(f"{out}/gold/{table.name}")


def main(folder: Path, gigabytes: int) -> None:
    """Run both steps and wait for the Java process, so that its resources are counted."""
    begun = time.perf_counter()
    spark = session("bench", gigabytes, {"spark.sql.shuffle.partitions": "4", **SETTINGS})
    ready = time.perf_counter()
    silver(spark, folder / "bronze", folder / "spark")
    between = time.perf_counter()
    gold(spark, folder / "spark")
    done = time.perf_counter()
    version = spark.version
    gateway = spark.sparkContext._gateway  # noqa: SLF001  PySpark does not wait for Java
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    print(
        json.dumps(
            {"start": ready - begun, "silver": between - ready, "gold": done - between, "version": version}
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
