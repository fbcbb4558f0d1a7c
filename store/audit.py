"""The audit trail: what admins did, to what, for which request, stored in the transaction that did it.

An entry is an item of the table. Its partition is the object it is about, so an object's history is one Query; the
actor's entries are one Query of GSI1, everybody's a merge of GSI5's shards. Entries never enter the lake.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pynamodb.attributes import ListAttribute, UnicodeAttribute

from store import calls
from store.context import RequestContext
from store.schema import INDEX_KEYS, KEYS, TTL_ATTRIBUTE, Item, feed_keys

SHOWN = 200
MAX_CHANGES = 30
# Attributes that change with every write, or that only place the item: the entry has its own.
_BOOKKEEPING = (
    KEYS | INDEX_KEYS | {"version", "updated_at", "updated_by", "request_id", "entity_type", TTL_ATTRIBUTE}
)
_KINDS = {"TASK": "task", "TRASH": "task", "USER": "user"}

Values = dict[str, Any]


class AuditItem(Item):
    """One thing that an admin did, stored in the transaction that did it."""

    id = UnicodeAttribute()
    action = UnicodeAttribute()
    kind = UnicodeAttribute()
    object_id = UnicodeAttribute()
    object_name = UnicodeAttribute()
    subject_id = UnicodeAttribute()
    actor_id = UnicodeAttribute()
    actor_name = UnicodeAttribute()
    request_id = UnicodeAttribute()
    message = UnicodeAttribute(null=True)
    changes: ListAttribute[Any] = ListAttribute(null=True)


def object_id(item: Mapping[str, Any]) -> str:
    """Return the id under which the trail knows an item: ``owner.task`` of a task, in the trash or not."""
    kind = item["entity_type"]
    if kind in {"TASK", "TRASH"}:
        return f"{item['user_id']}.{item['id']}"
    return str(item["user_id"] if kind == "USER" else item["PK"].partition("#")[2])


def partition(kind: str, identifier: str) -> str:
    """Return the PK of the entries about one object."""
    return f"AUDIT#{kind}#{identifier}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Values]:
    """Return what differs between two states of an item: field, before, after, each cut to ``SHOWN`` characters."""
    names = sorted((before.keys() | after.keys()) - _BOOKKEEPING)
    differing = [name for name in names if before.get(name) != after.get(name)]
    return [
        {"field": name, "before": _shown(before.get(name)), "after": _shown(after.get(name))}
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
) -> calls.Action:
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
    values: Values = {
        "PK": partition(kind, identifier),
        "SK": number,
        "entity_type": "AUDIT",
        "id": number,
        "created_at": ctx.timestamp,
        "action": action,
        "kind": kind,
        "object_id": identifier,
        "object_name": _shown(name),
        "subject_id": ctx.user_id,
        "actor_id": ctx.updated_by,
        "actor_name": actor,
        "request_id": ctx.request_id,
        "message": message or None,
        "changes": differences or None,
        "GSI1PK": f"ACTOR#{ctx.updated_by}",
        "GSI1SK": f"AUDIT#{number}",
        **feed_keys("AUDIT", number, ctx.timestamp),
    }
    return calls.put_new(values)


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

    def __call__(self, ctx: RequestContext, before: Values, after: Values) -> list[calls.Action]:
        """Return the action that records one write, from ``before`` ({} if new) to ``after`` ({} if gone)."""
        item = after or before
        kind = _KINDS.get(item["entity_type"], item["entity_type"].lower())
        action = self.action or ("change" if before and after else "add" if after else "delete")
        name = str(item.get("title") or item.get("email") or item.get("name") or item["PK"])
        recorded = entry(
            ctx,
            actor=self.actor,
            action=action,
            kind=kind,
            identifier=object_id(item),
            name=name,
            differences=changes(before, after) if before and after else None,
        )
        return [recorded]


def history(kind: str, identifier: str, limit: int = 100) -> list[AuditItem]:
    """Return the latest entries about one object, the newest first. One Query."""
    return _latest(
        {":pk": partition(kind, identifier)}, limit, KeyConditionExpression="PK = :pk", ConsistentRead=True
    )


def by_actor(actor_id: str, limit: int = 10) -> list[AuditItem]:
    """Return the latest entries of one actor, the newest first. One Query."""
    values = {":pk": f"ACTOR#{actor_id}", ":audit": "AUDIT#"}
    condition = "GSI1PK = :pk AND begins_with(GSI1SK, :audit)"
    return _latest(values, limit, IndexName="GSI1", KeyConditionExpression=condition)


def _latest(values: Values, limit: int, **arguments: Any) -> list[AuditItem]:
    found, _ = calls.query(values, Limit=limit, ScanIndexForward=False, **arguments)
    return [AuditItem.of(item) for item in found]


def remove_recorded(ctx: RequestContext, item: Item, trail: Trail) -> None:
    """Delete an item that no service looks after (a session, an idempotency record), and record it.

    Nothing happens if it is gone already.
    """
    values = dict(item.attribute_values)
    try:
        calls.write([calls.delete_existing((values["PK"], values["SK"])), *trail(ctx, values, {})])
    except calls.ConditionFailed:
        return
