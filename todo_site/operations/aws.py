"""boto3 clients of pages about the operation itself: one a service and process, which give up soon."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

TIMEOUT_SECONDS = 3
_CONFIG = Config(connect_timeout=2, read_timeout=TIMEOUT_SECONDS, retries={"total_max_attempts": 1})


@cache
def client(service: str) -> Any:
    """Return the client. Not for threads that start at once: boto3's session makes one at a time."""
    make: Any = boto3.client
    return make(service, config=_CONFIG)
