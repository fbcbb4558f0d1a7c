"""The distributed engine: runs the SQL files unchanged through `spark.sql`.

On Glue, PySpark is installed and files are `s3://` URLs; on a laptop they may be local paths. Only `etl/glue` imports
this module, because PySpark is not installed elsewhere.
"""

# Identifiers and types come from etl.lake.tables; values are bound.
# ruff: noqa: S608

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  PySpark's own convention
from pyspark.sql.types import (
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from etl.engine.errors import EngineError, SchemaError, why_unreadable
from etl.engine.written import Written
from etl.lake.erased import Erased
from etl.lake.manifest import ANY_DAY
from etl.lake.tables import BRONZE, USER_BUCKET, Column, Table

_TYPES = {
    "string": StringType(),
    "bigint": LongType(),
    "int": IntegerType(),
    "double": DoubleType(),
    "date": DateType(),
    "timestamp": TimestampType(),
}
NOBODY = Erased()
# The settings that the results depend on.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "snappy",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # Inlines each WITH. Otherwise Spark 4.1 loses the definitions of relations made from relations that have a WITH of
    # their own ("key not found", apache/spark issue 55799). No name in these files has two meanings.
    "spark.sql.legacy.ctePrecedencePolicy": "LEGACY",
}


# A published folder contains only data.
_WRITE = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}


def _schema(columns: Iterable[Column]) -> StructType:
    return StructType([StructField(name, _TYPES[hive_type]) for name, hive_type in columns])


def _without_scheme(path: str) -> str:
    """A local path in one spelling: Spark returns "file:///a" also as "file:/a" or "/a". Other paths stay."""
    return re.sub("^file:/+", "/", path)


