"""Runs the lake on real Spark, in the environment that has it; S3 is a folder, buckets are folders in it.

    .venv-spark/bin/python -m tests.etl.spark_side DELIVERIES FOLDER TIMEZONE NOW [KEY …]

DELIVERIES/0, /1 … hold Bronze files by key. They arrive one delivery after the other, with a Silver run after each;
Gold is published at the end. The lake that comes of it is in FOLDER. A run dies when it is about to write a
KEY for the first time, and another takes over.
"""

import json
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.glue.spark_workspace import SparkWorkspace
from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.storage import Bucket
from etl.run import Lake
from tests.etl.folder import FolderS3, NoGlue
from tests.etl.spark_session import SMALL, session

# Bytes of Bronze above which compiling the plans pays.
LARGE = 5_000_000
BIG = {"spark.sql.shuffle.partitions": "2", "spark.sql.files.openCostInBytes": "0"}


class Killed(BaseException):
    """The run ends here: nothing catches it."""


class DeadlyS3(FolderS3):
    """A folder where whoever writes one of some keys first does not live to see it."""

    def __init__(self, root: Path, keys: list[str]) -> None:
        super().__init__(root)
        self.keys = keys

    def put_object(self, **arguments: Any) -> dict[str, Any]:
        if arguments["Key"] in self.keys:
            self.keys.remove(arguments["Key"])
            raise Killed
        return super().put_object(**arguments)


class Runs:
    """Runs one after the other: where one dies, the next begins with nothing of its own."""

    def __init__(self, make: Callable[[], Lake]) -> None:
        self.make = make
        self.lake = make()

    def finish(self, job: Callable[[Lake], bool]) -> bool:
        while True:
            try:
                return job(self.lake)
            except Killed:
                self.lake = self.make()


def main(source: Path, folder: Path, timezone: str, now: datetime, deadly: list[str]) -> None:
    root = folder / "s3"
    Bucket.url = lambda self, key: f"{root}/{self.name}/{key}"  # type: ignore[method-assign]
    deliveries = sorted(source.iterdir(), key=lambda path: int(path.name))
    size = sum(path.stat().st_size for path in source.rglob("*.parquet"))
    config = LakeConfig("bronze", "silver", "gold", "todo_analytics", ZoneInfo(timezone), late_days=100_000)
    spark, s3 = session("parity", 2, BIG if size > LARGE else SMALL), DeadlyS3(root, deadly)
    runs = Runs(lambda: Lake(config, s3, NoGlue(), SparkWorkspace(config, s3, spark)))
    for delivery in deliveries:
        shutil.copytree(delivery, root / "bronze", dirs_exist_ok=True)
        runs.finish(lambda lake: lake.run_silver())
        assert not runs.lake.run_silver()
    runs.finish(lambda lake: lake.run_gold(now))
    assert not runs.lake.run_gold(now)
    assert not deadly
    lake = runs.lake
    current = manifest.load(lake.silver.silver)
    commit = lake.gold.gold.get_json("gold/_current.json")
    files = {table: [str(root / "silver" / key) for key in current.files(table)] for table in current.tables}
    done = {"silver": files, "gold": commit and commit[0], "spark": spark.version}
    (folder / "done.json").write_text(json.dumps(done))
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], datetime.fromisoformat(sys.argv[4]), sys.argv[5:])
