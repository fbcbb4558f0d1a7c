"""The store's items about a person: idempotency records, audit entries about them, request counters.

It also says how others keep an item that has no partition of its owner's: with ``owner_keys``, under which
``owned_by`` finds it.
"""

import time
from collections.abc import Iterator

from store.model import Item, owner_keys
from store.rate_limits import WINDOW_SECONDS, RateItem, rate_key
from store.reading import get_all, query_all


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the items of a person with ``owner_keys``, and the counters that still count.

    One Query a page and one BatchGetItem.
    """
    yield from query_all(Item, owner_keys(user_id, "")["GSI2PK"], index="GSI2")
    window = int(time.time()) // WINDOW_SECONDS
    counters = get_all(RateItem, [rate_key(user_id, window - past) for past in range(3)])
    yield from filter(None, counters)
