"""Answers that need not be asked again: in this process, and for all processes as one S3 object a page.

An answer is known by question, parameters and snapshot. A snapshot never changes, so nothing here ever expires: old
snapshots fall out of the bounded memory, and a lifecycle rule removes their objects.
"""

import gzip
import hashlib
import json
import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from etl.lake.layout import CACHE_PREFIX
from web.athena import Answer, client

MEMORY_ENTRIES = 512
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """What an answer is the answer to."""

    snapshot: str
    slug: str
    values: tuple[Any, ...]
    sql: str


class Memory:
    """The most recently used answers of this process; safe to share between threads."""

    def __init__(self, entries: int = MEMORY_ENTRIES) -> None:
        self._entries = entries
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Answer | None:
        """Return the answer to ``key`` or None."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: Key, answer: Answer) -> None:
        """Keep ``answer``, and let go of the one that was not used for longest when there are too many."""
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._entries:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()


memory = Memory()


def load(keys: list[Key]) -> dict[Key, Answer]:
    """Read the answers of a page that another process stored: one S3 read; empty when there are none."""
    s3 = client("s3")
    try:
        body = s3.get_object(Bucket=settings.GOLD_BUCKET, Key=_object(keys))["Body"].read()
        stored = json.loads(gzip.decompress(body))
    except s3.exceptions.NoSuchKey:
        return {}
    except Exception:  # noqa: BLE001 - without the cache the page is slower, not wrong
        _log.warning("cached answers could not be read", exc_info=True)
        return {}
    return {key: Answer(**stored[key.slug]) for key in keys if key.slug in stored}


def store(answers: dict[Key, Answer]) -> None:
    """Write the answers of a whole page for other processes: one S3 write; a failure is logged and forgotten."""
    body = json.dumps({key.slug: answer.to_json() for key, answer in answers.items()}, separators=(",", ":"))
    try:
        client("s3").put_object(
            Bucket=settings.GOLD_BUCKET,
            Key=_object(list(answers)),
            Body=gzip.compress(body.encode(), mtime=0),
            ContentType="application/json",
            ContentEncoding="gzip",
        )
    except Exception:  # noqa: BLE001 - see load
        _log.warning("answers could not be cached", exc_info=True)


def _object(keys: list[Key]) -> str:
    """The object of a page: by snapshot, then by everything asked, SQL included, so a deployment starts afresh."""
    asked = json.dumps([[key.slug, key.sql, [str(value) for value in key.values]] for key in keys])
    return f"{CACHE_PREFIX}{keys[0].snapshot}/{hashlib.sha256(asked.encode()).hexdigest()[:32]}.json"
