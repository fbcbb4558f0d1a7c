"""Deletes orphan files, which no commit names: runs that died leave them, and runs that died while deleting."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.layout import GOLD_COMMIT, GOLD_PREFIX, JOB_REQUESTS_PREFIX, SILVER_PREFIX, made_by
from etl.lake.storage import Bucket
from etl.log import log

# The files of a run that is still under way look like orphans; no run takes this long.
GRACE = timedelta(days=1)


def delete_orphans(config: LakeConfig, s3: Any, now: datetime | None = None) -> int:
    """Delete files that no commit names and that are older than a day plus `keep_seconds`; return their number."""
    moment = now or datetime.now(UTC)
    limit = f"{moment - GRACE - timedelta(seconds=config.keep_seconds):%Y%m%dT%H%M%S%f}"
    silver, gold = Bucket(config.silver_bucket, s3), Bucket(config.gold_bucket, s3)
    in_silver = list(_silver_orphans(silver, limit))
    silver.delete(in_silver)
    in_gold = list(_gold_orphans(gold, limit))
    gold.delete(in_gold)
    if in_silver or in_gold:
        log("orphans", "deleted files that no commit names", silver=len(in_silver), gold=len(in_gold))
    return len(in_silver) + len(in_gold)


def _silver_orphans(silver: Bucket, limit: str) -> Iterator[str]:
    current = manifest.load(silver)
    marks = (mark.key for mark in current.days.values())
    live = {*current.all_files(), *current.all_lists(), *marks, *current.retired}
    if current.sequence:
        yield from (key for key in _older(silver.keys(SILVER_PREFIX), limit) if key not in live)


def _gold_orphans(gold: Bucket, limit: str) -> Iterator[str]:
    found = gold.get_json(GOLD_COMMIT)
    if found:
        kept = found[0]["snapshots"]
        yield from (key for key in _older(gold.keys(GOLD_PREFIX), limit) if made_by(key) not in kept)


def _older(keys: Iterable[str], limit: str) -> Iterator[str]:
    return (key for key in keys if not key.startswith(JOB_REQUESTS_PREFIX) and "" < made_by(key) < limit)
