"""ClientRequestTokens of transactions that survive a restart.

Hole closed: ministack keeps tokens in memory only, with the whole request. A client that retries a transaction after
a crash would apply it twice. Here the journal has the token with the transaction, and a digest in place of the request.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb as ddb


class PayloadDigest(str):
    """A digest that equals the request it was made from, because ministack compares the two with `==`."""

    __slots__ = ()

    @classmethod
    def of(cls, payload: dict[str, Any]) -> "PayloadDigest":
        """Return the digest of a request body without its token."""
        text = json.dumps(payload, sort_keys=True, separators=(",", ":"))
        return cls(hashlib.sha256(text.encode()).hexdigest())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, dict):
            other = str(PayloadDigest.of(other))
        return str.__eq__(self, other) is True

    __hash__ = str.__hash__


def install(record: Callable[[str, str, str, dict[str, Any]], None]) -> None:
    """Replace stored requests by digests and report every token to `record`."""
    store = ddb._txn_token_store

    def store_and_record(token: str, entry: dict[str, Any]) -> None:
        entry["signature"] = PayloadDigest.of(entry["signature"])
        store(token, entry)
        record(ddb.get_account_id(), ddb.get_region(), token, entry)

    ddb._txn_token_store = store_and_record
