"""What the tests of the pages share: a signed-in browser, tasks to look at, and reading HTML."""

import re
import threading
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

HTMX = {"HX-Request": "true"}


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
            self._select = attrs["name"]
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
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    from todo_site.wsgi import application

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
