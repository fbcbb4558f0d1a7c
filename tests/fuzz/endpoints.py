"""The requests whose costliest forms are searched: lists of the API and of pages, cursors, saved searches, uploads.

They go past the sign-in and are not rendered, and the table is as full as it can be: every Query for tasks finds as
many as it reads, or none where DynamoDB sifts them, and there are always more.
"""

import base64
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, quote, urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory
from django.urls import resolve

from identity.api.authentication import Caller
from identity.users import Person
from store import cursors, ranges, reading
from store.errors import DomainError
from store.model import table
from store.request_context import RequestContext
from tasks import selectors, write_plans
from tasks.api.schemas import LIST_QUERY
from tasks.items import PRIORITIES, STATUSES, TaskItem, TrashItem
from tasks.language import engine
from tasks.task_filters import TaskFilters
from tasks.transfer import existing_tasks, importing
from tasks.views import board, calendar, listing, trash
from tasks.views import search as searches
from tests.fuzz.costliest import Parser
from todo_site.account import import_steps
from todo_site.account.forms import ImportForm
from web.middleware import BodyLimitMiddleware

API, PAGES = "todo_site.api_urls", "todo_site.urls"
ALICE = Person("alice", "alice@example.com", "alice", "Alice Example")
_PAGE_VIEWS = (listing, board, calendar, trash)
_SIFTED = ranges.MAX_READS * ranges.SIFTED
# A search reads so many pages of a list; the calendar begins another one until it has read enough, the board has four.
_SEARCHED = searches.MAX_PAGES * _SIFTED
_PAGE_BOUND = settings.MAX_QUERY_BYTES + engine.MAX_STEPS + len(STATUSES) * (_SEARCHED + cursors.MAX_LENGTH)


@cache
def _items() -> dict[type[TaskItem], TaskItem]:
    """Return a task that matches few filters, and the same in the trash."""
    now = datetime(2026, 11, 30, 10, 30, tzinfo=UTC)
    context = RequestContext("alice", "alice", "request", now, zone=ZoneInfo("UTC"))
    given = {
        "title": "Report",
        "category": "home",
        "tags": ["a", "b"],
        "due_date": "2028-02-29",
        "description": "\u017f" * 100,
    }
    task = write_plans.create_task(context, given, "00000000-0000-7000-8000-000000000000", {}).result
    deleted = {"deleted_at": task.updated_at, "deleted_by": "alice", "expires_at": 2**33}
    values = task.attribute_values | {"PK": "TRASH#alice", "entity_type": "TRASH"}
    return {TaskItem: task, TrashItem: TrashItem(**values, **deleted)}


def _query(
    model: type[Any],
    hash_key: str,
    range_condition: Any = None,
    *,
    filter_condition: Any = None,
    limit: int | None = None,
    **_: Any,
) -> reading.Page[Any]:
    if model not in {TaskItem, TrashItem}:
        return reading.Page([], {})
    item = _items()[model]
    return reading.Page([] if filter_condition is not None else [item] * (limit or 1), item.attribute_values)


def _signed_in(caller: Caller, request: HttpRequest) -> Person:
    request.user = ALICE
    return ALICE


@contextmanager
def _full_table() -> Iterator[None]:
    with ExitStack() as patches:
        for target, name, value in (
            (reading, "query", _query),
            (table().connection, "dispatch", lambda operation, arguments: {"Responses": {}}),
            (Caller, "__call__", _signed_in),
            *((views, "render", lambda *_, **__: HttpResponse()) for views in _PAGE_VIEWS),
        ):
            patches.enter_context(mock.patch.object(target, name, value))
        yield


def _answer(request: HttpRequest, view: Callable[..., HttpResponse], **named: Any) -> HttpResponse:
    request.user, request.htmx, request.session = ALICE, False, {}
    return BodyLimitMiddleware(lambda _: view(request, **named))(request)


def _get(address: str) -> None:
    """Get a page, or, below ``/api/v1/``, a list of the API. Raises AssertionError if the fault is ours."""
    path, _, query = address.partition("?")
    urls = API if path.startswith("/api/") else PAGES
    with suppress(SuspiciousOperation, DomainError, BadRequest), _full_table():
        match = resolve(path, urls)
        status = _answer(
            RequestFactory().get(path, QUERY_STRING=query), match.func, **match.kwargs
        ).status_code
        assert status < 500, f"{address!r} is answered with {status}"


