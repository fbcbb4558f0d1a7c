"""The search line over any list of tasks, and the searches that are kept under a name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from identity import preferences
from identity.preferences import SavedFilter
from identity.sign_in import context
from store.paging import Page
from tasks.items import TaskItem
from tasks.language import search as query
from tasks.language.search import Query
from tasks.views.common import answer, is_partial, list_url, page, person_id, today_of, zone_of

# A search reads pages until it has found so many tasks, but no more pages than this at a time: "Show more" goes on.
ENOUGH, MAX_PAGES = 25, 12
Read = Callable[[str | None], Page[TaskItem]]


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for: the line as typed, what it means, or why it means nothing."""

    text: str = ""
    query: Query | None = None
    error: str = ""
    saved: list[SavedFilter] = field(default_factory=list)

    def run(self, read: Read, cursor: str | None) -> Page[TaskItem]:
        """Return the tasks of the list ``read`` that match, from ``cursor`` on. A wrong search finds nothing."""
        if self.error:
            return Page([], None)
        if not self.query:
            return read(cursor)
        found: list[TaskItem] = []
        for _turn in range(MAX_PAGES):
            part = read(cursor)
            found += [task for task in part.items if self.query.matches(task.attribute_values)]
            cursor = part.next_cursor
            if cursor is None or len(found) >= ENOUGH:
                break
        return Page(found, cursor)


def search_of(request: HttpRequest) -> Search:
    """Return the search in the address, with the saved ones unless only a part of the page is asked for."""
    text = " ".join(request.GET.get("q", "").split())[: query.MAX_LENGTH + 1]
    partial = is_partial(request) and "cursor" in request.GET
    saved = [] if partial else preferences.saved_filters(person_id(request))
    try:
        return Search(text, query.parse(text, today_of(request), zone_of(request)), "", saved)
    except query.QueryError as error:
        return Search(text, None, str(error), saved)


@page
@require_POST
def filter_save(request: HttpRequest) -> HttpResponse:
    """Keep a search under a name, or forget one (``forget``), and go back to the page it is used on."""
    here = urlsplit(list_url(request)).path
    if forget := request.POST.get("forget"):
        return _forgotten(request, forget)
    given = request.POST if "name" in request.POST else request.GET
    name, text = given.get("name", "").strip(), given.get("q", "").strip()
    if not name or not text or len(name) > preferences.MAX_NAME or len(text) > query.MAX_LENGTH:
        raise BadRequest(_("A saved search needs a name and a search."))
    preferences.save_filter(context(request), name, text)
    text_kept = _("Kept the search “%(name)s”") % {"name": name}
    if is_partial(request):
        return answer(request, text_kept)
    messages.success(request, text_kept)
    return redirect(f"{here}?{urlencode({'q': text})}")


def _forgotten(request: HttpRequest, name: str) -> HttpResponse:
    """Forget a search; the button that brings it back carries it."""
    known = {kept["name"]: kept["query"] for kept in preferences.saved_filters(person_id(request))}
    preferences.remove_filter(context(request), name)
    undo = f"{reverse('filter-save')}?{urlencode({'name': name, 'q': known[name]})}" if name in known else ""
    return answer(request, _("Forgot the search “%(name)s”") % {"name": name}, undo=undo)
