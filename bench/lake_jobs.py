"""The jobs that `bench.lake` measures, each in its own process: `python -m bench.lake_jobs JOB FOLDER GIGABYTES`.

FOLDER has the buckets: `bronze`, `silver`, `gold`. GIGABYTES is DuckDB's memory limit. A job prints its own
measurements as the last line.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from bench.lake_history import TODAY, ZONE

BATCH = 500


@contextmanager
def clocked(took: dict[str, float], name: str) -> Iterator[None]:
    """Measure wall and processor seconds of a block, as `name` and `name_cpu`."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    took[name], took[f"{name}_cpu"] = time.perf_counter() - wall, time.process_time() - cpu


def _lake(folder: Path, work: str, gigabytes: int) -> Any:
    from zoneinfo import ZoneInfo

    from etl.lake.config import LakeConfig
    from etl.run import local_lake
    from tests.etl.folder import FolderS3, NoGlue

    config = LakeConfig(
        "bronze",
        "silver",
        "gold",
        "todo_analytics",
        ZoneInfo(ZONE),
        late_days=100_000,
        memory_limit=f"{gigabytes}GB",
    )
    return local_lake(config, FolderS3(folder), NoGlue(), folder / work)


def embedded(folder: Path, gigabytes: int) -> dict[str, float]:
    """Run the product once over the whole history, with bookmarks, manifests and quality checks."""
    took: dict[str, float] = {}
    lake = _lake(folder, "work", gigabytes)
    with clocked(took, "silver"):
        assert lake.run_silver()
    with clocked(took, "gold"):
        assert lake.run_gold(datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC))
    return took


def by_hand(folder: Path, gigabytes: int) -> dict[str, float]:
    """Make the same tables with one DuckDB script."""
    from bench.lake_by_hand import by_hand as script

    took: dict[str, float] = {}
    with clocked(took, "all"):
        script(folder / "bronze", folder / "by_hand", TODAY, ZONE, gigabytes)
    return took


def increments(folder: Path, gigabytes: int) -> dict[str, float]:
    """Run the lake for each delivery `more-*`, in one process with an empty working folder."""
    import shutil

    took: dict[str, float] = {}
    lake = _lake(folder, "fresh", gigabytes)
    for delivery in sorted(folder.glob("more-*")):
        shutil.copytree(delivery, folder / "bronze", dirs_exist_ok=True)
        name = delivery.name.removeprefix("more-")
        with clocked(took, f"{name}_silver"):
            assert lake.run_silver()
        with clocked(took, f"{name}_gold"):
            assert lake.run_gold(datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC))
    return took


def capture(folder: Path, gigabytes: int) -> dict[str, float]:
    """Pass stream records through the Lambda handler in batches of 500, with a Firehose that answers at once.

    For comparison, measure the minimum: decode a record's images and write them as JSON.
    """
    from random import Random

    from boto3.dynamodb.types import TypeDeserializer

    from etl.capture import handler as product
    from tests.etl.memory import S3
    from tests.etl.world import World, play

    world = World()
    play(world, Random(5), 12_000)
    records = [change.record() for change in world.history]
    batches = [records[start : start + BATCH] for start in range(0, len(records), BATCH)]
    took = {"events": float(len(records))}
    firehose = mock.Mock()
    firehose.put_record_batch.return_value = {"FailedPutCount": 0}
    with (
        mock.patch.object(product, "client", {"firehose": firehose, "s3": S3()}.__getitem__),
        mock.patch.dict("os.environ", CDC_STREAM="stream", BRONZE_BUCKET="bronze"),
        clocked(took, "handler"),
    ):
        for batch in batches:
            assert product.handler({"Records": batch}, None) == {"batchItemFailures": []}
    decode = TypeDeserializer().deserialize
    with clocked(took, "least"):
        for record in records:
            images = (record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage"))
            json.dumps(
                [image and {name: decode(value) for name, value in image.items()} for image in images],
                default=str,
            )
    return took


JOBS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "embedded": embedded,
    "by_hand": by_hand,
    "increments": increments,
    "capture": capture,
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
