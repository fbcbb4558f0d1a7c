"""What the task pages share: who asks, what day it is for them, and the way back."""

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page

from tasks.errors import TaskNotFound, WriteContention
from tasks.views.presentation import zone
from todo_site.identity.decorators import person_required
from todo_site.identity.users import Person

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
BUSY = "That task is being changed elsewhere right now. Nothing was saved; try again."


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
    """Return the viewer's time zone as their browser told it, UTC until it has."""
    return zone(request.COOKIES.get("tz", ""))


def today_of(request: HttpRequest) -> date:
    """Return the day it is for the viewer."""
    return datetime.now(zone_of(request)).date()


def list_url(request: HttpRequest) -> str:
    """Return the list the request came from, with its view and page, or the plain list."""
    home = reverse("task-list")
    came_from = urlsplit(request.headers.get("referer", ""))
    same = came_from.netloc == request.get_host() and came_from.path == home
    return f"{home}?{came_from.query}" if same and came_from.query else home
