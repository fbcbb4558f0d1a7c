"""Undoing changes: the undo button carries, signed, what it takes to revert them. Nothing is stored.

A token lists tasks, the version each was left at, and the field values it had before (None for a deleted task).
Undo only touches tasks that are still at that version: a task that changed since stays as it is, and is reported.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict
from uuid import UUID

from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from identity import allowance
from identity.sign_in import context
from store.errors import ValidationFailed, VersionConflict, WriteContention
from tasks import fields, selectors, services
from tasks.errors import TaskNotFound
from tasks.items import TaskItem
from tasks.views.responses import answer, task_view
from tasks.views.viewer import person_id

KEPT_SECONDS = 24 * 3600
MAX_TOKEN = 100_000
_SALT = "tasks.undo"
Step = tuple[str, int, dict[str, Any] | None]


class UndoButton(TypedDict):
    """The URL that an undo button posts its token to."""

    undo: str
    token: str


_NO_BUTTON: UndoButton = {"undo": "", "token": ""}


def update(
    request: HttpRequest, before: TaskItem, changes: Mapping[str, Any], version: int
) -> tuple[TaskItem, Step | None]:
    """Update a task, if it is at ``version``; return it with the step that reverts it, None if nothing changed.

    Raises what ``services.update_task`` raises.
    """
    after = services.update_task(context(request), str(before.id), changes, if_version=version).task
    return after, step(before, after)


def step(before: TaskItem, after: TaskItem) -> Step | None:
    """Return the step that reverts a change, None if nothing changed."""
    old, new = before.attribute_values, after.attribute_values
    changed = {name: old.get(name) for name in fields.EDITABLE if old.get(name) != new.get(name)}
    return (after.id, after.version, changed) if changed else None


def delete(request: HttpRequest, task_id: str) -> Step:
    """Move a task to the trash, and return the step that restores it. Raises what ``services.delete_task`` raises."""
    trashed = services.delete_task(context(request), task_id).task
    return str(trashed.id), int(trashed.version), None


def button(request: HttpRequest, steps: Iterable[Step | None]) -> UndoButton:
    """Return the undo button for ``steps``, blank if there is nothing to undo.

    The token is valid for a day, and for this person only. A change that takes more than ``MAX_TOKEN`` characters to
    revert has no button: it may have to wait in the session, of which DynamoDB takes 400 KB.
    """
    packed = [[UUID(task_id).hex, version, changed] for task_id, version, changed in filter(None, steps)]
    if not packed:
        return _NO_BUTTON
    token = signing.dumps([person_id(request), packed], salt=_SALT, compress=True)
    return {"undo": reverse("task-undo"), "token": token} if len(token) <= MAX_TOKEN else _NO_BUTTON


@task_view
@require_POST
def task_undo(request: HttpRequest) -> HttpResponse:
    """Revert the changes that the signed ``token`` lists."""
    steps = _steps(request)
    allowance.take(request, len(steps))
    left = sum(not _reverted(request, *step) for step in steps)
    done = len(steps) - left
    text = ngettext(
        "Undone: %(count)d task is as it was", "Undone: %(count)d tasks are as they were", done
    ) % {"count": done}
    if left:
        text = ngettext(
            "%(count)d task has changed since and was left as it is",
            "%(count)d tasks have changed since and were left as they are",
            left,
        ) % {"count": left}
    return answer(request, text, level="error" if left else "success")


def _steps(request: HttpRequest) -> list[Step]:
    try:
        owner, packed = signing.loads(request.POST.get("token", ""), salt=_SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        owner, packed = None, []
    if owner != person_id(request):
        raise BadRequest(_("This can no longer be undone."))
    return [(str(UUID(task_id)), version, changed) for task_id, version, changed in packed]


def _reverted(request: HttpRequest, task_id: str, version: int, changed: dict[str, Any] | None) -> bool:
    try:
        if changed is None:
            services.restore_task(context(request), task_id)
        else:
            services.update_task(context(request), task_id, changed, if_version=version)
    except (TaskNotFound, VersionConflict, ValidationFailed, WriteContention):
        return _is_as_it_was(request, task_id, changed)
    return True


def _is_as_it_was(request: HttpRequest, task_id: str, changed: dict[str, Any] | None) -> bool:
    """Tell whether a task has its old values already: undo was pressed twice."""
    try:
        task = selectors.get_task(person_id(request), task_id).attribute_values
    except TaskNotFound:
        return False
    return all(task.get(name) == value for name, value in (changed or {}).items())
