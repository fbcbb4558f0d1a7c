"""services.create_task"""

from datetime import UTC, datetime

import pytest

from store.errors import ValidationFailed, WriteContention
from store.model import INDEX_KEYS
from store.writing import MAX_ATTEMPTS
from tasks import services
from tests.dynamodb import answer_lost, conflict, stored

NOW = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
STAMP = "2026-03-01T12:30:00.123456Z"


def test_stores_the_whole_task_with_one_put(ctx, alice, calls):
    context = ctx(alice, NOW)
    task = services.create_task(
        context, {"title": " Buy milk ", "due_date": "2026-03-02", "category": "home"}
    ).task

    assert calls.names == ["PutItem"]
    item = stored(f"TASK#{alice.id}", f"TASK#{task.id}")
    assert item == task.attribute_values
    assert {name: item[name] for name in item.keys() - INDEX_KEYS - {"PK", "SK", "id"}} == {
        "user_id": alice.id,
        "title": "Buy milk",
        "status": "pending",
        "priority": "medium",
        "category": "home",
        "due_date": "2026-03-02",
        "created_at": STAMP,
        "updated_at": STAMP,
        "version": 1,
        "updated_by": alice.id,
        "request_id": context.request_id,
        "entity_type": "TASK",
    }


def test_every_index_key(ctx, alice):
    given = {
        "title": "x",
        "due_date": "2026-03-02",
        "category": "C#",
        "status": "in_progress",
        "priority": "urgent",
    }
    item = services.create_task(ctx(alice, NOW), given).task.attribute_values
    owner, suffix = f"USER#{alice.id}", item["id"]
    feed = item.pop("GSI5PK")
    assert feed.startswith("FEED#TASK#")
    assert int(feed[-1]) < 8
    assert {name: item[name] for name in INDEX_KEYS if name in item} == {
        "GSI1PK": owner,
        "GSI1SK": f"STATUS#in_progress#{suffix}",
        "GSI2PK": owner,
        "GSI2SK": f"DUEDATE#2026-03-02#{suffix}",
        "GSI3PK": owner,
        "GSI3SK": f"PRIORITY#urgent#{suffix}",
        "GSI4PK": owner,
        "GSI4SK": f"CATEGORY#c%23#{suffix}",
        "GSI5SK": f"{STAMP}#{suffix}",
    }


@pytest.mark.parametrize(
    "given",
    [{"title": "x"}, {"title": "x", "status": "cancelled", "due_date": "2026-03-02"}],
    ids=["undated", "closed"],
)
def test_only_open_tasks_with_a_due_date_are_in_the_due_date_index(ctx, alice, given):
    item = services.create_task(ctx(alice), given).task.attribute_values
    assert "GSI2PK" not in item
    assert "GSI2SK" not in item


def test_created_completed(ctx, alice):
    assert (
        services.create_task(ctx(alice, NOW), {"title": "x", "status": "completed"}).task.completed_at
        == STAMP
    )


def test_invalid_fields_write_nothing(ctx, alice, calls):
    with pytest.raises(ValidationFailed) as failure:
        services.create_task(ctx(alice), {"title": "", "colour": "red", "due_time": "12:00"})
    assert {error["field"] for error in failure.value.errors} == {"title", "colour"}
    assert not calls


def test_a_time_needs_a_date(ctx, alice):
    with pytest.raises(ValidationFailed, match="due_time"):
        services.create_task(ctx(alice), {"title": "x", "due_time": "12:00"})


def test_a_lost_answer_is_not_a_failure(ctx, alice, unreliable):
    unreliable("PutItem", answer_lost)
    task = services.create_task(ctx(alice), {"title": "x"}).task
    assert stored(task.PK, task.SK)["title"] == "x"


def test_contention_is_retried_then_reported(ctx, alice, unreliable):
    once = services.Once("key", "fingerprint", lambda task: services.StoredReply(201, task.id))
    unreliable("TransactWriteItems", conflict, times=2)
    assert services.create_task(ctx(alice), {"title": "x"}, once=once).task.title == "x"
    unreliable("TransactWriteItems", conflict, times=MAX_ATTEMPTS)
    with pytest.raises(WriteContention):
        services.create_task(ctx(alice), {"title": "x"}, once=services.Once("other", "f", once.reply))
