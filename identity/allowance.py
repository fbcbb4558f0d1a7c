"""What a person may do in a minute, and what each request takes of it.

A request weighs one. What does the work of many weighs as many: a batch its operations, an import its rows, an export
or a list the queries that it reads. The API and the pages have an allowance each, so that a script does not lock its
owner out of the pages.
"""

import time
from dataclasses import dataclass

from django.http import HttpRequest

from identity.errors import TooManyRequests
from store import rate_limits
from store.rate_limits import Allowance

# A row that is only looked at, as in a dry run, weighs a tenth of one that is written.
LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class Account:
    """Whose units a request uses, and how many there are in a minute."""

    principal: str
    limit: int


def page_principal(user_id: str) -> str:
    """Return whose units the pages of a person use."""
    return f"{user_id}#pages"


def feed_principal(user_id: str) -> str:
    """Return whose units the readers of a person's calendar feed use."""
    return f"{user_id}#feed"


def begin(request: HttpRequest, principal: str, limit: int) -> None:
    """Count a request: one of the ``limit`` units a minute of ``principal`` (0: no limit). Raises TooManyRequests."""
    if not limit:
        return
    account = Account(principal, limit)
    request.allowance = account  # type: ignore[attr-defined]
    _take(request, account, 1)


def take(request: HttpRequest, weight: int) -> None:
    """Count what a request is about to do: ``weight`` units, of which it has taken one. Raises TooManyRequests.

    What weighs more than the whole allowance takes all of it, and so can be done first thing in a minute.
    """
    account = _account(request)
    if account and weight > 1:
        _take(request, account, min(weight, account.limit) - 1)


def take_rows(request: HttpRequest, rows: int, *, looked_at: bool = False) -> None:
    """Count the rows of a file that are about to be written, or only ``looked_at``. Raises TooManyRequests."""
    take(request, -(-rows // LOOKED_AT) if looked_at else rows)


def owe_rows(request: HttpRequest, rows: int, looked_at: bool) -> None:
    """Count the rows of a file that were written, or only ``looked_at``."""
    owe(request, -(-rows // LOOKED_AT) if looked_at else rows)


def owe(request: HttpRequest, done: int) -> None:
    """Count what a request has done: queries read, tasks deleted. It has taken a unit for the first of all."""
    account = _account(request)
    if not account:
        return
    before = getattr(request, "done", 0)
    request.done = before + done  # type: ignore[attr-defined]
    if weight := max(1, before + done) - max(1, before):
        _tell(request, account, rate_limits.owe(account.principal, account.limit, time.time(), weight))


def _account(request: HttpRequest) -> Account | None:
    return getattr(request, "allowance", None)


def _take(request: HttpRequest, account: Account, weight: int) -> None:
    found = rate_limits.take(account.principal, account.limit, time.time(), weight)
    _tell(request, account, found)
    if not found.allowed:
        raise TooManyRequests(weight, found.remaining, account.limit, found.resets_in)


def _tell(request: HttpRequest, account: Account, found: Allowance) -> None:
    request.rate_limit = {  # type: ignore[attr-defined]
        "RateLimit-Policy": f'"default";q={account.limit};w={rate_limits.WINDOW_SECONDS}',
        "RateLimit": f'"default";r={found.remaining};t={found.resets_in}',
    }
