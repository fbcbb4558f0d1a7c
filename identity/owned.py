"""The items of identity that belong to a person. The store finds items with owner keys, such as a reserved address."""

from collections.abc import Iterator

from identity import access_tokens, allowance, sessions
from identity.items import calendar_feed_key, preferences_key, user_key
from store import owned, places
from store.model import Item
from store.reading import get_all


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the sessions, access tokens, calendar feed, preferences, profile, places and counters of a person.

    One Query a page for sessions, for tokens and for places, and two BatchGetItems.
    """
    yield from sessions.of_person(user_id)
    yield from access_tokens.stored(user_id)
    single = get_all(Item, [calendar_feed_key(user_id), preferences_key(user_id), user_key(user_id)])
    yield from filter(None, single)
    yield from places.of_person(user_id)
    yield from owned.counters(allowance.page_principal(user_id), allowance.feed_principal(user_id))
