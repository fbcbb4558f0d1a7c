"""How much somebody may do: one counter per principal and minute, in the table, with a time to live.

The counters of an hour are in one item, which is kept for a day more: that shows what was used, at no further write.

What is counted are units: a request is one, and what does the work of many weighs as many. A process draws units from
the counter in shares, 1 at first and then twice as many each time. So a request costs at most one more call to
DynamoDB, a busy client's hardly ever one, and what a process has drawn and not used stays less than what it has used.
What turns out to weigh more than was taken is owed, and comes off what is taken next. Once the counter is used up the
process says no by itself until the minute is over.
"""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from store.attributes import Whole
from store.model import Item, Key
from store.reading import get, query_all
from store.writing import count_up

WINDOW_SECONDS = 60
WINDOWS = 60  # in an hour, which has one item
KEPT_HOURS = 24
MAX_SHARE = 32
PRINCIPALS = 10_000

_log = logging.getLogger(__name__)


class _RateItem(Item):
    expires_at = Whole()


def _counter(window: int) -> str:
    """Return the name of the counter of a window, in the item of its hour."""
    return f"m{window % WINDOWS:02}"


# The units that one principal has used in one hour: a counter for each window, such as ``m59``.
RateItem: Any = type(
    "RateItem",
    (_RateItem,),
    {"ENTITY_TYPE": "RATE", **{_counter(window): Whole(null=True) for window in range(WINDOWS)}},
)


@dataclass(frozen=True, slots=True)
class Day:
    """The units that a principal has drawn in a day, and its busiest minute: its units, and when it began (UTC)."""

    units: int = 0
    most: int = 0
    most_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether something may be done, and how much more may in this window.

    Attributes
    ----------
    allowed
        Whether this may.
    remaining
        The remaining units of the window, as far as this process knows.
    resets_in
        Whole seconds until the next window, at least 1.
    """

    allowed: bool
    remaining: int
    resets_in: int


@dataclass(slots=True)
class _Account:
    """Units that this process has drawn for one principal in one window and not used yet; below zero: owed."""

    window: int
    left: int = 0
    share: int = 1
    used: int = 0
    closed: bool = False


_accounts: OrderedDict[str, _Account] = OrderedDict()
_lock = threading.Lock()


def take(principal: str, limit: int, now: float, weight: int = 1) -> Allowance:
    """Use up ``weight`` of the ``limit`` units a minute of ``principal`` at ``now`` (epoch seconds), or nothing.

    At most one request to DynamoDB. When that fails, it is allowed: counting must not take the service down.
    """
    window = int(now) // WINDOW_SECONDS
    with _lock:
        account = _account(principal, window)
        missing = weight - account.left
        share = max(account.share, missing) if missing > 0 and not account.closed else 0
    if share:
        _draw(account, principal, share, limit)
    with _lock:
        allowed = account.left >= weight
        account.left -= weight if allowed else 0
        return Allowance(allowed, _remaining(account, limit), _resets_in(window, now))


def owe(principal: str, limit: int, now: float, weight: int) -> Allowance:
    """Count what was done and weighs more than was taken for it. No request to DynamoDB: the next one pays for it."""
    window = int(now) // WINDOW_SECONDS
    with _lock:
        account = _account(principal, window)
        account.left -= weight
        return Allowance(True, _remaining(account, limit), _resets_in(window, now))


def _remaining(account: _Account, limit: int) -> int:
    return max(0, max(0, limit - account.used) + account.left)


def _resets_in(window: int, now: float) -> int:
    return (window + 1) * WINDOW_SECONDS - int(now)


def _account(principal: str, window: int) -> _Account:
    account = _accounts.get(principal)
    if account is None or account.window != window:
        account = _accounts[principal] = _Account(window)
        _accounts.move_to_end(principal)
        while len(_accounts) > PRINCIPALS:
            _accounts.popitem(last=False)
    return account


def _draw(account: _Account, principal: str, share: int, limit: int) -> None:
    pk, sk = rate_key(principal, account.window)
    ends = (account.window // WINDOWS + 1 + KEPT_HOURS) * WINDOWS * WINDOW_SECONDS
    counter = RateItem(PK=pk, SK=sk, expires_at=ends)
    try:
        used = count_up(counter, _counter(account.window), share)
    except (BotoCoreError, ClientError) as error:
        _log.warning("a request was not counted", exc_info=error)
        used = share
    granted = max(0, min(share, limit - (used - share)))
    with _lock:
        account.used = max(account.used, used)
        account.left += granted
        account.closed = granted < share
        account.share = min(share * 2, MAX_SHARE, max(1, limit // 16))


def used(principal: str, now: float) -> int:
    """Return the units of ``principal`` that processes have drawn in the minute of ``now``. One GetItem."""
    window = int(now) // WINDOW_SECONDS
    item = get(RateItem, rate_key(principal, window))
    return (item and item.attribute_values.get(_counter(window))) or 0


def last_day(principal: str, now: float) -> Day:
    """Return what ``principal`` has drawn in the 24 hours up to ``now`` (epoch seconds). One Query."""
    window = int(now) // WINDOW_SECONDS
    first = window - KEPT_HOURS * WINDOWS
    drawn: dict[int, int] = {}
    for item in query_all(RateItem, partition(principal), rate_key(principal, first)[1] <= Item.SK):
        hour = int(item.SK.partition("#")[2])
        for each in range(hour * WINDOWS, (hour + 1) * WINDOWS):
            if first < each <= window and (units := item.attribute_values.get(_counter(each))):
                drawn[each] = units
    if not drawn:
        return Day()
    busiest = max(drawn, key=lambda each: (drawn[each], each))
    return Day(sum(drawn.values()), drawn[busiest], datetime.fromtimestamp(busiest * WINDOW_SECONDS, UTC))


def forget() -> None:
    """Forget what was drawn, as a new process would."""
    with _lock:
        _accounts.clear()


def partition(principal: str) -> str:
    """Return the PK of the counters of one principal."""
    return f"RATE#{principal}"


def rate_key(principal: str, window: int) -> Key:
    """Return PK and SK of the item with the counter of one principal's ``window``th minute since 1970."""
    return partition(principal), f"HOUR#{window // WINDOWS:08}"
