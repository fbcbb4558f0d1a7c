"""Personal access tokens: what scripts send in place of a Cognito token.

A token is named, reads or also writes, expires, and is shown once; the table holds its hash. Checking one costs at most
one read, and none while this process remembers it: for ``REMEMBERED_SECONDS``, which is also how long a revoked token
may still work in other processes than the one that revoked it. A token carries no roles: it is for its owner's data.
"""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any, Literal, NotRequired

from django.utils.translation import gettext as _
from pydantic import BeforeValidator, Field, TypeAdapter, with_config
from pydantic_core import from_json, to_json
from typing_extensions import TypedDict

from identity import bearer_secrets, notices, profiles
from identity.bounded_cache import BoundedCache
from identity.clock_guard import Moment
from identity.errors import AccessTokenNotFound, InvalidAccessToken, TooManyAccessTokens
from identity.items import AccessTokenItem, UserItem, access_token_key
from store import idempotency, places, reading, validation
from store.commit import Plan, Replayed, commit
from store.idempotency import Once
from store.model import AnyItem, Item, KeysAtLeast
from store.places import PlaceItem
from store.reading import query_all
from store.request_context import RequestContext, timestamp
from store.writing import Action, ConditionFailed, delete, delete_unless_held, put_new, remove, update, write

KIND = "TOKEN"  # of their places
NAME_MAX = 100
DAYS_MAX, DAYS = 366, 30
MAX_TOKENS = 50
REMEMBERED, REMEMBERED_SECONDS = 2048, 5.0
_ID = re.compile(r"[0-9a-f]{64}")
# The tokens looked up (None for one that is not there) and until when that counts, by hash.
_remembered: BoundedCache[str, tuple[Moment, AccessTokenItem | None]] = BoundedCache(REMEMBERED)


@with_config(validation.STRICT)
class NewAccessToken(TypedDict):
    """A new access token. `read` lets it read only, `write` do everything; it expires after 30 days unless given."""

    name: Annotated[
        str,
        validation.Line(NAME_MAX),
        Field(examples=["backup script"]),
    ]
    scope: NotRequired[Literal["read", "write"]]
    expires_in_days: NotRequired[
        Annotated[
            int,
            Field(ge=1, le=DAYS_MAX, strict=True, examples=[DAYS]),
            BeforeValidator(validation.whole),
        ]
    ]


NEW_ACCESS_TOKEN: TypeAdapter[Any] = TypeAdapter(NewAccessToken)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token without its secret. Times are ISO 8601 UTC; ``replayed`` if it was made before."""

    id: str
    name: str
    scope: str
    created_at: str
    expires_at: str
    replayed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """Who brought a token, as they were described when they made it, and what they may do with it.

    ``issued_at`` is when it was made (epoch seconds).
    """

    id: str
    scope: str
    token_id: str
    issued_at: int
    email: str = ""
    username: str = ""
    name: str = ""
    given_name: str = ""
    family_name: str = ""


def create(
    ctx: RequestContext,
    name: str,
    scope: str = "read",
    expires_in_days: int = DAYS,
    *,
    once: Once | None = None,
) -> tuple[AccessToken, str]:
    """Make a token for ``ctx.user_id`` and return it with its secret, which nobody can find out later.

    Two requests to DynamoDB, and a notice. With ``once``, the same request again returns the same token and secret for
    a day.

    Raises ValidationFailed, TooManyAccessTokens (at ``MAX_TOKENS``), ShutOut, IdempotencyMismatch,
    IdempotencyInFlight, WriteContention.
    """
    given = validation.clean(
        NEW_ACCESS_TOKEN, {"name": name, "scope": scope, "expires_in_days": expires_in_days}
    )
    nonce = bearer_secrets.new_nonce(once)
    secret = bearer_secrets.show(bearer_secrets.make(nonce=nonce))
    item = _new_item(ctx, given, bearer_secrets.digest(secret))

    def make(number: int, take: Action) -> tuple[AccessToken, str]:
        placed = item.changed(place=number)
        # The record says what was answered, but for the secret: that takes the nonce and our key.
        kept = to_json([nonce, asdict(_token(placed))]).decode()
        earlier = bearer_secrets.store(ctx, placed, [take, put_new(placed)], once, kept)
        return (_token(placed), secret) if earlier is None else _again(earlier)

    now = int(ctx.now.timestamp())
    place = PlaceItem(SK=KIND, user_id=ctx.user_id, holder=item.id, expires_at=item.expires_at)
    if made := places.take(place, _free_places(ctx.user_id, now), now, make):
        if ctx.caller and not made[0].replayed:
            notices.tell(ctx.user_id, ctx.caller.username, notices.TOKEN)
        return made
    if record := idempotency.earlier(ctx, once):
        return _again(record.body)
    raise TooManyAccessTokens(MAX_TOKENS)


def _free_places(user_id: str, now: int) -> set[int]:
    return places.free(MAX_TOKENS, [item.place for item in stored(user_id) if item.expires_at > now])


def _again(kept: str) -> tuple[AccessToken, str]:
    nonce, token = from_json(kept)
    secret = bearer_secrets.show(bearer_secrets.make(nonce=nonce))
    return AccessToken(**(token | {"replayed": True})), secret


def _new_item(ctx: RequestContext, given: dict[str, Any], token_id: str) -> AccessTokenItem:
    pk, sk = access_token_key(token_id)
    days = timedelta(days=given["expires_in_days"])
    item = AccessTokenItem(
        PK=pk,
        SK=sk,
        id=token_id,
        user_id=ctx.user_id,
        name=given["name"],
        scope=given["scope"],
        person=profiles.described(ctx.caller) if ctx.caller else {},
        version=1,
        request_id=ctx.request_id,
        created_at=ctx.timestamp,
        expires_at=int((ctx.now + days).timestamp()),
    )
    return item.changed(**item.index_keys())


def _token(item: AccessTokenItem) -> AccessToken:
    expires = timestamp(datetime.fromtimestamp(item.expires_at, UTC))
    return AccessToken(item.id, item.name, item.scope, item.created_at, expires)


def list_tokens(user_id: str, *, now: float | None = None) -> list[AccessToken]:
    """Return the tokens of ``user_id`` that work at ``now`` (epoch seconds), the newest first. One Query."""
    moment = time.time() if now is None else now
    return [_token(item) for item in stored(user_id) if item.expires_at > moment]


def stored(user_id: str) -> Iterator[AccessTokenItem]:
    """Return the items of all tokens of ``user_id``, expired ones included, the newest first. One Query a page."""
    return _stored(AccessTokenItem, user_id)


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the same with those that cannot be read. One Query a page."""
    return _stored(KeysAtLeast, user_id)


