"""A local AWS of their own for the tests of the local AWS: they stop, kill and restart it."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud.server import LocalAws

ClientOf = Callable[[str], Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def client(server: LocalAws, service: str, config: Config | None = None) -> Any:
    """A boto3 client that never retries: a test must see what the server did."""
    no_retries = Config(retries={"total_max_attempts": 1}, read_timeout=30)
    return boto3.client(
        service,
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=no_retries.merge(config) if config else no_retries,
    )


@pytest.fixture(scope="session")
def shared_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One server for tests that only talk to it."""
    server = LocalAws(tmp_path_factory.mktemp("shared-aws"), free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture
def shared(shared_aws: LocalAws) -> ClientOf:
    """`shared("dynamodb")` is a client of the shared server."""
    return lambda service: client(shared_aws, service)


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAws]:
    """A server of the test's own, started."""
    server = LocalAws(tmp_path, free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture
def of(aws: LocalAws) -> ClientOf:
    """`of("dynamodb")` is a client of the test's own server."""
    return lambda service: client(aws, service)


@pytest.fixture
def name() -> str:
    """A name nothing else has."""
    return f"t-{uuid.uuid4().hex[:12]}"
