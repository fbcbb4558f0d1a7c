"""Profiles: one item per person, created the first time we see them.

A person who only ever creates tasks gets a profile too. So that this costs no extra call, the first create that a
process sees of a person carries the profile in its own transaction, as an update that only fills in what is missing.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from identity import sessions
from identity.bounded_cache import BoundedCache
from identity.errors import ProfileNotFound
from identity.fields import PROFILE_CHANGES
from identity.items import UserItem, user_key
from store import validation
from store.commit import Change, Plan, Replayed, commit
from store.errors import VersionConflict
from store.idempotency import Once, Slot, StoredReply
from store.reading import get
from store.request_context import Caller, RequestContext
from store.versions import check_echoed
from store.writing import Action, fill_in, put_new, unchanged, update

KNOWN_PEOPLE = 10_000
IN_SESSIONS = (
    "timezone",
    "first_day_of_week",
)  # what pages go by, copied so that they need not read the profile
Values = Mapping[str, Any]


# User ids whose profile this process has seen.
known: BoundedCache[str, None] = BoundedCache(KNOWN_PEOPLE)


@dataclass(frozen=True, slots=True)
class Saved:
    """A profile and whether it was created, or the ``reply`` to an earlier request (without a profile)."""

    profile: UserItem
    created: bool = False
    reply: StoredReply | None = None
    replayed: bool = False


def save_profile(
    ctx: RequestContext,
    changes: Values,
    *,
    initial: Values | None = None,
    read: Sequence[UserItem | None] | None = None,
    if_version: Container[int] | None = None,
    echoed: Values | None = None,
    once: Once | None = None,
    more: Sequence[Action] = (),
) -> Saved:
    """Change the profile of ``ctx.user_id``, or create it. Every write of a profile but ``first_sight`` is this one.

    One request to DynamoDB to read (none if ``read`` is given) and one to write, unless another write gets in between.
    A change that changes nothing is written only with ``more``, or if it goes on the audit trail. Another zone or first
    day of the week is copied to the person's sessions, whose pages go by it: one more request, two for each session.

    Parameters
    ----------
    changes
        Validated fields; None clears an optional one.
    initial
        More fields of a profile that is created, not validated yet. Without it, the profile must exist.
    read
        A list of the profile as the caller knows it, or of None if it probably does not exist.
    if_version
        Versions that the profile may have; 0 stands for none.
    echoed
        Fields that only we set (``store.versions.READ_ONLY``), which must be as they are.
    once
        Do it once for this idempotency key; its reply is made of a Saved.
    more
        Actions to do in the same transaction.

    Raises
    ------
    ProfileNotFound, VersionConflict, ValidationFailed, IdempotencyMismatch, IdempotencyInFlight, WriteContention
    """

    before: UserItem | None = None

    def plan(current: UserItem | None) -> Plan[Saved]:
        nonlocal before
        before = current
        if current is None:
            if initial is None or (if_version is not None and 0 not in if_version):
                raise ProfileNotFound
            new = _new(ctx, {**validation.clean(PROFILE_CHANGES, initial), **changes})
            return Plan(Saved(new, created=True), [put_new(new), *more], [Change(None, new)], [new.key])
        if if_version is not None and current.version not in if_version:
            raise VersionConflict(current.version)
        check_echoed(current, echoed or {})
        new = current.changed(**changes)
        if new == current and not more and not ctx.trail:
            return Plan(Saved(current), [unchanged(current)], resources=[current.key])
        new = new.changed(**ctx.authorship(current.version + 1))
        return Plan(Saved(new), [update(current, new), *more], [Change(current, new)], [new.key])

    done = commit(ctx, plan, keys=[user_key(ctx.user_id)], known=read, slot=once and Slot(ctx, once))
    known.put(ctx.user_id, None)
    if isinstance(done, Replayed):
        return Saved(UserItem(), reply=done.reply, replayed=True)
    known_to_pages = {name: getattr(done.result.profile, name) or "" for name in IN_SESSIONS}
    if before and known_to_pages != {name: getattr(before, name) or "" for name in IN_SESSIONS}:
        sessions.revise(ctx.user_id, lambda data: data | known_to_pages)
    return Saved(done.result.profile, done.result.created, done.reply)


def ensure_profile(ctx: RequestContext, given: Values) -> tuple[UserItem, bool]:
    """Return the profile of ``ctx.user_id`` and whether this call created it, of the fields ``given``.

    ``username`` and ``name`` default to each other, to the e-mail address and at last to the user id. One request to
    DynamoDB. Raises ValidationFailed, WriteContention.
    """
    saved = save_profile(ctx, {}, initial=given, read=[None])
    return saved.profile, saved.created


def update_profile(ctx: RequestContext, changes: Values) -> UserItem:
    """Change some fields of the profile of ``ctx.user_id``; None clears an optional one. Two requests to DynamoDB.

    Raises ProfileNotFound, ValidationFailed, WriteContention.
    """
    return save_profile(ctx, validation.clean(PROFILE_CHANGES, changes)).profile


def first_sight(ctx: RequestContext) -> list[Action]:
    """Return the action that makes sure of the caller's profile, or nothing if this process has seen it before.

    Only for callers acting for themselves and described by ``ctx.caller``.
    """
    if ctx.caller is None or ctx.user_id in known:
        return []
    return [fill_in(_new(ctx, described(ctx.caller)))]


def described(caller: Caller | UserItem) -> dict[str, str]:
    """Return the profile fields of ``caller``, or of a stored profile, without blank ones."""
    names = ("email", "username", "name", "given_name", "family_name")
    return {name: value for name in names if (value := getattr(caller, name))}


def seen(ctx: RequestContext) -> None:
    """Remember that the caller's profile is there."""
    if ctx.caller is not None and ctx.user_id not in known:
        known.put(ctx.user_id, None)


def _new(ctx: RequestContext, given: Values) -> UserItem:
    pk, sk = user_key(ctx.user_id)
    values = {name: value for name, value in given.items() if value is not None}
    username = values.get("username") or values.get("email") or values.get("name") or ctx.user_id
    item = UserItem(
        **{"name": username, **values, "username": username, **ctx.authorship(1)},
        PK=pk,
        SK=sk,
        id=ctx.user_id,
        user_id=ctx.user_id,
        created_at=ctx.timestamp,
    )
    return item.changed(**item.index_keys())


def get_profile(user_id: str) -> UserItem | None:
    """Return the profile of ``user_id``, or None. One GetItem."""
    return get(UserItem, user_key(user_id))
