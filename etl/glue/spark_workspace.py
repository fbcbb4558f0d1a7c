"""Spark on the lake's files where they are: it reads them from S3 and writes them where they belong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import SparkSession

from etl.engine.spark import SparkEngine
from etl.jobs.steps import SILVER_STAGING, silver_parameters, sql_text
from etl.jobs.workspace import Files, Made, Workspace, run_silver
from etl.lake import erased
from etl.lake.config import LakeConfig
from etl.lake.layout import SILVER_PREFIX, bucket_of, gold_folder
from etl.lake.manifest import File, Manifest
from etl.lake.storage import Bucket
from etl.lake.tables import BRONZE, GOLD, Table
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
        """Write what is new; a second attempt leaves out the files that the first one could not read."""
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
        engine.read_bronze(BRONZE, good, self.bronze.url("")[:-1], unreadable, erased.load(self.bronze))
        today = datetime.now(UTC).date()
        for step in SILVER_STAGING:
            engine.run(step, sql_text("silver", step), silver_parameters(today))
        made = Made(current.as_of)
        run_silver(engine, self, current, commit, {bucket_of(key) for key in keys}, today, made)
        return made

    def store(self, engine: SparkEngine, table: Table, commit: str) -> Files:
        folder = f"{SILVER_PREFIX}{table.name}/{commit}/"
        written = engine.write_buckets(table, self.silver.url(folder))
        sizes = dict(self.silver.sizes(folder)) if written else {}
        files: Files = {}
        for one in written:
            # Spark writes a file for each, a large one perhaps as several: the first tells the rows.
            below = [key for key in sizes if key.startswith(f"{folder}user_bucket={one.bucket}/{one.folder}")]
            files[table.name, one.bucket] = files.get((table.name, one.bucket), []) + [
                File(key, 0 if number else one.rows, sizes[key], one.first, one.last)
                for number, key in enumerate(below)
            ]
        return files

    def write_gold(self, engine: SparkEngine, snapshot: str) -> dict[str, int]:
        return {
            table.name: engine.write(table, self.gold.url(gold_folder(table.name, snapshot)))
            for table in GOLD
        }
