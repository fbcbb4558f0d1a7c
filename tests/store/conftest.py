"""The store's tests count and disturb requests where they leave for DynamoDB."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from store import commit, reading, writing
from store.model import table
from tests.dynamodb import calls  # noqa: F401  a fixture


@pytest.fixture
def pauses(monkeypatch):
    """Note pauses instead of taking them."""
    taken = []
    for module in (commit, reading, writing):
        monkeypatch.setattr(module, "pause", taken.append)
    return taken


@pytest.fixture
def disturb(monkeypatch, pauses):
    """Return a function that puts ``trouble(send, arguments)`` before the next ``times`` requests of an operation."""
    real = table().connection.dispatch
    left = {}

    def dispatch(operation, arguments):
        trouble, times = left.get(operation, (None, 0))
        if not times:
            return real(operation, arguments)
        left[operation] = (trouble, times - 1)
        return trouble(lambda: real(operation, arguments), arguments)

    monkeypatch.setattr(table().connection, "dispatch", dispatch)

    def install(operation, trouble, times=1):
        left[operation] = (trouble, times)

    return install


def contended(send, arguments):
    """Another transaction holds the item."""
    raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, "PutItem")


def answer_lost(send, arguments):
    """The request arrives, its answer does not, and it is sent again."""
    send()
    return send()
