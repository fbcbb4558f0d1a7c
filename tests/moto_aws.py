"""AWS in this process, by moto: for a service's answers, errors and edges, not for its behaviour under load."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def moto_aws() -> Iterator[None]:
    """Give an empty account to the clients that are made meanwhile: no variable leads them to the local AWS."""
    from moto import mock_aws  # takes half a second to load

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            yield
