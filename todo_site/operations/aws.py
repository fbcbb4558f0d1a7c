"""boto3 clients for the pages about the system itself, one per service, with short timeouts."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

TIMEOUT_SECONDS = 3
_CONFIG = Config(connect_timeout=2, read_timeout=TIMEOUT_SECONDS, retries={"total_max_attempts": 1})


@cache
def client(service: str) -> Any:
    """Return the client of a service. Call it before starting threads: boto3's default session is not thread-safe."""
    make: Any = boto3.client
    return make(service, config=_CONFIG)
