"""The steps of one person through the API in a smoke test, and the check of the table."""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from todo_site.smoke.client import Api, SmokeError
from todo_site.smoke.people import People, SmokePerson

TASKS = "/api/v1/tasks"
KEYS_SECONDS = 30  # a new process answers 503 until it has fetched the keys for verifying tokens
PROFILE = "/api/v1/users/me"
# The changes that updates make, in turn; every third task ends completed.
CHANGES: tuple[dict[str, Any], ...] = (
    {"status": "in_progress"},
    {"priority": "high", "tags": ["smoke"]},
    {"status": "completed"},
)


@dataclass(slots=True)
class Journey:
    """One person's tasks, as the API returned them last.

    Parameters
    ----------
    api
        The API with this person's token.
    person
        The person.
    """

    api: Api
    person: SmokePerson
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def begin(self) -> None:
        """Read the person's profile, which creates it."""
        self.api.wait(PROFILE, KEYS_SECONDS)
        profile = self.api.call("GET", PROFILE, expect=200).body
        expect(profile["id"], self.person.id, "the profile's id")

    def create(self, number: int) -> None:
        """Create a task with two requests that have the same idempotency key."""
        key = uuid.uuid4().hex
        body = {"title": f"Smoke test {number}", "category": f"Smoke {number % 3}", "due_date": "2099-12-31"}
        first = self.api.call("POST", TASKS, body, expect=201, idempotency_key=key)
        again = self.api.call("POST", TASKS, body, expect=201, idempotency_key=key)
        expect(
            again.headers.get("idempotency-replayed"), "true", "Idempotency-Replayed of a repeated request"
        )
        expect(again.body["id"], first.body["id"], "the task that a repeated request names")
        self.tasks[first.body["id"]] = first.body

    def update(self, task_id: str, number: int) -> None:
        """Change a task, and check that an old version is refused."""
        before = self.tasks[task_id]
        change = {**CHANGES[number % len(CHANGES)], "description": f"Change {number}"}
        after = self.api.call("PATCH", f"{TASKS}/{task_id}", change, expect=200)
        stale = self.api.call("PATCH", f"{TASKS}/{task_id}", {"title": "Never"}, if_match=etag(before))
        expect(stale.status, 412, "the status for an old version")
        self.tasks[task_id] = after.body

    def read(self) -> None:
        """Check that each task and the list are what the writes returned."""
        for task_id, task in self.tasks.items():
            expect(self.api.call("GET", f"{TASKS}/{task_id}", expect=200).body, task, f"task {task_id}")
        listed = self.api.call("GET", f"{TASKS}?limit=100", expect=200).body
        expect(sorted(task["id"] for task in listed), sorted(self.tasks)[-100:], "the list's ids")

    def check_no_access(self, other: "Journey") -> None:
        """Check that another person's task does not exist for this person."""
        for task_id in list(other.tasks)[:1]:
            self.api.call("GET", f"{TASKS}/{task_id}", expect=404)
            self.api.call("DELETE", f"{TASKS}/{task_id}", expect=404)

    def delete(self, task_id: str) -> None:
        """Delete a task, and check that it is not found afterwards."""
        self.api.call("DELETE", f"{TASKS}/{task_id}", expect=204)
        self.api.call("GET", f"{TASKS}/{task_id}", expect=404)
        del self.tasks[task_id]

    def check_table(self, people: People) -> None:
        """Compare with the table, item by item: ids, versions, statuses and titles."""
        stored = {item["id"]["S"]: item for item in people.items(self.person, "TASK")}
        expect(sorted(stored), sorted(self.tasks), "the ids in the table")
        for task_id, task in self.tasks.items():
            expect(stored[task_id]["status"]["S"], task["status"], f"the status of {task_id} in the table")
            expect(stored[task_id]["title"]["S"], task["title"], f"the title of {task_id} in the table")
            expect(
                f'"{stored[task_id]["version"]["N"]}"', etag(task), f"the version of {task_id} in the table"
            )

    def statuses(self) -> Counter[str]:
        """Return the number of tasks by status."""
        return Counter(task["status"] for task in self.tasks.values())


def etag(task: dict[str, Any]) -> str:
    """Return the entity tag of a task."""
    return f'"{task["version"]}"'


def expect(found: Any, wanted: Any, what: str) -> None:
    """Raise SmokeError unless `found` is `wanted`."""
    if found != wanted:
        raise SmokeError(f"{what}: {str(found)[:500]!r}, not {str(wanted)[:500]!r}")
