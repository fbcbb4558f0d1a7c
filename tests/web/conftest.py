"""What the tests of the pages share: a signed-in browser, tasks to look at, and reading HTML."""

import os
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.dynamodb import calls  # noqa: F401  a fixture
from tests.web.site import BROWSER_TIMEOUT_MS, SIZES, serving

HTMX = {"HX-Request": "true"}
# What Chromium says of answers that the pages give on purpose, and of a connection that a test has cut.
REFUSALS = re.compile(
    r"Failed to load resource: "
    r"(the server responded with a status of (403|404|409|422|429) |net::ERR_INTERNET_DISCONNECTED)"
)


class Page(HTMLParser):
    """The parts of a page that tests ask about: its text, its rows, its form fields, its links and buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.text, self.fields, self.tags = html, "", {}, []
        self._textarea = self._select = ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag == "input" and attrs.get("name"):
            self.fields[attrs["name"]] = attrs.get("value") or ""
        self._textarea = attrs.get("name", "") if tag == "textarea" else ""
        if tag == "select":
            self._select = attrs.get("name", "")
        if tag == "option" and self._select and "selected" in attrs:
            self.fields[self._select] = attrs["value"]

    def handle_endtag(self, tag):
        self._textarea = "" if tag == "textarea" else self._textarea
        self._select = "" if tag == "select" else self._select

    def handle_data(self, data):
        self.text += f" {data}"
        if self._textarea:
            self.fields[self._textarea] = self.fields.get(self._textarea, "") + data.removeprefix("\n")

    def attributes(self, name: str) -> list[str]:
        """Return every value of the attribute ``name``, in order."""
        return [attrs[name] for _, attrs in self.tags if name in attrs]

    def sections(self) -> dict[str, list[str]]:
        """Return the titles of the tasks in each list of the page."""
        lists = re.findall(r'<ul class="rows card" id="s-(\w+)">(.*?)</ul>', self.html, re.DOTALL)
        return {name: re.findall(r'class="task-title"[^>]*>([^<]*)<', rows) for name, rows in lists}


def read(answer) -> Page:
    """Parse the answer of a test client."""
    return Page(answer.content.decode())


@pytest.fixture
def browser(client_for, alice):
    """Alice's browser, signed in."""
    return client_for(alice)


@pytest.fixture
def today():
    return datetime.now(UTC).date()


@pytest.fixture
def add(ctx, alice):
    """Return a function that gives Alice a task, the next one a little younger: ``add("Pay rent", due_date=...)``."""
    from tasks import services

    start, made = datetime.now(UTC) - timedelta(hours=1), []

    def make(title: str, **fields):
        made.append(title)
        moment = start + timedelta(milliseconds=len(made))
        return services.create_task(ctx(alice, moment), {"title": title, **fields}).task

    return make


@pytest.fixture
def stored(alice):
    """Return a function from a task to how it is in the table now."""
    from tasks import selectors

    return lambda task: selectors.get_task(alice.id, task.id)


@pytest.fixture(scope="session")
def site(static_files):
    """The whole site on a port of its own, for real browsers; yields its address."""
    with serving() as address:
        yield address


@pytest.fixture
def visit(chromium, site):
    """Return a function that opens the site; afterwards nothing may have gone wrong or left the machine."""
    contexts, problems = [], []

    def open_site(size="wide", **options):
        context = chromium.new_context(viewport=SIZES[size], base_url=site, **options)
        context.set_default_timeout(BROWSER_TIMEOUT_MS)
        contexts.append(context)
        # Of every window of the context, also those that a test opens later.
        context.on("weberror", lambda error: problems.append(f"script: {error.error}"))
        context.on("console", lambda message: _is_bad(message) and problems.append(message.text))
        context.on("request", lambda request: _is_ours(site, request.url) or problems.append(request.url))
        return context.new_page()

    yield open_site
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def open_as(visit, client_for, site):
    """Return a function that opens a page as somebody who is signed in, in a browser of its own."""

    def start(account, url="/", size="wide", **options):
        page = visit(size, **options)
        page.context.add_cookies([session_cookie(client_for(account), site)])
        page.goto(url)
        return page

    return start


def _is_bad(message) -> bool:
    """Errors, and with them every breach of the content security policy."""
    return message.type == "error" and not REFUSALS.match(message.text)


def _is_ours(site: str, url: str) -> bool:
    exported = f"{os.environ['AWS_ENDPOINT_URL']}/{settings.EXPORTS_BUCKET}/{settings.EXPORTS_PREFIX}"
    return urlsplit(url).scheme in {"data", "blob"} or url.startswith((f"{site}/", exported))


def sign_in(page, account) -> None:
    """Sign in on the sign-in page, and wait for the scripts of the task page."""
    page.goto("/login/")
    page.get_by_label("E-mail or username").fill(account.email)
    page.get_by_label("Password").fill(account.password)
    page.get_by_role("button", name="Sign in").click()
    ready(page, "Tasks")


def ready(page, heading: str) -> None:
    """Wait for the page with this heading, and until its scripts have run: keys pressed before that are nobody's.

    After a click or a key that leads elsewhere; ``goto`` and ``reload`` wait by themselves.
    """
    expect(page.get_by_role("heading", name=heading, exact=True, level=1)).to_be_visible()
    page.wait_for_load_state()


def session_cookie(client, site) -> dict[str, str]:
    """Return the cookie that makes a real browser the one that a test client is signed in with."""
    return {"name": "session", "value": client.cookies["session"].value, "url": site}


def row(page, title: str):
    """Return the line of a task in a list."""
    return page.locator(".task", has_text=title)


def point_at_toast(page) -> None:
    """Keep the last toast: one that is pointed at does not leave by itself, however long the next steps take."""
    page.locator(".toast").last.hover()


def no_sideways_scrolling(page) -> None:
    """Check that the page is not wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
