import pytest

from etl import aws
from tests.etl.harness import Harness
from tests.roles import OWNER


@pytest.fixture(scope="session", autouse=True)
def static_files():
    """Stand in for the site's own: nothing here renders a page."""


@pytest.fixture(autouse=True)
def operator(monkeypatch):
    """The commands that are run here sign as the account's owner; each test has clients of its own."""
    monkeypatch.setattr(aws, "boto3", OWNER)
    aws.client.cache_clear()
    with OWNER.scanning():
        yield
    aws.client.cache_clear()


@pytest.fixture
def lake(tmp_path):
    """An empty lake in memory."""
    return Harness(tmp_path)
