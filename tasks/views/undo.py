"""Taking back: what an act changed travels, signed, with the button that undoes it. Nothing is stored.

A token lists tasks, the version each was left at, and either the field values it had before or, for a deleted task,
nothing. Undoing touches only tasks that are still at that version: what was changed since is left alone, and told.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from identity.sign_in import context
from store.errors import ValidationFailed, VersionConflict, WriteContention
from tasks import fields, services
from tasks.errors import TaskNotFound
from tasks.items import TaskItem
from tasks.views.common import answer, page, person_id

KEPT_SECONDS = 24 * 3600
_SALT = "tasks.undo"
Step = tuple[str, int, dict[str, Any] | None]


def step(before: Mapping[str, Any], after: TaskItem) -> Step | None:
    """Return how to turn ``after`` back into the task it was ``before`` (a plain dict), or None if nothing changed."""
    now = after.attribute_values
    names = fields.TaskChanges.__annotations__
    changed = {name: before.get(name) for name in names if before.get(name) != now.get(name)}
    return (now["id"], int(now["version"]), changed) if changed else None


def restoring(trashed: TaskItem) -> Step:
    """Return how to take a task back from the trash."""
    return (str(trashed.id), int(trashed.version), None)


def token(request: HttpRequest, steps: Iterable[Step | None]) -> str:
    """Return what the undo button sends, good for a day and for this person only; blank if there is nothing to undo."""
    kept = [entry for entry in steps if entry]
    if not kept:
        return ""
    packed = [[UUID(task_id).hex, version, changed] for task_id, version, changed in kept]
    return signing.dumps([person_id(request), packed], salt=_SALT, compress=True)


@page
@require_POST
def task_undo(request: HttpRequest) -> HttpResponse:
    """Take back what the signed ``token`` says."""
    steps = _steps(request)
    left = sum(not _undone(request, *entry) for entry in steps)
    done = len(steps) - left
    text = ngettext(
        "Undone: %(count)d task is as it was", "Undone: %(count)d tasks are as they were", done
    ) % {"count": done}
    if left:
        text = ngettext(
            "%(count)d task was changed meanwhile and was left alone",
            "%(count)d tasks were changed meanwhile and were left alone",
            left,
        ) % {"count": left}
    return answer(request, text, level="error" if left else "success")


def _steps(request: HttpRequest) -> list[Step]:
    try:
        owner, packed = signing.loads(request.POST.get("token", ""), salt=_SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        raise BadRequest(_("This can no longer be undone.")) from None
    if owner != person_id(request):
        raise BadRequest(_("This can no longer be undone."))
    return [(str(UUID(task_id)), version, changed) for task_id, version, changed in packed]


def _undone(request: HttpRequest, task_id: str, version: int, changed: dict[str, Any] | None) -> bool:
    try:
        if changed is None:
            services.restore_task(context(request), task_id)
        else:
            services.take_back(context(request), task_id, changed, if_version=version)
    except (TaskNotFound, VersionConflict, ValidationFailed, WriteContention):
        return False
    return True


def url() -> str:
    """Return where the token is sent."""
    return reverse("task-undo")
