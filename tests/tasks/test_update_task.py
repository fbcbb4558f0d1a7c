"""services.update_task"""

from datetime import UTC, datetime, timedelta

import pytest

from store.errors import ValidationFailed, VersionConflict, WriteContention
from store.model import INDEX_KEYS, table
from store.reading import get
from store.writing import update
from tasks import selectors, services
from tasks.errors import TaskNotFound
from tasks.items import TaskItem, task_key
from tests.dynamodb import answer_lost, stored

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def task(ctx, alice):
    given = {
        "title": "Report",
        "due_date": "2026-03-05",
        "due_time": "09:30",
        "category": "work",
        "tags": ["a", "b"],
    }
    return services.create_task(ctx(alice, NOW), given).task


def test_stores_the_changes_with_version_time_and_request(ctx, alice, task, calls):
    context = ctx(alice, NOW + timedelta(hours=1))
    changed = services.update_task(context, task.id, {"title": "Final report", "priority": "high"}).task

    assert calls.names == ["GetItem", "UpdateItem"]
    item = stored(task.PK, task.SK)
    assert item == changed.attribute_values
    assert (item["title"], item["priority"], item["version"]) == ("Final report", "high", 2)
    assert (item["created_at"], item["updated_at"]) == (task.created_at, "2026-03-01T13:00:00.000000Z")
    assert item["request_id"] == context.request_id


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "completed"},
        {"status": "in_progress", "priority": "low"},
        {"category": None},
        {"category": "home", "due_date": "2026-04-01"},
        {"due_date": None},
        {"title": "only the title"},
    ],
)
def test_index_keys_follow(ctx, alice, task, changes):
    services.update_task(ctx(alice), task.id, changes)
    found = get(TaskItem, task.key)
    assert {name: v for name, v in found.attribute_values.items() if name in INDEX_KEYS} == found.index_keys()


def test_completed_at_follows_the_status(ctx, alice, task):
    done = services.update_task(ctx(alice, NOW + timedelta(days=1)), task.id, {"status": "completed"}).task
    assert done.completed_at == "2026-03-02T12:00:00.000000Z"
    renamed = services.update_task(ctx(alice), task.id, {"title": "still done"}).task
    assert renamed.completed_at == done.completed_at
    reopened = services.update_task(ctx(alice), task.id, {"status": "in_progress"}).task
    assert "completed_at" not in stored(task.PK, task.SK)
    assert reopened.completed_at is None


def test_none_clears_and_the_time_goes_with_the_date(ctx, alice, task):
    services.update_task(ctx(alice), task.id, {"due_date": None, "tags": None, "category": ""})
    assert not {"due_date", "due_time", "tags", "category"} & stored(task.PK, task.SK).keys()


def test_a_time_without_its_date_is_refused(ctx, alice, task):
    with pytest.raises(ValidationFailed, match="due_time"):
        services.update_task(ctx(alice), task.id, {"due_date": None, "due_time": "10:00"})


def test_a_change_that_changes_nothing_writes_nothing(ctx, alice, task, calls):
    assert services.update_task(ctx(alice), task.id, {"title": "Report"}).task.version == 1
    assert calls.names == ["GetItem"]


def test_attributes_of_a_later_version_of_the_code_survive(ctx, alice, task):
    table().client.update_item(
        TableName=table().table_name,
        Key={"PK": {"S": task.PK}, "SK": {"S": task.SK}},
        UpdateExpression="SET colour = :red",
        ExpressionAttributeValues={":red": {"S": "red"}},
    )
    services.update_task(ctx(alice), task.id, {"title": "x"})
    assert stored(task.PK, task.SK)["colour"] == "red"


def test_somebody_elses_is_not_found(ctx, bob, task):
    with pytest.raises(TaskNotFound):
        services.update_task(ctx(bob), task.id, {"title": "mine"})


@pytest.mark.parametrize("task_id", ["", "nonsense", "../x", "0" * 5000])
def test_an_impossible_id_costs_no_call(ctx, alice, calls, task_id):
    with pytest.raises(TaskNotFound):
        services.update_task(ctx(alice), task_id, {"title": "x"})
    assert not calls


def test_if_version(ctx, alice, task):
    services.update_task(ctx(alice), task.id, {"title": "2"}, if_version=1)
    with pytest.raises(VersionConflict) as conflict:
        services.update_task(ctx(alice), task.id, {"title": "3"}, if_version=1)
    assert conflict.value.current == 2


def interfere(ctx, person, task_id):
    """Another request changes the task between our read and our write."""

    def trouble(call, arguments):
        task = get(TaskItem, task_key(person.id, task_id))
        call(**update(task, task.changed(description="theirs", version=task.version + 1)).arguments)
        return call(**arguments)

    return trouble


def test_a_lost_race_is_run_again_on_what_the_other_wrote(ctx, alice, task, unreliable):
    unreliable("UpdateItem", interfere(ctx, alice, task.id), times=2)
    services.update_task(ctx(alice), task.id, {"title": "ours"})
    item = stored(task.PK, task.SK)
    assert (item["title"], item["description"], item["version"]) == ("ours", "theirs", 4)


def test_a_race_lost_for_ever_is_given_up(ctx, alice, task, unreliable):
    unreliable("UpdateItem", interfere(ctx, alice, task.id), times=99)
    with pytest.raises(WriteContention):
        services.update_task(ctx(alice), task.id, {"title": "ours"})


def test_a_lost_answer_is_not_a_failure(ctx, alice, task, unreliable):
    unreliable("UpdateItem", answer_lost)
    assert services.update_task(ctx(alice), task.id, {"title": "x"}, if_version=1).task.version == 2
    assert selectors.get_task(alice.id, task.id).version == 2
