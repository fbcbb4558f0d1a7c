"""Somebody always has the role admins: who takes one away takes a turn first, and looks who is left.

Roles are groups in Cognito, which knows no conditions: two admins who take each other's role away at the same time
would each still see the other. A turn is an item of the table that one request holds at a time, until Cognito has done
what it was for. It ends by itself after ``TURN_SECONDS``, for a process that died in between.
"""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from identity import directory
from identity.errors import AccountMissing
from identity.users import ADMINS
from store.attributes import Text, Whole
from store.errors import WriteContention
from store.model import METADATA, Item, Key
from store.writing import ConditionFailed, Contended, delete_unless_held, pause, put_over_expired, write

TURN_SECONDS = 60
TRIES = 12


class TurnItem(Item):
    """The turn of the request ``holder``, until ``expires_at`` (epoch seconds)."""

    ENTITY_TYPE = "TURN"

    holder = Text()
    expires_at = Whole()


def turn_key() -> Key:
    """Return PK and SK of the turn."""
    return f"TURN#{ADMINS}", METADATA


@contextmanager
def turn() -> Iterator[None]:
    """Hold the turn; others wait for it. Raises WriteContention if it does not become free."""
    pk, sk = turn_key()
    mine = TurnItem(PK=pk, SK=sk, holder=secrets.token_hex(8), expires_at=int(time.time()) + TURN_SECONDS)
    for attempt in range(TRIES):
        try:
            write([put_over_expired(mine, int(time.time()))])
            break
        except (ConditionFailed, Contended):
            pause(attempt)
    else:
        raise WriteContention
    try:
        yield
    finally:
        with suppress(ConditionFailed, Contended):  # it has ended by itself, or does so soon
            write([delete_unless_held(mine, "holder")])


def is_admin(username: str) -> bool:
    """Return whether somebody has the role and can sign in. Raises IdentityUnavailable."""
    try:
        return ADMINS in directory.groups_of(username) and directory.account(username).enabled
    except AccountMissing:
        return False


def others(username: str) -> bool:
    """Return whether somebody else has the role and can sign in. Raises IdentityUnavailable."""
    candidates = (member.username for member in directory.members_of(ADMINS) if member.enabled)
    return any(name != username and is_admin(name) for name in candidates)
