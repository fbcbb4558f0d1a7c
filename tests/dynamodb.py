"""Looking at what the product asks of DynamoDB: fixtures for counting its calls and for a network that fails."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from store import commit, reading, writing
from store.model import table


class Calls(Counter):
    """How often each DynamoDB operation was called since the last ``clear()``."""

    @property
    def names(self) -> list[str]:
        return sorted(self.elements())


@pytest.fixture
def calls(settings):
    """Count the requests that really leave for DynamoDB, retries included.

    However slow the machine, what has been read of revocations and groups is not read again meanwhile.
    """
    settings.REVOCATIONS_SECONDS = settings.GROUPS_SECONDS = 3600
    counted = Calls()

    def count(model, **_):
        counted[model.name] += 1

    events = table().client.meta.events
    events.register("before-call.dynamodb", count)
    yield counted
    events.unregister("before-call.dynamodb", count)


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
    real = table().connection.dispatch
    troubles = {}

    def dispatch(operation: str, arguments: dict[str, Any]) -> Any:
        trouble, left = troubles.get(operation, (None, 0))
        if left <= 0:
            return real(operation, arguments)
        troubles[operation] = (trouble, left - 1)
        return trouble(lambda **given: real(operation, given), arguments)

    def install(operation: str, trouble: Any, times: int = 1) -> None:
        troubles[operation] = (trouble, times)

    monkeypatch.setattr(table().connection, "dispatch", dispatch)
    for module in (commit, reading, writing):
        monkeypatch.setattr(module, "pause", lambda attempt: None)
    return install


def stored(pk: str, sk: str) -> dict[str, Any] | None:
    """Return an item as it is in the table."""
    key = {"PK": {"S": pk}, "SK": {"S": sk}}
    answer = table().client.get_item(TableName=table().table_name, Key=key, ConsistentRead=True)
    plain = TypeDeserializer()
    return (
        {name: plain.deserialize(value) for name, value in answer["Item"].items()}
        if "Item" in answer
        else None
    )
