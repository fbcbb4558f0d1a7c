"""``/api/v1/tasks``: the caller's own tasks."""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from ninja import Router

from tasks import fields, selectors, services
from tasks.api import render, requests, schemas
from tasks.api.schemas import Problem, TaskOut
from tasks.idempotency import StoredReply
from tasks.items import TaskItem
from tasks.selectors import LIMIT, TaskFilters
from tasks.services import Written
from todo_site.identity.services import context

router = Router(tags=["tasks"])
_PROBLEMS = dict.fromkeys((400, 401, 404, 409, 412, 413, 415, 422), Problem)


@router.post(
    "",
    response={201: TaskOut, **_PROBLEMS},
    summary="Create a task",
    openapi_extra=schemas.body(fields.NEW_TASK),
)
def create_task(request: HttpRequest) -> HttpResponse:
    """Create a task. With an `Idempotency-Key` the request can be repeated safely for 24 hours."""
    given = requests.json_object(request)
    reply = partial(render.created, request)
    once = requests.once(request, given, reply)
    result = services.create_task(context(request), given, once=once)
    return _answer(result, reply)


@router.get(
    "",
    response={200: list[TaskOut], 401: Problem, 422: Problem},
    summary="List tasks",
    openapi_extra=schemas.query(schemas.LIST_QUERY),
)
def list_tasks(request: HttpRequest) -> HttpResponse:
    """List tasks, the newest first. The next page is in the `Link` header."""
    given = fields.clean(schemas.LIST_QUERY, request.GET.dict())
    limit, cursor = given.pop("limit", LIMIT), given.pop("cursor", None)
    page = selectors.list_tasks(
        context(request).user_id, filters=TaskFilters(**given), limit=limit, cursor=cursor
    )
    answer = render.many(page.items)
    if page.next_cursor:
        following = urlencode({**given, "limit": limit, "cursor": page.next_cursor})
        answer["Link"] = f'<{request.build_absolute_uri(request.path)}?{following}>; rel="next"'
    return answer


@router.get("/{task_id}", response={200: TaskOut, 401: Problem, 404: Problem}, summary="Get a task")
def get_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Get one of your tasks."""
    return render.one(selectors.get_task(context(request).user_id, task_id))


def _update(request: HttpRequest, task_id: str) -> HttpResponse:
    changes = requests.json_object(request)
    result = services.update_task(
        context(request),
        task_id,
        changes,
        if_version=requests.expected_version(request),
        once=requests.once(request, changes, render.updated),
    )
    return _answer(result, render.updated)


@router.put(
    "/{task_id}",
    response={200: TaskOut, **_PROBLEMS},
    summary="Change a task (PUT)",
    openapi_extra=schemas.body(fields.TASK_CHANGES),
)
def put_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Change the fields given and leave the others, as PATCH does. `null` clears an optional field."""
    return _update(request, task_id)


@router.patch(
    "/{task_id}",
    response={200: TaskOut, **_PROBLEMS},
    summary="Change a task",
    openapi_extra=schemas.body(fields.TASK_CHANGES),
)
def patch_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Change the fields given and leave the others. `null` clears an optional field."""
    return _update(request, task_id)


@router.delete("/{task_id}", response={204: None, **_PROBLEMS}, summary="Delete a task")
def delete_task(request: HttpRequest, task_id: str) -> HttpResponse:
    """Delete a task. It is kept in the trash for 30 days."""
    result = services.delete_task(
        context(request),
        task_id,
        if_version=requests.expected_version(request),
        once=requests.once(request, None, render.deleted),
    )
    return _answer(result, render.deleted)


def _answer(result: Written, reply: Callable[[TaskItem], StoredReply]) -> HttpResponse:
    return render.written(result, result.reply or reply(result.task))
