"""Idempotency keys, in the services"""

import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.errors import IdempotencyMismatch, ValidationFailed
from store.request_context import RequestContext
from tasks import selectors, services
from tasks.services import Once, StoredReply


def once(key="key", fingerprint="f"):
    return Once(key, fingerprint, lambda task: StoredReply(201, f"made {task.id}", {"ETag": '"1"'}))


def test_the_second_request_gets_the_first_reply(ctx, alice, calls):
    first = services.create_task(ctx(alice), {"title": "x"}, once=once())
    assert calls.names == ["TransactWriteItems"]
    calls.clear()
    again = services.create_task(ctx(alice), {"title": "x"}, once=once())

    assert calls.names == ["TransactWriteItems"]
    assert (again.replayed, again.reply) == (True, first.reply)
    assert first.reply == StoredReply(201, f"made {first.task.id}", {"ETag": '"1"'})
    assert again.task.SK == first.task.SK
    assert len(selectors.list_tasks(alice.id).items) == 1


def test_another_request_with_the_same_key(ctx, alice):
    services.create_task(ctx(alice), {"title": "x"}, once=once())
    with pytest.raises(IdempotencyMismatch):
        services.create_task(ctx(alice), {"title": "y"}, once=once(fingerprint="g"))


def test_keys_are_per_person(ctx, alice, bob):
    services.create_task(ctx(alice), {"title": "x"}, once=once())
    assert not services.create_task(ctx(bob), {"title": "x"}, once=once()).replayed


def test_kept_for_a_day(ctx, alice):
    context = ctx(alice)
    services.create_task(context, {"title": "x"}, once=once())
    almost, over = (ctx(alice, context.now + timedelta(days=1, seconds=s)) for s in (-2, 2))
    assert services.create_task(almost, {"title": "x"}, once=once()).replayed
    assert not services.create_task(over, {"title": "x"}, once=once()).replayed


def test_a_refusal_is_not_stored(ctx, alice):
    with pytest.raises(ValidationFailed):
        services.create_task(ctx(alice), {"title": ""}, once=once())
    assert not services.create_task(ctx(alice), {"title": "x"}, once=once()).replayed


def test_updates(ctx, alice, calls):
    task = services.create_task(ctx(alice), {"title": "x"}).task
    calls.clear()
    services.update_task(ctx(alice), task.id, {"title": "y"}, once=once())
    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    services.update_task(ctx(alice), task.id, {"title": "z"})
    calls.clear()
    assert services.update_task(ctx(alice), task.id, {"title": "y"}, once=once()).replayed
    assert calls.names == ["BatchGetItem"]
    assert selectors.get_task(alice.id, task.id).title == "z"


def test_an_update_that_changes_nothing_is_remembered_too(ctx, alice):
    task = services.create_task(ctx(alice), {"title": "x"}).task
    assert services.update_task(ctx(alice), task.id, {"title": "x"}, once=once()).task.version == 1
    services.update_task(ctx(alice), task.id, {"title": "z"})
    assert services.update_task(ctx(alice), task.id, {"title": "x"}, once=once()).replayed


def test_deletions(ctx, alice, calls):
    task = services.create_task(ctx(alice), {"title": "x"}).task
    calls.clear()
    services.delete_task(ctx(alice), task.id, once=once())
    assert calls.names == ["BatchGetItem", "TransactWriteItems"]
    assert services.delete_task(ctx(alice), task.id, once=once()).replayed


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), max_size=8))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_sequence_makes_one_task_a_key(ctx, alice, requests):
    user = f"user-{uuid.uuid4()}"
    first: dict[str, tuple[str, StoredReply]] = {}
    for key, title in requests:
        base = ctx(alice)
        context = RequestContext(user, user, base.request_id, base.now)
        if key in first and first[key][0] != title:
            with pytest.raises(IdempotencyMismatch):
                services.create_task(context, {"title": title}, once=once(key, title))
            continue
        written = services.create_task(context, {"title": title}, once=once(key, title))
        assert written.replayed == (key in first)
        assert written.reply == first.setdefault(key, (title, written.reply))[1]
    assert sorted(task.title for task in selectors.list_tasks(user).items) == sorted(
        t for t, _ in first.values()
    )
