"""DynamoDB attribute maps to JSON text, without losing a digit.

Numbers are copied digit by digit, never through a float. Strings, booleans, null, lists and maps are plain JSON; sets
become sorted arrays and binary becomes base64 text; `special_types` tells which values those were.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Attribute = Mapping[str, Any]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_INDEX_KEY = re.compile(r"(?:GSI\d+)?[PS]K")


class ImageError(ValueError):
    """An attribute map that DynamoDB does not send."""


def image_json(item: Mapping[str, Attribute]) -> str:
    """An item's attributes as JSON object text: keys sorted, without `PK`, `SK` and the index keys.

    Parameters
    ----------
    item
        `{"title": {"S": "…"}, "version": {"N": "3"}, …}` as in a stream record's image.

    Raises
    ------
    ImageError
        For an unknown type tag, a malformed number or value.
    """
    return _map(own_attributes(item))


def own_attributes(item: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """The attributes that are data: all except table and index keys, which are computed from the others."""
    return {name: value for name, value in item.items() if not _INDEX_KEY.fullmatch(name)}


def special_types(item: Mapping[str, Attribute]) -> dict[str, str]:
    """JSON pointer -> type tag (`SS`, `NS`, `BS`, `B`) of every value that plain JSON cannot tell apart."""
    return dict(_special("", {"M": own_attributes(item)}))


def _special(path: str, attribute: Attribute) -> Iterator[tuple[str, str]]:
    tag, value = _tagged(attribute)
    if tag in {"SS", "NS", "BS", "B"}:
        yield path, tag
    elif tag == "M":
        for name, inner in value.items():
            yield from _special(f"{path}/{name.replace('~', '~0').replace('/', '~1')}", inner)
    elif tag == "L":
        for index, inner in enumerate(value):
            yield from _special(f"{path}/{index}", inner)


def _tagged(attribute: Attribute) -> tuple[str, Any]:
    if not isinstance(attribute, Mapping) or len(attribute) != 1:
        raise ImageError("an attribute must have exactly one type tag")
    return next(iter(attribute.items()))


def _value(attribute: Attribute) -> str:
    tag, value = _tagged(attribute)
    try:
        return str(_WRITERS[tag](value))
    except KeyError:
        raise ImageError(f"unknown attribute type {tag!r}") from None
    except (TypeError, AttributeError) as error:
        raise ImageError(f"malformed {tag} attribute") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ImageError("a string attribute must hold text")
    return json.dumps(value, ensure_ascii=False)


def _number(value: Any) -> str:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise ImageError("malformed N attribute")
    return value


def _binary(value: Any) -> str:
    # Lambda events carry base64 text, boto3's own stream client carries bytes.
    return _text(value if isinstance(value, str) else base64.b64encode(value).decode())


def _map(value: Mapping[str, Attribute]) -> str:
    return "{" + ",".join(f"{_text(name)}:{_value(value[name])}" for name in sorted(value)) + "}"


def _list(value: Any) -> str:
    return "[" + ",".join(_value(inner) for inner in value) + "]"


def _set(write: Any) -> Any:
    return lambda values: "[" + ",".join(sorted(write(value) for value in values)) + "]"


_WRITERS: dict[str, Any] = {
    "S": _text,
    "N": _number,
    "BOOL": lambda value: "true" if value else "false",
    "NULL": lambda _: "null",
    "B": _binary,
    "M": _map,
    "L": _list,
    "SS": _set(_text),
    "NS": _set(_number),
    "BS": _set(_binary),
}


def attributes_of(image: str, types: Mapping[str, str] | None = None) -> dict[str, Attribute]:
    """The reverse of `image_json`: the attribute map, without key attributes.

    Parameters
    ----------
    image
        JSON object text.
    types
        The result of `special_types` for the same item.

    Raises
    ------
    ImageError
        For text that is no JSON object, or a type tag that does not fit its value.
    """
    try:
        plain = json.loads(image, parse_int=_Digits, parse_float=_Digits)
    except ValueError as error:
        raise ImageError(f"not JSON: {error}") from error
    if not isinstance(plain, dict):
        raise ImageError("an image must be a JSON object")
    return dict(_attribute("", plain, types or {})["M"])


class _Digits(str):
    """A number, as it was written."""

    __slots__ = ()


def _attribute(path: str, value: Any, types: Mapping[str, str]) -> dict[str, Any]:
    tag = types.get(path)
    if tag is not None:
        return {tag: _special_value(tag, value)}
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case _Digits():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [_attribute(f"{path}/{index}", inner, types) for index, inner in enumerate(value)]}
    steps = {name: f"{path}/{name.replace('~', '~0').replace('/', '~1')}" for name in value}
    return {"M": {name: _attribute(steps[name], inner, types) for name, inner in value.items()}}


def _special_value(tag: str, value: Any) -> Any:
    if tag == "B" and isinstance(value, str):
        return base64.b64decode(value)
    if tag in {"SS", "NS"} and isinstance(value, list):
        return [str(inner) for inner in value]
    if tag == "BS" and isinstance(value, list):
        return [base64.b64decode(inner) for inner in value]
    raise ImageError(f"{tag} does not fit {value!r:.50}")
