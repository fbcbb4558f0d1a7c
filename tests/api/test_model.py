"""The API against plain Python: whatever is done in whatever order, both say the same"""

import uuid
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    rule,
    run_state_machine_as_test,
)

from identity import profiles
from tests.api.client import TASKS, Api
from tests.api.model import PRIORITIES, SORTS, listed, today
from tests.api.test_list_tasks import following

DAYS = [(today() + timedelta(days=offset)).isoformat() for offset in (-2, -1, 0, 1, 2)]
STATUSES = ("pending", "in_progress", "completed", "cancelled")
FIELDS = {
    "title": st.sampled_from(["Milk", "milk and eggs", "Rent"]),
    "description": st.sampled_from([None, "From the market"]),
    "status": st.sampled_from(STATUSES),
    "priority": st.sampled_from(PRIORITIES),
    "category": st.sampled_from([None, "home", "work#1"]),
    "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
    "due_date": st.sampled_from([None, *DAYS]),
    "recurrence": st.sampled_from([None, "FREQ=DAILY", "FREQ=DAILY;COUNT=2"]),
}
CHANGES = st.fixed_dictionaries({}, optional=FIELDS)
_REST = {name: strategy for name, strategy in FIELDS.items() if name != "title"}
NEW = st.fixed_dictionaries({"title": FIELDS["title"]}, optional=_REST)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(STATUSES),
        "priority": st.sampled_from(PRIORITIES),
        "category": st.sampled_from(["home", "work#1", "none"]),
        "tag": st.sampled_from("ab"),
        "due_before": st.sampled_from(DAYS),
        "due_after": st.sampled_from(DAYS),
        "overdue": st.sampled_from(["true", "false"]),
        "q": st.sampled_from(["MILK", "market", "home", "b"]),
        "sort": st.sampled_from(SORTS),
        "limit": st.sampled_from([1, 2, 5]),
    },
)
DEFAULTS = {
    **dict.fromkeys(("description", "category", "due_date", "due_time", "timezone", "recurrence")),
    **dict.fromkeys(("next_task_id", "completed_at", "deleted_at")),
    "repeat_from": "due",
    "status": "pending",
    "priority": "medium",
    "tags": [],
    "checklist": [],
}


