"""How often something may be tried: an exact limit for all processes together, in the table, with a time to live.

The limit slides. So many tries may be made at once, and they come back one by one, evenly over the limit's seconds. A
try that is refused postpones nothing. This is the generic cell rate algorithm: the item holds the moment at which all
tries will be back, each try moves that moment by its share of the seconds, and one condition decides whether it may.
"""

from dataclasses import dataclass
from math import ceil

from store.attributes import Whole
from store.model import METADATA, Item
from store.reading import get
from store.writing import ConditionFailed, add_if, put_if, write


@dataclass(frozen=True, slots=True)
class Limit:
    """``tries`` at once, which come back evenly over ``seconds``; at most twice as many within any such time."""

    tries: int
    seconds: int

    @property
    def share(self) -> int:
        """Milliseconds after which one try comes back."""
        return ceil(self.seconds * 1000 / self.tries)


class ThrottleItem(Item):
    """The moment at which all tries of one subject will be back (milliseconds since 1970)."""

    ENTITY_TYPE = "TRIES"

    back_at = Whole()
    expires_at = Whole()


def take(subject: str, limit: Limit, now: float) -> int:
    """Use up one try of ``subject`` at ``now`` (epoch seconds).

    One request to DynamoDB, two if others were used up a short while ago.

    Returns
    -------
    int
        0, or the seconds after which the next try may be made; then nothing was used up.
    """
    moment = round(now * 1000)
    first = _item(subject, moment + limit.share)
    try:
        write([put_if(first, ThrottleItem.back_at <= moment)])
    except ConditionFailed:
        latest = moment + limit.share * (limit.tries - 1)
        more = _item(subject, moment + limit.share * limit.tries)
        try:
            write([add_if(more, "back_at", limit.share, ThrottleItem.back_at <= latest)])
        except ConditionFailed as failure:
            (found,) = failure.blockers
            until = found.back_at if isinstance(found, ThrottleItem) else latest
            return max(1, ceil((until - latest) / 1000))
    return 0


def left(subject: str, limit: Limit, now: float) -> int:
    """Return how many tries of ``subject`` may be made at ``now`` (epoch seconds). One GetItem."""
    found = get(ThrottleItem, throttle_key(subject))
    used = max(0, found.back_at - round(now * 1000)) if found else 0
    return max(0, limit.tries - ceil(used / limit.share))


def give_back(subject: str, limit: Limit) -> None:
    """Give back a try that was none after all. One request to DynamoDB."""
    pk, sk = throttle_key(subject)
    item = ThrottleItem(PK=pk, SK=sk)
    try:
        write([add_if(item, "back_at", -limit.share, ThrottleItem.back_at.exists())])
    except ConditionFailed:
        return


def _item(subject: str, back_at: int) -> ThrottleItem:
    pk, sk = throttle_key(subject)
    return ThrottleItem(PK=pk, SK=sk, back_at=back_at, expires_at=back_at // 1000 + 1)


def throttle_key(subject: str) -> tuple[str, str]:
    """Return PK and SK of the item about one subject, whose name must tell nothing about anybody."""
    return f"TRIES#{subject}", METADATA
