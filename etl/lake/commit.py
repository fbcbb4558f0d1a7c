"""Optimistic commits: one JSON object in S3 decides, and a run that loses the race to replace it plans again."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from etl.lake.storage import Bucket, ConflictError
from etl.log import log

ATTEMPTS = 6
# No runner in Lambda lives longer: after this time another may take over its job request or journal.
LEASE = timedelta(minutes=20)


def commit_json(bucket: Bucket, key: str, plan: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Replace a JSON object with what `plan` makes of it; plan again if another run was first.

    Parameters
    ----------
    bucket, key
        The object.
    plan
        Takes the object (None if there is none) and returns its replacement, or None to leave it. It runs once in each
        attempt and may raise ConflictError itself. It must not delete what an earlier attempt wrote: a conflict may be
        the echo of this process's own write, repeated by boto3.

    Returns
    -------
    tuple
        The object as `plan` found it, and the replacement that was written; None for each that does not exist.

    Raises
    ------
    ConflictError
        If other runs were first in every attempt.
    """
    for attempt in range(ATTEMPTS):
        held, etag = bucket.get_json(key) or (None, None)
        try:
            replacement = plan(held)
            if replacement is not None:
                bucket.replace_json(key, replacement, etag)
        except ConflictError as error:
            log("commit", str(error), level="WARNING", status="retry", attempt=attempt + 1)
            time.sleep(random.uniform(0.05, 0.2) * 2**attempt)  # noqa: S311
        else:
            return held, replacement
    raise ConflictError(f"other runs kept replacing {bucket.url(key)} first")
