"""How task pages respond: to signed-in people only, with a toast, and back to the page the request came from."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urljoin, urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from identity.decorators import person_required
from store.errors import WriteContention
from tasks.errors import TaskNotFound

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
# A change made on one of these pages leads back to it.
LIST_PAGES = ("task-list", "task-board", "task-calendar", "task-trash")


def task_view(view: View[P]) -> View[P]:
    """Require a signed-in person, and turn domain errors into responses: 404, or 409 with the advice to retry."""

    @never_cache
    @person_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except TaskNotFound as error:
            raise Http404(str(error)) from error
        except WriteContention:
            text = _("That task is being changed elsewhere right now. Nothing was saved; try again.")
            return answer(request, text, level="error", status=409)

    return guarded


def is_partial(request: HttpRequest) -> bool:
    """Return whether htmx sent the request and expects only the changed parts of the page."""
    return bool(request.htmx)  # type: ignore[attr-defined]


def list_url(request: HttpRequest, wanted: str = "") -> str:
    """Return the list page at ``wanted``, or the one the request came from, search included; else the plain list."""
    here = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    came_from = urlsplit(urljoin(f"{request.scheme}://{request.get_host()}", wanted) if wanted else here)
    if came_from.netloc == request.get_host() and came_from.path in map(reverse, LIST_PAGES):
        return came_from.path + (f"?{came_from.query}" if came_from.query else "")
    return reverse("task-list")


def add_message(
    request: HttpRequest, text: str, *, undo: str = "", token: str = "", level: str = "success"
) -> None:
    """Show ``text`` on the next page; its undo button posts ``token`` to the URL ``undo``."""
    number = messages.ERROR if level == "error" else messages.SUCCESS
    messages.add_message(request, number, text, extra_tags=f"{undo} {token}".strip())


def answer(
    request: HttpRequest,
    text: str,
    *,
    undo: str = "",
    token: str = "",
    level: str = "success",
    status: int = 200,
    back: str = "",
) -> HttpResponse:
    """Report a result: to htmx as a toast, after which its page refreshes; else as a message after a redirect.

    It leads to the list page at ``back``, else to the one the request came from.
    """
    if is_partial(request):
        shown = {"text": text, "undo": undo, "token": token, "level": level}
        return render(request, "tasks/partials/toasted.html", shown, status=status)
    add_message(request, text, undo=undo, token=token, level=level)
    return redirect(list_url(request, back))
