"""Items about people. Each kind has a key and a class."""

import hashlib

from store.attributes import Flag, Record, Records, Text, Texts, Whole
from store.model import METADATA, Authored, Item, Key, feed_keys
from store.text import canonical


def user_key(user_id: str) -> Key:
    """Return PK and SK of a profile."""
    return f"USER#{user_id}", METADATA


def session_key(session: str) -> Key:
    """Return PK and SK of a browser session: a reader of the table learns hashes, no cookies."""
    return f"SESSION#{hashlib.sha256(session.encode()).hexdigest()}", METADATA


def folded_address(email: str) -> str:
    """Return the form in which e-mail addresses are compared. Unlike other text, what looks alike stays apart."""
    return canonical(canonical(email.strip()).casefold())


def email_key(email: str) -> Key:
    """Return PK and SK of the item that keeps an e-mail address to one person."""
    return f"EMAIL#{folded_address(email)}", METADATA


def revocation_key(user_id: str) -> Key:
    """Return PK and SK of the item that ends what a user was signed in with; all are in one small partition."""
    return "REVOCATIONS", f"SUBJECT#{revoked_subject(user_id)}"


def revoked_subject(user_id: str) -> str:
    """Return the digest that stands for a person in a revocation, which outlives them: an id is 122 random bits."""
    return hashlib.sha256(user_id.encode()).hexdigest()


def access_token_key(token_id: str) -> Key:
    """Return PK and SK of a personal access token; its id is the SHA-256 of its secret, in hexadecimal."""
    return f"TOKEN#{token_id}", METADATA


def calendar_feed_key(user_id: str) -> Key:
    """Return PK and SK of a person's calendar feed: one at most, so a new one replaces the old one in one write."""
    return f"CALENDAR#{user_id}", METADATA


def recovery_codes_key(user_id: str) -> Key:
    """Return PK and SK of a person's recovery codes."""
    return f"RECOVERY#{user_id}", METADATA


def sign_in_key(user_id: str) -> Key:
    """Return PK and SK of when a person last signed in."""
    return f"SIGNIN#{user_id}", METADATA


def preferences_key(user_id: str) -> Key:
    """Return PK and SK of a person's preferences."""
    return f"PREFERENCES#{user_id}", METADATA


def workspace_key() -> Key:
    """Return PK and SK of the settings of the workspace."""
    return "WORKSPACE#settings", METADATA


class UserItem(Authored):
    """A profile; ``id`` and ``user_id`` are the Cognito ``sub``."""

    ENTITY_TYPE = "USER"

    id = Text()
    user_id = Text()
    created_at = Text()
    email = Text(null=True)
    username = Text()
    name = Text()
    given_name = Text(null=True)
    family_name = Text(null=True)
    timezone = Text(null=True)
    first_day_of_week = Text(null=True)
    disabled_at = Text(null=True)
    roles = Texts(null=True)

    def index_keys(self) -> dict[str, str]:
        """Return the index keys: among all profiles, by age."""
        return feed_keys("USER", self.user_id, self.created_at)


class PreferencesItem(Authored):
    """A person's display preferences. Not in the lake."""

    ENTITY_TYPE = "PREFERENCES"

    user_id = Text()
    language = Text(null=True)
    theme = Text(null=True)
    weekly_goal = Text(null=True)
    filters = Records(null=True)


class SessionItem(Item):
    """A browser session: Django's signed serialisation of it, under the hash of its key."""

    ENTITY_TYPE = "SESSION"

    data = Text()
    user_id = Text(null=True)
    created_at = Text()
    expires_at = Whole()

    def index_keys(self) -> dict[str, str]:
        """Return the index keys: by owner, and by age. A session that nobody signed in to has none."""
        if self.user_id is None:
            return {}
        own = {"GSI1PK": f"USER#{self.user_id}", "GSI1SK": f"SESSION#{self.created_at}#{self.PK}"}
        return own | feed_keys("SESSION", self.PK, self.created_at)


class AccessTokenItem(Item):
    """A personal access token under the hash of its secret, and the person who made it.

    ``place`` is the number of its place (``store.places``); tokens made before there were places have none.
    """

    ENTITY_TYPE = "ACCESS_TOKEN"

    id = Text()
    user_id = Text()
    name = Text()
    scope = Text()
    place = Whole(null=True)
    person = Record()
    version = Whole()
    request_id = Text()
    created_at = Text()
    expires_at = Whole()

    def index_keys(self) -> dict[str, str]:
        """Return the index keys: by owner (in a partition that no list of tasks reads), and by age."""
        own = {"GSI1PK": f"TOKENS#{self.user_id}", "GSI1SK": f"TOKEN#{self.created_at}#{self.id}"}
        return own | feed_keys("TOKEN", self.id, self.created_at)


class CalendarFeedItem(Item):
    """A person's calendar feed, with the hash of its secret address."""

    ENTITY_TYPE = "CALENDAR_FEED"

    user_id = Text()
    secret_hash = Text()
    request_id = Text()
    created_at = Text()


class RecoveryCodesItem(Item):
    """The recovery codes that a person has not used yet, as digests; older ones have no ``salt``."""

    ENTITY_TYPE = "RECOVERY_CODES"

    user_id = Text()
    digests = Texts()
    salt = Text(null=True)
    request_id = Text()
    created_at = Text()


class SignInItem(Item):
    """When a person last signed in with a browser."""

    ENTITY_TYPE = "SIGN_IN"

    user_id = Text()
    at = Text()
    request_id = Text()


class WorkspaceItem(Item):
    """The settings of the workspace, and its announcements (``workspace.Announcement``)."""

    ENTITY_TYPE = "WORKSPACE"

    name = Text(null=True)
    languages = Texts(null=True)
    language = Text(null=True)
    timezone = Text(null=True)
    first_day = Whole(null=True)
    sign_up = Text(null=True)
    domains = Texts(null=True)
    contact = Text(null=True)
    announcements = Records(null=True)
    version = Whole()
    updated_at = Text()


class EmailItem(Item):
    """An e-mail address that belongs to one person, or is reserved for a change until it expires."""

    ENTITY_TYPE = "EMAIL"

    user_id = Text()
    request_id = Text()
    created_at = Text()
    expires_at = Whole(null=True)


class RevocationItem(Item):
    """Nothing issued to a person up to ``until`` (epoch seconds) counts; ``wholly``: access tokens neither.

    ``subject`` is the person's digest; items from before there were digests have ``user_id``.
    """

    ENTITY_TYPE = "REVOCATION"

    subject = Text(null=True)
    user_id = Text(null=True)
    until = Whole()
    wholly = Flag()
    request_id = Text()
    updated_at = Text()
    expires_at = Whole()
