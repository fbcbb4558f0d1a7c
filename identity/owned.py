"""The items of identity that belong to a person. The store finds items with owner keys, such as a reserved address."""

from collections.abc import Iterator

from identity import access_tokens, sessions
from identity.items import calendar_feed_key, preferences_key, recovery_codes_key, user_key
from store.model import Item
from store.reading import get_all


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the sessions, access tokens, calendar feed, recovery codes, preferences and profile of a person.

    One Query a page for sessions and for tokens, and one BatchGetItem.
    """
    yield from sessions.of_person(user_id)
    yield from access_tokens.stored(user_id)
    keys_of = (calendar_feed_key, recovery_codes_key, preferences_key, user_key)
    single = get_all(Item, [key_of(user_id) for key_of in keys_of])
    yield from filter(None, single)
