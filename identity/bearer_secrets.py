"""Bearer secrets: made here, shown once, stored as hashes only."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from django.conf import settings

from identity import revocations
from identity.errors import ShutOut
from store.commit import Change, Plan, Replayed, commit
from store.idempotency import Once, Slot, StoredReply
from store.model import Item
from store.request_context import RequestContext
from store.writing import Action, ConditionFailed

PREFIX = "todo_"
BYTES = 32


@lru_cache(maxsize=4)
def _key(secret_key: str) -> bytes:
    return hashlib.sha256(b"identity.bearer_secrets" + secret_key.encode()).digest()


def make(*, nonce: str = "") -> bytes:
    """Return 256 secret bits: random, or derived from a ``nonce`` and our ``SECRET_KEY``.

    With the nonce in an idempotency record, a repeated request gets the same secret although it is stored nowhere.
    """
    if not nonce:
        return secrets.token_bytes(BYTES)
    return hmac.digest(_key(settings.SECRET_KEY), nonce.encode(), "sha256")


def new_nonce(once: Once | None) -> str:
    """Return the nonce for the secret of a request that may be repeated; blank if it cannot be."""
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
    """Return the stored digest of a secret: 64 hexadecimal digits. It has 256 random bits, so no salt is needed."""
    return hashlib.sha256(text.encode()).hexdigest()


def matches(text: str, stored: str) -> bool:
    """Return whether ``stored`` is the digest of ``text``, in constant time."""
    return hmac.compare_digest(digest(text), stored)


def store(
    ctx: RequestContext, item: Item, actions: Sequence[Action], once: Once | None, kept: str = ""
) -> str | None:
    """Do ``actions``, which store ``item`` with a new secret, unless its owner has been shut out.

    A process may accept a token for a moment after it was revoked; a secret created then must not outlive it. One
    request to DynamoDB.

    Parameters
    ----------
    once
        Do it once for this idempotency key.
    kept
        Stored for a repeated request, which answers with it; it must not contain the secret.

    Returns
    -------
    str | None
        What an earlier request kept, if that has done it.

    Raises
    ------
    ShutOut, IdempotencyMismatch, IdempotencyInFlight, WriteContention
    ConditionFailed
        One of ``actions`` cannot be done.
    """
    guard = [revocations.not_shut_out(ctx.user_id, ctx.caller.issued_at)] if ctx.caller else []
    plan = Plan(kept, [*actions, *guard], [Change(None, item)], [item.key])
    try:
        done = commit(None, plan, slot=slot(ctx, once))
    except ConditionFailed as failure:
        if guard and failure.failed[len(actions)]:
            raise ShutOut from None
        raise
    return done.reply.body if isinstance(done, Replayed) else None


def slot(ctx: RequestContext, once: Once | None) -> Slot | None:
    """Return where the result of a plan, a text, is kept for a repeated request; None without ``once``."""
    return once and Slot(ctx, replace(once, reply=lambda kept: StoredReply(201, kept)))
