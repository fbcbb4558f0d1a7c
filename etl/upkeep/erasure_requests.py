"""Carries out a request to erase a person: waits for the removals, erases, proves it, and checks again later.

A removal carries the old item into the lake, so an erasure before it arrives would be in vain. Change capture may lag
by as much as a stream keeps: a later check finds what arrives after the first erasure.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from etl.jobs.job_requests import JobRequest, Outcome
from etl.lake.config import LakeConfig
from etl.log import iso, log
from etl.upkeep.erase import Erasure

# A stream keeps records for 24 hours, so nothing can arrive after the last check.
CHECK_AFTER = (timedelta(minutes=15), timedelta(hours=25))
GIVE_UP_AFTER = timedelta(hours=24)
PAUSES = (timedelta(seconds=1), timedelta(minutes=5))


def carry_out(
    config: LakeConfig, s3: Any, glue: Any, run: Callable[[], Any], request: JobRequest, now: datetime
) -> Outcome:
    """Erase the person of a request, if their items have left the table; return the result.

    Parameters
    ----------
    config, s3, glue
        As for `etl.run.Lake`.
    run
        Brings the lake up to date.
    request
        The request.
    now
        The time (aware).
    """
    age = now - datetime.fromisoformat(request.ordered_at)
    try:
        reason = _erase(config, s3, glue, run, request)
    except Exception as error:
        if age > GIVE_UP_AFTER:
            raise
        log("erase", "will try again", status="retry", error=error, job_request=request.id)
        reason = f"will try again: {type(error).__name__}"
    if not reason:
        due_at = _next_check(request, age)
        but = ", except the id in this request, which looks again and then forgets it" if due_at else ""
        return Outcome("done", f"Nothing of the person is left in any layer{but}.", due_at)
    if age > GIVE_UP_AFTER:
        return Outcome("failed", f"Given up after {GIVE_UP_AFTER.total_seconds() / 3600:g} hours: {reason}")
    return Outcome("waiting", reason, iso(now + min(max(age / 10, PAUSES[0]), PAUSES[1])))


def _next_check(request: JobRequest, age: timedelta) -> str:
    requested = datetime.fromisoformat(request.ordered_at)
    return next((iso(requested + delay) for delay in CHECK_AFTER if age < delay), "")


def _erase(config: LakeConfig, s3: Any, glue: Any, run: Callable[[], Any], request: JobRequest) -> str:
    """Erase; return why it is not finished, empty if it is."""
    run()
    job = Erasure(config, s3, glue, request.user_id)
    living = job.living_items()
    if living:
        return f"waiting for the removal of {living} items to arrive from the table"
    rewritten = job.run()
    if any(trace.own for trace in job.traces()):
        rewritten += job.run(everywhere=True)
    left = sum(trace.own > 0 for trace in job.traces())
    log("erase", "erased", objects=rewritten, left=left, job_request=request.id)
    return f"{left} objects, messages or tables still hold something of the person" if left else ""
