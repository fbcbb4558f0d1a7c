"""From items to JSON, without a model in between: this runs for every task of every list."""

import hashlib
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from pydantic_core import to_json

from store.idempotency import StoredReply
from tasks.items import Authored, TaskItem, UserItem
from web.api import requests

JSON = "application/json"
# Clients may keep what has an ETag, if they ask each time whether it is still right.
_REVALIDATE = "private, no-cache"
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
        "next_task_id": get("next_task_id"),
        "created_at": task["created_at"],
        "updated_at": task["updated_at"],
        "completed_at": get("completed_at"),
        "deleted_at": get("deleted_at"),
        "version": task["version"],
    }


def user_values(user: dict[str, Any]) -> dict[str, Any]:
    """Return what its owner sees of a profile's item."""
    return {name: user.get(name) for name in _USER_FIELDS}


def etag(item: Authored) -> str:
    """Return the entity tag of a task or a profile: its version."""
    return f'"{item.attribute_values["version"]}"'


def one(request: HttpRequest, task: TaskItem) -> HttpResponse:
    """Answer with a task, or that the client has it (304)."""
    return revalidated(request, etag(task), to_json(task_values(task.attribute_values)))


def many(request: HttpRequest, tasks: Iterable[TaskItem]) -> HttpResponse:
    """Answer with a bare array of tasks, or that the client has it (304)."""
    content = to_json([task_values(task.attribute_values) for task in tasks])
    return revalidated(request, f'W/"{hashlib.blake2b(content, digest_size=12).hexdigest()}"', content)


def user(request: HttpRequest, item: UserItem) -> HttpResponse:
    """Answer with a profile, or that the client has it (304)."""
    return revalidated(request, etag(item), to_json(user_values(item.attribute_values)))


def revalidated(request: HttpRequest, tag: str, content: bytes) -> HttpResponse:
    headers = {"ETag": tag, "Cache-Control": _REVALIDATE}
    if requests.has(request, tag):
        answer = HttpResponse(status=304, headers=headers)
        del answer["Content-Type"]
        return answer
    return HttpResponse(content, content_type=JSON, headers=headers)


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


def saved_user(item: UserItem, status: int = 200) -> StoredReply:
    """Return the answer to a profile that was made (201) or changed."""
    body = to_json(user_values(item.attribute_values)).decode()
    return StoredReply(status, body, {"ETag": etag(item)})


def deleted(_: Any) -> StoredReply:
    """Return the answer to a deletion."""
    return StoredReply(204, "")


def answer(reply: StoredReply, *, replayed: bool = False) -> HttpResponse:
    """Answer with ``reply``; of a replay the headers say that it is one."""
    response = HttpResponse(reply.body, status=reply.status, headers=reply.headers)
    if reply.body:
        response["Content-Type"] = JSON
    else:
        del response["Content-Type"]
    if replayed:
        response["Idempotency-Replayed"] = "true"
    return response
