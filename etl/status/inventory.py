"""Inventory of the lake: files and bytes of every table and layer, snapshots, orphan files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.layout import (
    BRONZE_ERROR_PREFIX,
    BRONZE_PREFIX,
    GOLD_COMMIT,
    GOLD_PREFIX,
    REQUESTS_ERROR_PREFIX,
    REQUESTS_PREFIX,
    SILVER_PREFIX,
    snapshot_of,
)
from etl.lake.storage import Bucket
from etl.lake.tables import SILVER


@dataclass(frozen=True, slots=True)
class FileCount:
    """A number of files, and their bytes."""

    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Inventory:
    """The contents of the lake.

    Parameters
    ----------
    bronze, requests, undeliverable
        Files of changes, of the request log, and of the records of both that Firehose could not convert.
    silver
        Live files by table.
    gold
        Files of the published snapshot.
    snapshots
        Number of Gold snapshots that are kept.
    waste
        Files of Silver and Gold that no commit names as live: orphans and replaced files.
    """

    bronze: FileCount
    requests: FileCount
    undeliverable: FileCount
    silver: Mapping[str, FileCount]
    gold: FileCount
    snapshots: int
    waste: FileCount


def read(config: LakeConfig, s3: Any) -> Inventory:
    """List all files, 1,000 a request."""
    bronze, silver, gold = (
        Bucket(name, s3) for name in (config.bronze_bucket, config.silver_bucket, config.gold_bucket)
    )
    current = manifest.load(silver)
    commit = (gold.get_json(GOLD_COMMIT) or ({"tables": {}, "snapshots": {}, "snapshot": ""}, ""))[0]
    in_silver, in_gold = dict(silver.sizes(SILVER_PREFIX)), dict(gold.sizes(GOLD_PREFIX))
    live = {table.name: current.files(table.name) for table in SILVER} if current.sequence else {}
    published = [key for key in in_gold if f"/snapshot={commit['snapshot']}/" in key]
    kept = [key for key in in_gold if snapshot_of(key) in commit["snapshots"]]
    named = {key for keys in live.values() for key in keys}
    data = {key for key in in_silver if key.endswith(".parquet")}
    lost = (data - named) | ({key for key in in_gold if "/snapshot=" in key} - set(kept))
    return Inventory(
        bronze=_count(size for _, size in bronze.sizes(BRONZE_PREFIX)),
        requests=_count(size for _, size in bronze.sizes(REQUESTS_PREFIX)),
        undeliverable=_count(
            size
            for prefix in (BRONZE_ERROR_PREFIX, REQUESTS_ERROR_PREFIX)
            for _, size in bronze.sizes(prefix)
        ),
        silver={table: _count(in_silver.get(key, 0) for key in keys) for table, keys in live.items()},
        gold=_count(in_gold[key] for key in published),
        snapshots=len(commit["snapshots"]),
        waste=_count((in_silver | in_gold)[key] for key in lost),
    )


def _count(sizes: Iterable[int]) -> FileCount:
    found = list(sizes)
    return FileCount(len(found), sum(found))
