"""Reads: one request each, in the order asked for, and an end to asking again."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from store.attributes import WrongType
from store.model import Item, table
from store.reading import MAX_ATTEMPTS, get, get_all, query, query_all, raw_key
from store.writing import Contended, put_new, write
from tests.store.items import BinnedNoteItem, NoteItem, note


@pytest.fixture
def notes():
    """Store ten notes of one partition; every other one is pinned."""
    partition = uuid.uuid4().hex
    made = [
        note(
            partition,
            SK=f"NOTE#{number}",
            pinned=number % 2 == 0,
            updated_at=f"{9 - number}",
            GSI2PK=f"USER#{partition}",
            GSI2SK=f"PAGE#{number}",
        )
        for number in range(10)
    ]
    for item in made:
        write([put_new(item)])
    return made


def test_get_is_one_consistent_request(calls, notes):
    calls.clear()
    assert get(NoteItem, notes[3].key) == notes[3]
    assert get(NoteItem, ("NOTE#", "missing")) is None
    assert calls == {"GetItem": 2}


def test_get_refuses_another_kind(notes):
    with pytest.raises(WrongType):
        get(BinnedNoteItem, notes[0].key)


def test_get_all_keeps_the_order_in_one_request(calls, notes):
    calls.clear()
    keys = [notes[7].key, ("NOTE#", "missing"), notes[2].key]
    assert get_all(Item, keys) == [notes[7], None, notes[2]]
    assert calls == {"BatchGetItem": 1}


def test_get_all_of_nothing_asks_nothing(calls):
    assert get_all(Item, []) == []
    assert not calls


def test_get_all_asks_again_for_what_was_left_out(notes, pauses):
    name = table().table_name
    first, second = notes[:2]
    with Stubber(table().client) as stub:
        stub.add_response(
            "batch_get_item",
            {
                "Responses": {name: [second.serialize()]},
                "UnprocessedKeys": {name: {"Keys": [raw_key(first.key)], "ConsistentRead": True}},
            },
        )
        stub.add_response("batch_get_item", {"Responses": {name: [first.serialize()]}, "UnprocessedKeys": {}})
        assert get_all(NoteItem, [first.key, second.key]) == [first, second]
        stub.assert_no_pending_responses()
    assert pauses == [0]


def test_get_all_gives_up_after_some_attempts(notes, pauses):
    name = table().table_name
    keys = {name: {"Keys": [raw_key(notes[0].key)], "ConsistentRead": True}}
    with Stubber(table().client) as stub:
        for _ in range(MAX_ATTEMPTS):
            stub.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": keys})
        with pytest.raises(Contended):
            get_all(NoteItem, [notes[0].key])
        stub.assert_no_pending_responses()
    assert pauses == list(range(MAX_ATTEMPTS - 1))


def test_a_page_is_one_request_even_if_nothing_matches(calls, notes):
    calls.clear()
    page = query(NoteItem, notes[0].PK, filter_condition=NoteItem.title == "Other", limit=4)
    assert page.items == []
    assert page.last == {"PK": notes[3].PK, "SK": notes[3].SK}
    assert calls == {"Query": 1}


def test_pages_follow_each_other(notes):
    items, last = query(NoteItem, notes[0].PK, Item.SK.between("NOTE#2", "NOTE#8"), limit=4, forward=False)
    assert [item.SK for item in items] == ["NOTE#8", "NOTE#7", "NOTE#6", "NOTE#5"]
    items, last = query(
        NoteItem, notes[0].PK, Item.SK.between("NOTE#2", "NOTE#8"), limit=4, forward=False, start=last
    )
    assert [item.SK for item in items] == ["NOTE#4", "NOTE#3", "NOTE#2"]
    assert last == {}


def test_an_index_is_queried_by_its_own_keys(notes):
    partition = notes[0].GSI2PK
    items, last = query(NoteItem, partition, Item.GSI2SK.startswith("PAGE#"), index="GSI2", limit=3)
    assert items == notes[:3]
    assert last == {"PK": items[2].PK, "SK": items[2].SK, "GSI2PK": partition, "GSI2SK": "PAGE#2"}
    assert query(NoteItem, partition, index="GSI2", limit=3, start=last).items == notes[3:6]


def test_changes_are_read_consistently_by_their_time(notes):
    page = query(NoteItem, notes[0].PK, NoteItem.updated_at > "6", index="LSI1")
    assert page.items == [notes[2], notes[1], notes[0]]


def test_all_pages_are_one_request_each(calls, notes):
    calls.clear()
    assert (
        list(query_all(NoteItem, notes[0].PK, filter_condition=NoteItem.pinned.is_in(True), limit=4))
        == notes[::2]
    )
    assert calls == {"Query": 3}


@pytest.mark.parametrize(
    "read",
    [
        lambda: get(Item, ("", "")),
        lambda: get_all(Item, [("", "")]),
        lambda: query(Item, ""),
    ],
)
def test_errors_are_botocores_own(read, disturb):
    def refuse(send, arguments):
        raise ClientError({"Error": {"Code": "ValidationException", "Message": ""}}, "Query")

    for operation in ("GetItem", "BatchGetItem", "Query"):
        disturb(operation, refuse)
    with pytest.raises(ClientError, match="ValidationException"):
        read()
