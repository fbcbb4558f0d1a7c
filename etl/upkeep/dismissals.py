"""Carries out requests to dismiss rows of the quarantine, and to open them again.

A dismissed row stays in the quarantine, with the time and the person; it no longer counts as waiting.
"""

from typing import Any

from etl.engine.embedded import is_one_of
from etl.jobs.job_requests import JobRequest, Outcome
from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.layout import bucket_of
from etl.lake.storage import Bucket
from etl.lake.tables import QUARANTINE, QUARANTINED_ROW
from etl.upkeep.rewrite_silver import commit_rewritten


def carry_out(config: LakeConfig, s3: Any, glue: Any, request: JobRequest) -> Outcome:
    """Dismiss or reopen the rows or the files that a request names; return the result."""
    files = {*request.files, *(row.rpartition("|")[2] for row in request.rows)}
    buckets = {bucket_of(file) for file in files}
    named = ("source_file", request.files) if request.files else (QUARANTINED_ROW, request.rows)
    condition = is_one_of(*named)
    closes = request.kind == "dismiss"
    values = {
        "dismissed_at": request.ordered_at if closes else None,
        "dismissed_by": request.ordered_by if closes else None,
    }
    commit_rewritten(
        config,
        s3,
        glue,
        lambda table, bucket: table == QUARANTINE.name and bucket in buckets,
        lambda engine, paths: condition,
        lambda engine, paths, path, meant: engine.mark(paths, path, QUARANTINE, meant, values),
    )
    waiting = manifest.load(Bucket(config.silver_bucket, s3)).quarantined()
    return Outcome("done", f"{waiting:,} left in quarantine")
