"""The store's items about a person: idempotency records, audit entries about them, request counters.

It also says how others keep an item that has no partition of its owner's: with ``owner_keys``, under which
``owned_by`` finds it. An item that cannot be read belongs to a person like any other.
"""

from collections.abc import Iterator

from store.model import Item, KeysAtLeast, owner_keys
from store.rate_limits import partition
from store.reading import query_all


def owned_by(user_id: str) -> Iterator[Item]:
    """Return the items of a person with ``owner_keys``, and their counters. Two Queries, one more a further page."""
    yield from query_all(KeysAtLeast, owner_keys(user_id, "")["GSI2PK"], index="GSI2")
    yield from counters(user_id)


def counters(*principals: str) -> Iterator[Item]:
    """Return the counters of what was done as ``principals``. One Query for each."""
    for principal in principals:
        yield from query_all(KeysAtLeast, partition(principal))
