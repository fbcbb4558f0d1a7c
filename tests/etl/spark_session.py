"""Spark on this machine, two cores, nothing listening but on loopback: for tests and benchmarks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FIXED = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "ERROR",
    # Or a task is started for every file, only to see that it is there.
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
}
# For little data: compiling takes longer than running a hundred small plans, and so does the Java that plans them.
SMALL = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.files.openCostInBytes": "0",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def settings(gigabytes: int, more: Mapping[str, str]) -> dict[str, str]:
    """Settings of a session with so much memory for everything, and more."""
    return {**_FIXED, "spark.driver.memory": f"{gigabytes}g", **more}


def session(name: str, gigabytes: int, more: Mapping[str, str]) -> Any:
    """Start Spark."""
    from pyspark.sql import SparkSession  # not everybody who wants the settings has it

    builder = SparkSession.builder.appName(name)
    for setting, value in settings(gigabytes, more).items():
        builder = builder.config(setting, value)
    return builder.getOrCreate()


def submit_arguments(root: Path, folders: Mapping[str, str]) -> str:
    """What `PYSPARK_SUBMIT_ARGS` says so that a script finds `s3://bucket/folder/` under `root`.

    Hadoop's view of file systems puts the folders in S3's place: URLs, listings and renames go their usual way.
    `folders` has a folder for each bucket.
    """
    mounts = {
        f"spark.hadoop.fs.viewfs.mounttable.{bucket}.link./{folder}": f"file://{root}/{bucket}/{folder}"
        for bucket, folder in folders.items()
    }
    view = {"spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"}
    said = settings(2, {**SMALL, **view, **mounts})
    return " ".join([*(f'--conf "{name}={value}"' for name, value in said.items()), "pyspark-shell"])
