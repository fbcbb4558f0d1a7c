"""Enrolling an authenticator app: what the app scans, and the secret on its way from one page to the next."""

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from django.conf import settings

from identity.users import Person

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

SEAL_SECONDS = 600


def seal(person: Person, access_token: str, secret: str) -> str:
    """Return the token and the secret of an enrolment encrypted, for a hidden field of the page."""
    return _box().encrypt(json.dumps([person.id, access_token, secret]).encode()).decode()


def unseal(person: Person, sealed: str) -> tuple[str, str] | None:
    """Return the token and the secret of an enrolment this person began in the last ten minutes, or None."""
    from cryptography.fernet import InvalidToken

    try:
        owner, access_token, secret = json.loads(_box().decrypt(sealed.encode(), ttl=SEAL_SECONDS))
    except (InvalidToken, ValueError):
        return None
    return (access_token, secret) if owner == person.id else None


def _box() -> "Fernet":
    from cryptography.fernet import Fernet  # imported here: no other page needs cryptography

    digest = hashlib.sha256(b"todo_site.account.proofs" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def app_address(person: Person, secret: str) -> str:
    """Return the address that tells an authenticator app the secret."""
    return f"otpauth://totp/Todo:{person.email or person.username}?secret={secret}&issuer=Todo"


def qr_code(text: str) -> str:
    """Return a QR code as an SVG element, which contains no part of the text."""
    import segno

    return segno.make(text, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff")
