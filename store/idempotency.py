"""Requests that may be sent again: what was answered is stored in the transaction that did the work."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

from store.attributes import Record, Records, Text, Whole
from store.commit import Plan
from store.errors import IdempotencyMismatch
from store.model import METADATA, Item, Key, feed_keys, owner_keys
from store.reading import get
from store.request_context import RequestContext
from store.writing import Action, put_over_expired

KEPT_SECONDS = 24 * 3600


def idempotency_key(user_id: str, key: str) -> Key:
    """Return PK and SK of the record of one ``Idempotency-Key`` of one user."""
    return f"IDEMPOTENCY#{user_id}#{key}", METADATA


class IdempotencyItem(Item):
    """The reply to one ``Idempotency-Key``, stored in the transaction that did the work."""

    ENTITY_TYPE = "IDEMPOTENCY"

    fingerprint = Text()
    status_code = Whole()
    body = Text()
    headers = Record()
    resource_pk = Text()
    resource_sk = Text()
    more_resources = Records(null=True)
    request_id = Text()
    created_at = Text()
    expires_at = Whole()


@dataclass(frozen=True, slots=True)
class StoredReply:
    """An HTTP answer: status code, body text, and the headers that belong to it."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


@final  # and so never false
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
        Makes the reply from the result of the write (a task, a profile, the outcomes of a batch), before it is written.
    """

    key: str
    fingerprint: str
    reply: Callable[[Any], StoredReply]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where ``store.commit`` keeps the reply to a request, to do it once."""

    ctx: RequestContext
    once: Once

    @property
    def key(self) -> Key:
        """PK and SK of the record."""
        return idempotency_key(self.ctx.user_id, self.once.key)

    def record(self, plan: Plan[Any]) -> tuple[Action, StoredReply]:
        """Return the action that stores the reply to ``plan`` and fails if there is an earlier one, and the reply.

        The record leads to the plan's resources, of which there is at least one.
        """
        ctx, reply = self.ctx, self.once.reply(plan.result)
        now = int(ctx.now.timestamp())
        (resource_pk, resource_sk), *more = plan.resources
        pk, sk = self.key
        item = IdempotencyItem(
            PK=pk,
            SK=sk,
            fingerprint=self.once.fingerprint,
            status_code=reply.status,
            body=reply.body,
            headers=reply.headers,
            resource_pk=resource_pk,
            resource_sk=resource_sk,
            more_resources=[{"PK": key[0], "SK": key[1]} for key in more] or None,
            request_id=ctx.request_id,
            created_at=ctx.timestamp,
            expires_at=now + KEPT_SECONDS,
            **owner_keys(ctx.user_id, pk),
            **feed_keys("IDEMPOTENCY", pk, ctx.timestamp),
        )
        return put_over_expired(item, now), reply

    def replay(self, record: Item) -> StoredReply | None:
        """Return the reply in ``record``, or None if it has expired.

        Raises IdempotencyMismatch if another request was made with the key.
        """
        if not isinstance(record, IdempotencyItem) or record.expires_at <= self.ctx.now.timestamp():
            return None
        if record.fingerprint != self.once.fingerprint:
            raise IdempotencyMismatch
        return StoredReply(record.status_code, record.body, record.headers)


def earlier(ctx: RequestContext, once: Once | None) -> StoredReply | None:
    """Return the reply to the earlier request with the same key, or None. One GetItem if there is a key.

    Raises IdempotencyMismatch if that request was another one.
    """
    found = once and Slot(ctx, once)
    record = get(IdempotencyItem, found.key) if found else None
    return found.replay(record) if found and record else None
