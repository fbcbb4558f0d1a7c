"""What the table holds about people: profiles, sessions, access tokens, calendar addresses and their keys."""

import hashlib
from typing import Any

from pynamodb.attributes import ListAttribute, MapAttribute, UnicodeAttribute

from store.schema import METADATA, Authored, IntegerAttribute, Item, feed_keys


def user_key(user_id: str) -> tuple[str, str]:
    """Return PK and SK of a profile."""
    return f"USER#{user_id}", METADATA


def session_key(session: str) -> tuple[str, str]:
    """Return PK and SK of a browser session: whoever reads the table learns no cookie, only hashes."""
    return f"SESSION#{hashlib.sha256(session.encode()).hexdigest()}", METADATA


def email_key(email: str) -> tuple[str, str]:
    """Return PK and SK of the item that keeps an e-mail address to one person."""
    return f"EMAIL#{email.strip().casefold()}", METADATA


def revocation_key(user_id: str) -> tuple[str, str]:
    """Return PK and SK of the item that ends what a user was signed in with; all are in one small partition."""
    return "REVOCATIONS", f"USER#{user_id}"


def access_token_key(token_id: str) -> tuple[str, str]:
    """Return PK and SK of a personal access token; its id is the SHA-256 of its secret, in hexadecimal."""
    return f"TOKEN#{token_id}", METADATA


def access_token_index_keys(user_id: str, created_at: str, token_id: str) -> dict[str, str]:
    """Return the index keys of an access token: by owner (in a partition that no list of tasks reads), and by age."""
    own = {"GSI1PK": f"TOKENS#{user_id}", "GSI1SK": f"TOKEN#{created_at}#{token_id}"}
    return own | feed_keys("TOKEN", token_id, created_at)


def calendar_feed_key(user_id: str) -> tuple[str, str]:
    """Return PK and SK of a person's calendar feed: one at most, so a new one replaces the old one in one write."""
    return f"CALENDAR#{user_id}", METADATA


class UserItem(Authored):
    """A profile; ``id`` and ``user_id`` are the Cognito ``sub``."""

    email = UnicodeAttribute(null=True)
    username = UnicodeAttribute()
    name = UnicodeAttribute()
    given_name = UnicodeAttribute(null=True)
    family_name = UnicodeAttribute(null=True)
    timezone = UnicodeAttribute(null=True)
    disabled_at = UnicodeAttribute(null=True)
    roles: ListAttribute[Any] = ListAttribute(null=True)


class SessionItem(Item):
    """A browser session: Django's signed serialisation of it, under the hash of its key."""

    data = UnicodeAttribute()
    user_id = UnicodeAttribute(null=True)


class AccessTokenItem(Item):
    """A personal access token, by the hash of its secret, and who made it; gone from GSI1 once revoked."""

    id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    name = UnicodeAttribute()
    scope = UnicodeAttribute()
    version = IntegerAttribute()
    revoked_at = UnicodeAttribute(null=True)
    request_id = UnicodeAttribute()
    person: MapAttribute[str, Any] = MapAttribute()  # type: ignore[no-untyped-call]


class CalendarFeedItem(Item):
    """A person's calendar feed, by the hash of its secret address."""

    user_id = UnicodeAttribute()
    secret_hash = UnicodeAttribute()
    request_id = UnicodeAttribute()
