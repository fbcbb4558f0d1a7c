"""The Glue job: opens a Spark session and brings the lake up to date, as `etl.run --once` does.

Arguments are the settings of `etl.lake.config` as Glue passes them (`--BRONZE_BUCKET name --REPORTING_TIMEZONE UTC …`)
and which layer, `--layer silver` or `gold`. The package `etl` comes with `--extra-py-files`, boto3 with
`--additional-python-modules`; nothing else is installed.
"""

import argparse
import sys
from collections.abc import Sequence

from pyspark.sql import SparkSession

from etl.aws import client
from etl.glue.spark_workspace import SparkWorkspace
from etl.glue.versions import require_conditional_writes, versions
from etl.lake.config import LakeConfig, lake_config
from etl.log import log
from etl.redaction import errors_redacted
from etl.run import Lake

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
    """Settings of the lake from the arguments of the job; ignores those of Glue (`--JOB_NAME` and others)."""
    parser = argparse.ArgumentParser()
    for name in SETTINGS:
        parser.add_argument(f"--{name}")
    known, _ = parser.parse_known_args(arguments)
    return lake_config({name: value for name, value in vars(known).items() if value is not None})


@errors_redacted
def main(arguments: Sequence[str]) -> None:
    """Run once. Errors are raised, so that Glue reports the run as failed."""
    config = configuration(arguments)
    spark = SparkSession.builder.appName("todo-lake").getOrCreate()
    s3 = client("s3")
    log("glue", "started", versions={**versions(), "spark": spark.version})
    require_conditional_writes(s3)
    lake = Lake(config, s3, client("glue"), SparkWorkspace(config, s3, spark))
    published = _job(lake, arguments)
    log("glue", "published" if published else "nothing new", spark=spark.version)


def _job(lake: Lake, arguments: Sequence[str]) -> bool:
    """Run the layer that `--layer` names, or both; return whether anything was done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--layer", choices=("silver", "gold"))
    layer = parser.parse_known_args(arguments)[0].layer
    jobs = {None: lake.run, "silver": lake.run_silver, "gold": lake.run_gold}
    requested = lake.carry_out_requests() if layer != "gold" else False
    return jobs[layer]() or requested


if __name__ == "__main__":
    main(sys.argv[1:])
