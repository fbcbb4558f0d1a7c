"""Runs the lake on real Spark, in the environment that has it; S3 is a folder, buckets are folders in it.

    .venv-spark/bin/python -m tests.etl.spark_side FOLDER TIMEZONE NOW

FOLDER/deliveries/1, /2 … hold Bronze files by key. They arrive one delivery after the other, with a Silver run after
each; Gold is published at the end.
"""

import hashlib
import io
import json
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from botocore.exceptions import ClientError
from pyspark.sql import SparkSession

from etl import manifest
from etl.config import LakeConfig
from etl.distributed import SparkLake
from etl.storage import Bucket


class FolderS3:
    """S3 in a folder, as far as the lake uses it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        path = self.root / Bucket / Key
        if not path.is_file():
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        body = path.read_bytes()
        return {"Body": io.BytesIO(body), "ETag": hashlib.md5(body).hexdigest()}

    def head_object(self, **where: str) -> dict[str, Any]:
        return self.get_object(**where)

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfMatch: str = "", IfNoneMatch: str = "", **_: Any
    ) -> dict[str, Any]:
        path = self.root / Bucket / Key
        held = self.get_object(Bucket=Bucket, Key=Key)["ETag"] if path.is_file() else None
        if (IfNoneMatch and held) or (IfMatch and held != IfMatch):
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)
        return {"ETag": hashlib.md5(Body).hexdigest()}

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> None:
        for entry in Delete["Objects"]:
            (self.root / Bucket / entry["Key"]).unlink(missing_ok=True)

    def get_paginator(self, operation: str) -> "FolderS3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> Iterator[dict[str, Any]]:
        folder = self.root / Bucket
        sizes = {
            str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()
        }
        keys = sorted(key for key in sizes if key.startswith(Prefix) and key > StartAfter)
        # Spark's local files have checksums beside them.
        yield {"Contents": [{"Key": key, "Size": sizes[key]} for key in keys if not key.endswith(".crc")]}


class NoGlue:
    """A catalogue that takes everything and remembers nothing."""

    def get_paginator(self, operation: str) -> "NoGlue":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Partitions": []}]

    def batch_create_partition(self, **_: Any) -> dict[str, Any]:
        return {}

    def update_table(self, **_: Any) -> None:
        pass


def session(large: bool) -> SparkSession:
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.sql.files.openCostInBytes": "0",
        "spark.driver.memory": "2g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.log.level": "ERROR",
    }
    if not large:
        # Compiling each of a hundred small plans takes longer than running it.
        settings |= {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    builder = SparkSession.builder.master("local[2]").appName("parity")
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def main(folder: Path, timezone: str, now: datetime) -> None:
    root = folder / "s3"
    Bucket.url = lambda self, key: f"{root}/{self.name}/{key}"  # type: ignore[method-assign]
    deliveries = sorted((folder / "deliveries").iterdir(), key=lambda path: int(path.name))
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    config = LakeConfig("bronze", "silver", "gold", "todo_analytics", ZoneInfo(timezone), late_days=100_000)
    spark = session(large=size > 50_000_000)
    lake = SparkLake(config, FolderS3(root), NoGlue(), folder / "work", spark)
    for delivery in deliveries:
        shutil.copytree(delivery, root / "bronze", dirs_exist_ok=True)
        assert lake.run_silver()
        assert not lake.run_silver()
    assert lake.run_gold(now)
    current, _ = manifest.load(lake.silver.silver)
    commit = lake.gold.gold.get_json("gold/_current.json")
    files = {table: [str(root / "silver" / key) for key in current.files(table)] for table in current.tables}
    done = {"silver": files, "gold": commit and commit[0], "spark": spark.version}
    (folder / "done.json").write_text(json.dumps(done))
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], datetime.fromisoformat(sys.argv[3]))
