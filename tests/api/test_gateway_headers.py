"""Of the headers that API Gateway changes, the product sends one, and only where CloudFront puts it back."""

from __future__ import annotations

import ast

import pytest
from django.test import Client

from localcloud.settings import ROOT
from tests.api.client import TASKS
from web.problems import CHALLENGE


def changed() -> set[str]:
    """The list is read, not imported: it needs ministack."""
    module = ast.parse((ROOT / "localcloud" / "aws" / "payload_limits.py").read_text())
    texts = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in {"_RENAMED", "_DROPPED"}
    }
    return set(" ".join(texts.values()).split())


def sent(answer) -> set[str]:
    return {name.lower() for name in answer.headers} & changed()


def test_a_401_of_the_api_has_the_challenge_that_cloudfront_repeats(api, alice):
    answers = [
        Client().get(TASKS),
        Client(headers={"authorization": "Bearer x"}).get(TASKS),
        Client(headers={"authorization": "Bearer x"}).post(TASKS, "{", content_type="application/json"),
    ]
    for answer in answers:
        assert (answer.status_code, sent(answer)) == (401, {"www-authenticate"})
        assert answer["WWW-Authenticate"].startswith(CHALLENGE)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/", 302),
        ("get", "/login/", 200),
        ("post", "/login/", 422),
        ("get", "/nothing/", 404),
        ("put", "/login/", 405),
        ("get", "/health", 200),
        ("get", "/calendar/nobody.ics", 404),
        ("get", "/api/openapi.json", 200),
    ],
)
def test_a_stranger_gets_none_of_them_elsewhere(method, path, status):
    answer = getattr(Client(), method)(path)
    assert (answer.status_code, sent(answer)) == (status, set())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", TASKS, None),
        ("POST", TASKS, {"title": "x"}),
        ("POST", TASKS, {"title": ""}),
        ("GET", f"{TASKS}/nothing", None),
        ("DELETE", f"{TASKS}/0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10", None),
        ("PATCH", TASKS, {}),
        ("GET", "/api/v1/export?format=csv", None),
    ],
)
def test_a_person_gets_none_of_them(as_alice, method, path, body):
    answer = as_alice(method, path, body) if body is not None else as_alice(method, path)
    assert sent(answer) == set()


def test_no_other_of_them_is_named_in_the_product():
    """A module that sets one names it as HTTP writes it."""
    packages = ("dynamo_admin", "etl", "identity", "insights", "store", "tasks", "todo_site", "web")
    written = {name.title() for name in changed()} | {"Content-MD5", "TE", "WWW-Authenticate"}
    found = {
        (str(path.relative_to(ROOT)), node.value)
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if not {"smoke", "demo"} & set(path.parts)  # these send requests
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in written
    }
    assert {name for _, name in found} == {"WWW-Authenticate"}, found
