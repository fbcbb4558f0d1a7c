"""Fixtures of the dashboard's tests: a published lake, an empty cache, and a count of what is asked of AWS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from insights import cache, warehouse
from tests.insights.lake import Lake, Workspace, busy_workspace
from tests.web.conftest import site  # noqa: F401 - the same site for the same kind of browser


@pytest.fixture(scope="session")
def workspace() -> Workspace:
    """The truth behind ``gold_lake``."""
    return busy_workspace(days=130)


@pytest.fixture
def lake() -> Iterator[Lake]:
    """An unpublished lake; what a test published is unpublished again."""
    cache.memory.clear()
    lake = Lake()
    yield lake
    lake.remove_pointer()
    cache.memory.clear()


@pytest.fixture
def gold_lake(lake, workspace) -> Lake:
    """The busy workspace, published."""
    lake.publish(workspace)
    return lake


@pytest.fixture
def aws_calls(monkeypatch) -> list[str]:
    """The AWS operations called from now on by the dashboard's clients, as ``service.Operation``."""
    calls: list[str] = []
    from botocore.client import BaseClient

    original = BaseClient._make_api_call

    def record(self, operation, kwargs):
        calls.append(f"{self.meta.service_model.service_name}.{operation}")
        return original(self, operation, kwargs)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return calls


@pytest.fixture
def snapshot(gold_lake) -> warehouse.Snapshot:
    """What is published."""
    current = warehouse.current_snapshot()
    assert current
    return current
