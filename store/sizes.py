"""How large an item is by DynamoDB's rules, and what one request may carry: counted before it is sent.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html has the rules. Of numbers
they say only about how large they are; here they count as the most that they take.
"""

from collections.abc import Mapping
from typing import Any

ITEM_BYTES = 400 * 1024
TRANSACTION_BYTES = 4 * 1024 * 1024
TRANSACTION_ACTIONS = 100
_LISTS, _SETS = frozenset({"L"}), frozenset({"SS", "NS", "BS"})
# A list or map takes so many bytes, and each of its entries one.
_CONTAINER, _ENTRY = 3, 1


def item_bytes(stored: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the bytes of an item, or of some attributes, in DynamoDB's JSON: names and values."""
    return sum(len(name.encode()) + value_bytes(value) for name, value in stored.items())


def value_bytes(value: Mapping[str, Any]) -> int:
    """Return the bytes of one value in DynamoDB's JSON."""
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return _number_bytes(content)
    if kind == "M":
        return _CONTAINER + item_bytes(content) + _ENTRY * len(content)
    if kind in _LISTS:
        return _CONTAINER + sum(value_bytes(each) + _ENTRY for each in content)
    if kind in _SETS:
        return sum(_number_bytes(each) if kind == "NS" else len(each) for each in content)
    return len(content) if kind == "B" else 1


def _number_bytes(text: str) -> int:
    """Return a byte for two digits, one for the exponent and one for the sign."""
    digits = sum(sign.isdigit() for sign in text)
    return 1 + (digits + 1) // 2 + text.startswith("-")
