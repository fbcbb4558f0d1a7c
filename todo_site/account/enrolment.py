"""Enrolling an authenticator app: what the app scans, and the secret on its way from one page to the next."""

from identity import sealing
from identity.users import Person

SEAL_SECONDS = 600
_KIND = "enrolment"


def seal(person: Person, access_token: str, secret: str) -> str:
    """Return the token and the secret of an enrolment encrypted, for a hidden field of the page."""
    return sealing.seal(_KIND, person.id, access_token, secret)


def unseal(person: Person, sealed: str) -> tuple[str, str] | None:
    """Return the token and the secret of an enrolment this person began in the last ten minutes, or None."""
    opened = sealing.unseal(_KIND, sealed, SEAL_SECONDS)
    if opened is None or opened[0] != person.id:
        return None
    return opened[1], opened[2]


def app_address(person: Person, secret: str) -> str:
    """Return the address that tells an authenticator app the secret."""
    return f"otpauth://totp/Todo:{person.email or person.username}?secret={secret}&issuer=Todo"


def qr_code(text: str) -> str:
    """Return a QR code as an SVG element, which contains no part of the text."""
    import segno

    return segno.make(text, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff")
