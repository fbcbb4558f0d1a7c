"""Carries out the order to erase a person: when the removals have arrived, with a proof, and looking again later.

A removal carries the old item into the lake, so erasing before it is there would be in vain. Change capture may be
behind by as much as a stream keeps: what arrives after the first erasure is found by a later look.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from etl.jobs.job_requests import JobRequest, Outcome
from etl.lake.config import LakeConfig
from etl.log import iso, log
from etl.upkeep.erase import Erasure

# After a stream's 24 hours nothing can arrive any more, so the last look is after that.
LOOKS = (timedelta(minutes=15), timedelta(hours=25))
PATIENCE = timedelta(hours=24)
PAUSE = (timedelta(seconds=1), timedelta(minutes=5))


def carry_out(
    config: LakeConfig,
    s3: Any,
    glue: Any,
    run: Callable[[], Any],
    order: JobRequest,
    now: datetime,
) -> Outcome:
    """Erase the person an order names, if their items have left the table; what came of it.

    Parameters
    ----------
    config, s3, glue
        As of `etl.run.Lake`.
    run
        Brings the lake up to date.
    order
        The order.
    now
        The time (aware).
    """
    age = now - datetime.fromisoformat(order.ordered_at)
    try:
        reason = _erase(config, s3, glue, run, order)
    except Exception as error:
        if age > PATIENCE:
            raise
        log(
            "erase",
            "tried again later",
            level="ERROR",
            status="retry",
            order=order.id,
            error=str(error)[:500],
        )
        reason = f"tried again later: {type(error).__name__}"
    if not reason:
        return Outcome("done", "Nothing of the person is left in any layer.", _next_look(order, age))
    if age > PATIENCE:
        return Outcome("failed", f"Given up after {PATIENCE.total_seconds() / 3600:g} hours: {reason}")
    return Outcome("waiting", reason, iso(now + min(max(age / 10, PAUSE[0]), PAUSE[1])))


def _next_look(order: JobRequest, age: timedelta) -> str:
    ordered = datetime.fromisoformat(order.ordered_at)
    return next((iso(ordered + look) for look in LOOKS if age < look), "")


def _erase(config: LakeConfig, s3: Any, glue: Any, run: Callable[[], Any], order: JobRequest) -> str:
    """Erase; why it is not finished, empty if it is."""
    run()
    job = Erasure(config, s3, glue, order.user_id)
    living = job.living()
    if living:
        return f"waiting for the removal of {living} items to arrive from the table"
    rewritten = job.run()
    if any(trace.own for trace in job.traces()):
        rewritten += job.run(everywhere=True)
    left = sum(trace.own > 0 for trace in job.traces())
    log("erase", "erased", objects=rewritten, left=left, order=order.id)
    return f"{left} objects still hold rows of the person" if left else ""
