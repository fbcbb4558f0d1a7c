"""GET /health and /api/health"""

import pytest
from django.conf import settings

from tests.api.client import assert_problem


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_answers_without_a_call_to_aws(client, calls, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy", "version": settings.APP_VERSION, "environment": "test"}
    assert not calls


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_other_methods(client, path):
    assert "GET" in client.post(path)["Allow"]
    assert_problem(client.post(path), 405)
