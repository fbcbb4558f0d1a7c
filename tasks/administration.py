"""What admins do to tasks and records, recorded in the transaction that does it. People: ``identity``."""

from typing import Any

from store import calls
from store.audit import Trail, remove_recorded
from store.context import RequestContext
from tasks.errors import TaskNotFound, VersionConflict, WriteContention
from tasks.items import Item, email_key, trash_key, user_key

# A user with more items than this is erased by the command made for it, not inside a request.
MAX_ERASED = 500
# A transaction holds 100 actions; the audit entry is one.
CHUNK = 50
RESERVED_SECONDS = 600

Values = dict[str, Any]


def purge_task(ctx: RequestContext, task_id: str, version: int) -> None:
    """Delete a task from the trash for good. Raises TaskNotFound, VersionConflict."""
    item = calls.get(trash_key(ctx.user_id, task_id))
    if item is None:
        raise TaskNotFound
    if item["version"] != version:
        raise VersionConflict(item["version"])
    _write([calls.delete(item), *ctx.recorded(item, {})], version)


def _write(actions: list[calls.Action], version: int) -> None:
    try:
        calls.write(actions)
    except calls.ConditionFailed as failure:
        raise VersionConflict((failure.blockers[0] or {}).get("version", version)) from None
    except calls.Contended:
        raise WriteContention from None


def remove_record(ctx: RequestContext, item: Item, actor: str, action: str) -> None:
    """Delete a session or an idempotency record."""
    remove_recorded(ctx, item, Trail(actor, action))


# --- A person's data -----------------------------------------------------------------------------------------


def belongings(user_id: str, at_most: int = MAX_ERASED) -> list[Values]:
    """Return the tasks and the trash of a user: key and title of each, no more than ``at_most`` + 1 in all."""
    found: list[Values] = []
    for partition in (f"TASK#{user_id}", f"TRASH#{user_id}"):
        start: dict[str, str] = {}
        while len(found) <= at_most:
            items, start = calls.query(
                {":pk": partition},
                start,
                KeyConditionExpression="PK = :pk",
                ConsistentRead=True,
                Limit=at_most + 1 - len(found),
            )
            found += items
            if not start:
                break
    return found


def erase_items(ctx: RequestContext, items: list[Values]) -> None:
    """Delete items for good, in transactions of ``CHUNK``, each with the audit entries of what it deletes."""
    for start in range(0, len(items), CHUNK):
        chunk = items[start : start + CHUNK]
        actions = [calls.delete_existing((item["PK"], item["SK"])) for item in chunk]
        trail = [action for item in chunk for action in ctx.recorded(item, {})]
        try:
            calls.write([*actions, *trail])
        except (calls.ConditionFailed, calls.Contended):
            raise WriteContention from None


# --- E-mail addresses ----------------------------------------------------------------------------------------


def reserve_email(ctx: RequestContext, email: str, user_id: str) -> bool:
    """Keep an e-mail address for a while for a change that is under way; False if it is somebody else's."""
    values = _email(email, user_id) | {
        "request_id": ctx.request_id,
        "created_at": ctx.timestamp,
        "expires_at": int(ctx.now.timestamp()) + RESERVED_SECONDS,
    }
    try:
        calls.write([calls.put_unless_held(values, int(ctx.now.timestamp()))])
    except calls.ConditionFailed:
        return False
    except calls.Contended:
        raise WriteContention from None
    return True


def release_email(email: str) -> None:
    """Give up an e-mail address."""
    calls.remove(email_key(email))


def keep_email(ctx: RequestContext, email: str, user_id: str) -> calls.Action:
    """Return the action that makes a reserved address the user's."""
    return calls.put(_email(email, user_id) | {"created_at": ctx.timestamp, "request_id": ctx.request_id})


def _email(email: str, user_id: str) -> Values:
    pk, sk = email_key(email)
    return {"PK": pk, "SK": sk, "entity_type": "EMAIL", "user_id": user_id}


def change_profile(ctx: RequestContext, before: Values, changes: Values, more: list[calls.Action]) -> Values:
    """Change a profile from the state ``before`` and do ``more``, all with the audit entry, in one transaction.

    Raises VersionConflict if it is not in that state any more, WriteContention.
    """
    after = {name: value for name, value in {**before, **changes}.items() if value is not None}
    after |= ctx.authorship(before["version"] + 1)
    _write([calls.update(before, after), *more, *ctx.recorded(before, after)], before["version"])
    return after


def add_profile(ctx: RequestContext, profile: Values, more: list[calls.Action]) -> Values:
    """Store a profile and do ``more``, with the audit entry; one that its owner made meanwhile is changed instead."""
    try:
        calls.write([calls.put_new(profile), *more, *ctx.recorded({}, profile)])
        return profile
    except calls.ConditionFailed as failure:
        found = failure.blockers[0]
        if not found:
            raise WriteContention from None
        given = {
            n: v
            for n, v in profile.items()
            if n in {"email", "username", "name", "given_name", "family_name"}
        }
        return change_profile(ctx, found, given, more)
    except calls.Contended:
        raise WriteContention from None


def profile_of(user_id: str) -> Values | None:
    """Return a stored profile. One GetItem."""
    return calls.get(user_key(user_id))
