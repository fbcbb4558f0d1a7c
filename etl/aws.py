"""boto3 clients: made once, with timeouts, honouring `AWS_ENDPOINT_URL` through boto3 itself."""

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
    make: Any = boto3.client  # the stubs know one overload a service, none for a name in a variable
    return make(service, config=_CONFIG)
