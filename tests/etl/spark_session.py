"""A Spark session on this machine, two cores, nothing listening but on loopback: for tests and benchmarks."""

from collections.abc import Mapping

from pyspark.sql import SparkSession


def session(name: str, gigabytes: int, settings: Mapping[str, str]) -> SparkSession:
    """Start Spark with so much memory for everything, and more settings."""
    builder = SparkSession.builder.master("local[2]").appName(name)
    fixed = {
        "spark.ui.enabled": "false",
        "spark.driver.memory": f"{gigabytes}g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.log.level": "ERROR",
        # Or a task is started for every file, only to see that it is there.
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "100000",
    }
    for setting, value in {**fixed, **settings}.items():
        builder = builder.config(setting, value)
    return builder.getOrCreate()
