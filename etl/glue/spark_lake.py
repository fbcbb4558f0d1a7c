"""The lake jobs on Spark: the same commits, checks and SQL files; reading and writing is done by the cluster.

What a run reads, and where it publishes, is decided by the code that the embedded engine uses. Only the files differ:
Spark reads them where they are and writes them where they will be.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from etl.engine.spark import SparkEngine
from etl.jobs import job_requests, quality
from etl.jobs.gold import SOURCES, Gold
from etl.jobs.silver import Made, Silver
from etl.jobs.steps import GOLD_STEPS, SILVER, gold_parameters, silver_parameters, sql_text
from etl.lake import consumed_files
from etl.lake.config import LakeConfig
from etl.lake.layout import SILVER_PREFIX, bucket_of, gold_folder
from etl.lake.manifest import Manifest, Part
from etl.lake.storage import Bucket
from etl.lake.tables import BRONZE, GOLD, KPIS, QUARANTINE, TASK_EVENTS
from etl.lake.tables import SILVER as TABLES
from etl.log import log
from etl.run import Lake, Tidied
from etl.upkeep import orphans


class SparkSilver(Silver):
    """The Silver job; `spark` is the session."""

    spark: SparkSession

    def _transform(self, current: Manifest, commit: str, keys: Sequence[str], scratch: Path) -> Made:
        with SparkEngine(self.spark) as engine:
            try:
                return self._attempt_files(engine, current, commit, keys, [])
            except Exception:  # a broken file comes as any of a dozen Java errors
                bad = set(engine.unreadable([self.bronze.url(key) for key in keys]))
                if not bad:
                    raise
        lost = [key for key in keys if self.bronze.url(key) in bad]
        for key in lost:
            log("bronze", "unreadable file", level="ERROR", status="unreadable", key=key)
        with SparkEngine(self.spark) as engine:
            return self._attempt_files(engine, current, commit, keys, lost)

    def _attempt_files(
        self, engine: SparkEngine, current: Manifest, commit: str, keys: Sequence[str], lost: Sequence[str]
    ) -> Made:
        good = [self.bronze.url(key) for key in keys if key not in set(lost)]
        engine.read_bronze(BRONZE, good, self.bronze.url("")[:-1], [(bucket_of(key), key) for key in lost])
        touched = {bucket_of(key) for key in keys}
        for name, table in (("known_events", TASK_EVENTS), ("known_quarantine", QUARANTINE)):
            parts = current.parts(table.name)
            known = [key for bucket in sorted(touched & parts.keys()) for key in parts[bucket].files]
            engine.read(name, table, [self.silver.url(key) for key in known])
        for step in SILVER:
            engine.run(step, sql_text("silver", step), silver_parameters())
        made = Made([], {}, touched, current.as_of)
        for table in TABLES:
            folder = f"{SILVER_PREFIX}{table.name}/{commit}/"
            rows = engine.write_buckets(table, self.silver.url(folder))
            made.rows |= {(table.name, bucket): count for bucket, count in rows.items()}
            made.parts |= _parts(self.silver, table.name, folder, rows)
        made.as_of = max(made.as_of, engine.latest(TASK_EVENTS.name, "event_time"))
        return made

    def quarantined_days(self, current: Manifest) -> Collection[str]:
        """Days of the Bronze files that quarantined rows came from."""
        with SparkEngine(self.spark) as engine:
            files = [self.silver.url(key) for key in current.files(QUARANTINE.name)]
            engine.read(QUARANTINE.name, QUARANTINE, files)
            return consumed_files.by_day(
                file for (file,) in engine.rows(QUARANTINE.name, "DISTINCT source_file")
            )


def _parts(silver: Bucket, table: str, folder: str, rows: Mapping[str, int]) -> dict[tuple[str, str], Part]:
    written = dict(silver.sizes(folder))
    parts = {}
    for bucket, count in rows.items():
        location = f"{folder}user_bucket={bucket}/"
        files = tuple(key for key in written if key.startswith(location))
        parts[table, bucket] = Part(location, files, count, sum(written[key] for key in files))
    return parts


class SparkGold(Gold):
    """The Gold job; `spark` is the session."""

    spark: SparkSession

    def _transform(
        self, source: Manifest, wanted: Mapping[str, str], snapshot: str, scratch: Path
    ) -> tuple[dict[str, int], dict[str, Any]]:
        parameters = gold_parameters(date.fromisoformat(wanted["today"]), wanted["timezone"])
        with SparkEngine(self.spark) as engine:
            for table in SOURCES:
                engine.read(table.name, table, [self.silver.url(key) for key in source.files(table.name)])
            for step in GOLD_STEPS:
                engine.run(step, sql_text("gold", step), parameters)
            engine.run("quality", sql_text("checks", "quality"), parameters)
            found = list(engine.rows("quality", "name, failures, examined"))
            read = {table.name: engine.count(table.name) for table in SOURCES}
            latest = engine.latest(TASK_EVENTS.name, "event_time")
            checks = quality.require(quality.judge(found, read, source, latest, self._published_as_of()))
            rows = {
                table.name: engine.write(table, self.gold.url(gold_folder(table.name, snapshot)))
                for table in GOLD
            }
            return rows, {"checks": checks, "kpis": dict(engine.rows(KPIS.name, "metric, value"))}

    def _upload(self, rows: Mapping[str, int], snapshot: str, scratch: Path) -> None:
        """Spark has written them where they belong."""


class SparkLake(Lake):
    """Silver, then Gold, on a Spark session.

    Parameters
    ----------
    config, s3, glue, folder
        As of `etl.run.Lake`.
    spark
        The session.
    """

    def __init__(self, config: LakeConfig, s3: Any, glue: Any, folder: Path, spark: SparkSession) -> None:
        super().__init__(config, s3, glue, folder)
        self.silver = SparkSilver(config, s3, glue, folder)
        self.gold = SparkGold(config, s3, glue, folder)
        self.silver.spark = self.gold.spark = spark

    def tidy(self, now: datetime) -> Tidied:
        """Delete what nobody refers to; the rest of tidying is left to the embedded engine, as erasures are."""
        return Tidied(orphans.run(self.silver.config, self.silver.silver.s3, now), 0, 0, 0, 0)

    def carry_out_requests(self, now: datetime | None = None) -> bool:
        """As the lake's, but erasures are left to the embedded engine: they change single files under their names."""
        silver = self.silver
        found = job_requests.carry_out(
            silver.silver, self.run, None, self._settled, now, quarantined=silver.quarantined_days
        )
        return found > 0
