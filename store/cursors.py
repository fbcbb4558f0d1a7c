"""Opaque cursors: where a list goes on, signed so that they only work for the list they were made for."""

from typing import Any

from django.core.signing import BadSignature, Signer

from store.errors import InvalidCursor
from store.steps import OutOfStepsError, Steps

# Of a cursor, in characters: two positions, with the longest category among their keys, take some 1,300.
MAX_LENGTH = 2048


def _signer(scope: str) -> Signer:
    return Signer(sep=".", salt=f"store.cursors\0{scope}")


def dump(scope: str, position: list[Any]) -> str:
    """Return a URL-safe cursor for ``position`` in the list identified by ``scope`` (user and filters)."""
    return _signer(scope).sign_object(position)


def load(scope: str, cursor: str) -> list[Any]:
    """Return the position in ``cursor``; InvalidCursor unless ``dump`` made it for the same ``scope``.

    Nothing of it is decoded before its signature is known to be ours.
    """
    try:
        Steps(MAX_LENGTH).spend(len(cursor))
        position: list[Any] = _signer(scope).unsign_object(cursor)
    except (OutOfStepsError, BadSignature):
        raise InvalidCursor from None
    return position
