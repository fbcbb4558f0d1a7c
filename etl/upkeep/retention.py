"""How long the lake keeps what nothing refers to: undeliverable records, the request log, query results, old orders.

In AWS lifecycle rules do the same by the same numbers (`etl.lake.layout.RETENTION_DAYS`); a laptop has none. Rows in
quarantine are given up after a year; Bronze still has them, and `replay` brings them back.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.glue_partitions import sync_silver
from etl.lake.layout import QUARANTINE_DAYS, RETENTION_DAYS, silver_folder
from etl.lake.manifest import Manifest, Part
from etl.lake.storage import Bucket, LocalCopies
from etl.lake.tables import QUARANTINE
from etl.log import log

if TYPE_CHECKING:
    from etl.engine.embedded import Engine


def run(config: LakeConfig, s3: Any, now: datetime | None = None) -> int:
    """Delete what has been kept long enough; how many objects."""
    moment, deleted = now or datetime.now(UTC), 0
    buckets = {"bronze": config.bronze_bucket, "silver": config.silver_bucket, "gold": config.gold_bucket}
    for layer, prefixes in RETENTION_DAYS.items():
        bucket = Bucket(buckets[layer], s3)
        for prefix, days in prefixes.items():
            limit = moment - timedelta(days=days)
            old = [
                entry["Key"] for entry in bucket.entries(prefix) if entry.get("LastModified", moment) < limit
            ]
            bucket.delete(old)
            deleted += len(old)
    if deleted:
        log("retention", "deleted what is kept no longer", objects=deleted)
    return deleted


def drop_old_quarantine(config: LakeConfig, s3: Any, glue: Any, now: datetime) -> int:
    """Commit Silver without the quarantined rows of files older than `QUARANTINE_DAYS`; how many rows went.

    Raises
    ------
    ConflictError
        When other runs were first in every attempt.
    """
    silver = Bucket(config.silver_bucket, s3)
    first_day = (now - timedelta(days=QUARANTINE_DAYS)).date().isoformat()

    def plan(current: Manifest) -> Manifest | None:
        if not current.rows(QUARANTINE.name):
            return None
        moment = datetime.now(UTC)
        commit = manifest.new_name(moment)
        changed = _without_old(config, silver, current, commit, first_day)
        return current.successor(commit, moment, changed) if changed else None

    before, published = manifest.commit(silver, plan)
    if published is None:
        return 0
    sync_silver(glue, config.database, published.locations(silver))
    dropped = before.rows(QUARANTINE.name) - published.rows(QUARANTINE.name)
    log("retention", "gave up quarantined rows", rows=dropped, before=first_day)
    return dropped


def _without_old(
    config: LakeConfig, silver: Bucket, current: Manifest, commit: str, first_day: str
) -> dict[tuple[str, str], Part]:
    """The partitions of quarantine with rows of files from before `first_day`, written without them."""
    from etl.engine.embedded import Engine

    with (
        tempfile.TemporaryDirectory(prefix="retention-", dir=config.work_dir) as folder,
        Engine(Path(folder) / "spill", config.memory_limit, config.threads) as engine,
    ):
        copies = LocalCopies(silver, Path(folder))
        copies.fetch(current.files(QUARANTINE.name))
        return {
            (QUARANTINE.name, bucket): _without(
                engine, copies, part, silver_folder(QUARANTINE.name, bucket, commit), first_day
            )
            for bucket, part in _holding_old(engine, copies, current, first_day).items()
        }


def _holding_old(engine: Engine, copies: LocalCopies, current: Manifest, first_day: str) -> dict[str, Part]:
    """Partitions of quarantine, by bucket, that have rows of files from before `first_day`."""
    parts = current.parts(QUARANTINE.name)
    files = [copies.path(key) for part in parts.values() for key in part.files]
    old = engine.holding_before(files, first_day)
    return {bucket: part for bucket, part in parts.items() if old.intersection(map(copies.path, part.files))}


def _without(engine: Engine, copies: LocalCopies, part: Part, location: str, first_day: str) -> Part:
    """The partition without its old rows, written to `location`."""
    kept = copies.folder / "kept.parquet"
    rows = engine.since([copies.path(key) for key in part.files], kept, first_day)
    key = f"{location}part-0.parquet"
    copies.bucket.upload([(kept, key)])
    return Part(location, (key,), rows, kept.stat().st_size)
