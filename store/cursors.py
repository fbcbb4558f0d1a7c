"""Opaque cursors: where a list goes on, signed so that they only work for the list they were made for."""

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache
from typing import Any

from django.conf import settings
from pydantic_core import from_json, to_json

from store.errors import InvalidCursor

MAC_BYTES = 16
MAX_LENGTH = 1024


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"store.cursors" + secret.encode()).digest()


def _mac(scope: str, payload: bytes) -> bytes:
    message = scope.encode() + b"\0" + payload
    return hmac.digest(_key(settings.SECRET_KEY), message, "sha256")[:MAC_BYTES]


def dump(scope: str, position: list[Any]) -> str:
    """Return a URL-safe cursor for ``position`` in the list identified by ``scope`` (user and filters)."""
    payload = to_json(position)
    return base64.urlsafe_b64encode(_mac(scope, payload) + payload).decode().rstrip("=")


def load(scope: str, cursor: str) -> list[Any]:
    """Return the position in ``cursor``; InvalidCursor unless ``dump`` made it for the same ``scope``."""
    try:
        if len(cursor) > MAX_LENGTH:
            raise InvalidCursor
        data = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidCursor from None
    mac, payload = data[:MAC_BYTES], data[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(scope, payload)):
        raise InvalidCursor
    position: list[Any] = from_json(payload)
    return position
