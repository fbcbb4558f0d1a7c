"""``GET /api/v1/tasks`` and ``GET /api/v1/trash``: pages of tasks, and sync."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from identity import allowance, profiles, today
from identity.sign_in import context
from store.paging import LIMIT, Page
from store.request_context import RequestContext, timestamp
from tasks import selectors
from tasks.api import render, schemas
from tasks.api.schemas import TaskFields, TaskOut
from tasks.task_filters import TaskFilters
from tasks.write_plans import TRASH_KEPT_SECONDS
from web.api import describe, pages, requests
from web.api.schemas import Problem

router, trash = Router(tags=["tasks"]), Router(tags=["trash"])
# A write becomes visible after its timestamp, by the duration of the request. A sync reads this far back again.
OVERLAP = timedelta(seconds=60)


@router.get(
    "",
    response={200: list[TaskOut | TaskFields], 304: None, 422: Problem},
    summary="List tasks",
    openapi_extra=describe.query(schemas.LIST_QUERY)
    | {describe.HEADERS: ("Link", "Sync-Since", "Sync-Reset")},
)
def list_tasks(request: HttpRequest) -> HttpResponse:
    """List your tasks, the newest first unless `sort` is given. Tasks match all given filters.

    The next page is in the `Link` header (`rel="next"`); follow it until there is none. A page may have fewer than
    `limit` tasks, even none, and still have a next page; it ends early if its tasks are large.

    Lists with `due_before`, `due_after` or `overdue` contain open tasks only, ordered by due date.

    **Sync.** Read the whole list once and keep the `Sync-Since` of its first page. Next time, list with `updated_since`
    set to it: you get the changed tasks in the order of their changes, deleted ones included (with `deleted_at` set).
    Keep the `Sync-Since` of that list's first page for the next time. You may get a change twice; compare `version`.
    Deletions are kept for 30 days: if `updated_since` is older, `Sync-Reset: true` tells you to read the whole list
    again.
    """
    given = requests.query(request, schemas.LIST_QUERY)
    now = datetime.now(UTC)
    page_of = {name: given.pop(name) for name in ("limit", "cursor") if name in given}
    ctx, array = context(request), render.TaskArray(given.pop("fields", None))
    page = selectors.list_tasks(ctx.user_id, filters=_filters(ctx, dict(given)), fits=array.fits, **page_of)
    answer = _answer(request, array, page, page_of.get("limit", LIMIT))
    if "cursor" not in page_of:
        answer["Sync-Since"] = timestamp(now - OVERLAP)
        if given.get("updated_since", "~") < timestamp(now - timedelta(seconds=TRASH_KEPT_SECONDS)):
            answer["Sync-Reset"] = "true"
    return answer


def _filters(ctx: RequestContext, given: dict[str, Any]) -> TaskFilters:
    overdue = given.pop("overdue", None)
    if overdue is not None:
        profile = None if ctx.zone else profiles.get_profile(ctx.user_id)
        day = today.today(ctx, profile).isoformat()
        name = "due_before" if overdue else "not_due_before"
        given[name] = min(day, given.get(name, day))
    return TaskFilters(**given)


def _answer(request: HttpRequest, array: render.TaskArray, page: Page[Any], limit: int) -> HttpResponse:
    allowance.owe(request, page.reads)
    answer = array.answer(request)
    if page.next_cursor:
        answer["Link"] = pages.next_link(request, limit=limit, cursor=page.next_cursor)
    return answer


@trash.get(
    "",
    response={200: list[TaskOut | TaskFields], 304: None, 422: Problem},
    summary="List the trash",
    openapi_extra=describe.query(schemas.TRASH_QUERY) | {describe.HEADERS: ("Link",)},
)
def list_trash(request: HttpRequest) -> HttpResponse:
    """List your deleted tasks, the most recently deleted first. Each is kept for 30 days."""
    given = requests.query(request, schemas.TRASH_QUERY)
    ctx = context(request)
    array = render.TaskArray(given.pop("fields", None))
    page = selectors.get_trashed(
        ctx.user_id, now=ctx.now.timestamp(), latest_first=True, fits=array.fits, **given
    )
    return _answer(request, array, page, given.get("limit", LIMIT))
