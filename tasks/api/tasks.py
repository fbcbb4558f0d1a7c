"""``/api/v1/tasks``: the caller's own tasks."""

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse
from ninja.decorators import decorate_view

from identity.sign_in import context
from store.idempotency import StoredReply
from tasks import fields, selectors, services
from tasks.api import render, schemas
from tasks.api.lists import router, trash
from tasks.api.schemas import TaskFields, TaskOut
from tasks.items import TaskItem
from tasks.services import Written
from web.api import describe, replies, requests
from web.api.deprecation import deprecated
from web.api.schemas import Problem

__all__ = ["router", "trash"]
_MOVE_PROBLEMS = dict.fromkeys((400, 404, 409, 412, 422), Problem)
_UPDATE_RESPONSE = {200: TaskOut, **_MOVE_PROBLEMS, **dict.fromkeys((413, 415), Problem)}
_SINGLE = describe.query(schemas.FIELDS_QUERY, schemas.TASK_ID)
_CHANGES = describe.changes(fields.TASK_CHANGES, schemas.TASK_CHANGES_EXAMPLES, TaskOut, schemas.TASK_ID)


@router.post(
    "",
    response={201: TaskOut, **dict.fromkeys((400, 409, 413, 415, 422), Problem)},
    summary="Create a task",
    openapi_extra=describe.body(fields.NEW_TASK, schemas.NEW_TASK_EXAMPLES) | schemas.TASK_LINKS,
)
def create_task(request: HttpRequest) -> HttpResponse:
    """Create a task. Only the title is required; status is `pending` and priority `medium` unless given."""
    given = requests.json_object(request)
    reply = partial(render.created, request)
    once = requests.once(request, given, reply)
    return _answer(services.create_task(context(request), given, once=once), reply)


@router.get(
    "/{task_id}",
    response={200: TaskOut | TaskFields, 304: None, 404: Problem, 422: Problem},
    summary="Get a task",
    openapi_extra=_SINGLE,
)
def get_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Get one of your tasks. With `If-None-Match`, the answer is 304 if your copy is current."""
    names = requests.query(request, schemas.FIELDS_QUERY).get("fields")
    return render.one(request, selectors.get_task(context(request).user_id, task_id), names)


def _update(request: HttpRequest, task_id: str) -> HttpResponse:
    body = requests.json_object(request)
    changes, echoed = requests.split(body)
    result = services.update_task(
        context(request),
        task_id,
        changes,
        if_version=requests.preconditions(request),
        echoed=echoed,
        once=requests.once(request, body, render.updated),
    )
    return _answer(result, render.updated)


@router.put(
    "/{task_id}",
    response=_UPDATE_RESPONSE,
    summary="Change a task (PUT)",
    openapi_extra=_CHANGES,
    deprecated=True,
)
@decorate_view(deprecated("2026-12-01", "/api/v1/tasks/{task_id}"))
def put_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Change the given fields and leave the others. Use PATCH instead, which does the same and is meant for it.

    The body may be a part of the task: what it leaves out stays as it is, unlike elsewhere with PUT.
    """
    return _update(request, task_id)


@router.patch(
    "/{task_id}",
    response=_UPDATE_RESPONSE,
    summary="Change a task",
    openapi_extra=_CHANGES | schemas.TASK_LINKS,
)
def patch_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Change the given fields and leave the others. `null` clears an optional field.

    The body may be the whole task as you read it, read-only fields included. These must be unchanged: another `version`
    or `updated_at` is answered with 412, as `If-Match` would be, any other difference with 422.

    Completing a recurring task creates its next occurrence, once; its id is in `next_task_id`.
    """
    return _update(request, task_id)


@router.delete(
    "/{task_id}",
    response={204: None, **_MOVE_PROBLEMS},
    summary="Delete a task",
    openapi_extra=schemas.TASK_ID,
)
def delete_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Delete a task. It is kept in the trash for 30 days."""
    return _move(request, task_id, services.delete_task, replies.deleted)


@router.post(
    "/{task_id}/restore",
    response={200: TaskOut, **_MOVE_PROBLEMS},
    summary="Restore a task",
    openapi_extra=schemas.TASK_ID | schemas.TASK_LINKS,
)
def restore_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Restore a task from the trash, under its old id."""
    return _move(request, task_id, services.restore_task, render.updated)


def _move(
    request: HttpRequest,
    task_id: str,
    service: Callable[..., Written],
    reply: Callable[[TaskItem], StoredReply],
) -> HttpResponse:
    once = requests.once(request, None, reply)
    result = service(context(request), task_id, if_version=requests.preconditions(request), once=once)
    return _answer(result, reply)


def _answer(result: Written, reply: Callable[[TaskItem], StoredReply]) -> HttpResponse:
    return replies.answer(result.reply or reply(result.task), replayed=result.replayed)


@trash.get(
    "/{task_id}",
    response={200: TaskOut | TaskFields, 304: None, 404: Problem, 422: Problem},
    summary="Get a deleted task",
    openapi_extra=_SINGLE,
)
def get_trashed_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Get one of your tasks in the trash."""
    names = requests.query(request, schemas.FIELDS_QUERY).get("fields")
    return render.one(request, selectors.get_trashed_task(context(request).user_id, task_id), names)


@trash.delete(
    "/{task_id}",
    response={204: None, **_MOVE_PROBLEMS},
    summary="Delete a task permanently",
    openapi_extra=schemas.TASK_ID,
)
def purge_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Permanently delete a task in the trash. Clients that sync still learn of the deletion."""
    return _move(request, task_id, services.purge_task, replies.deleted)