class Machine(RuleBasedStateMachine):
    """Two dicts of tasks, by id, are all there is to know."""

    tasks_made = Bundle("tasks_made")
    token = ""

    @initialize()
    def start(self):
        self.user = f"user-{uuid.uuid4()}"
        profiles.known.put(self.user, None)
        self.api = Api(Client(headers={"authorization": f"Bearer {self.user}"}))
        self.live, self.trash, self.sent = {}, {}, []

    def send(self, method, path, body=None, key=None, **headers):
        """Send it; with a key, send it twice, and remember it to be sent again."""
        if key:
            headers["Idempotency_Key"] = f"{key}"
        answer = self.api(method, path, body, **headers)
        if key and answer.status_code < 300:
            self.sent.append((method, path, body, headers, answer))
        return answer

    def expect(self, task, answer, **changes):
        """Compare what was answered with the model's task after ``changes``; times are the API's to choose."""
        given = answer.json()
        wanted = {**task, **changes, "version": task["version"] + 1, "updated_at": given["updated_at"]}
        if wanted["status"] != "completed":
            wanted["completed_at"] = None
        elif task["status"] != "completed":
            wanted["completed_at"] = given["updated_at"]
        assert given == wanted
        assert given["updated_at"] > task["updated_at"]
        return given

    @rule(target=tasks_made, fields=NEW, key=st.none() | st.uuids())
    def create(self, fields, key):
        answer = self.send("POST", TASKS, fields, key)
        assert answer.status_code == 201
        made = answer.json()
        stamps = {name: made[name] for name in ("id", "created_at")} | {"updated_at": made["created_at"]}
        done = {"completed_at": made["created_at"]} if fields.get("status") == "completed" else {}
        assert made == DEFAULTS | fields | done | stamps | {"user_id": self.user, "version": 1}
        self.live[made["id"]] = made
        return made["id"]

    @rule(
        task=tasks_made,
        changes=CHANGES,
        key=st.none() | st.uuids(),
        version=st.sampled_from([None, "current", "older"]),
        method=st.sampled_from(["PUT", "PATCH"]),
    )
    def update(self, task, changes, key, version, method):
        old = self.live.get(task)
        number = (old or {"version": 1})["version"] - (version == "older")
        headers = {"If_Match": f'"{number}"'} if version else {}
        answer = self.send(method, f"{TASKS}/{task}", changes, key, **headers)
        if old is None:
            assert answer.status_code == 404
        elif version == "older":
            assert answer.status_code == 412
        else:
            assert answer.status_code == 200
            self.changed(old, changes, answer)

    def changed(self, old, changes, answer):
        changed = {name: value for name, value in changes.items() if old[name] != value}
        if not changed:
            assert answer.json() == old
            return
        new = old | changes
        recurs = (
            new["status"] == "completed" != old["status"] and new["recurrence"] and not old["next_task_id"]
        )
        following_id = answer.json()["next_task_id"] if recurs else old["next_task_id"]
        self.live[old["id"]] = self.expect(old, answer, **changes, next_task_id=following_id)
        if recurs and following_id:
            self.follow(new, following_id)
        else:
            assert not (recurs and new["recurrence"] == "FREQ=DAILY")

    def follow(self, done, following_id):
        """The next occurrence: the day after the one done, or today."""
        made = self.api("GET", f"{TASKS}/{following_id}").json()
        due = max(done["due_date"] or today().isoformat(), (today() - timedelta(days=1)).isoformat())
        day = datetime.fromisoformat(due).date() + timedelta(days=1)
        same = ("title", "description", "priority", "category", "tags")
        assert made == DEFAULTS | {name: done[name] for name in same} | {
            "due_date": day.isoformat(),
            "recurrence": made["recurrence"],
            "id": following_id,
            "user_id": self.user,
            "version": 1,
            **dict.fromkeys(("created_at", "updated_at"), made["created_at"]),
        }
        assert made["recurrence"].startswith("FREQ=DAILY")
        self.live[following_id] = made

    @rule(task=tasks_made, key=st.none() | st.uuids())
    def delete(self, task, key):
        answer = self.send("DELETE", f"{TASKS}/{task}", key=key)
        old = self.live.pop(task, None)
        assert answer.status_code == (204 if old else 404)
        if old:
            self.trash[task] = old | {"version": old["version"] + 1}

    @rule(task=tasks_made, key=st.none() | st.uuids())
    def restore(self, task, key):
        answer = self.send("POST", f"{TASKS}/{task}/restore", key=key)
        old = self.trash.pop(task, None)
        assert answer.status_code == (200 if old else 404)
        if old:
            given = answer.json()
            assert given == old | {"version": old["version"] + 1, "updated_at": given["updated_at"]}
            self.live[task] = given

    @rule(task=consumes(tasks_made))
    def purge(self, task):
        answer = self.send("DELETE", f"/api/v1/trash/{task}")
        assert answer.status_code == (204 if self.trash.pop(task, None) else 404)

    @rule(data=st.data())
    def replay(self, data):
        """What has an idempotency key can be sent again at any time, whatever has become of the task."""
        if self.sent:
            method, path, body, headers, answer = data.draw(st.sampled_from(self.sent))
            again = self.api(method, path, body, **headers)
            assert (again.status_code, again.content) == (answer.status_code, answer.content)
            assert again["Idempotency-Replayed"] == "true"

    @rule(query=QUERIES)
    def list(self, query):
        path, found = f"{TASKS}?{urlencode(query)}", []
        while path:
            answer = self.api("GET", path)
            assert answer.status_code == 200
            found += answer.json()
            path = following(answer)
        wanted = listed(list_of(self.live), {k: v for k, v in query.items() if k != "limit"})
        if query.get("sort", "").endswith("updated"):
            # A task and the one that follows it were written in one instant.
            found, wanted = (sorted(tasks, key=lambda t: t["id"]) for tasks in (found, wanted))
        assert found == wanted

    @rule()
    def look_around(self):
        trash = self.api("GET", "/api/v1/trash").json()
        assert {task["id"]: task["version"] for task in trash} == {
            task_id: task["version"] for task_id, task in self.trash.items()
        }
        changes = self.api("GET", f"{TASKS}?updated_since=2020-01-01T00:00:00Z&limit=100").json()
        assert {task["id"] for task in changes if task["deleted_at"] is None} == self.live.keys()
        assert {task["id"] for task in changes if task["deleted_at"]} >= self.trash.keys()
        for task_id, task in self.live.items():
            assert self.api("GET", f"{TASKS}/{task_id}").json() == task


def list_of(tasks):
    return [*tasks.values()]


@pytest.mark.slow
def test_any_order_of_requests_equals_the_model(monkeypatch):
    """Tokens are not what this is about: each run is somebody new."""
    from identity.users import Person

    monkeypatch.setattr(
        "identity.cognito_tokens.person_of",
        lambda token: Person(id=token, email="", username=token, name=token),
    )
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=[*HealthCheck]
        ),
    )