def _quoted(query: str) -> str:
    return quote(query.encode(errors="replace"), safe="=&%+")


def _below(prefix: str, paths: Sequence[str], text: str) -> str:
    path, _, query = text.partition("?")
    return f"{prefix}{path if path in paths else paths[0]}?{_quoted(query)}"


def _at_place(text: str) -> str:
    place = next((place for place in _PLACES if text.startswith(place)), _PLACES[0])
    return place + _quoted(text.removeprefix(place))


_LISTS = ("tasks", "trash", "tokens", "exports", "imports")
_PAGES = ("", "board/", "calendar/", "trash/")
_PLACES = [
    *(f"/api/v1/{query}cursor=" for query in ("tasks?", "tasks?sort=due&q=x&", "trash?")),
    *("/trash/?cursor=", "/?view=all&cursor=", "/?cursor=dated.", "/?cursor=undated.", "/?q=x&cursor=dated."),
    *(f"/board/?from-{status}=" for status in STATUSES),
]
# How an input becomes an address, whatever the search has made of it.
ADDRESSES: dict[str, Callable[[str], str]] = {
    "api-lists": partial(_below, "/api/v1/", _LISTS),
    "page-lists": partial(_below, "/", _PAGES),
    "cursors": _at_place,
}


def _requests(name: str, seeds: Sequence[str], words: Sequence[str], bound: int) -> Parser:
    """Return the parser whose inputs are addresses."""
    return Parser(name, lambda text: _get(ADDRESSES[name](text)), seeds, words, bound, refuses=True)


# --- Lists of the API -----------------------------------------------------------------------------------------

_FILTERS = list(LIST_QUERY.json_schema()["properties"])
_VALUES = [
    *STATUSES,
    *PRIORITIES,
    *(f"{sign}{name}" for sign in ("", "-") for name in ("created", "due", "priority", "updated")),
    *("true", "false", "1", "100", "home", "\u017f", "\ufdfa", "%F0%9F%98%80", "e%CC%81"),
    *("2026-12-24", "1900-01-01", "9999-12-31", "2026-11-22T17:20:00Z", "2026-11-22T17:20:00%2B01:00"),
]


def _api_lists() -> Parser:
    seeds = [f"tasks?{name}={value}" for name in _FILTERS for value in _VALUES[::3]]
    seeds += ["tasks?priority=low&sort=updated&tag=x&limit=100", "tasks?category=e%CC%81&tag=home&q=b"]
    seeds += ["tasks?overdue=false&sort=due&q=report", "tasks?updated_since=2026-11-22T17:20:00Z&q=x"]
    seeds += ["trash?limit=100", "tokens?x=1", "exports?", "imports?"]
    words = ["&", "=", *(f"&{name}=" for name in _FILTERS), *_VALUES, *(f"{name}?" for name in _LISTS)]
    bound = settings.MAX_QUERY_BYTES + cursors.MAX_LENGTH + _SIFTED
    return _requests("api-lists", seeds, words, bound)


# --- Pages ----------------------------------------------------------------------------------------------------

_NAMES = ["view", "q", "cursor", "month", "week", *(f"from-{status}" for status in STATUSES)]


def _page_lists(words: Sequence[str]) -> Parser:
    texts = ['status:open "rent"', "priority>=high #home", "due<+7d", "-is:recurring tag:x", "nothing"]
    seeds = [f"{path}?{urlencode({'q': text})}" for path in _PAGES for text in texts]
    seeds += [f"?view={view}&q=x" for view in listing.VIEWS]
    seeds += ["calendar/?month=2026-11&q=x", "calendar/?week=2026-11-23", "board/?from-pending=x&q=x"]
    inserted = ["&", "=", *(f"&{name}=" for name in _NAMES), *(f"{path}?" for path in _PAGES), *words]
    return _requests("page-lists", seeds, inserted, _PAGE_BOUND)


