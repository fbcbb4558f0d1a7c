"""Reads JSON that somebody sent: strictly, as RFC 8259 wishes senders to write it (ADR 042)."""

import json
from collections import Counter
from typing import Any

from pydantic_core import from_json


class InvalidJson(ValueError):  # noqa: N818
    """The text is not JSON; ``str()`` of it says where and why."""


def load(text: str) -> Any:
    """Return the value of ``text``. Raises InvalidJson.

    Names that an object has twice, NaN, lone surrogates and deep nesting are refused.
    """
    try:
        # Unlike json.loads this bounds the nesting, and refuses NaN and lone surrogates.
        value = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidJson(str(error)) from None
    # But it keeps the last of two values. Numbers are no concern here, and long ones would be refused.
    json.loads(text, object_pairs_hook=_names_once, parse_int=str, parse_float=str)
    return value


def _names_once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _value in pairs}) < len(pairs):
        name = Counter(name for name, _value in pairs).most_common(1)[0][0]
        raise InvalidJson(f"the name “{name[:50]}” occurs twice in one object")
