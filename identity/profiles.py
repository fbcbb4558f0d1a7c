"""Profiles: one item per person, created the first time we see them.

A person who only ever creates tasks gets a profile too. So that this costs no extra call, the first create that a
process sees of a person carries the profile in its own transaction, as an update that only fills in what is missing.
"""

import threading
from collections import OrderedDict
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from typing import Any

from identity.errors import ProfileNotFound
from identity.fields import PROFILE_CHANGES
from identity.items import UserItem, user_key
from store import calls, idempotency, validation
from store.context import Caller, RequestContext
from store.errors import IdempotencyInFlight, VersionConflict, WriteContention
from store.idempotency import Once, StoredReply
from store.schema import feed_keys
from store.versions import check_echoed, write_at

KNOWN_PEOPLE = 10_000

Values = dict[str, Any]


class _Known:
    """User ids whose profile this process has seen; the longest unseen are forgotten."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, user_id: str) -> bool:
        return user_id in self._ids

    def add(self, user_id: str) -> None:
        with self._lock:
            self._ids[user_id] = None
            while len(self._ids) > KNOWN_PEOPLE:
                self._ids.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._ids.clear()


known = _Known()


def create_profile(
    ctx: RequestContext, *, email: str, username: str, name: str, given_name: str = "", family_name: str = ""
) -> UserItem:
    """Create the profile of ``ctx.user_id``, or return the one that is there. One request to DynamoDB.

    ``username`` and ``name`` default to each other, to the e-mail address and at last to the user id.

    Raises ValidationFailed.
    """
    given = {"email": email, "username": username, "name": name}
    given |= {"given_name": given_name, "family_name": family_name}
    return ensure_profile(ctx, {key: value for key, value in given.items() if value})[0]


def ensure_profile(ctx: RequestContext, given: Mapping[str, Any]) -> tuple[UserItem, bool]:
    """Return the profile of ``ctx.user_id`` and whether this call created it, of the fields ``given``.

    One request to DynamoDB. Raises ValidationFailed.
    """
    profile = new_profile(ctx, validation.clean(PROFILE_CHANGES, given))
    try:
        calls.write([calls.put_new(profile)])
    except calls.ConditionFailed as failure:
        known.add(ctx.user_id)
        found = failure.blockers[0] or profile
        return UserItem.of(found), found["request_id"] == ctx.request_id and found["version"] == 1
    except calls.Contended:
        raise WriteContention from None
    known.add(ctx.user_id)
    return UserItem.of(profile), True


def update_profile(ctx: RequestContext, changes: Mapping[str, Any]) -> UserItem:
    """Change some fields of the profile of ``ctx.user_id``; None clears an optional one. Two requests to DynamoDB.

    Raises ProfileNotFound, ValidationFailed, WriteContention.
    """
    wanted = validation.clean(PROFILE_CHANGES, changes)
    current = calls.get(user_key(ctx.user_id))
    for attempt in range(calls.MAX_ATTEMPTS):
        if not current:
            raise ProfileNotFound
        new = {name: value for name, value in {**current, **wanted}.items() if value is not None}
        if new == current:
            return UserItem.of(current)
        new |= ctx.authorship(current["version"] + 1)
        try:
            calls.write([calls.update(current, new), *ctx.recorded(current, new)])
            return UserItem.of(new)
        except calls.ConditionFailed as failure:
            current = failure.blockers[0]
        except calls.Contended:
            calls.pause(attempt)
            current = calls.get(user_key(ctx.user_id))
    raise WriteContention


@dataclass(frozen=True, slots=True)
class Saved:
    """A profile as it is now and whether it was made, or the reply that an earlier request had (``replayed``)."""

    profile: UserItem
    created: bool = False
    reply: StoredReply | None = None
    replayed: bool = False


def save_profile(
    ctx: RequestContext,
    changes: Mapping[str, Any],
    *,
    new: bool = False,
    if_version: Container[int] | None = None,
    echoed: Mapping[str, Any] | None = None,
    once: Once | None = None,
) -> Saved:
    """Change the caller's profile, or make it of what is known of them and ``changes``.

    At most two requests to DynamoDB, unless another write gets in between.

    Parameters
    ----------
    new
        Whether it is likely not there yet: then the first attempt is to make it, unread.
    if_version, echoed
        As of ``services.update_task``.
    once
        Do it once for this idempotency key; its reply is made of a Saved.

    Raises ProfileNotFound (``if_version`` was demanded of none), VersionConflict, ValidationFailed,
    IdempotencyMismatch, WriteContention.
    """
    wanted = validation.clean(PROFILE_CHANGES, changes)
    current, record = (None, None) if new and if_version is None else _read(ctx, once)
    for attempt in range(calls.MAX_ATTEMPTS):
        if reply := idempotency.replay(ctx, once, record):
            return Saved(UserItem.of(current or {}), reply=reply, replayed=True)
        saved, actions = _save(ctx, current, wanted, if_version, echoed or {})
        if once:
            reply = once.reply(saved)
            actions.append(idempotency.record(ctx, once, saved.profile, reply))
        try:
            if once or "ConditionCheck" not in actions[0]:
                calls.write(actions)
        except calls.ConditionFailed as failure:
            current = failure.blockers[0] or current
            record = failure.blockers[-1] if once else None
        except calls.Contended:
            calls.pause(attempt)
            current, record = _read(ctx, once)
        else:
            known.add(ctx.user_id)
            return replace(saved, reply=reply)
    raise IdempotencyInFlight if once else WriteContention


def _read(ctx: RequestContext, once: Once | None) -> tuple[Values | None, Values | None]:
    key = user_key(ctx.user_id)
    if once is None:
        return calls.get(key), None
    profile, record = calls.get_all(key, idempotency.record_key(ctx, once))
    return profile, record


def _save(
    ctx: RequestContext,
    current: Values | None,
    wanted: Values,
    if_version: Container[int] | None,
    echoed: Mapping[str, Any],
) -> tuple[Saved, list[calls.Action]]:
    if not current:
        if if_version is not None and 0 not in if_version:
            raise ProfileNotFound
        given = validation.clean(PROFILE_CHANGES, described(ctx.caller)) if ctx.caller else {}
        profile = new_profile(ctx, given | wanted)
        return Saved(UserItem.of(profile), created=True), [calls.put_new(profile)]
    if if_version is not None and current["version"] not in if_version:
        raise VersionConflict(current["version"])
    check_echoed(current, echoed)
    new = {name: value for name, value in {**current, **wanted}.items() if value is not None}
    if new == current:
        return Saved(UserItem.of(current)), [calls.unchanged(current)]
    new |= ctx.authorship(current["version"] + 1)
    return Saved(UserItem.of(new)), [calls.update(current, new), *ctx.recorded(current, new)]


def first_sight(ctx: RequestContext) -> list[calls.Action]:
    """Return the action that makes sure of the caller's profile, or nothing if this process has seen it before.

    Only for callers acting for themselves and described by ``ctx.caller``.
    """
    if ctx.caller is None or ctx.user_id in known:
        return []
    profile = new_profile(ctx, described(ctx.caller))
    return [calls.fill_in(user_key(ctx.user_id), {k: v for k, v in profile.items() if k not in {"PK", "SK"}})]


def described(caller: Caller) -> Values:
    """Return what ``caller`` tells for a profile, without what is blank."""
    names = ("email", "username", "name", "given_name", "family_name")
    return {name: value for name in names if (value := getattr(caller, name))}


def seen(ctx: RequestContext) -> None:
    """Remember that the caller's profile is there."""
    if ctx.caller is not None and ctx.user_id not in known:
        known.add(ctx.user_id)


