"""The smoke commands against a site served from here: they pass when it works, else they say what is wrong."""

import io
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.roles import OWNER
from todo_site.management.commands import smoke_etl
from todo_site.smoke import people
from web import athena


class Server(ThreadingMixIn, WSGIServer):
    """Serves each request in a thread of its own."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Logs nothing: the site does."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    """Address of the site, served from this process."""
    from todo_site.wsgi import application  # its static files have been collected by now

    with make_server("127.0.0.1", 0, application, Server, Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def operator(monkeypatch):
    """The commands sign as whoever deploys; the site as its function."""
    monkeypatch.setattr(people, "boto3", OWNER)


def smoke(url, command="smoke_api", **options):
    out = io.StringIO()
    call_command(command, url=url, users=2, tasks=2, updates=3, stdout=out, **options)
    return out.getvalue()


def usernames():
    found = OWNER.client("cognito-idp").list_users(UserPoolId=settings.USER_POOL_ID)["Users"]
    return {user["Username"] for user in found if user["Username"].startswith("smoke-")}


def test_a_good_site_passes_and_nobody_is_left(site):
    before = usernames()
    assert "2 users, 2 tasks each, 3 updates a task: passed" in smoke(site)
    assert usernames() == before


def test_a_wrong_answer_is_named_with_its_request_and_people_are_removed(site, monkeypatch):
    from tasks import services

    monkeypatch.setattr(services, "update_task", lambda *_, **__: 1 / 0)
    before = usernames()
    with pytest.raises(CommandError, match=r"PATCH /api/v1/tasks/\S+ answered 500, not 200; request \w+"):
        smoke(site)
    assert usernames() == before


def test_nobody_answering_is_an_error(site):
    with pytest.raises(CommandError, match=r"GET 127\.0\.0\.1:1/dev/health"):
        call_command("smoke_api", url="http://127.0.0.1:1/dev", patience=0, stdout=io.StringIO())


class Figures:
    """Stands in for Gold: answers what it is given, one answer a question; the last one again and again."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __call__(self, ids):
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return found(ids) if callable(found) else found


def right(ids):
    """What Gold says after every change of `smoke`: three updates leave both tasks of each completed or started."""
    return dict.fromkeys(ids, (2, 1, 0, 1, 0))


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(smoke_etl, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(athena, "current_snapshot", object)


def test_figures_are_waited_for_and_then_forgotten(site, impatient, monkeypatch):
    def slow(ids):
        raise athena.QueryTimeout("no answer within 20 seconds")

    monkeypatch.setattr(smoke_etl, "published", Figures({}, slow, right, right, {}))
    said = smoke(site, "smoke_etl", machine="", timeout=60)
    assert "the figures match" in said
    assert "they are gone" in said


def test_figures_that_stay_wrong_are_shown(site, impatient, monkeypatch):
    monkeypatch.setattr(smoke_etl, "published", Figures({}))
    with pytest.raises(CommandError, match=r"Gold has \{\}, not \{'"):
        smoke(site, "smoke_etl", machine="", timeout=0.1)
