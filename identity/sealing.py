"""Values that leave the site encrypted and come back unchanged, such as what a link of a sign-up is about.

Each kind has a key of its own, so that a value of one kind opens nothing of another.
"""

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

LONGEST = 8000


def seal(kind: str, *values: str) -> str:
    """Return the values as a text for an address or a hidden field, which shows none of them."""
    return _box(kind).encrypt(json.dumps(values).encode()).decode()


def unseal(kind: str, sealed: str, seconds: int) -> list[str] | None:
    """Return the values that were sealed as this kind in the last ``seconds``, or None."""
    from cryptography.fernet import InvalidToken

    if len(sealed) > LONGEST:
        return None
    try:
        values: list[str] = json.loads(_box(kind).decrypt(sealed.encode(), ttl=seconds))
    except (InvalidToken, ValueError):
        return None
    return values


def _box(kind: str) -> "Fernet":
    from cryptography.fernet import Fernet  # imported here: few pages need cryptography

    digest = hashlib.sha256(f"identity.sealing.{kind}.{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
