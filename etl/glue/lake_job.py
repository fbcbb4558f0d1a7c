"""The Glue job: reads its arguments, opens a Spark session and brings the lake up to date, as `etl.run --once` does.

Arguments are the settings of `etl.lake.config` as Glue passes them (`--BRONZE_BUCKET name --REPORTING_TIMEZONE UTC …`)
and which layer, `--layer silver` or `gold`. The package `etl` comes with `--extra-py-files`; nothing else is installed.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from etl.aws import client
from etl.glue.spark_lake import SparkLake
from etl.lake.config import LakeConfig, lake_config
from etl.log import log

SETTINGS = (
    "BRONZE_BUCKET",
    "SILVER_BUCKET",
    "GOLD_BUCKET",
    "GLUE_DATABASE",
    "REPORTING_TIMEZONE",
    "LAKE_LATE_DAYS",
    "LAKE_KEEP_SNAPSHOTS",
    "LAKE_KEEP_SECONDS",
)


def configuration(arguments: Sequence[str]) -> LakeConfig:
    """The lake's settings from the job's arguments; Glue's own (`--JOB_NAME` and others) are left alone."""
    parser = argparse.ArgumentParser()
    for name in SETTINGS:
        parser.add_argument(f"--{name}")
    known, _ = parser.parse_known_args(arguments)
    return lake_config({name: value for name, value in vars(known).items() if value is not None})


def main(arguments: Sequence[str]) -> None:
    """Run once; what goes wrong is raised, so that Glue reports the run as failed."""
    config = configuration(arguments)
    spark = SparkSession.builder.appName("todo-lake").getOrCreate()
    with tempfile.TemporaryDirectory(prefix="lake-") as folder:
        lake = SparkLake(config, client("s3"), client("glue"), Path(folder), spark)
        published = _job(lake, arguments)
    log("glue", "published" if published else "nothing new", spark=spark.version)


def _job(lake: SparkLake, arguments: Sequence[str]) -> bool:
    """What `--layer` asks for; both layers without it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layer", choices=("silver", "gold"))
    layer = parser.parse_known_args(arguments)[0].layer
    jobs = {None: lake.run, "silver": lake.run_silver, "gold": lake.run_gold}
    ordered = lake.carry_out_requests() if layer != "gold" else False
    return jobs[layer]() or ordered


if __name__ == "__main__":
    main(sys.argv[1:])
