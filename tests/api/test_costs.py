"""What each operation asks of DynamoDB, in one table"""

import pytest

from tests.api.client import TASKS

# Operation -> calls for the first send, and for a replay with its Idempotency-Key. Authentication and, unless it is
# switched on, rate limiting (which adds one at most) are in these figures; so is the notice that goes to the person.
COSTS = {
    "create": (1, 1),
    "get": (1, None),
    "list": (1, None),
    "update": (2, 1),
    "delete": (2, 1),
    "restore": (2, 1),
    "purge": (2, 1),
    "list trash": (1, None),
    "changes": (2, None),
    "batch of creates": (1, 1),
    "batch of anything": (2, 1),
    "get profile": (1, None),
    "change profile": (2, 1),
    "create access token": (5, 2),
    "list access tokens": (1, None),
    "revoke access token": (2, 1),
    "new calendar feed": (4, 1),
    "get calendar": (1, None),
    "end calendar feed": (1, 1),
    "import a task": (4, 1),
    "export": (1, None),
}


def requests(as_alice):
    """Return {operation: (method, path, body)}, with all that they need."""
    ids = [as_alice.create()["id"] for _ in range(6)]
    for number in (2, 3):
        as_alice("DELETE", f"{TASKS}/{ids[number]}")
    creates = {"operations": [{"op": "create", "task": {"title": "x"}}] * 25}
    mixed = {"operations": [*creates["operations"][:5], {"op": "delete", "id": ids[4]}]}
    as_alice("GET", "/api/v1/users")
    token = as_alice("POST", "/api/v1/tokens", {"name": "x"}).json()["id"]
    as_alice("POST", "/api/v1/calendar")
    return {
        "create": ("POST", TASKS, {"title": "x"}),
        "get": ("GET", f"{TASKS}/{ids[0]}", None),
        "list": ("GET", f"{TASKS}?status=pending&sort=-created", None),
        "update": ("PATCH", f"{TASKS}/{ids[0]}", {"title": "y"}),
        "delete": ("DELETE", f"{TASKS}/{ids[1]}", None),
        "restore": ("POST", f"{TASKS}/{ids[2]}/restore", None),
        "purge": ("DELETE", f"/api/v1/trash/{ids[3]}", None),
        "list trash": ("GET", "/api/v1/trash", None),
        "changes": ("GET", f"{TASKS}?updated_since=2020-01-01T00:00:00Z", None),
        "batch of creates": ("POST", f"{TASKS}/batch", creates),
        "batch of anything": ("POST", f"{TASKS}/batch", mixed),
        "get profile": ("GET", "/api/v1/users", None),
        "change profile": ("PUT", "/api/v1/users", {"name": "New"}),
        "create access token": ("POST", "/api/v1/tokens", {"name": "new"}),
        "list access tokens": ("GET", "/api/v1/tokens", None),
        "revoke access token": ("DELETE", f"/api/v1/tokens/{token}", None),
        "new calendar feed": ("POST", "/api/v1/calendar", None),
        "get calendar": ("GET", "/api/v1/calendar", None),
        "end calendar feed": ("DELETE", "/api/v1/calendar", None),
        "import a task": ("POST", "/api/v1/import", [{"title": "x"}]),
        "export": ("GET", "/api/v1/export", None),
    }


@pytest.mark.parametrize("operation", COSTS)
def test_an_operation_and_its_replay_cost_what_the_table_says(as_alice, calls, operation):
    method, path, body = requests(as_alice)[operation]
    first, replay = COSTS[operation]
    headers = {"Idempotency_Key": "k"} if replay else {}
    calls.clear()
    answer = as_alice(method, path, body, **headers)
    assert answer.status_code < 300, answer
    answer.getvalue()  # an export is read while it is sent
    assert calls.total() == first, calls
    if replay:
        calls.clear()
        assert as_alice(method, path, body, **headers)["Idempotency-Replayed"] == "true"
        assert calls.total() == replay, calls
