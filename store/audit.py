"""The audit trail: what admins did, to what, for which request, stored in the transaction that did it.

An entry is an item of the table. Its partition is the object it is about, so an object's history is one Query; the
actor's entries are one Query of GSI1, everybody's a merge of GSI5's shards. Entries never enter the lake.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from store import reading
from store.attributes import Records, Text
from store.commit import Change, Plan, commit
from store.model import INDEX_KEYS, KEYS, TTL_ATTRIBUTE, Item, feed_keys, owner_keys
from store.request_context import RequestContext
from store.writing import Action, ConditionFailed, delete_existing, put_new

SHOWN = 200
MAX_CHANGES = 30
# Attributes that change with every write, or that only place the item: the entry has its own.
_BOOKKEEPING = (
    KEYS | INDEX_KEYS | {"version", "updated_at", "updated_by", "request_id", "entity_type", TTL_ATTRIBUTE}
)

Values = dict[str, Any]


class AuditItem(Item):
    """One thing that an admin did, stored in the transaction that did it."""

    ENTITY_TYPE = "AUDIT"

    id = Text()
    created_at = Text()
    action = Text()
    kind = Text()
    object_id = Text()
    object_name = Text()
    subject_id = Text()
    actor_id = Text()
    actor_name = Text()
    request_id = Text()
    message = Text(null=True)
    changes = Records(null=True)


def partition(kind: str, identifier: str) -> str:
    """Return the PK of the entries about one object."""
    return f"AUDIT#{kind}#{identifier}"


def changes(before: Item, after: Item) -> list[Values]:
    """Return what differs between two states of an item: field, before, after, each cut to ``SHOWN`` characters."""
    old, new = before.attribute_values, after.attribute_values
    names = sorted((old.keys() | new.keys()) - _BOOKKEEPING)
    differing = [name for name in names if old.get(name) != new.get(name)]
    return [
        {"field": name, "before": _shown(old.get(name)), "after": _shown(new.get(name))}
        for name in differing[:MAX_CHANGES]
    ]


def _shown(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def entry(
    ctx: RequestContext,
    *,
    actor: str,
    action: str,
    kind: str,
    identifier: str,
    name: str,
    differences: list[Values] | None = None,
    message: str = "",
) -> Action:
    """Return the action that stores one entry.

    Parameters
    ----------
    actor
        The name of who acts; the id is ``ctx.updated_by``.
    action
        What was done, in one word or two: ``add``, ``change``, ``delete``, ``disable``.
    kind, identifier, name
        The object: ``task``, ``user``, ``session`` …; its id; what it was called.
    differences
        As of ``changes``.
    """
    number = f"{ctx.timestamp}#{secrets.token_hex(4)}"
    item = AuditItem(
        PK=partition(kind, identifier),
        SK=number,
        id=number,
        created_at=ctx.timestamp,
        action=action,
        kind=kind,
        object_id=identifier,
        object_name=_shown(name),
        subject_id=ctx.user_id,
        actor_id=ctx.updated_by,
        actor_name=actor,
        request_id=ctx.request_id,
        message=message or None,
        changes=differences or None,
        GSI1PK=f"ACTOR#{ctx.updated_by}",
        GSI1SK=f"AUDIT#{number}",
        **owner_keys(ctx.user_id, f"AUDIT#{number}"),
        **feed_keys("AUDIT", number, ctx.timestamp),
    )
    return put_new(item)


@dataclass(frozen=True, slots=True)
class Trail:
    """Records the writes of services: give it to their RequestContext as ``trail``.

    Attributes
    ----------
    actor
        The name of who acts.
    action
        What the writes are called; empty: add, change, or delete, as it turns out.
    """

    actor: str
    action: str = ""

    def __call__(self, ctx: RequestContext, before: Item | None, after: Item | None) -> list[Action]:
        """Return the action that records one write, from ``before`` (None if new) to ``after`` (None if gone)."""
        item = after or before
        if item is None:
            return []
        action = self.action or ("change" if before and after else "add" if after else "delete")
        values = item.attribute_values
        recorded = entry(
            ctx,
            actor=self.actor,
            action=action,
            kind=item.audit_kind,
            identifier=item.audit_id,
            name=str(values.get("title") or values.get("email") or values.get("name") or item.PK),
            differences=changes(before, after) if before and after else None,
        )
        return [recorded]


def history(kind: str, identifier: str, limit: int = 100) -> list[AuditItem]:
    """Return the latest entries about one object, the newest first. One Query."""
    return reading.query(AuditItem, partition(kind, identifier), limit=limit, forward=False).items


def by_actor(actor_id: str, limit: int = 10) -> list[AuditItem]:
    """Return the latest entries of one actor, the newest first. One Query."""
    entries = Item.GSI1SK.startswith("AUDIT#")
    return reading.query(
        AuditItem, f"ACTOR#{actor_id}", entries, index="GSI1", limit=limit, forward=False
    ).items


def remove_recorded(ctx: RequestContext, item: Item, trail: Trail) -> None:
    """Delete an item that no service looks after (a session, an idempotency record), and record it.

    Nothing happens if it is gone already. Raises WriteContention.
    """
    plan = Plan(None, [delete_existing(item.key)], [Change(item, None)])
    with suppress(ConditionFailed):
        commit(replace(ctx, trail=trail), plan)
