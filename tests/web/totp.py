"""The codes of an authenticator app, as RFC 6238 has them: SHA-1, six digits, thirty seconds."""

import base64
import hashlib
import hmac
import struct
import time

STEP = 30


def totp(secret: str, now: float | None = None) -> str:
    """Return the code of ``secret`` (base32, blanks do not count) at ``now`` (epoch seconds, or this moment)."""
    letters = secret.replace(" ", "")
    key = base64.b32decode(letters + "=" * (-len(letters) % 8))
    counter = struct.pack(">Q", int((time.time() if now is None else now) // STEP))
    mac = hmac.digest(key, counter, hashlib.sha1)
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"
