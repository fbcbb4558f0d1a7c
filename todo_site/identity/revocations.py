"""Whose tokens and sessions have been ended, known to every process without a read per request.

A Cognito token is valid until it expires, whatever happens to its owner. So ending somebody's access stores "nothing
issued until now" under their id, for as long as such a token can live. Processes keep the list, which is short, and
read it again when it is older than ``REVOCATIONS_SECONDS``: one Query of one small partition, however many requests
there were. That delay is the price of authenticating without a read; in the process that revokes there is none.
Browser sessions do not wait for it: they are deleted, and are read on every request anyway.
"""

import logging
import threading
import time
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from tasks import table
from tasks.codec import decode_item
from tasks.items import revocation_key
from todo_site.identity.users import Person

# Cognito allows tokens to live for a day at most.
KEPT_SECONDS = 25 * 3600
_log = logging.getLogger(__name__)


class Revocations:
    """The list as this process knows it: user id -> nothing issued up to then counts (epoch seconds)."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def until(self, user_id: str) -> int:
        """Return the time up to which nothing issued to ``user_id`` counts; 0 if all of it does."""
        if time.monotonic() - self._read_at > settings.REVOCATIONS_SECONDS:
            self._refresh()
        return self._until.get(user_id, 0)

    def forget(self) -> None:
        """Read the list again before the next answer."""
        self._read_at = float("-inf")

    def _refresh(self) -> None:
        # One thread reads; the others go on with what is known meanwhile.
        if not self._lock.acquire(blocking=self._read_at == float("-inf")):
            return
        try:
            if time.monotonic() - self._read_at > settings.REVOCATIONS_SECONDS:
                self._until = _read()
        except (BotoCoreError, ClientError):
            _log.warning("the list of revocations cannot be read; going on with the last one", exc_info=True)
        finally:
            self._read_at = time.monotonic()
            self._lock.release()


@cache
def _client() -> Any:
    # A client of its own: a request would rather go on with the last list than wait for this one.
    config = Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1})
    return boto3.client("dynamodb", region_name=settings.AWS_DEFAULT_REGION, config=config)


def _read() -> dict[str, int]:
    found: dict[str, int] = {}
    partition, now = revocation_key("")[0], time.time()
    start: dict[str, Any] = {}
    while True:
        page = _client().query(
            TableName=settings.TABLE_NAME,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
            **start,
        )
        items = [decode_item(raw) for raw in page["Items"]]
        found |= {item["user_id"]: item["until"] for item in items if item["expires_at"] > now}
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


known = Revocations()


def revoked(person: Person) -> bool:
    """Whether what the person signed in with has been ended since."""
    until = known.until(person.id)
    return bool(until) and person.issued_at <= until


def record(user_id: str, request_id: str, now: float) -> table.Action:
    """Return the action that ends everything issued to ``user_id`` up to ``now`` (epoch seconds)."""
    pk, sk = revocation_key(user_id)
    return table.put(
        {
            "PK": pk,
            "SK": sk,
            "entity_type": "REVOCATION",
            "user_id": user_id,
            # Token times are whole seconds: what is issued within this one counts as issued before.
            "until": int(now),
            "request_id": request_id,
            "expires_at": int(now) + KEPT_SECONDS,
        }
    )
