"""Erases a person from Cognito and the table. The account page, the admin and ``erase_user`` all do it here.

Each domain says what it keeps about a person in its ``owned_by``. Three things stay: the revocation that keeps issued
tokens from working until they have expired, under a digest of the id; audit entries about other people, which name the
person as the one who acted; and counters of tries, which name nobody and which DynamoDB removes by their time to live.
"""

from collections.abc import Iterator
from itertools import chain, islice

import identity.owned
import store.owned
import tasks.owned
from identity import administration
from store.model import Item, Key
from store.request_context import RequestContext
from tasks.transfer import export_jobs

# A larger account is erased in portions, and not inside an admin's request.
MAX_ERASED = 500
PASSES = 2


def owned_by(user_id: str) -> Iterator[Item]:
    """Return everything the table holds of a person, tasks last. See each domain's ``owned_by`` for its requests."""
    domains = (identity.owned, store.owned, tasks.owned)
    return chain.from_iterable(domain.owned_by(user_id) for domain in domains)


def erase(ctx: RequestContext, username: str = "") -> list[Key]:
    """Delete the account of ``ctx.user_id``, end its tokens and sessions, and delete its items and exported files.

    It can be repeated. ``username`` is as of ``administration.remove_account``. Returns the keys of the items. Raises
    Refused for the last admin, and if Cognito does not answer; then only the files are gone at most.
    """
    if username:
        administration.check_an_admin_stays(username)
    export_jobs.erase_files(ctx.user_id)
    administration.remove_account(ctx, username)
    return erase_items(ctx.user_id)


def erase_items(user_id: str) -> list[Key]:
    """Delete the items of a person, and return their keys. One BatchWriteItem for 25 items.

    They are looked for twice: a request under way may write meanwhile, and the indexes are a moment behind.
    """
    removed: dict[Key, Item] = {}
    for _ in range(PASSES):
        full = True
        while full:
            portion = {item.key: item for item in islice(owned_by(user_id), MAX_ERASED)}
            with Item.batch_write() as batch:
                for item in portion.values():
                    batch.delete(item)
            removed |= portion
            full = len(portion) == MAX_ERASED
    return list(removed)
