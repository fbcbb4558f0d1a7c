"""An API client as others write it: JSON in and out."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from todo_site.api_problems import PROBLEMS

TASKS = "/api/v1/tasks"


class Api:
    """Sends JSON for one account."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request; header names have ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = b"" if body is None else json.dumps(body).encode()
        return self.client.generic(
            method, path, content, "application/json" if content else "", headers=named
        )

    def create(self, **fields: Any) -> dict[str, Any]:
        """Create a task and return it."""
        answer = self("POST", TASKS, {"title": "Task", **fields})
        assert answer.status_code == 201, answer.content
        return answer.json()


def assert_problem(answer: Any, status: int, *, fields: set[str] | None = None) -> dict[str, Any]:
    """Check that ``answer`` is a problem of this status, naming exactly these fields; return it."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert len(problem["detail"]) > 10
    assert problem["request_id"] == answer["X-Request-ID"]
    assert status in PROBLEMS[problem["code"]].statuses
    assert problem["type"] == f"urn:todo:problem:{problem['code']}"
    assert "Traceback" not in answer.content.decode()
    if fields is not None:
        assert {error["field"] for error in problem["errors"]} == fields
    return problem
