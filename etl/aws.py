"""boto3 clients: made once, with timeouts and retries; boto3 itself reads `AWS_ENDPOINT_URL`."""

import functools
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "max_attempts": 4},
    max_pool_connections=16,
)


@functools.cache
def client(service: str) -> Any:
    """Client of an AWS service, shared by the process (boto3 clients are thread-safe)."""
    make: Any = boto3.client  # the stubs have one overload for each service, none for a variable
    return make(service, config=_CONFIG)
