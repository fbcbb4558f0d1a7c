"""Whose tokens and sessions have been revoked.

A Cognito token is valid until it expires, whatever happens to its owner. Revoking somebody's access therefore stores
"nothing issued until now" under a digest of their id, for as long as such a token can live. Every process caches this
list and reads what is new every half of ``REVOCATIONS_SECONDS``, beside the requests (``clock_guard``). Browser
sessions and personal access tokens never wait for it: revoking them deletes the items that they are read from, and the
list only catches those made at that very moment.
"""

import itertools
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from identity.clock_guard import ClockGuard
from identity.errors import IdentityUnavailable
from identity.items import RevocationItem, revocation_key, revoked_subject
from identity.users import Person, TokenHolder
from store.model import CHANGES
from store.reading import query_all
from store.request_context import timestamp
from store.writing import Action, check, put

# Cognito allows tokens to live for a day at most.
KEPT_SECONDS = 25 * 3600
# Entries carry the clock of the process that wrote them, so the last minute before a read is read again.
OVERLAP_SECONDS = 60
READ_SECONDS, RETRY_SECONDS = 5, 0.2
IDLE_SECONDS = 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Revocation:
    """Nothing issued to somebody up to ``until`` (epoch seconds) counts; ``wholly``: access tokens neither."""

    until: int
    wholly: bool
    expires_at: int


@dataclass(frozen=True, slots=True)
class Revocations:
    """The list: entries by the person's digest, complete up to ``read_to`` by the wall clock (epoch seconds)."""

    by_subject: Mapping[str, Revocation] = field(default_factory=dict)
    read_to: float = 0

    def of(self, user_id: str) -> Revocation | None:
        """Return the entry of a person."""
        return self.by_subject.get(revoked_subject(user_id))


def _read(_key: str, last: Revocations | None) -> Revocations:
    """Return the list with what was added since ``last``.

    Tries for ``READ_SECONDS``, then raises IdentityUnavailable: an old list would let in whoever was revoked since.
    """
    deadline = time.monotonic() + READ_SECONDS
    for attempt in itertools.count():
        try:
            return _updated(last or Revocations())
        except (BotoCoreError, ClientError) as error:
            if attempt == 0:
                _log.warning("the list of revocations cannot be read: %s", error)
            if time.monotonic() > deadline:
                raise IdentityUnavailable from error
            # The first call after a freeze often finds that its connection was closed; another one will do.
            if attempt or isinstance(error, ClientError):
                time.sleep(RETRY_SECONDS)
    raise AssertionError  # for mypy: the loop has no end


def _updated(last: Revocations) -> Revocations:
    now = time.time()
    entries = {**last.by_subject, **dict(_entries(since=max(0, last.read_to - OVERLAP_SECONDS)))}
    return Revocations({subject: found for subject, found in entries.items() if found.expires_at > now}, now)


def _entries(since: float) -> Iterator[tuple[str, Revocation]]:
    """Yield the entries written since then (epoch seconds), with their digests. One Query a page."""
    written = RevocationItem.updated_at >= _stamp(since)
    # Impatient: requests may be waiting, and asking again is better than waiting long for one answer.
    for item in query_all(RevocationItem, revocation_key("")[0], written, index=CHANGES, impatient=True):
        subject = item.subject or revoked_subject(item.user_id or "")
        yield subject, Revocation(item.until, item.wholly, item.expires_at)


def _stamp(moment: float) -> str:
    return timestamp(datetime.fromtimestamp(moment, UTC))


cached = ClockGuard("revocations", _read, lambda: settings.REVOCATIONS_SECONDS, IDLE_SECONDS)


def revoked(person: Person, *, wait: bool = True) -> bool:
    """Whether the token or session of ``person`` has been revoked. Raises IdentityUnavailable if ``wait``."""
    known = cached.get() if wait else cached.peek()
    found = known.of(person.id) if known else None
    if found is None or (isinstance(person, TokenHolder) and not found.wholly):
        return False
    return person.issued_at <= found.until


def outlast() -> None:
    """Wait up to a second, so that tokens issued from now on do not count as issued before the revocation.

    For answers to a person who has just revoked their own access: they sign in again right away.
    """
    time.sleep(1 - time.time() % 1)


def record(user_id: str, request_id: str, now: float, *, wholly: bool = True) -> Action:
    """Return the action that revokes everything issued to ``user_id`` up to ``now`` (epoch seconds).

    ``wholly``: personal access tokens too, which a sign-out leaves alone.
    """
    pk, sk = revocation_key(user_id)
    # A session begun at that very moment could live longer than any token.
    kept = max(KEPT_SECONDS, settings.SESSION_COOKIE_AGE) if wholly else KEPT_SECONDS
    item = RevocationItem(
        PK=pk,
        SK=sk,
        subject=revoked_subject(user_id),
        # Token times are whole seconds: tokens issued within this second count as issued before.
        until=int(now),
        wholly=wholly,
        request_id=request_id,
        updated_at=_stamp(time.time()),
        expires_at=int(now) + kept,
    )
    return put(item)


def not_shut_out(user_id: str, issued_at: int) -> Action:
    """Return the action that writes nothing, but fails if all access issued by ``issued_at`` was revoked."""
    never = RevocationItem.PK.does_not_exist()
    not_wholly = RevocationItem.wholly == False  # noqa: E712 (a condition that DynamoDB checks)
    return check(revocation_key(user_id), never | not_wholly | (RevocationItem.until < issued_at))
