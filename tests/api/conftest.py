import pytest

from identity import profiles
from tests.api.client import Api
from tests.dynamodb import calls, unreliable

__all__ = ["calls", "unreliable"]


@pytest.fixture
def as_alice(api, alice) -> Api:
    """The API as Alice uses it, from a process that has seen her."""
    profiles.known.put(alice.id, None)
    return Api(api(alice))


@pytest.fixture
def as_bob(api, bob) -> Api:
    profiles.known.put(bob.id, None)
    return Api(api(bob))