def _stored(model: type[AnyItem], user_id: str) -> Iterator[AnyItem]:
    return query_all(model, f"TOKENS#{user_id}", index="GSI1", forward=False)


def get(user_id: str, token_id: str) -> AccessToken:
    """Return a token of ``user_id``. One GetItem. Raises AccessTokenNotFound."""
    item = reading.get(AccessTokenItem, access_token_key(token_id)) if _ID.fullmatch(token_id) else None
    item = _owned(item, user_id)
    if item.expires_at <= time.time():
        raise AccessTokenNotFound
    return _token(item)


def _owned(item: AccessTokenItem | None, user_id: str) -> AccessTokenItem:
    if item is None or item.user_id != user_id:
        raise AccessTokenNotFound
    return item


def revoke(ctx: RequestContext, token_id: str, *, once: Once | None = None) -> bool:
    """End a token of ``ctx.user_id``; return whether an earlier request of the same key had. Two requests to DynamoDB.

    It ends at once in this process, and within ``REMEMBERED_SECONDS`` in others.

    Raises AccessTokenNotFound, IdempotencyMismatch, IdempotencyInFlight, WriteContention.
    """
    if not _ID.fullmatch(token_id):
        raise AccessTokenNotFound

    def plan(item: AccessTokenItem | None, *, placed: bool = True) -> Plan[str]:
        found = _owned(item, ctx.user_id)
        freed = _freed(found) if placed else []
        return Plan("", [delete(found), *freed], resources=[found.key])

    keys, slot = [access_token_key(token_id)], bearer_secrets.slot(ctx, once)
    try:
        done = commit(None, plan, keys=keys, slot=slot)
    except ConditionFailed:  # it has expired, and its place is another's
        done = commit(None, partial(plan, placed=False), keys=keys, slot=slot)
    finally:
        _remembered.forget(token_id)
    return isinstance(done, Replayed)


def _freed(item: AccessTokenItem) -> list[Action]:
    return [] if item.place is None else [places.give_up(item.user_id, KIND, item.place, item.id)]


def revoke_all(user_id: str) -> int:
    """End every token of ``user_id``, also those that cannot be read; return how many there were."""
    tokens = list(owned_by(user_id))
    for item in tokens:
        if not isinstance(item, AccessTokenItem) or {"id", "user_id"} - item.attribute_values.keys():
            remove(item.key)
            continue
        with suppress(ConditionFailed):  # handed over, which the index does not show yet
            write([delete_unless_held(item, "user_id")])
        _remembered.forget(item.id)
        with suppress(ConditionFailed):
            write(_freed(item))
    return len(tokens)


def hand_over(ctx: RequestContext, heir: UserItem) -> int:
    """Make every token of ``ctx.user_id`` one of another person, when their accounts are merged; return how many.

    Programs go on with the secret that they have, as the other person. One request for each token.
    """
    person = profiles.described(heir)
    moved = 0
    for item in list(stored(ctx.user_id)):
        theirs = item.changed(user_id=heir.id, person=person, place=None, version=item.version + 1)
        with suppress(ConditionFailed):  # revoked at this moment
            write([update(item, theirs.changed(**theirs.index_keys())), *_freed(item)])
            moved += 1
        _remembered.forget(item.id)
    return moved


def verify(secret: str) -> Grant:
    """Return who brings ``secret`` and what it allows. At most one GetItem.

    Raises InvalidAccessToken.
    """
    if bearer_secrets.read(secret) is None:
        raise InvalidAccessToken
    item = _find(bearer_secrets.digest(secret))
    if not item or not bearer_secrets.matches(secret, item.id):
        raise InvalidAccessToken
    if item.expires_at <= time.time():
        raise InvalidAccessToken(_("The access token has expired. Make a new one."))
    return Grant(
        id=item.user_id,
        scope=item.scope,
        token_id=item.id,
        issued_at=int(datetime.fromisoformat(item.created_at).timestamp()),
        **item.person,
    )


def _find(token_id: str) -> AccessTokenItem | None:
    """Return the item of a token, or None, as of ``REMEMBERED_SECONDS`` ago at most."""
    remembered = _remembered.get(token_id)
    if remembered and remembered[0].age() < REMEMBERED_SECONDS:
        return remembered[1]
    read_at = Moment.now()
    item = reading.get(AccessTokenItem, access_token_key(token_id))
    _remembered.put(token_id, (read_at, item))
    return item


def forget() -> None:
    """Forget what was looked up, as a new process would."""
    _remembered.clear()
