"""The list of erased people: digests of their ids, so that no replay brings one back.

One object in Bronze, which outlives Silver and Gold. An id is 122 random bits, and its digest is salted with a value of
this lake alone: from the list nobody can read who was erased, only find out whether it was an id that they know.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from etl.lake.commit import commit_json
from etl.lake.layout import ERASED
from etl.lake.storage import Bucket
from etl.log import log


@dataclass(frozen=True, slots=True)
class Erased:
    """The list: its salt, and the SHA-256 of salt and id of each person, in hexadecimal."""

    salt: str = ""
    digests: frozenset[str] = frozenset()

    def holds(self, user_id: str) -> bool:
        """Whether a person has been erased."""
        return bool(self.digests) and _digest(self.salt, user_id) in self.digests


def _digest(salt: str, user_id: str) -> str:
    return hashlib.sha256((salt + user_id).encode(errors="surrogatepass")).hexdigest()


def load(bronze: Bucket) -> Erased:
    """The list; an empty one if nobody has been erased. One call to S3."""
    found = bronze.get_json(ERASED)
    return Erased(found[0]["salt"], frozenset(found[0]["digests"])) if found else Erased()


def add(bronze: Bucket, user_id: str) -> None:
    """Add a person to the list; it stays there forever."""

    def plan(held: dict[str, Any] | None) -> dict[str, Any] | None:
        held = held or {"salt": secrets.token_hex(16), "digests": []}
        digest = _digest(held["salt"], user_id)
        if digest in held["digests"]:
            return None
        return {**held, "digests": sorted([*held["digests"], digest])}

    commit_json(bronze, ERASED, plan)


class Watched:
    """The list as a long-lived process knows it.

    Parameters
    ----------
    bronze
        Returns the bucket.
    """

    def __init__(self, bronze: Callable[[], Bucket]) -> None:
        self.bronze = bronze
        self._known: Erased | None = None
        self._etag: str | None = None
        self._read_at = 0.0

    def get(self, max_age: float) -> Erased:
        """The list, at most `max_age` seconds old; older if S3 does not answer. One call to S3 if nothing changed."""
        if self._known is None or time.monotonic() - self._read_at >= max_age:
            try:
                self._refresh()
            except (BotoCoreError, ClientError) as error:
                if self._known is None or not max_age:
                    raise
                log("erased", "the list is not read", level="WARNING", status="retry", error=error)
        return self._known or Erased()

    def _refresh(self) -> None:
        begun, bronze = time.monotonic(), self.bronze()
        etag = bronze.etag(ERASED)
        if self._known is None or etag != self._etag:
            self._known, self._etag = load(bronze) if etag else Erased(), etag
        self._read_at = begun
