"""The items of identity that belong to a person. The store finds items with owner keys, such as a reserved address."""

from collections.abc import Iterator

from identity import access_tokens, allowance, sessions
from identity.items import calendar_feed_key, preferences_key, recovery_codes_key, sign_in_key, user_key
from store import owned, places
from store.model import Item, KeysAtLeast
from store.reading import get_all


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the sessions, tokens, places and counters of a person, and what there is one of, such as the profile.

    One Query a page for sessions, for tokens and for places, two for counters, and one BatchGetItem.
    """
    yield from sessions.owned_by(user_id)
    yield from access_tokens.owned_by(user_id)
    keys_of = (calendar_feed_key, recovery_codes_key, sign_in_key, preferences_key, user_key)
    single = get_all(KeysAtLeast, [key_of(user_id) for key_of in keys_of])
    yield from filter(None, single)
    yield from places.of_person(user_id)
    yield from owned.counters(allowance.page_principal(user_id), allowance.feed_principal(user_id))