def new_profile(ctx: RequestContext, values: Mapping[str, Any]) -> Values:
    """Return the item of a new profile of ``ctx.user_id``, of fields that have been validated."""
    pk, sk = user_key(ctx.user_id)
    username = values.get("username") or values.get("email") or values.get("name") or ctx.user_id
    return {
        "name": username,
        **{name: value for name, value in values.items() if value is not None},
        "username": username,
        "PK": pk,
        "SK": sk,
        "id": ctx.user_id,
        "user_id": ctx.user_id,
        "entity_type": "USER",
        "created_at": ctx.timestamp,
        **ctx.authorship(1),
        **feed_keys("USER", ctx.user_id, ctx.timestamp),
    }


def change_profile(ctx: RequestContext, before: Values, changes: Values, more: list[calls.Action]) -> Values:
    """Change a profile from the state ``before`` and do ``more``, all with the audit entry, in one transaction.

    Raises VersionConflict if it is not in that state any more, WriteContention.
    """
    after = {name: value for name, value in {**before, **changes}.items() if value is not None}
    after |= ctx.authorship(before["version"] + 1)
    write_at([calls.update(before, after), *more, *ctx.recorded(before, after)], before["version"])
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


def get_profile(user_id: str) -> UserItem | None:
    """Return the profile of ``user_id``, or None. One GetItem."""
    values = calls.get(user_key(user_id))
    return UserItem.of(values) if values else None
