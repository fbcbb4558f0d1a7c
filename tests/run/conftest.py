"""These tests start their own processes; the site's static files are not needed in this one."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def static_files():
    """Stand in for the site's own: nothing here renders a page in this process."""
