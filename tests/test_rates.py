"""What the product does when AWS takes no more in this second: it waits and asks again, or says when to."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, override_settings

from identity import cognito, directory
from identity.errors import IdentityUnavailable
from localcloud.accounts import client_definition, pool_definition
from localcloud.server import LocalAws
from tests.local_aws import free_port
from tests.localcloud.lake import make_lake
from tests.roles import OWNER
from web import athena

HOURLY = 1 / 3600  # a second, so that no test is slow enough to be given another
NAME = f"ada-{uuid.uuid4().hex}"  # of nobody else in the table that counts the tries
PASSWORD = "Correct-Horse-9"


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], LocalAws]]:
    """Return a function that lets the product's clients of Cognito and Athena ask a local AWS with its own rates."""
    caches = (cognito.client, athena._client, athena._connect)
    servers: list[LocalAws] = []

    def start(rates: str) -> LocalAws:
        monkeypatch.setenv("LOCAL_AWS_RATES", rates)
        servers.append(LocalAws(tmp_path, free_port(), saves=False))
        servers[-1].start()
        for cache in caches:
            cache.cache_clear()
        with monkeypatch.context() as elsewhere:  # the product's other clients stay where they are
            elsewhere.setenv("AWS_ENDPOINT_URL", servers[-1].endpoint_url)
            cognito.client()
            athena._connect()
        return servers[-1]

    yield start
    for cache in caches:
        cache.cache_clear()
    for server in servers:
        server.kill()


@pytest.fixture
def people(limited: Callable[[str], LocalAws]) -> Iterator[Callable[[str], LocalAws]]:
    """Return a function that makes a pool with one person, at a local AWS with its own rates."""
    changed = []

    def make(rates: str) -> LocalAws:
        server = limited(rates)
        owner = OWNER.client("cognito-idp", endpoint_url=server.endpoint_url)
        pool = owner.create_user_pool(**pool_definition())["UserPool"]["Id"]
        app = owner.create_user_pool_client(**client_definition(pool))["UserPoolClient"]["ClientId"]
        owner.admin_create_user(UserPoolId=pool, Username=NAME, MessageAction="SUPPRESS")
        owner.admin_set_user_password(UserPoolId=pool, Username=NAME, Password=PASSWORD, Permanent=True)
        changed.append(override_settings(USER_POOL_ID=pool, CLIENT_ID=app))
        changed[-1].enable()
        return server

    yield make
    for each in changed:
        each.disable()


def test_sign_ins_beyond_cognitos_rate_are_told_when_to_come_back(people: Callable[[str], LocalAws]) -> None:
    server = people(f"UserAuthentication={HOURLY}/1")
    cognito.sign_in(NAME, PASSWORD)
    with pytest.raises(IdentityUnavailable) as caught:
        cognito.sign_in(NAME, PASSWORD)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "1")
    assert server.log.read_text().count("cognito-idp InitiateAuth") == 2, "it has asked once more"
    page = Client().post("/login/", {"identifier": NAME, "password": PASSWORD})
    assert (page.status_code, page["Retry-After"]) == (503, "1")
    assert "Try again in a moment" in page.content.decode()


def test_the_groups_of_somebody_cannot_be_read_beyond_the_rate(people: Callable[[str], LocalAws]) -> None:
    people(f"UserResourceRead={HOURLY}/1")
    assert directory.groups_of(NAME) == frozenset()
    with pytest.raises(IdentityUnavailable):
        directory.groups_of(NAME)


def lake(limited: Callable[[str], LocalAws], settings: Any, rates: str) -> LocalAws:
    server = limited(rates)
    client = partial(OWNER.client, endpoint_url=server.endpoint_url)
    make_lake(client, "todo-local-gold")
    client("athena").create_work_group(
        Name=settings.ATHENA_WORKGROUP,
        Configuration={"ResultConfiguration": {"OutputLocation": "s3://todo-local-gold/athena-results/"}},
    )
    return server


def test_a_question_beyond_athenas_rate_is_asked_again(
    limited: Callable[[str], LocalAws], settings: Any
) -> None:
    server = lake(limited, settings, "StartQueryExecution=0.4/1")
    answers = [athena.run("SELECT 1 AS one").rows for _ in range(2)]
    assert answers == [[{"one": 1}]] * 2
    assert "limit exceeded: athena StartQueryExecution" in server.log.read_text()


@pytest.mark.long
def test_a_question_that_athena_never_takes_ends_in_an_error_that_pages_show(
    limited: Callable[[str], LocalAws], settings: Any
) -> None:
    server = lake(limited, settings, f"StartQueryExecution={HOURLY}/1")
    athena.run("SELECT 1 AS one")
    with pytest.raises(athena.AthenaError, match="Rate exceeded"):
        athena.run("SELECT 2 AS two")
    refused = server.log.read_text().count("limit exceeded: athena StartQueryExecution")
    assert refused <= 4 * 3, "four times at most, three attempts each: a page cannot wait longer"
