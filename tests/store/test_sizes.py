"""Sizes of items by DynamoDB's rules"""

from __future__ import annotations

import pytest

from store.sizes import item_bytes, value_bytes


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "abc"}, 3),
        ({"S": "ä€😀"}, 2 + 3 + 4),
        ({"N": "7"}, 2),
        ({"N": "-1234"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": b"1234"}, 4),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "22"]}, 4),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 3 + 2 + 1 + 1 + 1),
        ({"M": {"key": {"S": "value"}}}, 3 + 3 + 5 + 1),
    ],
)
def test_the_size_of_each_type(value, size):
    assert value_bytes(value) == size


def test_an_item_is_its_names_and_values():
    assert item_bytes({"PK": {"S": "a"}, "version": {"N": "1"}}) == 2 + 1 + 7 + 2
