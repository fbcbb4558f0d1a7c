"""Items: which class they are read as, what they keep, what they refuse."""

from __future__ import annotations

import copy
import pickle

import pytest
from pynamodb.exceptions import AttributeNullError

from store.attributes import WrongType
from store.model import CHANGES, INDEXES, Authored, Item, table, table_definition
from store.reading import get
from store.writing import put, put_new, update, write
from tests.store.items import BinnedNoteItem, NoteItem, next_version, note

NEWER = {
    "colour": {"S": "red"},
    "shape": {"M": {"S": {"S": "x"}, "scan": {"B": b"\x00\xff"}}},
    "sizes": {"NS": ["1", "2"]},
}


def stored(item):
    """Return an item as it is in the table."""
    return table().client.get_item(TableName=table().table_name, Key=raw_key(item), ConsistentRead=True)[
        "Item"
    ]


def raw_key(item):
    return {"PK": {"S": item.PK}, "SK": {"S": item.SK}}


def store_newer(item):
    """Store an item as a newer version of the code would, with attributes this one does not know."""
    table().client.put_item(TableName=table().table_name, Item=item.serialize() | NEWER)


def test_attributes_are_typed_and_listed_as_a_plain_dict():
    item = note(body=None, tags=["a"])
    assert (item.title, item.version, item.body, item.tags) == ("First", 1, None, ["a"])
    assert item.attribute_values["title"] == "First"
    assert "body" not in item.attribute_values
    assert item.entity_type == "STORE_TEST_NOTE"


def test_an_item_can_be_copied_and_pickled():
    item = note().changed(title="Second")
    assert copy.deepcopy(item) == pickle.loads(pickle.dumps(item)) == item


def test_an_attribute_that_is_not_declared_cannot_be_given():
    with pytest.raises(ValueError, match="NoteItem has no colour"):
        note(colour="red")


def test_a_missing_attribute_is_refused_at_write():
    with pytest.raises(AttributeNullError, match=r"NoteItem\.title"):
        note(title=None).serialize()


def test_the_class_is_chosen_by_what_is_stored():
    item = note()
    write([put_new(item.copied_as(BinnedNoteItem, deleted_at="now"))])
    for model in (Item, Authored, NoteItem):
        assert type(get(model, item.key)) is BinnedNoteItem


def test_a_kind_nobody_declared_is_read_as_the_class_asked_for():
    raw = {"PK": {"S": "a"}, "SK": {"S": "b"}, "entity_type": {"S": "FROM_THE_FUTURE"}, "size": {"N": "1"}}
    item = Item.from_raw_data(raw)
    assert (type(item), item.entity_type, item.unknown) == (Item, "FROM_THE_FUTURE", {"size": {"N": "1"}})
    assert item.serialize() == raw


@pytest.mark.parametrize("kind", ["STORE_TEST_NOTE", "FROM_THE_FUTURE"])
def test_another_kind_than_was_expected_is_refused(kind):
    raw = note().serialize() | {"entity_type": {"S": kind}}
    with pytest.raises(WrongType, match=f"{kind} is stored where BinnedNoteItem was expected"):
        BinnedNoteItem.from_raw_data(raw)


def test_two_classes_cannot_share_a_kind():
    with pytest.raises(TypeError, match="are both STORE_TEST_NOTE"):
        type("Copy", (Item,), {"ENTITY_TYPE": "STORE_TEST_NOTE"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", {"N": "1"}),
        ("pages", {"S": "notanumber"}),
        ("pages", {"N": "1.5"}),
        ("pinned", {"S": "true"}),
        ("tags", {"L": [{"N": "1"}]}),
        ("tags", {"SS": ["a"]}),
        ("lines", {"L": [{"S": "x"}]}),
        ("headers", {"L": []}),
    ],
)
def test_a_stored_value_of_another_type_is_refused(name, value):
    with pytest.raises(WrongType, match=rf"NoteItem\.{name} takes"):
        NoteItem.from_raw_data(note().serialize() | {name: value})


def test_null_reads_as_not_set():
    item = NoteItem.from_raw_data(note().serialize() | {"body": {"NULL": True}})
    assert item.body is None
    assert "body" not in item.attribute_values


def test_unknown_attributes_survive_reading_putting_and_updating():
    item = note(body="x")
    store_newer(item)
    read = get(NoteItem, item.key)
    assert {**read.unknown} == NEWER
    write([put(read.changed(title="Second"))])
    assert {name: stored(item)[name] for name in NEWER} == NEWER
    read = get(NoteItem, item.key)
    write([update(read, next_version(read, title="Third", body=None))])
    assert {name: stored(item)[name] for name in NEWER} == NEWER
    assert stored(item)["title"] == {"S": "Third"}
    assert "body" not in stored(item)


def test_unknown_attributes_move_along_to_another_class():
    item = note()
    store_newer(item)
    binned = get(NoteItem, item.key).copied_as(BinnedNoteItem, PK=item.PK + "#BIN", deleted_at="now")
    write([put_new(binned)])
    assert {name: stored(binned)[name] for name in NEWER} == NEWER
    back = get(Item, binned.key).copied_as(NoteItem, PK=item.PK, deleted_at=None)
    assert back == get(NoteItem, item.key)


def test_an_update_to_an_item_made_afresh_removes_what_is_unknown():
    item = note()
    store_newer(item)
    read = get(NoteItem, item.key)
    write([update(read, next_version(note(**item.attribute_values), title=""))])
    assert stored(item).keys().isdisjoint(NEWER)


@pytest.mark.parametrize("kind", ["S", "N", "M", "L", "BOOL", "NULL", "B", "SS"])
def test_a_map_with_one_key_called_like_a_type_survives(kind):
    item = note(headers={kind: "x"}, lines=[{kind: "y"}])
    write([put_new(item)])
    assert get(NoteItem, item.key) == item
    changed = next_version(item, headers={kind: {kind: "z"}}, lines=[{kind: [{kind: "z"}]}])
    write([update(item, changed)])
    assert get(NoteItem, item.key) == changed
    changed.update([NoteItem.headers.set({kind: "plain PynamoDB"})])
    assert get(NoteItem, item.key).headers == {kind: "plain PynamoDB"}


def test_plain_pynamodb_reads_and_writes_the_same_items():
    item = note(GSI1PK="STORE#plain", GSI1SK="1")
    item.save()
    assert NoteItem.get(*item.key, consistent_read=True) == item
    assert [found.key for found in Item.gsi1.query("STORE#plain")] == [item.key]
    assert list(Item.lsi1.query(item.PK, consistent_read=True)) == [item]
    assert list(NoteItem.batch_get([item.key])) == [item]
    item.delete()


def test_the_models_have_the_indexes_of_the_table():
    assert set(Item._indexes) == {*INDEXES, CHANGES}
    defined = table_definition("todo-app-data")
    found = table().client.describe_table(TableName="todo-app-data")["Table"]
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        keys = {index["IndexName"]: index["KeySchema"] for index in found[kind]}
        assert keys == {index["IndexName"]: index["KeySchema"] for index in defined[kind]}
