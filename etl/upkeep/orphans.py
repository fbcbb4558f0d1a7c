"""Deletes what nobody refers to: files of runs that died, and of snapshots and commits whose own cleaning did."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.layout import GOLD_COMMIT, GOLD_PREFIX, JOB_REQUESTS_PREFIX, SILVER_PREFIX
from etl.lake.storage import Bucket
from etl.log import log

# A run that is still under way has files nobody refers to either; none takes this long.
GRACE = timedelta(days=1)
_NAME = re.compile(r"[/=](\d{8}T\d{12}-[0-9a-f]{6})[/.]")


def run(config: LakeConfig, s3: Any, now: datetime | None = None) -> int:
    """Delete the files that no commit names and that are older than a day and the time readers are given.

    Returns
    -------
    int
        How many were deleted.
    """
    moment = now or datetime.now(UTC)
    limit = f"{moment - GRACE - timedelta(seconds=config.keep_seconds):%Y%m%dT%H%M%S%f}"
    silver, gold = Bucket(config.silver_bucket, s3), Bucket(config.gold_bucket, s3)
    dead = list(_dead_in_silver(silver, limit))
    silver.delete(dead)
    old = list(_dead_in_gold(gold, limit))
    gold.delete(old)
    if dead or old:
        log("sweep", "deleted files nobody refers to", silver=len(dead), gold=len(old))
    return len(dead) + len(old)


def _dead_in_silver(silver: Bucket, limit: str) -> Iterator[str]:
    current = manifest.load(silver)
    live = {*current.all_files(), *(mark.key for mark in current.days.values()), *current.retired}
    if current.sequence:
        yield from (key for key in _older(silver.keys(SILVER_PREFIX), limit) if key not in live)


def _dead_in_gold(gold: Bucket, limit: str) -> Iterator[str]:
    found = gold.get_json(GOLD_COMMIT)
    if found:
        kept = found[0]["snapshots"]
        yield from (key for key in _older(gold.keys(GOLD_PREFIX), limit) if made_by(key) not in kept)


def made_by(key: str) -> str:
    """Name of the commit or snapshot that a file was written for; empty where its key has none."""
    found = _NAME.search(key)
    return found[1] if found else ""


def _older(keys: Iterable[str], limit: str) -> Iterator[str]:
    return (key for key in keys if not key.startswith(JOB_REQUESTS_PREFIX) and "" < made_by(key) < limit)
