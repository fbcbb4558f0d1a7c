"""Fixtures of the dashboard's tests: a published lake, an empty cache, and a count of what is asked of AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.test import Client

from identity.sessions import SessionStore
from identity.users import Person
from tests.insights.lake import Lake, Workspace, busy_workspace
from tests.web.conftest import site  # noqa: F401 - the same site for the same kind of browser
from web import athena


@pytest.fixture(scope="session")
def workspace() -> Workspace:
    """The truth behind ``gold_lake``."""
    return busy_workspace(days=130)


@pytest.fixture(scope="session")
def written(workspace) -> str:
    """The snapshot of the busy workspace."""
    return Lake().write(workspace)


@pytest.fixture
def lake() -> Iterator[Lake]:
    """An unpublished lake; what a test published is unpublished again."""
    lake = Lake()
    yield lake
    lake.remove_pointer()


@pytest.fixture
def gold_lake(lake, workspace, written) -> Lake:
    """The busy workspace, published: always the same snapshot, so that one test's answers are cached for the next."""
    lake.switch(written)
    lake.point(written, workspace.now)
    return lake


@pytest.fixture
def fresh_lake(lake, workspace) -> Lake:
    """The busy workspace, published as a snapshot that nobody has asked anything yet."""
    lake.publish(workspace)
    return lake


@pytest.fixture
def aws_calls(monkeypatch) -> list[str]:
    """The AWS operations called from now on, as ``service.Operation``; not those that no request waits for."""
    calls: list[str] = []
    from botocore.client import BaseClient

    original = BaseClient._make_api_call

    def record(self, operation, kwargs):
        if threading.current_thread().name not in {"revocations", "groups"}:  # which no page waits for
            calls.append(f"{self.meta.service_model.service_name}.{operation}")
        return original(self, operation, kwargs)

    monkeypatch.setattr(BaseClient, "_make_api_call", record)
    return calls


@pytest.fixture
def snapshot(gold_lake) -> athena.Snapshot:
    """What is published."""
    current = athena.current_snapshot()
    assert current
    return current


@pytest.fixture
def manager(client_for, charlie):
    return client_for(charlie)


@pytest.fixture
def page(manager, settings):
    """Return a function that gets the page as HTML, waiting for every card."""
    settings.INSIGHTS_PAGE_SECONDS = 30

    def get(query: str = "") -> str:
        answer = manager.get(f"/insights/{query}")
        assert answer.status_code == 200, answer.content.decode()[:500]
        return answer.content.decode()

    return get


@pytest.fixture
def signed_in(settings):
    """Return a function from a person's id to a browser with a session of theirs: for people of made-up histories."""

    def browser(person_id: str) -> Client:
        session = SessionStore()
        session["person"] = Person(person_id, f"{person_id}@example.com", person_id, person_id).to_session()
        session.save()
        client = Client()
        client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
        return client

    return browser
