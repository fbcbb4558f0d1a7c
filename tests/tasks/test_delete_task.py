"""services.delete_task and restore_task"""

import zlib
from datetime import UTC, datetime, timedelta

import pytest

from store.errors import VersionConflict
from tasks import selectors, services
from tasks.errors import TaskNotFound
from tests.dynamodb import stored

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def task(ctx, alice):
    return services.create_task(
        ctx(alice, NOW), {"title": "Report", "due_date": "2030-03-05", "tags": ["a"]}
    ).task


def test_moves_the_task_to_the_trash_with_its_expiry(ctx, alice, task, calls):
    context = ctx(alice, NOW + timedelta(hours=1))
    services.delete_task(context, task.id)

    assert calls.names == ["GetItem", "TransactWriteItems"]
    assert stored(task.PK, task.SK) is None
    trashed = stored(f"TRASH#{alice.id}", f"TASK#{task.id}")
    indexed = {name: trashed.pop(name) for name in list(trashed) if name.startswith("GSI")}
    shard = zlib.crc32(task.id.encode()) % 8
    assert indexed == {
        "GSI5PK": f"FEED#TRASH#{shard}",
        "GSI5SK": f"2030-03-01T13:00:00.000000Z#{task.id}",
    }
    assert {name: trashed[name] for name in trashed.keys() - task.attribute_values.keys()} == {
        "deleted_at": "2030-03-01T13:00:00.000000Z",
        "deleted_by": alice.id,
        "expires_at": int(context.now.timestamp()) + 30 * 24 * 3600,
    }
    assert (trashed["version"], trashed["updated_at"]) == (2, trashed["deleted_at"])
    assert (trashed["entity_type"], trashed["request_id"]) == ("TRASH", context.request_id)


def test_restore(ctx, alice, task, calls):
    services.delete_task(ctx(alice, NOW + timedelta(hours=1)), task.id)
    calls.clear()
    restored = services.restore_task(ctx(alice, NOW + timedelta(hours=2)), task.id).task

    assert calls.names == ["GetItem", "TransactWriteItems"]
    item = stored(task.PK, task.SK)
    assert item == restored.attribute_values
    authored = {"version": 3, "updated_at": "2030-03-01T14:00:00.000000Z", "request_id": item["request_id"]}
    assert item == task.attribute_values | authored
    assert stored(f"TRASH#{alice.id}", f"TASK#{task.id}") is None


def test_twice(ctx, alice, task):
    services.delete_task(ctx(alice), task.id)
    with pytest.raises(TaskNotFound):
        services.delete_task(ctx(alice), task.id)


def test_somebody_elses_is_not_found(ctx, bob, task):
    for operation in (services.delete_task, services.restore_task):
        with pytest.raises(TaskNotFound):
            operation(ctx(bob), task.id)


def test_if_version(ctx, alice, task):
    with pytest.raises(VersionConflict):
        services.delete_task(ctx(alice), task.id, if_version=7)
    assert stored(task.PK, task.SK)


def test_what_has_expired_in_the_trash_is_gone(ctx, alice, task):
    services.delete_task(ctx(alice, NOW), task.id)
    late = NOW + timedelta(days=30, seconds=1)
    with pytest.raises(TaskNotFound):
        services.restore_task(ctx(alice, late), task.id)
    assert not selectors.get_trashed(alice.id, now=late.timestamp()).items


def test_the_trash_is_listed(ctx, alice, bob, task, calls):
    other = services.create_task(ctx(alice, NOW + timedelta(hours=1)), {"title": "Other"}).task
    for one in (task, other):
        services.delete_task(ctx(alice, NOW), one.id)
    calls.clear()
    trashed = selectors.get_trashed(alice.id, now=NOW.timestamp()).items
    assert calls.names == ["Query"]
    assert [item.title for item in trashed] == ["Other", "Report"]
    assert not selectors.get_trashed(bob.id).items