def _saved_searches(words: Sequence[str]) -> Parser:
    """A search that is saved under a name, and then used on the list."""

    def read(text: str) -> None:
        body = _quoted(text)
        kind = "application/x-www-form-urlencoded"
        with suppress(SuspiciousOperation, DomainError, BadRequest), _full_table():
            request = RequestFactory().post("/filters/", body, content_type=kind)
            request._messages = mock.Mock()
            _answer(request, searches.filter_save)
        _get("/?" + urlencode({"q": (parse_qs(body).get("q") or [""])[0]}))

    seeds = [
        "name=Rent&q=rent",
        "name=Soon&q=due%3C%2B7d+-is:recurring",
        "forget=Rent",
        "name=e%CC%81&q=%23home",
    ]
    inserted = ["&", "=", "&name=", "&q=", "&forget=", *words]
    return Parser("saved-searches", read, seeds, inserted, 2 * _PAGE_BOUND, refuses=True)


# --- Cursors --------------------------------------------------------------------------------------------------


def _cursors() -> Parser:
    """Cursors of every list, on every list."""
    with _full_table():
        pages = [
            selectors.list_tasks("alice", filters=filters, limit=1)
            for filters in (
                TaskFilters(),
                TaskFilters(status="completed"),
                TaskFilters(sort="due", q="x"),
                TaskFilters(category="home", tag="x"),
                TaskFilters(updated_since="2026-11-22T17:20:00.000000Z"),
                *listing._STAGES.values(),
            )
        ]
        ours = [str(page.next_cursor) for page in pages]
        ours += [str(selectors.get_trashed("alice", latest_first=way).next_cursor) for way in (True, False)]

    seeds = [place + cursor for place in _PLACES for cursor in ours]
    words = [*ours, *_PLACES, ".", "A" * 100, "=" * 50, "&cursor=", "&limit=100", "&q=x"]
    return _requests("cursors", seeds, words, _PAGE_BOUND)


# --- Uploads --------------------------------------------------------------------------------------------------


def _part(name: str, value: str, more: str = "") -> str:
    return f'--B\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'


def _uploads(bound: int, contents: Sequence[str]) -> Parser:
    """What the import page is sent, up to what would be written."""

    def import_page(request: HttpRequest) -> HttpResponse:
        form = ImportForm(request.POST, request.FILES or None)
        if form.is_valid():
            import_steps.step(request, form)
        return HttpResponse()

    def read(text: str) -> None:
        kind = "multipart/form-data; boundary=B"
        request = RequestFactory().post("/account/data/", text.encode(errors="replace"), content_type=kind)
        request._messages = mock.Mock()
        refusals = (SuspiciousOperation, DomainError, BadRequest, MultiPartParserError)
        with suppress(*refusals), ExitStack() as patches:
            for module, name in ((existing_tasks, "find"), (importing, "create")):
                patches.enter_context(mock.patch.object(module, name))
            _answer(request, import_page)

    seeds, end = [], "--B--\r\n"
    for content in contents:
        carried = base64.b64encode(gzip.compress(content.encode(), mtime=0)).decode()
        seeds.append(_part("file", content, '; filename="tasks.csv"') + end)
        seeds.append(_part("file", content, '; filename="tasks.csv"') + _part("dry_run", "1") + end)
        seeds.append(_part("carried", carried) + _part("done", "1") + _part("part", "250") + end)
    words = ["--B\r\n", "--B--", "\r\n\r\n", *(_part(name, "1") for name in ("done", "part", "dry_run", "x"))]
    words += [_part("file", content, '; filename="x"') for content in contents]
    words += [
        "Content-Transfer-Encoding: base64\r\n",
        "; filename*=utf-8''x",
        ";" * 50,
        "Content-Type: text/csv\r\n",
    ]
    return Parser("uploads", read, seeds, words, settings.MAX_BODY_BYTES + 2 * bound, refuses=True)


def parsers(words: Sequence[str], upload_bound: int, contents: Sequence[str]) -> Iterator[Parser]:
    """Yield the parsers; ``words`` are those of a search, ``contents`` files that are imported."""
    yield _api_lists()
    yield _page_lists(words)
    yield _saved_searches(words)
    yield _cursors()
    yield _uploads(upload_bound, contents)
