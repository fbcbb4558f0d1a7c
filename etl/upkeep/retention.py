"""Deletes expired objects: undeliverable records, the request log, query results, old job requests, quarantined rows.

In AWS, lifecycle rules delete the objects by the same numbers (`etl.lake.layout.RETENTION_DAYS`); a laptop has none.
Quarantined rows are dropped a year after they arrived; Bronze still has them, and `replay` brings them back.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from etl.lake.config import LakeConfig
from etl.lake.layout import QUARANTINE_DAYS, RETENTION_DAYS
from etl.lake.storage import Bucket
from etl.lake.tables import QUARANTINE
from etl.log import log


def delete_expired(config: LakeConfig, s3: Any, now: datetime | None = None) -> int:
    """Delete the objects that are older than `RETENTION_DAYS`; return their number."""
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
        log("retention", "deleted expired objects", objects=deleted)
    return deleted


def drop_old_quarantine(config: LakeConfig, s3: Any, glue: Any, now: datetime) -> int:
    """Commit Silver without the quarantined rows that arrived more than `QUARANTINE_DAYS` ago; return their number."""
    # Not above: where Spark does the work, DuckDB is not installed.
    from etl.upkeep.rewrite_silver import commit_rewritten

    first_day = (now - timedelta(days=QUARANTINE_DAYS)).date().isoformat()
    before, published = commit_rewritten(
        config,
        s3,
        glue,
        lambda table, _: table == QUARANTINE.name,
        lambda engine, paths: engine.arrived_before(paths, first_day),
    )
    if published is None:
        return 0
    dropped = before.rows(QUARANTINE.name) - published.rows(QUARANTINE.name)
    log("retention", "dropped old quarantined rows", rows=dropped, before=first_day)
    return dropped
