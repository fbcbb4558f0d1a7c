"""The search box above every list of tasks, and saved searches."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

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
from store.text import TextRefused, canonical, line, same
from tasks.items import TaskItem
from tasks.language import search as query
from tasks.language.search import Query
from tasks.views.responses import add_message, answer, is_partial, list_url, task_view
from tasks.views.viewer import person_id, today_of, zone_of

# A search reads pages until it has found this many tasks, or has read this many pages: "Show more" continues.
ENOUGH, MAX_PAGES = 25, 12
# Reads a page of a list, given a cursor and the most tasks to return.
Read = Callable[[str | None, int], Page[TaskItem]]


@dataclass(frozen=True, slots=True)
class Search:
    """A search: the text as typed, the parsed query or the error in it, and the viewer's saved searches."""

    text: str = ""
    query: Query | None = None
    error: str = ""
    saved: list[SavedFilter] = field(default_factory=list)

    def run(self, read: Read, cursor: str | None, limit: int) -> Page[TaskItem]:
        """Return the matching tasks of the list ``read`` from ``cursor`` on, which it reads ``limit`` tasks at a time.

        They are fewer than ``ENOUGH`` and ``limit`` together. A search with an error finds nothing.
        """
        if self.error:
            return Page([], None)
        if not self.query:
            return read(cursor, limit)
        found: list[TaskItem] = []
        for _turn in range(MAX_PAGES):
            part = read(cursor, limit)
            found += [task for task in part.items if self.query.matches(task.attribute_values)]
            cursor = part.next_cursor
            if cursor is None or len(found) >= min(ENOUGH, limit):
                break
        return Page(found, cursor)


def search_of(request: HttpRequest) -> Search:
    """Return the search in the URL; with the saved searches, unless htmx asks for the next page only."""
    text = " ".join(canonical(request.GET.get("q", "")).split())[: query.MAX_LENGTH + 1]
    partial = is_partial(request) and "cursor" in request.GET
    saved = [] if partial else preferences.saved_filters(person_id(request))
    try:
        return Search(text, query.parse(text, today_of(request), zone_of(request)), "", saved)
    except query.QueryError as error:
        return Search(text, None, str(error), saved)


@task_view
@require_POST
def filter_save(request: HttpRequest) -> HttpResponse:
    """Save a search under a name, or delete one (``forget``), and return to the page it was used on."""
    here = urlsplit(list_url(request)).path
    if forget := request.POST.get("forget"):
        return _forget(request, forget)
    given = request.POST if "name" in request.POST else request.GET
    try:
        name, text = line(given.get("name", "")), line(given.get("q", ""))
    except TextRefused as error:
        raise BadRequest(str(error)) from None
    if not name or not text or len(name) > preferences.MAX_NAME or len(text) > query.MAX_LENGTH:
        raise BadRequest(_("A saved search needs a name and a search."))
    preferences.save_filter(context(request), name, text)
    text_kept = _("Kept the search “%(name)s”") % {"name": name}
    if is_partial(request):
        return answer(request, text_kept)
    add_message(request, text_kept)
    return redirect(f"{here}?{urlencode({'q': text})}")


def _forget(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a saved search; the undo button carries what it takes to save it again."""
    saved = preferences.saved_filters(person_id(request))
    found = next((search for search in saved if same(search["name"], name)), None)
    preferences.remove_filter(context(request), name)
    kept = urlencode({"name": found["name"], "q": found["query"]}) if found else ""
    undo = f"{reverse('filter-save')}?{kept}" if kept else ""
    return answer(request, _("Forgot the search “%(name)s”") % {"name": name}, undo=undo)
