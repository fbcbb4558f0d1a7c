"""The store's items about a person: idempotency records, audit entries about them, request counters.

It also says how others keep an item that has no partition of its owner's: with ``owner_keys``, under which
``owned_by`` finds it. An item that cannot be read belongs to a person like any other.
"""

import time
from collections.abc import Iterator

from store.model import Item, KeysAtLeast, owner_keys
from store.rate_limits import WINDOW_SECONDS, rate_key
from store.reading import get_all, query_all


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the items of a person with ``owner_keys``, and the counters that still count.

    One Query a page and one BatchGetItem.
    """
    yield from query_all(KeysAtLeast, owner_keys(user_id, "")["GSI2PK"], index="GSI2")
    yield from counters(user_id)


def counters(*principals: str) -> Iterator[Item]:
    """Return the counters of what was done as ``principals``, as far as they still count. One BatchGetItem."""
    window = int(time.time()) // WINDOW_SECONDS
    keys = [rate_key(principal, window - past) for principal in principals for past in range(3)]
    yield from filter(None, get_all(KeysAtLeast, keys))
