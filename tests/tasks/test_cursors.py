"""Cursors"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import cursors
from store.errors import InvalidCursor

positions = st.lists(st.text(max_size=60), max_size=3)


def test_a_cursor_leads_back_to_its_position():
    assert cursors.load("scope", cursors.dump("scope", ["a", "ü"])) == ["a", "ü"]


@given(st.text(max_size=30), positions)
def test_what_goes_in_comes_out(scope, position):
    cursor = cursors.dump(scope, position)
    assert cursors.load(scope, cursor) == position
    assert cursor.replace("-", "").replace("_", "").replace(".", "").isalnum()


@given(positions, st.data())
def test_a_changed_cursor_is_refused(position, data):
    cursor = cursors.dump("scope", position)
    index = data.draw(st.integers(0, len(cursor) - 2))
    other = data.draw(st.sampled_from("abcXYZ019-_").filter(lambda letter: letter != cursor[index]))
    with pytest.raises(InvalidCursor):
        cursors.load("scope", cursor[:index] + other + cursor[index + 1 :])


@given(st.text(max_size=100))
def test_nonsense_is_refused(text):
    with pytest.raises(InvalidCursor):
        cursors.load("scope", text)


def test_another_scope_is_refused():
    with pytest.raises(InvalidCursor):
        cursors.load("other", cursors.dump("scope", ["a"]))
