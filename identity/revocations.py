"""Whose tokens have been ended, known to every process without a read on any request's path.

A Cognito token is valid until it expires, whatever happens to its owner. So ending somebody's access stores "nothing
issued until now" under their id, for as long as such a token can live. While a process serves people, a thread of its
own reads what was added to that list every half of ``REVOCATIONS_SECONDS``. A request looks into memory; it waits for
the thread only if the list is older than ``REVOCATIONS_SECONDS``: in a process that has just begun, or that was quiet
or frozen for longer. Browser sessions and personal access tokens never wait: ending them deletes what they are read
from, and the list only catches what was made at that very moment.
"""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from identity.errors import IdentityUnavailable
from identity.items import revocation_key
from identity.users import Person, TokenHolder
from store import calls
from store.codec import decode_item
from store.context import timestamp
from store.schema import CHANGES, TTL_ATTRIBUTE

# Cognito allows tokens to live for a day at most.
KEPT_SECONDS = 25 * 3600
# Entries carry the clock of the process that wrote them; what is that much older than the last read is read again.
OVERLAP_SECONDS = 60
WAIT_SECONDS, AGAIN_SECONDS = 5, 0.2
QUIET_SECONDS = 30
_NEVER = float("-inf")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """Nothing issued to somebody up to ``until`` (epoch seconds) counts; ``wholly``: access tokens neither."""

    until: int
    wholly: bool
    expires_at: int


class Revocations:
    """The list as this process knows it."""

    def __init__(self) -> None:
        self._ended: dict[str, Ended] = {}
        self._read_to = 0.0  # by the wall clock: entries written up to here are known
        self._as_of = self._wall_as_of = self._asked_at = _NEVER
        self._forgotten_at = _NEVER
        self._succeeded = False
        self._reader: threading.Thread | None = None
        self._wake = threading.Event()
        self._news = threading.Condition()

    def of(self, user_id: str, *, wait: bool = True) -> Ended | None:
        """Return what is known to be ended of ``user_id``: at most ``REVOCATIONS_SECONDS`` old, unless not to wait.

        Raises IdentityUnavailable if this process has never been able to read the list.
        """
        self._asked_at = time.monotonic()
        if not self._fresh(self._asked_at):
            self._catch_up(self._asked_at, wait)
        return self._ended.get(user_id)

    def forget(self) -> None:
        """Let what is asked from now on be answered by what is read from now on."""
        self._forgotten_at = time.monotonic()

    def _fresh(self, asked: float) -> bool:
        oldest = max(asked - settings.REVOCATIONS_SECONDS, self._forgotten_at)
        # A frozen process may find its monotonic clock where it was, but not the wall clock.
        return self._as_of >= oldest and time.time() - self._wall_as_of <= settings.REVOCATIONS_SECONDS

    def _catch_up(self, asked: float, wait: bool) -> None:
        with self._news:
            self._wake.set()
            if self._reader is None or not self._reader.is_alive():
                self._reader = threading.Thread(target=self._keep_reading, name="revocations", daemon=True)
                self._reader.start()
            if wait:
                self._news.wait_for(lambda: self._as_of >= asked or self._fresh(asked), WAIT_SECONDS)
        if wait and not self._succeeded:
            raise IdentityUnavailable

    def _keep_reading(self) -> None:
        while True:
            self._wake.clear()
            self._read()
            pause = settings.REVOCATIONS_SECONDS / 2 if self._succeeded else AGAIN_SECONDS
            self._wake.wait(max(pause, 0.05))
            with self._news:
                if not self._wake.is_set() and time.monotonic() - self._asked_at > QUIET_SECONDS:
                    self._reader = None
                    return

    def _read(self) -> None:
        began, now = time.monotonic(), time.time()
        found: dict[str, Ended] | None = None
        try:
            found = dict(_entries(since=max(0, self._read_to - OVERLAP_SECONDS)))
        except (BotoCoreError, ClientError) as error:
            _log.warning("the list of revocations cannot be read, going on with the last one: %s", error)
        with self._news:
            if found is not None:
                known = self._ended | found
                self._ended = {user: ended for user, ended in known.items() if ended.expires_at > now}
                self._read_to, self._succeeded = now, True
            if self._succeeded:
                # Without an answer the last list counts for another while, so that not every request waits.
                self._as_of, self._wall_as_of = began, now
            self._news.notify_all()


@cache
def _client() -> Any:
    # A client of its own: a request would rather go on with the last list than wait long for this one.
    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    return boto3.client("dynamodb", region_name=settings.AWS_DEFAULT_REGION, config=config)


def _entries(since: float) -> Iterator[tuple[str, Ended]]:
    """Read the entries written since then (epoch seconds), by user id. One Query a page, of what is new only."""
    start: dict[str, Any] = {}
    while True:
        page = _client().query(
            TableName=settings.TABLE_NAME,
            IndexName=CHANGES,
            KeyConditionExpression="PK = :pk AND updated_at >= :since",
            ExpressionAttributeValues={":pk": {"S": revocation_key("")[0]}, ":since": {"S": _stamp(since)}},
            ConsistentRead=True,
            **start,
        )
        for item in map(decode_item, page["Items"]):
            yield item["user_id"], Ended(item["until"], item.get("wholly", True), item[TTL_ATTRIBUTE])
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _stamp(moment: float) -> str:
    return timestamp(datetime.fromtimestamp(moment, UTC))


known = Revocations()


def revoked(person: Person, *, wait: bool = True) -> bool:
    """Whether what the person signed in with has been ended since. Raises IdentityUnavailable if ``wait``."""
    ended = known.of(person.id, wait=wait)
    if ended is None or (isinstance(person, TokenHolder) and not ended.wholly):
        return False
    return person.issued_at <= ended.until


def outlast() -> None:
    """Wait, for at most a second, until what is issued from now on is no longer taken for issued before.

    For whoever answers the person that asked for the end: they sign in again right away.
    """
    time.sleep(1 - time.time() % 1)


def record(user_id: str, request_id: str, now: float, *, wholly: bool = True) -> calls.Action:
    """Return the action that ends what was issued to ``user_id`` up to ``now`` (epoch seconds).

    ``wholly``: also the access tokens, which their owner made and a sign-out leaves alone.
    """
    pk, sk = revocation_key(user_id)
    # A session begun in that very moment could live longer than any token.
    kept = max(KEPT_SECONDS, settings.SESSION_COOKIE_AGE) if wholly else KEPT_SECONDS
    return calls.put(
        {
            "PK": pk,
            "SK": sk,
            "entity_type": "REVOCATION",
            "user_id": user_id,
            # Token times are whole seconds: what is issued within this one counts as issued before.
            "until": int(now),
            "wholly": wholly,
            "request_id": request_id,
            "updated_at": _stamp(time.time()),
            TTL_ATTRIBUTE: int(now) + kept,
        }
    )
