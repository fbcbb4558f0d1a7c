"""Secrets that open a door to whoever holds them: made here, shown once, stored as hashes only."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings

from identity.errors import ShutOut
from identity.items import revocation_key
from store import calls, idempotency
from store.context import RequestContext
from store.errors import IdempotencyInFlight, WriteContention
from store.idempotency import Once, StoredReply
from store.schema import Item

PREFIX = "todo_"
BYTES = 32


@lru_cache(maxsize=4)
def _key(secret_key: str) -> bytes:
    return hashlib.sha256(b"identity.bearer_secrets" + secret_key.encode()).digest()


def make(*, nonce: str = "") -> bytes:
    """Return 256 secret bits: random, or of a ``nonce`` the same ones again for whoever knows our ``SECRET_KEY``.

    With the nonce in an idempotency record, a repeated request gets the same secret although it is stored nowhere.
    """
    if not nonce:
        return secrets.token_bytes(BYTES)
    return hmac.digest(_key(settings.SECRET_KEY), nonce.encode(), "sha256")


def new_nonce(once: Once | None) -> str:
    """Return what the secret of a request that may be repeated is made of; blank if it will not be."""
    return secrets.token_hex(BYTES) if once else ""


def show(secret: bytes) -> str:
    """Return ``secret`` as the text that people copy; logs and secret scanners know it by its prefix."""
    return PREFIX + base64.urlsafe_b64encode(secret).decode().rstrip("=")


def read(text: str) -> bytes | None:
    """Return the bytes that ``show`` made ``text`` of, or None if it did not."""
    encoded = text.removeprefix(PREFIX)
    try:
        secret = base64.urlsafe_b64decode(encoded.encode("ascii") + b"=" * (-len(encoded) % 4))
    except ValueError:
        return None
    return secret if len(secret) >= BYTES and show(secret) == text else None


def digest(text: str) -> str:
    """Return what is stored of a secret: 64 hexadecimal digits. It has 256 random bits, so no salt is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def matches(text: str, stored: str) -> bool:
    """Return whether ``stored`` is the digest of ``text``, in constant time."""
    return hmac.compare_digest(digest(text), stored)


def create(
    ctx: RequestContext, item: Item, action: calls.Action, once: Once | None, kept: str = ""
) -> str | None:
    """Do what ``write`` does with the ``action`` that stores a new secret, unless its owner has been shut out.

    A process may take a token for good for a moment longer than it is; what is made in it must not outlive it.
    Raises ShutOut, IdempotencyMismatch, IdempotencyInFlight, WriteContention.
    """
    guard = [calls.not_shut_out(revocation_key(ctx.user_id), ctx.caller.issued_at)] if ctx.caller else []
    try:
        return write(ctx, item, [action, *guard], once, kept)
    except calls.ConditionFailed as failure:
        if guard and failure.blockers[1]:
            raise ShutOut from None
        raise


def write(
    ctx: RequestContext, item: Item, actions: Sequence[calls.Action], once: Once | None, kept: str = ""
) -> str | None:
    """Do ``actions``, which are about ``item``, or return what an earlier request kept if ``once`` has done them.

    ``kept`` is what a repeated request needs to answer as this one; it must not hold the secret.

    Raises ConditionFailed, IdempotencyMismatch, IdempotencyInFlight, WriteContention.
    """
    records = [idempotency.record(ctx, once, item, StoredReply(201, kept))] if once else []
    for attempt in range(calls.MAX_ATTEMPTS):
        try:
            calls.write([*actions, *records])
            return None
        except calls.ConditionFailed as failure:
            earlier = idempotency.replay(ctx, once, failure.blockers[-1])
            if earlier is None:
                raise
            return earlier.body
        except calls.Contended:
            calls.pause(attempt)
    raise IdempotencyInFlight() if once else WriteContention()
