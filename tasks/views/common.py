"""What the task pages share: who asks, what day it is for them, and the way back."""

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urljoin, urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page

from identity.decorators import person_required
from identity.users import Person
from store.errors import WriteContention
from tasks.errors import TaskNotFound
from tasks.views.presentation import zone

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
BUSY = _("That task is being changed elsewhere right now. Nothing was saved; try again.")
# The pages that show tasks: a change made on one of them leads back to it.
PLACES = ("task-list", "task-board", "task-calendar", "task-trash")


def page(view: View[P]) -> View[P]:
    """Make ``view`` one for signed-in people, and answer what the domain refuses: 404, or try again."""

    @gzip_page  # Django pads what it compresses, against BREACH
    @never_cache
    @person_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except TaskNotFound as error:
            raise Http404(str(error)) from error
        except WriteContention:
            return _busy(request)

    return guarded


def _busy(request: HttpRequest) -> HttpResponse:
    if is_partial(request):
        return render(request, "tasks/partials/toasted.html", {"text": BUSY, "level": "error"}, status=409)
    messages.error(request, BUSY)
    return redirect(list_url(request))


def person_id(request: HttpRequest) -> str:
    """Return whose tasks the request is about."""
    return cast("Person", request.user).id


def is_partial(request: HttpRequest) -> bool:
    """Tell whether htmx asks, and wants only what changes on the page."""
    return bool(request.htmx)  # type: ignore[attr-defined]


def zone_of(request: HttpRequest) -> tzinfo:
    """Return the viewer's time zone: the one they chose, else as their browser told it, UTC until it has."""
    return zone(request.session.get("timezone", "") or request.COOKIES.get("tz", ""))


def now_of(request: HttpRequest) -> datetime:
    """Return the time it is for the viewer."""
    return datetime.now(zone_of(request))


def today_of(request: HttpRequest) -> date:
    """Return the day it is for the viewer."""
    return now_of(request).date()


def list_url(request: HttpRequest, wanted: str = "") -> str:
    """Return the page of tasks ``wanted``, or that the request came from, with its search, or the plain list."""
    here = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    came_from = urlsplit(urljoin(f"{request.scheme}://{request.get_host()}", wanted) if wanted else here)
    if came_from.netloc == request.get_host() and came_from.path in map(reverse, PLACES):
        return came_from.path + (f"?{came_from.query}" if came_from.query else "")
    return reverse("task-list")


def answer(
    request: HttpRequest, text: str, *, undo: str = "", token: str = "", level: str = "success"
) -> HttpResponse:
    """Say what was done: a toast for htmx, whose page then refreshes; else a message on the page one came from."""
    if is_partial(request):
        shown = {"text": text, "undo": undo, "token": token, "level": level}
        return render(request, "tasks/partials/toasted.html", shown)
    add = messages.error if level == "error" else messages.success
    add(request, text, extra_tags=f"{undo} {token}".strip())
    return redirect(list_url(request))