class SparkEngine:
    """Named relations in a Spark session, with the conventions of the lake.

    Parameters
    ----------
    spark
        The session; its settings are changed to `SETTINGS`.
    """

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self._kept: list[DataFrame] = []
        for name, value in SETTINGS.items():
            spark.conf.set(name, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for frame in self._kept:
            frame.unpersist()

    def read_bronze(
        self,
        table: Table,
        files: Sequence[str],
        root: str,
        unreadable: Iterable[tuple[str, str, str]] = (),
        erased: Erased = NOBODY,
    ) -> None:
        """Make Bronze files readable as the relation `bronze`.

        Parameters
        ----------
        table
            Its columns are read: those that a file lacks are null, others in a file are ignored.
        files
            URLs of the files.
        root
            Start of a URL that is cut off, with the slash after it, to make a row's `source_file`.
        unreadable
            `(user bucket, key, error)` of unreadable files; each becomes a row that says so.
        erased
            People whose rows are left out.
        """
        frame = (
            self._of_others(self._files(table.columns, files), erased)
            .withColumn("source_file", F.expr(f"substring(path, {len(root) + 2})"))
            .withColumn("row_id", F.monotonically_increasing_id())
            .withColumn("file_error", F.lit(None).cast("string"))
            .drop("path")
        )
        lost = [(*file, -number) for number, file in enumerate(unreadable, start=1)]
        if lost:
            names = "user_bucket string, source_file string, file_error string, row_id bigint"
            rows = self.spark.createDataFrame(lost, names)
            frame = frame.unionByName(rows, allowMissingColumns=True)
        frame.createOrReplaceTempView("bronze")

    def _of_others(self, frame: DataFrame, erased: Erased) -> DataFrame:
        """The rows of Bronze that belong to none of the erased."""
        if not erased.digests:
            return frame
        digests = F.broadcast(
            self.spark.createDataFrame([(each,) for each in erased.digests], "digest string")
        )
        for text in (F.col("user_id"), F.expr("substring(pk, instr(pk, '#') + 1)")):
            found = F.sha2(F.concat(F.lit(erased.salt), text), 256)
            frame = frame.join(digests, digests["digest"] == found, "left_anti")
        return frame

    def unreadable(self, files: Sequence[str]) -> dict[str, str]:
        """The files that are not readable Parquet, and why.

        Files that Spark skips are tried one by one, the others together; only if one of those breaks further in, they
        are tried in halves, quarters and so on.
        """
        skipped = sorted(set(files) - self._readable_from_the_start(files))
        bad = {file: why for file in skipped if (why := self._error([file]))}
        bad |= self._broken_inside([file for file in files if file not in set(skipped)])
        if bad:
            # If Spark itself no longer works, this fails, and so does the run.
            self.spark.range(1).count()
        return bad

    def _readable_from_the_start(self, files: Sequence[str]) -> set[str]:
        """The files of which Spark reads at least one row."""
        reader = self.spark.read.schema(_schema(BRONZE.columns)).option("ignoreCorruptFiles", "true")
        seen = reader.parquet(*files).select("_metadata.file_path").distinct().collect()
        found = {_without_scheme(row["file_path"]) for row in seen}
        return {file for file in files if _without_scheme(file) in found}

    def _broken_inside(self, files: Sequence[str]) -> dict[str, str]:
        why = self._error(files) if files else ""
        if not why or len(files) == 1:
            return dict.fromkeys(files, why) if why else {}
        middle = len(files) // 2
        return self._broken_inside(files[:middle]) | self._broken_inside(files[middle:])

    def _error(self, files: Sequence[str]) -> str:
        """Why one of the files cannot be read; empty if all can."""
        try:
            # With the schema, because files with other columns would count as broken.
            frame = self.spark.read.schema(_schema(BRONZE.columns)).parquet(*files)
            frame.select(F.hash("*").alias("h")).agg(F.count("h")).collect()
        except Exception as error:  # noqa: BLE001  a broken file raises any of a dozen Java errors
            return why_unreadable(str(error))
        return ""

    def read(self, name: str, table: Table, files: Sequence[str]) -> None:
        """Make lake files readable as the relation `name`; with `user_bucket` if the table is partitioned."""
        frame = self._files(table.columns, files).drop("path")
        if USER_BUCKET not in table.partitions:
            frame = frame.drop("user_bucket")
        frame.createOrReplaceTempView(name)

    def _files(self, columns: Sequence[Column], files: Sequence[str]) -> DataFrame:
        """Rows of files with their `path`, and the `user_bucket` in it."""
        schema = _schema(columns)
        if not files:
            return self.spark.createDataFrame([], _schema([*columns, ("path", "string"), USER_BUCKET]))
        # With a schema, columns that a file lacks are null, and other columns are not read.
        frame = self.spark.read.schema(schema).parquet(*files)
        # As in `_without_scheme`.
        path = F.expr("regexp_replace(_metadata.file_path, '^file:/+', '/')")
        return frame.select("*", path.alias("path")).withColumn(
            "user_bucket", F.regexp_extract("path", "user_bucket=([^/]+)", 1)
        )

    def run(self, name: str, sql: str, parameters: Mapping[str, str]) -> None:
        """Run one Spark SQL file's text and keep its result as the relation `name`."""
        try:
            frame = self.spark.sql(sql, args=dict(parameters)).persist()
        except PySparkException as error:
            raise EngineError(str(error)) from error
        self._kept.append(frame)
        frame.createOrReplaceTempView(name)

    def detach(self, name: str) -> None:
        """Forget how a relation was made: Spark repeats that in each plan that reads it, so long chains never end."""
        self.spark.table(name).localCheckpoint(eager=False).createOrReplaceTempView(name)

    def check(self, table: Table) -> None:
        """Compare the columns of a result with those of its table; SchemaError if a name or type differs."""
        wanted = dict((*table.columns, *table.partitions))
        found = dict(self.spark.table(table.name).dtypes)
        if found != wanted:
            raise SchemaError(f"{table.name}: {sorted(set(found.items()) ^ set(wanted.items()))}")

    def write(self, table: Table, folder: str) -> int:
        """Write an unpartitioned table's relation to one Snappy Parquet file in a folder; return the number of rows."""
        self.check(table)
        self._nullable(table.columns, table.name).coalesce(1).write.options(**_WRITE).parquet(
            folder, mode="overwrite"
        )
        return self.count(table.name)

    def write_buckets(self, table: Table, folder: str) -> list[Written]:
        """Write a partitioned table's relation: a file for each user bucket, and for each month if it is dated."""
        self.check(table)
        frame = self._nullable([*table.columns, USER_BUCKET], table.name)
        day, keys = F.lit(ANY_DAY[0]), ["user_bucket"]
        if table.dated:
            day, keys = F.date_format(table.dated, "yyyy-MM-dd"), ["user_bucket", "month"]
        frame = frame.withColumn("month", F.substring(day, 1, 7))
        counted = frame.groupBy("user_bucket", "month").agg(
            F.count("*").alias("rows"), F.min(day).alias("first"), F.max(day).alias("last")
        )
        found = counted.collect()
        kept = frame if table.dated else frame.drop("month")
        kept.repartition(*keys).write.options(**_WRITE).partitionBy(*keys).parquet(folder, mode="overwrite")
        return [
            Written(
                row["user_bucket"],
                row["month"],
                row["rows"],
                *((row["first"], row["last"]) if table.dated else ANY_DAY),
            )
            for row in found
        ]

    def _nullable(self, columns: Sequence[Column], name: str) -> DataFrame:
        """Columns of a relation, all nullable: Spark would make columns required that the SQL cannot make null."""
        schema = _schema(columns)
        nothing = self.spark.createDataFrame([], schema)
        return nothing.unionAll(self.spark.table(name).select(*schema.names))

    def rows(self, name: str, columns: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a relation."""
        yield from (tuple(row) for row in self.spark.sql(f"SELECT {columns} FROM {name}").collect())

    def count(self, name: str) -> int:
        """Number of rows of a relation."""
        return int(self.spark.table(name).count())

    def latest(self, name: str, column: str) -> str:
        """Latest value of a timestamp column as ISO 8601 UTC text; empty if there is none."""
        text = f"date_format(max({column}), \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")"
        return str(self.value(f"SELECT {text} FROM {name}") or "")

    def value(self, query: str) -> Any:
        """First value of a query."""
        row = self.spark.sql(query).first()
        return None if row is None else row[0]
