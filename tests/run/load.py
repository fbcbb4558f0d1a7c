"""A client of the API that writes without pause, and knows exactly what it was promised."""

from __future__ import annotations

import http.client
import json
import random
import threading
import uuid
from dataclasses import dataclass, field

CREATED, OK, NO_CONTENT = 201, 200, 204
EXPECTED = {"POST": CREATED, "PATCH": OK, "DELETE": NO_CONTENT}


@dataclass(frozen=True)
class Write:
    """One request: sent again it is the same, Idempotency-Key included."""

    method: str
    path: str
    body: dict[str, str] | None
    key: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Answer:
    """What the API answered to a write."""

    status: int
    replayed: bool
    task: dict | None


class Client:
    """One signed-in person who creates, changes and deletes tasks as fast as the API answers.

    ``acknowledged`` holds every write that was answered, ``tasks`` the state that follows from them: task id to the
    task as the API returned it last, None when deleted. ``versions`` holds every version of a task that was returned.
    ``unanswered`` is the write under way when the API went away.
    """

    def __init__(self, name: str, port: int) -> None:
        self.name, self.port, self.token = name, port, ""
        self.random = random.Random(name)
        self.tasks: dict[str, dict | None] = {}
        self.versions: set[tuple[str, int]] = set()
        self.acknowledged: list[Write] = []
        self.unanswered: Write | None = None
        self.refused: list[str] = []

    def work(self, stop: threading.Event) -> None:
        """Write until told to stop or until the API is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            while not stop.is_set():
                self.unanswered = self._next()
                self._record(self.unanswered, self._send(connection, self.unanswered))
                self.unanswered = None
        except (OSError, http.client.HTTPException, ValueError):
            return
        finally:
            connection.close()

    def repeat(self) -> bool | None:
        """Send the unanswered write again; return whether it had been done already (None: there was none)."""
        if self.unanswered is None:
            return None
        write, connection = self.unanswered, http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        answer = self._send(connection, write)
        connection.close()
        self._record(write, answer)
        self.unanswered = None
        return answer.replayed

    def listed(self) -> list[dict]:
        """Return every task that the API lists for this person, page by page."""
        connection, path, found = (
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=60),
            "/api/v1/tasks?limit=100",
            [],
        )
        while path:
            connection.request("GET", path, headers=self._headers())
            reply = connection.getresponse()
            assert reply.status == OK, reply.read()
            found += json.loads(reply.read())
            link = reply.headers.get("Link", "")
            path = link.partition(f":{self.port}")[2].partition(">")[0]
        connection.close()
        return found

    def _next(self) -> Write:
        open_tasks = [task_id for task_id, task in self.tasks.items() if task]
        choice = self.random.random()
        if choice < 0.7 or not open_tasks:
            return Write("POST", "/api/v1/tasks", {"title": f"{self.name} {uuid.uuid4()}"})
        path = f"/api/v1/tasks/{self.random.choice(open_tasks)}"
        if choice < 0.9:
            return Write(
                "PATCH", path, {"status": self.random.choice(["in_progress", "completed", "pending"])}
            )
        return Write("DELETE", path, None)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def _send(self, connection: http.client.HTTPConnection, write: Write) -> Answer:
        headers = {**self._headers(), "Idempotency-Key": write.key}
        if write.body is not None:
            headers["Content-Type"] = "application/json"
        body = json.dumps(write.body) if write.body is not None else None
        connection.request(write.method, write.path, body, headers)
        reply = connection.getresponse()
        content = reply.read()
        task = json.loads(content) if content and reply.status in {CREATED, OK} else None
        return Answer(reply.status, reply.headers.get("Idempotency-Replayed") == "true", task)

    def _record(self, write: Write, answer: Answer) -> None:
        if answer.status != EXPECTED[write.method]:
            self.refused.append(f"{write.method} {write.path} was answered {answer.status}")
            return
        self.acknowledged.append(write)
        if answer.task:
            self.tasks[answer.task["id"]] = answer.task
            self.versions.add((answer.task["id"], int(answer.task["version"])))
        else:
            self.tasks[write.path.rpartition("/")[2]] = None
