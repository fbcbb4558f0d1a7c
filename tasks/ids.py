"""Task ids: version 7 UUIDs, made from the request's time, so that they sort by creation time."""

import hashlib
import os
import re
import uuid
from datetime import UTC, datetime, timedelta

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_id(now: datetime, seed: str | None = None) -> str:
    """Return a UUIDv7 for the instant ``now`` (aware).

    The 12 bits after the milliseconds hold their fraction (RFC 9562, method 3), so that ids of one millisecond sort
    too. The last 62 bits are random, or a hash of ``seed``, so that a repeated attempt makes the same id.
    """
    microseconds = int(now.timestamp()) * 1_000_000 + now.microsecond
    milliseconds, rest = divmod(microseconds, 1000)
    tail = os.urandom(8) if seed is None else hashlib.sha256(seed.encode()).digest()[:8]
    value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | (rest * 4096 // 1000) << 64 | 2 << 62
    return str(uuid.UUID(int=value | int.from_bytes(tail, "big") >> 2))


def moment_of(task_id: str) -> datetime:
    """Return the millisecond (aware UTC) in which an id was created."""
    milliseconds = uuid.UUID(task_id).int >> 80
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def is_id(text: str) -> bool:
    """Return whether ``text`` is a UUID in canonical form (hyphens, lower case)."""
    return _CANONICAL.fullmatch(text) is not None


def from_sort_key(sort_key: str) -> str:
    """Return the id of the task with this SK."""
    return sort_key.removeprefix("TASK#")
