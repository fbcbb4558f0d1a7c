"""What the table must hold after a story: an oracle that replays events without the product's services."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.demo.storyline import Event

OPEN = {"pending", "in_progress"}
LEGAL = {
    ("pending", "in_progress"),
    ("pending", "completed"),
    ("pending", "cancelled"),
    ("in_progress", "completed"),
    ("in_progress", "cancelled"),
    ("completed", "pending"),
    ("completed", "in_progress"),
}


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Model:
    """Tasks and trash by the story's names, profiles by e-mail; raises on an event that is not legal."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.tasks: dict[str, dict[str, Any]] = {}
        self.trash: dict[str, dict[str, Any]] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.owners: dict[str, str] = {}
        self.history: list[tuple[Event, str | None, str | None]] = []
        for event in events:
            before = self.status(event.task)
            getattr(self, f"_{event.verb}")(event)
            self.history.append((event, before, self.status(event.task)))

    def status(self, task: str) -> str | None:
        return self.tasks[task]["status"] if task in self.tasks else None

    def of(self, email: str) -> list[dict[str, Any]]:
        return [task for name, task in self.tasks.items() if self.owners[name] == email]

    def kept_in_trash(self, email: str, now: datetime) -> list[dict[str, Any]]:
        limit = stamp(now - timedelta(days=30))
        return [
            task
            for name, task in self.trash.items()
            if self.owners[name] == email and task["deleted_at"] > limit
        ]

    def _join(self, event: Event) -> None:
        assert event.email not in self.profiles
        written = {"created_at": stamp(event.at), **self._written(event, 1)}
        self.profiles[event.email] = {**event.fields, **written}

    def _profile(self, event: Event) -> None:
        profile = self.profiles[event.email]
        profile.update(event.fields, **self._written(event, profile["version"] + 1))

    def _create(self, event: Event) -> None:
        assert event.task not in self.owners
        assert event.email in self.profiles
        self.owners[event.task] = event.email
        defaults = {"status": "pending", "created_at": stamp(event.at)}
        self.tasks[event.task] = {**defaults, **event.fields, **self._written(event, 1)}

    def _update(self, event: Event) -> None:
        task = self._own(self.tasks, event)
        changed = {name: value for name, value in event.fields.items() if task.get(name) != value}
        assert changed == event.fields, f"{event} changes nothing"
        if "status" in changed:
            assert (task["status"], changed["status"]) in LEGAL, event
            assert "recurrence" not in task or changed["status"] != "completed", "services add the next one"
            task.pop("completed_at", None)
            if changed["status"] == "completed":
                task["completed_at"] = stamp(event.at)
        task.update(changed, **self._written(event, task["version"] + 1))

    def _delete(self, event: Event) -> None:
        task = self._own(self.tasks, event)
        task.update(self._written(event, task["version"] + 1), deleted_at=stamp(event.at))
        self.trash[event.task] = self.tasks.pop(event.task)

    def _restore(self, event: Event) -> None:
        task = self._own(self.trash, event)
        assert stamp(event.at - timedelta(days=30)) < task.pop("deleted_at")
        task.update(self._written(event, task["version"] + 1))
        self.tasks[event.task] = self.trash.pop(event.task)

    def _own(self, tasks: dict[str, dict[str, Any]], event: Event) -> dict[str, Any]:
        assert self.owners[event.task] == event.email
        assert stamp(event.at) > tasks[event.task]["updated_at"]
        return tasks[event.task]

    @staticmethod
    def _written(event: Event, version: int) -> dict[str, Any]:
        return {"updated_at": stamp(event.at), "version": version, "request_id": event.id}
