"""Items and their ids"""

import unicodedata
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from store.model import table_definition
from tasks.ids import is_id, new_id
from tasks.items import TaskItem, category_prefix
from tests.roles import OWNER


def test_unknown_attributes_survive_reading_and_writing():
    raw = {"id": {"S": "1"}, "version": {"N": "3"}, "tags": {"L": [{"S": "a"}]}, "unknown": {"BOOL": True}}
    task = TaskItem.from_raw_data(raw)
    assert (task.id, task.version, task.tags, task.title) == ("1", 3, ["a"], None)
    assert task.serialize(null_check=False) == raw


def test_pynamodb_reads_the_same_items(ctx, alice):
    from tasks import services

    task = services.create_task(ctx(alice), {"title": "x"}).task
    assert TaskItem.get(task.PK, task.SK).attribute_values == task.attribute_values
    found = TaskItem.gsi1.query(f"USER#{alice.id}")
    assert [item.id for item in found] == [task.id]


def test_the_table_is_as_defined():
    expected = table_definition("todo-app-data")
    table = OWNER.client("dynamodb").describe_table(TableName="todo-app-data")["Table"]
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert table["KeySchema"] == expected["KeySchema"]
    assert table["StreamSpecification"] == expected["StreamSpecification"]
    (local,) = table["LocalSecondaryIndexes"]
    assert local["KeySchema"] == expected["LocalSecondaryIndexes"][0]["KeySchema"]
    for index in expected["GlobalSecondaryIndexes"]:
        assert indexes[index["IndexName"]]["KeySchema"] == index["KeySchema"]
        assert indexes[index["IndexName"]]["Projection"] == index["Projection"]


@given(st.integers(0, 4 * 10**15), st.integers(0, 10**14))
def test_ids_sort_by_time(microseconds, later):
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    later = timedelta(microseconds=later)
    first, second = new_id(moment), new_id(moment + later)
    assert is_id(first)
    assert first[14] == "7"
    # The 12 bits after the milliseconds hold 4096 steps for 1000 microseconds.
    assert first[:18] < second[:18] or later == timedelta(0)


@example("\ufdfa" * 50)
@example("%" * 50)
@given(st.text(min_size=1, max_size=50) | st.text("\ufdfa\ufdfb%#\uff05\u3300", min_size=1, max_size=50))
def test_the_key_of_a_category_fits_and_is_that_of_all_its_spellings(category):
    prefix = category_prefix(category)
    assert prefix == category_prefix(unicodedata.normalize("NFKD", category))
    assert len(prefix.encode("utf-8", "replace")) + 36 <= 1024
    assert prefix.startswith("CATEGORY#")
    assert prefix.count("#") == 2


def test_seeded_ids_repeat():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert new_id(now, "a") == new_id(now, "a") != new_id(now, "b")
