"""Every kind of request reaches DynamoDB through the store's connection, which is PynamoDB's, and no other way."""

from __future__ import annotations

from collections import Counter

import pytest
from botocore.client import BaseClient

from identity import profiles
from store.connection import StoreConnection
from tasks import services
from tests.api.client import TASKS, Api


@pytest.fixture
def sent(monkeypatch):
    """Count the requests of the store's connection, and those of every client of the process, by operation."""
    ours, everybodys = Counter(), Counter()
    dispatch, make_api_call = StoreConnection.dispatch, BaseClient._make_api_call

    def count_ours(self, operation, arguments):
        ours[operation] += 1
        return dispatch(self, operation, arguments)

    def count_everybodys(self, operation, arguments):
        if self.meta.service_model.service_name == "dynamodb":
            everybodys[operation] += 1
        return make_api_call(self, operation, arguments)

    monkeypatch.setattr(StoreConnection, "dispatch", count_ours)
    monkeypatch.setattr(BaseClient, "_make_api_call", count_everybodys)
    return ours, everybodys


@pytest.fixture
def as_alice(api, alice):
    profiles.known.put(alice.id, None)
    return Api(api(alice))


@pytest.fixture
def task(ctx, alice):
    return services.create_task(ctx(alice), {"title": "Task"}).task


def batch(task):
    return {"operations": [{"op": "create", "task": {"title": "x"}}, {"op": "delete", "id": task.id}]}


REQUESTS = {
    "create": ("POST", lambda task: TASKS, lambda task: {"title": "x"}),
    "get": ("GET", lambda task: f"{TASKS}/{task.id}", lambda task: None),
    "list": ("GET", lambda task: f"{TASKS}?status=pending", lambda task: None),
    "changes": ("GET", lambda task: f"{TASKS}?updated_since=2020-01-01T00:00:00Z", lambda task: None),
    "update": ("PATCH", lambda task: f"{TASKS}/{task.id}", lambda task: {"title": "y"}),
    "delete": ("DELETE", lambda task: f"{TASKS}/{task.id}", lambda task: None),
    "batch": ("POST", lambda task: f"{TASKS}/batch", batch),
    "profile": ("PUT", lambda task: "/api/v1/users", lambda task: {"name": "New"}),
    "access token": ("POST", lambda task: "/api/v1/tokens", lambda task: {"name": "x"}),
    "calendar feed": ("POST", lambda task: "/api/v1/calendar", lambda task: None),
    "import": ("POST", lambda task: "/api/v1/import", lambda task: [{"title": "x"}]),
    "export": ("GET", lambda task: "/api/v1/export", lambda task: None),
}


def assert_one_way(sent):
    ours, everybodys = sent
    assert everybodys
    assert ours == everybodys


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k"}], ids=["plain", "with a key"])
def test_requests_of_the_api(as_alice, task, sent, name, headers):
    method, path, body = REQUESTS[name]
    answer = as_alice(method, path(task), body(task), **headers)
    assert answer.status_code < 300, answer.content
    answer.getvalue()
    assert_one_way(sent)


@pytest.mark.parametrize("path", ["/", "/?view=all&q=task", "/board/", "/trash/", "/account/"])
def test_pages(client_for, alice, task, sent, path):
    browser = client_for(alice)  # signing in stores a session
    assert_one_way(sent)
    assert browser.get(path).status_code == 200
    assert_one_way(sent)


@pytest.mark.parametrize("model", ["task", "trashedtask", "user", "session", "auditentry"])
def test_lists_of_the_admin(client_for, make_account, task, sent, model):
    browser = client_for(make_account("Root", groups=("admins",)))
    assert browser.get(f"/admin/tasks/{model}/").status_code == 200
    assert_one_way(sent)
