"""Personal access tokens, in the services"""

import logging
import time
from datetime import timedelta

import pytest

from identity import access_tokens
from identity.access_tokens import MAX_TOKENS, REMEMBERED_SECONDS
from identity.errors import AccessTokenNotFound, InvalidAccessToken, TooManyAccessTokens
from localcloud.capture import CAPTURED_PREFIXES
from store.errors import IdempotencyMismatch, ValidationFailed
from store.model import Item
from store.reading import get
from store.writing import remove
from tasks import selectors, services
from tasks.task_filters import TaskFilters
from tests.roles import OWNER
from tests.tasks.test_idempotency import once


@pytest.fixture(autouse=True)
def forgetful():
    access_tokens.forget()


def test_a_token_is_verified_with_one_read_for_many_requests(ctx, alice, calls):
    token, secret = access_tokens.create(ctx(alice), "backup", "read", 7)
    assert calls.names == ["Query", "TransactWriteItems"]
    assert secret.startswith("todo_")
    assert len(secret) == len("todo_") + 43  # 256 bits in base64
    assert (token.name, token.scope) == ("backup", "read")
    assert access_tokens.list_tokens(alice.id) == [token]

    calls.clear()
    grants = [access_tokens.verify(secret) for _ in range(3)]
    assert calls.names == ["GetItem"]
    assert {(grant.id, grant.scope) for grant in grants} == {(alice.id, "read")}


def test_the_secret_is_not_in_the_table(ctx, alice):
    token, secret = access_tokens.create(ctx(alice), "backup", once=once())
    assert get(Item, (f"TOKEN#{token.id}", "METADATA")).name == "backup"
    items = OWNER.client("dynamodb").scan(TableName="todo-app-data", ConsistentRead=True)["Items"]
    assert secret not in str(items)
    assert secret.removeprefix("todo_") not in str(items)


def test_revoked(ctx, alice, bob):
    token, secret = access_tokens.create(ctx(alice), "backup")
    access_tokens.verify(secret)
    with pytest.raises(AccessTokenNotFound):
        access_tokens.revoke(ctx(bob), token.id)
    access_tokens.verify(secret)

    access_tokens.revoke(ctx(alice), token.id)
    with pytest.raises(InvalidAccessToken):
        access_tokens.verify(secret)
    assert access_tokens.list_tokens(alice.id) == []
    with pytest.raises(AccessTokenNotFound):
        access_tokens.revoke(ctx(alice), token.id)


@pytest.mark.parametrize("clock", ["monotonic", "time"])
def test_another_process_notices_a_revocation_within_seconds(ctx, alice, monkeypatch, clock):
    """By either clock: the monotonic one may stand while the process is frozen."""
    token, secret = access_tokens.create(ctx(alice), "backup")
    access_tokens.verify(secret)
    remove((f"TOKEN#{token.id}", "METADATA"))
    later = getattr(time, clock)() + REMEMBERED_SECONDS + 0.1
    monkeypatch.setattr(access_tokens.time, clock, lambda: later)
    with pytest.raises(InvalidAccessToken):
        access_tokens.verify(secret)
    assert REMEMBERED_SECONDS <= 5


def test_revoking_everything(ctx, alice, bob):
    secrets = [access_tokens.create(ctx(alice), name)[1] for name in "ab"]
    _, other = access_tokens.create(ctx(bob), "c")
    assert access_tokens.revoke_all(alice.id) == 2
    for secret in secrets:
        with pytest.raises(InvalidAccessToken):
            access_tokens.verify(secret)
    assert access_tokens.verify(other).id == bob.id


def test_expired(ctx, alice):
    two_days_ago = ctx(alice).now - timedelta(days=2)
    _, secret = access_tokens.create(ctx(alice, two_days_ago), "old", "write", 1)
    assert access_tokens.list_tokens(alice.id) == []
    with pytest.raises(InvalidAccessToken, match="expired"):
        access_tokens.verify(secret)


def test_what_is_no_token_costs_no_read(ctx, alice, calls):
    _, secret = access_tokens.create(ctx(alice), "backup")
    calls.clear()
    for text in ("", "todo_", "todo_x", "todo_é", secret[:-1], secret + "=", secret + "AA\n", secret[5:]):
        with pytest.raises(InvalidAccessToken):
            access_tokens.verify(text)
    assert not calls


def test_an_unknown_token_is_looked_up_once(ctx, alice, calls):
    _, secret = access_tokens.create(ctx(alice), "backup")
    unknown = secret[:-2] + ("AA" if secret[-2:] != "AA" else "EA")
    calls.clear()
    for _ in range(3):
        with pytest.raises(InvalidAccessToken):
            access_tokens.verify(unknown)
    assert calls.names == ["GetItem"]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("name", ("", "read", 1)),
        ("name", ("x" * 101, "read", 1)),
        ("name", ("two\nlines", "read", 1)),
        ("scope", ("x", "admin", 1)),
        ("expires_in_days", ("x", "read", 0)),
        ("expires_in_days", ("x", "read", 367)),
        ("expires_in_days", ("x", "read", True)),
    ],
)
def test_invalid(ctx, alice, field, given):
    with pytest.raises(ValidationFailed) as failure:
        access_tokens.create(ctx(alice), *given)
    assert {error["field"] for error in failure.value.errors} == {field}


def test_at_most_so_many(ctx, alice, monkeypatch):
    monkeypatch.setattr(access_tokens, "MAX_TOKENS", 2)
    first = access_tokens.create(ctx(alice), "a", once=once())
    access_tokens.create(ctx(alice), "b")
    with pytest.raises(TooManyAccessTokens, match="Revoke one"):
        access_tokens.create(ctx(alice), "c")
    assert access_tokens.create(ctx(alice), "a", once=once())[1] == first[1]
    assert MAX_TOKENS == 50


def test_a_repeated_request_gets_the_same_token(ctx, alice):
    first, secret = access_tokens.create(ctx(alice), "backup", once=once())
    again, same = access_tokens.create(ctx(alice), "backup", once=once())
    assert (again, same) == (first, secret)
    assert (first.replayed, again.replayed) == (False, True)
    assert len(access_tokens.list_tokens(alice.id)) == 1
    with pytest.raises(IdempotencyMismatch):
        access_tokens.create(ctx(alice), "other", once=once(fingerprint="g"))

    key = once("revoke")
    assert not access_tokens.revoke(ctx(alice), first.id, once=key)
    assert access_tokens.revoke(ctx(alice), first.id, once=key)


def test_tokens_are_in_no_list_of_tasks_and_not_in_the_lake(ctx, alice):
    task = services.create_task(ctx(alice), {"title": "x"}).task
    token, _ = access_tokens.create(ctx(alice), "backup")
    for filters in (TaskFilters(), TaskFilters(status="pending"), TaskFilters(undated=True)):
        assert [found.id for found in selectors.list_tasks(alice.id, filters=filters).items] == [task.id]
    item = get(Item, (f"TOKEN#{token.id}", "METADATA"))
    assert not item.PK.startswith(CAPTURED_PREFIXES)
    assert f"TOKENS#{alice.id}" == item.GSI1PK  # tasks are under USER#


def test_secrets_are_not_logged(ctx, alice, caplog):
    with caplog.at_level(logging.DEBUG):
        _, secret = access_tokens.create(ctx(alice), "backup")
        access_tokens.verify(secret)
    ours = [record for record in caplog.records if not record.name.startswith(("botocore", "urllib3"))]
    assert secret not in str([record.getMessage() for record in ours])
