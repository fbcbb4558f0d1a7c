"""DynamoDB's typed JSON to plain Python and back, for the few types our items use.

PynamoDB's own conversion goes attribute by attribute through descriptors; on a page of 50 tasks that costs more
than the query itself. Items here are plain strings, integers, booleans, lists and maps, so one small walk is enough.
It keeps attributes that this version of the code does not know.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

AttributeValue = dict[str, Any]
RawItem = dict[str, AttributeValue]

_SLOW_DECODE: Callable[[Any], Any] = TypeDeserializer().deserialize
_SLOW_ENCODE = TypeSerializer().serialize


def _number(text: str) -> int | Decimal:
    return int(text) if text.lstrip("-").isdecimal() else Decimal(text)


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "NULL": lambda _: None,
    "L": lambda values: [decode(value) for value in values],
    "M": lambda values: {name: decode(value) for name, value in values.items()},
}


def decode(value: AttributeValue) -> Any:
    """Return the Python value of one ``{"S": "text"}``-shaped attribute; whole numbers are int, others Decimal."""
    ((kind, content),) = value.items()
    decoder = _DECODERS.get(kind)
    return decoder(content) if decoder else _SLOW_DECODE(value)


def encode(value: Any) -> AttributeValue:
    """Return ``value`` as DynamoDB's typed JSON; TypeError for a float, which would lose exactness."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is bool:
        return {"BOOL": value}
    if kind is int:
        return {"N": str(value)}
    if kind is list:
        return {"L": [encode(element) for element in value]}
    if kind is dict:
        return {"M": {name: encode(element) for name, element in value.items()}}
    return dict(_SLOW_ENCODE(value))


def decode_item(raw: Mapping[str, AttributeValue]) -> dict[str, Any]:
    """Return a stored item as a plain dict of attribute name to Python value."""
    return {name: value["S"] if "S" in value else decode(value) for name, value in raw.items()}


def encode_item(values: Mapping[str, Any]) -> RawItem:
    """Return a plain dict as an item to store; attributes that are None are left out."""
    return {name: encode(value) for name, value in values.items() if value is not None}
