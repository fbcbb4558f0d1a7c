"""Task ids: UUIDs of version 7, made from the context's clock, so that they sort by creation time."""

import hashlib
import os
import re
import uuid
from datetime import UTC, datetime, timedelta

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_id(now: datetime, seed: str | None = None) -> str:
    """Return a UUIDv7 for the instant ``now`` (aware).

    The 12 bits after the milliseconds carry their fraction (RFC 9562, method 3), so ids made within one millisecond
    still sort. The last 62 bits are random, or a hash of ``seed``: a repeated attempt then makes the same id.
    """
    microseconds = int(now.timestamp()) * 1_000_000 + now.microsecond
    milliseconds, rest = divmod(microseconds, 1000)
    tail = os.urandom(8) if seed is None else hashlib.sha256(seed.encode()).digest()[:8]
    value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | (rest * 4096 // 1000) << 64 | 2 << 62
    return str(uuid.UUID(int=value | int.from_bytes(tail, "big") >> 2))


def moment_of(task_id: str) -> datetime:
    """Return the millisecond (aware UTC) in which an id was made."""
    milliseconds = uuid.UUID(task_id).int >> 80
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def is_id(text: str) -> bool:
    """Return whether ``text`` is a UUID in canonical form (hyphens, lower case)."""
    return _CANONICAL.fullmatch(text) is not None
