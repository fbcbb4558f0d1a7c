"""Spark on the lake's files where they are: it reads them from S3 and writes them where they belong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from etl.engine.spark import SparkEngine
from etl.jobs.steps import SILVER_STAGING, silver_parameters, sql_text
from etl.jobs.workspace import Made, Workspace, run_silver
from etl.lake.config import LakeConfig
from etl.lake.layout import SILVER_PREFIX, bucket_of, gold_folder
from etl.lake.manifest import Manifest, Part
from etl.lake.storage import Bucket
from etl.lake.tables import BRONZE, GOLD, SILVER, TASK_EVENTS, Table
from etl.log import log


class SparkWorkspace(Workspace):
    """The workspace of a Spark session.

    Parameters
    ----------
    config, s3
        The lake and its boto3 client.
    spark
        The session.
    """

    edits_files = False

    def __init__(self, config: LakeConfig, s3: Any, spark: SparkSession) -> None:
        self.spark = spark
        self.bronze = Bucket(config.bronze_bucket, s3)
        self.silver = Bucket(config.silver_bucket, s3)
        self.gold = Bucket(config.gold_bucket, s3)

    @contextmanager
    def engine(self) -> Iterator[SparkEngine]:
        with SparkEngine(self.spark) as engine:
            yield engine

    def silver_files(self, keys: Iterable[str]) -> list[str]:
        return [self.silver.url(key) for key in keys]

    def keep_only(self, keys: Iterable[str]) -> None:
        """Do nothing: there are no local copies."""

    def make_silver(self, current: Manifest, commit: str, keys: Sequence[str]) -> Made:
        """Write Silver; a second attempt leaves out the files that the first one could not read."""
        with self.engine() as engine:
            try:
                return self._make(engine, current, commit, keys, {})
            except Exception:  # a broken file comes as any of a dozen Java errors
                bad = engine.unreadable([self.bronze.url(key) for key in keys])
                if not bad:
                    raise
        lost = {key: bad[self.bronze.url(key)] for key in keys if self.bronze.url(key) in bad}
        for key in lost:
            log("bronze", "unreadable file", level="ERROR", status="unreadable", key=key)
        with self.engine() as engine:
            return self._make(engine, current, commit, keys, lost)

    def _make(
        self,
        engine: SparkEngine,
        current: Manifest,
        commit: str,
        keys: Sequence[str],
        lost: Mapping[str, str],
    ) -> Made:
        good = [self.bronze.url(key) for key in keys if key not in lost]
        unreadable = [(bucket_of(key), key, why) for key, why in lost.items()]
        engine.read_bronze(BRONZE, good, self.bronze.url("")[:-1], unreadable)
        today = datetime.now(UTC).date()
        for step in SILVER_STAGING:
            engine.run(step, sql_text("silver", step), silver_parameters(today))
        touched = {bucket_of(key) for key in keys}
        dismissed = run_silver(engine, self, current, touched, today)
        as_of = max(current.as_of, engine.latest(TASK_EVENTS.name, "event_time"))
        made = Made(as_of, dismissed=dismissed)
        for table in SILVER:
            made.parts |= self._store(engine, table, f"{SILVER_PREFIX}{table.name}/{commit}/", touched)
        return made

    def _store(
        self, engine: SparkEngine, table: Table, folder: str, buckets: Iterable[str]
    ) -> dict[tuple[str, str], Part]:
        rows = engine.write_buckets(table, self.silver.url(folder))
        sizes = dict(self.silver.sizes(folder))
        parts = {}
        for bucket in buckets:
            location = f"{folder}user_bucket={bucket}/"
            files = tuple(key for key in sizes if key.startswith(location))
            size = sum(sizes[key] for key in files)
            parts[table.name, bucket] = Part(location, files, rows.get(bucket, 0), size)
        return parts

    def write_gold(self, engine: SparkEngine, snapshot: str) -> dict[str, int]:
        return {
            table.name: engine.write(table, self.gold.url(gold_folder(table.name, snapshot)))
            for table in GOLD
        }
