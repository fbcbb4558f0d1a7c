"""The secret address of a person's calendar feed."""

from dataclasses import dataclass

from identity import bearer_secrets, notices
from identity.errors import CalendarFeedNotFound
from identity.items import CalendarFeedItem, calendar_feed_key
from store import reading
from store.commit import Plan, Replayed, commit
from store.idempotency import Once
from store.request_context import RequestContext
from store.writing import ConditionFailed, delete_existing, put

ADDRESS_MAX = 512  # the key of an item has a limit too, and breaking that one would be an error


@dataclass(frozen=True, slots=True)
class CalendarFeed:
    """A person's feed: since when its address has been this one. The address itself is not known."""

    created_at: str


def get(user_id: str) -> CalendarFeed | None:
    """Return the feed of ``user_id``, or None if there is none. One GetItem."""
    item = reading.get(CalendarFeedItem, calendar_feed_key(user_id))
    return CalendarFeed(item.created_at) if item else None


def enable(ctx: RequestContext, *, once: Once | None = None) -> str:
    """Give ``ctx.user_id`` a feed with a new address, and return its secret part, which is not shown again.

    An old address ends. One request to DynamoDB, and a notice. With ``once`` the same request again returns the same
    for a day.

    Raises ShutOut, IdempotencyMismatch, IdempotencyInFlight, WriteContention.
    """
    return enable_once(ctx, once)[0]


def enable_once(ctx: RequestContext, once: Once | None) -> tuple[str, bool]:
    """Do what ``enable`` does; return also whether an earlier request had."""
    nonce = bearer_secrets.new_nonce(once)
    token = _token(ctx.user_id, nonce)
    pk, sk = calendar_feed_key(ctx.user_id)
    item = CalendarFeedItem(
        PK=pk,
        SK=sk,
        user_id=ctx.user_id,
        secret_hash=bearer_secrets.digest(token),
        request_id=ctx.request_id,
        created_at=ctx.timestamp,
    )
    earlier = bearer_secrets.store(ctx, item, [put(item)], once, nonce)
    if earlier is not None:
        return _token(ctx.user_id, earlier), True
    if ctx.caller:
        notices.tell(ctx.user_id, ctx.caller.username, notices.CALENDAR)
    return token, False


def disable(ctx: RequestContext, *, once: Once | None = None) -> bool:
    """End the feed of ``ctx.user_id``; return whether an earlier request of the same key had.

    One request to DynamoDB. Raises CalendarFeedNotFound, and what ``enable`` raises.
    """
    key = calendar_feed_key(ctx.user_id)
    plan = Plan("", [delete_existing(key)], resources=[key])
    try:
        return isinstance(commit(None, plan, slot=bearer_secrets.slot(ctx, once)), Replayed)
    except ConditionFailed:
        raise CalendarFeedNotFound from None


def owner_of(token: str) -> str:
    """Return whose feed ``token`` opens. One GetItem; none for what cannot be one. Raises CalendarFeedNotFound."""
    content = bearer_secrets.read(token) if len(token) <= ADDRESS_MAX else None
    try:
        user_id = (content or b"")[bearer_secrets.BYTES :].decode()
    except UnicodeDecodeError:
        raise CalendarFeedNotFound from None
    item = reading.get(CalendarFeedItem, calendar_feed_key(user_id)) if user_id else None
    if not item or not bearer_secrets.matches(token, item.secret_hash):
        raise CalendarFeedNotFound
    return user_id


def _token(user_id: str, nonce: str) -> str:
    return bearer_secrets.show(bearer_secrets.make(nonce=nonce) + user_id.encode())
