"""Looking at what the product asks of DynamoDB: fixtures for counting its calls and for a network that fails."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from store import calls as table
from store.model import table as connected


class Calls(Counter):
    """How often each DynamoDB operation was called since the last ``clear()``."""

    @property
    def names(self) -> list[str]:
        return sorted(self.elements())


@pytest.fixture
def calls():
    """Count the requests that really leave for DynamoDB, retries included."""
    counted = Calls()

    def count(model, **_):
        counted[model.name] += 1

    events = connected().client.meta.events
    events.register("before-call.dynamodb", count)
    yield counted
    events.unregister("before-call.dynamodb", count)


class Unreliable:
    """Stands before the real client and does ``trouble`` to the next calls of one operation."""

    def __init__(self, real: Any, operation: str, trouble: Any, times: int) -> None:
        self._real, self._operation, self._trouble, self._left = (
            real,
            operation,
            trouble,
            itertools.count(times, -1),
        )

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._real, name)
        if name != self._operation or next(self._left) <= 0:
            return call
        return lambda **arguments: self._trouble(call, arguments)


def conflict(call: Any, arguments: dict[str, Any]) -> None:
    """Another transaction holds the item."""
    raise ClientError(
        {
            "Error": {"Code": "TransactionCanceledException", "Message": ""},
            "CancellationReasons": [{"Code": "TransactionConflict"}] * len(arguments["TransactItems"]),
        },
        "TransactWriteItems",
    )


def answer_lost(call: Any, arguments: dict[str, Any]) -> Any:
    """The answer got lost after the write, and botocore sent the request again."""
    call(**arguments)
    return call(**arguments)


@pytest.fixture
def unreliable(monkeypatch):
    """Return a function that makes the next ``times`` calls of an operation suffer ``trouble``."""

    def install(operation: str, trouble: Any, times: int = 1) -> None:
        monkeypatch.setattr(table, "_client", Unreliable(table.client(), operation, trouble, times))

    monkeypatch.setattr(table, "pause", lambda attempt: None)
    return install


def stored(pk: str, sk: str) -> dict[str, Any] | None:
    """Return an item as it is in the table."""
    return table.get((pk, sk))
