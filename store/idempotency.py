"""Requests that may be sent again: what was answered is stored in the transaction that did the work."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pynamodb.attributes import MapAttribute, UnicodeAttribute

from store import calls
from store.context import RequestContext
from store.errors import IdempotencyMismatch
from store.schema import METADATA, IntegerAttribute, Item, feed_keys

KEPT_SECONDS = 24 * 3600


def idempotency_key(user_id: str, key: str) -> tuple[str, str]:
    """Return PK and SK of the record of one ``Idempotency-Key`` of one user."""
    return f"IDEMPOTENCY#{user_id}#{key}", METADATA


class IdempotencyItem(Item):
    """What was answered to one ``Idempotency-Key``, stored in the transaction that did the work."""

    fingerprint = UnicodeAttribute()
    status_code = IntegerAttribute()
    body = UnicodeAttribute()
    headers: MapAttribute[str, Any] = MapAttribute()  # type: ignore[no-untyped-call]
    resource_pk = UnicodeAttribute()
    resource_sk = UnicodeAttribute()
    request_id = UnicodeAttribute()


@dataclass(frozen=True, slots=True)
class StoredReply:
    """An HTTP answer: status code, body text, and the headers that belong to it."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Once:
    """Do it once for this key.

    Attributes
    ----------
    key
        The client's ``Idempotency-Key``; unique per user.
    fingerprint
        What was asked (a hash of method, path and payload): the same key with another one is refused.
    reply
        Makes the answer from what is written (a task, a profile, the outcomes of a batch), before it is written.
    """

    key: str
    fingerprint: str
    reply: Callable[[Any], StoredReply]


def record_key(ctx: RequestContext, once: Once) -> calls.Key:
    """Return where the record of ``once`` is."""
    return idempotency_key(ctx.user_id, once.key)


def record(
    ctx: RequestContext, once: Once, resource: Item, reply: StoredReply, more: Sequence[Item] = ()
) -> calls.Action:
    """Return the action that stores ``reply``; it fails with the earlier record when there is one.

    The record leads to the ``resource`` that the request made or changed, and to ``more`` of them, if there are.
    """
    now = int(ctx.now.timestamp())
    pk, sk = record_key(ctx, once)
    item = IdempotencyItem.of(
        {
            "PK": pk,
            "SK": sk,
            "entity_type": "IDEMPOTENCY",
            "fingerprint": once.fingerprint,
            "status_code": reply.status,
            "body": reply.body,
            "headers": reply.headers,
            "resource_pk": resource.PK,
            "resource_sk": resource.SK,
            "more_resources": [{"PK": item.PK, "SK": item.SK} for item in more] or None,
            "request_id": ctx.request_id,
            "created_at": ctx.timestamp,
            "expires_at": now + KEPT_SECONDS,
            **feed_keys("IDEMPOTENCY", pk, ctx.timestamp),
        }
    )
    return calls.put_record(item, now)


def replay(ctx: RequestContext, once: Once | None, stored: calls.Values | None) -> StoredReply | None:
    """Return the answer of the earlier request, or None if ``stored`` is missing or expired.

    Raises IdempotencyMismatch if that request was another one.
    """
    if not once or not stored or stored["expires_at"] <= ctx.now.timestamp():
        return None
    if stored["fingerprint"] != once.fingerprint:
        raise IdempotencyMismatch
    return StoredReply(stored["status_code"], stored["body"], stored["headers"])


def earlier(ctx: RequestContext, once: Once | None) -> StoredReply | None:
    """Return the answer of the earlier request with the same key, or None. One GetItem if there is a key.

    Raises IdempotencyMismatch if that request was another one.
    """
    return replay(ctx, once, calls.get(record_key(ctx, once)) if once else None)
