"""Values are refused or stored exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from store.attributes import WrongType, typed
from tests.store.items import NoteItem, note

values = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.integers(-(10**37), 10**37)
    | st.sampled_from([Decimal("1.25")]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=6))
def test_a_map_is_stored_as_boto3_stores_it_and_reads_the_same(value):
    raw = NoteItem.headers.serialize(value)
    assert {name: TypeDeserializer().deserialize(part) for name, part in raw.items()} == value
    assert NoteItem.headers.deserialize(raw) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", 5),
        ("title", b"x"),
        ("pages", "5"),
        ("pages", 5.0),
        ("pages", True),
        ("pages", float("nan")),
        ("pinned", 1),
        ("pinned", "true"),
        ("tags", "one"),
        ("tags", ["one", 2]),
        ("tags", ("one",)),
        ("lines", [{"text": "x"}, "y"]),
        ("lines", [{"text": 1.5}]),
        ("headers", [("a", "b")]),
        ("headers", {"a": object()}),
        ("headers", {1: "a"}),
    ],
)
def test_a_value_of_another_type_is_not_written(name, value):
    with pytest.raises(WrongType, match=rf"^NoteItem\.{name} takes "):
        note(**{name: value}).serialize()


def test_conditions_and_updates_refuse_other_types_too():
    with pytest.raises(WrongType):
        _ = NoteItem.pages == "5"
    with pytest.raises(WrongType):
        NoteItem.title.set(5)


def test_the_value_itself_is_not_told():
    with pytest.raises(WrongType) as failure:
        note(title=["secret"]).serialize()
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**37 + 1])
def test_whole_numbers_are_exact(number):
    assert NoteItem.pages.deserialize(NoteItem.pages.serialize(number)) == number


def test_floats_are_refused():
    with pytest.raises(WrongType):
        typed(1.5)
