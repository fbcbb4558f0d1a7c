import pytest

from tests.etl.harness import Harness


@pytest.fixture(scope="session", autouse=True)
def static_files():
    """Stand in for the site's own: nothing here renders a page."""


@pytest.fixture
def lake(tmp_path):
    """An empty lake in memory."""
    return Harness(tmp_path)
