"""Renders tasks as JSON, without a schema class in between: this runs for every task of every list."""

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic_core import to_json

from store.idempotency import StoredReply
from tasks.items import TaskItem
from web.answers import Budget
from web.api.replies import etag, revalidated, weak_tag


def task_values(task: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a task's item that clients see."""
    get = task.get
    return {
        "id": task["id"],
        "user_id": task["user_id"],
        "title": task["title"],
        "description": get("description"),
        "status": task["status"],
        "priority": task["priority"],
        "category": get("category"),
        "tags": get("tags", []),
        "due_date": get("due_date"),
        "due_time": get("due_time"),
        "timezone": get("timezone"),
        "checklist": get("checklist", []),
        "recurrence": get("recurrence"),
        "repeat_from": get("repeat_from", "due"),
        "next_task_id": get("next_task_id"),
        "created_at": task["created_at"],
        "updated_at": task["updated_at"],
        "completed_at": get("completed_at"),
        "deleted_at": get("deleted_at"),
        "version": task["version"],
    }


def _json(task: TaskItem, names: Collection[str] | None) -> bytes:
    """Return a task as JSON: all of its fields, or those named."""
    values = task_values(task.attribute_values)
    return to_json(values if names is None else {name: values[name] for name in values if name in names})


def one(request: HttpRequest, task: TaskItem, names: Collection[str] | None = None) -> HttpResponse:
    """Respond with a task, or those of its fields that are named; or with 304 if the client's copy is current."""
    return revalidated(request, etag(task), _json(task, names))


class TaskArray:
    """A JSON array of as many tasks as an answer can hold: ``fits`` renders the next one if there is room for it.

    Parameters
    ----------
    names
        The fields to show of each task; None for all.
    """

    def __init__(self, names: Collection[str] | None = None) -> None:
        self._names = names
        self._budget = Budget()
        self._rendered: list[bytes] = []

    def fits(self, task: TaskItem) -> bool:
        """Add a task; return False if it does not fit. The first one always does."""
        rendered = _json(task, self._names)
        fits = self._budget.take(rendered) or not self._rendered
        if fits:
            self._rendered.append(rendered)
        return fits

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Respond with the array, or with 304 if the client's copy is current."""
        content = b"[%b]" % b",".join(self._rendered)
        return revalidated(request, weak_tag(content), content)


def updated(task: TaskItem) -> StoredReply:
    """Return the reply to an update."""
    body = to_json(task_values(task.attribute_values)).decode()
    return StoredReply(200, body, {"ETag": etag(task)})


def created(request: HttpRequest, task: TaskItem) -> StoredReply:
    """Return the reply to a creation."""
    reply = updated(task)
    return StoredReply(
        201, reply.body, {**reply.headers, "Location": f"{request.path}/{task.attribute_values['id']}"}
    )
