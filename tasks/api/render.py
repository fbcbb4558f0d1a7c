"""From items to JSON, without a model in between: this runs for every task of every list."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic_core import to_json

from tasks.idempotency import StoredReply
from tasks.items import TaskItem, UserItem
from tasks.services import Written

JSON = "application/json"
_USER_FIELDS = (
    "id",
    "email",
    "username",
    "name",
    "given_name",
    "family_name",
    "timezone",
    "created_at",
    "updated_at",
    "version",
)


def task_values(task: dict[str, Any]) -> dict[str, Any]:
    """Return what clients see of a task's item."""
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
        "created_at": task["created_at"],
        "updated_at": task["updated_at"],
        "completed_at": get("completed_at"),
        "version": task["version"],
    }


def etag(task: TaskItem) -> str:
    """Return a task's entity tag: its version."""
    return f'"{task.attribute_values["version"]}"'


def one(task: TaskItem) -> HttpResponse:
    """Answer with a task."""
    return HttpResponse(
        to_json(task_values(task.attribute_values)), content_type=JSON, headers={"ETag": etag(task)}
    )


def many(tasks: Iterable[TaskItem]) -> HttpResponse:
    """Answer with a bare array of tasks."""
    return HttpResponse(to_json([task_values(task.attribute_values) for task in tasks]), content_type=JSON)


def user(item: UserItem, status: int = 200) -> HttpResponse:
    """Answer with a profile."""
    values = item.attribute_values
    content = to_json({name: values.get(name) for name in _USER_FIELDS})
    return HttpResponse(content, status=status, content_type=JSON)


def updated(task: TaskItem) -> StoredReply:
    """Return the answer to a change."""
    body = to_json(task_values(task.attribute_values)).decode()
    return StoredReply(200, body, {"ETag": etag(task)})


def created(request: HttpRequest, task: TaskItem) -> StoredReply:
    """Return the answer to a creation."""
    reply = updated(task)
    return StoredReply(
        201, reply.body, {**reply.headers, "Location": f"{request.path}/{task.attribute_values['id']}"}
    )


def deleted(_: TaskItem) -> StoredReply:
    """Return the answer to a deletion."""
    return StoredReply(204, "")


def written(result: Written, reply: StoredReply) -> HttpResponse:
    """Answer with ``reply``; of a replay the headers say that it is one."""
    answer = HttpResponse(reply.body, status=reply.status, headers=reply.headers)
    if reply.body:
        answer["Content-Type"] = JSON
    else:
        del answer["Content-Type"]
    if result.replayed:
        answer["Idempotency-Replayed"] = "true"
    return answer
