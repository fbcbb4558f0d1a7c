"""What the server itself refuses before the site sees it, and what it lets the site refuse: as ``make run`` has it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from localcloud import gunicorn_conf
from tests.local_aws import free_port
from tests.run.stack import PATIENCE_SECONDS, until

ROOT = Path(__file__).resolve().parents[2]
LINE = gunicorn_conf.limit_request_line
FIELD = gunicorn_conf.limit_request_field_size
SITE = 32 * 1024  # of headers: MAX_HEADER_BYTES


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """The port of a gunicorn that serves the site."""
    log = tmp_path_factory.mktemp("gunicorn") / "log"
    number = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:localcloud.gunicorn_conf", "--workers", "1"]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "todo_site.wsgi:application"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(number)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def answers() -> bool:
        assert server.poll() is None, log.read_text()
        try:
            return send(number, "/health")[0] == 200
        except OSError:
            return False

    try:
        until(answers, "gunicorn answers")
        yield number
    finally:
        server.terminate()
        server.wait(PATIENCE_SECONDS)


def send(port, target, *headers):
    """Send a GET, and return the status of the answer, its headers and its body."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.putrequest("GET", target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def target_of(length):
    """Return a target whose request line has this many bytes."""
    beginning = "/health?x="
    return beginning + "x" * (length - len(f"GET {beginning} HTTP/1.1"))


def test_a_request_line_of_the_longest_length_is_answered(port):
    assert send(port, target_of(LINE))[0] == 200


def test_a_longer_request_line_is_414(port):
    for length in (LINE + 1, LINE * 8):
        status, names, body = send(port, target_of(length))
        assert (status, names["connection"]) == (414, "close")
        assert "x" * 100 not in body


def test_headers_that_the_site_refuses_are_a_problem_of_the_api(port):
    status, names, body = send(port, "/api/v1/tasks", ("X-Long", "x" * SITE))
    assert (status, names["content-type"]) == (431, "application/problem+json")
    assert json.loads(body)["code"] == "headers-too-large"


@pytest.mark.parametrize(
    "headers",
    [[("X-Long", "x" * (FIELD + 1))], [(f"X-{n}", "1") for n in range(101)]],
    ids=["a longer one", "more of them"],
)
def test_more_headers_than_the_server_takes_are_431(port, headers):
    status, names, body = send(port, "/health", *headers)
    assert (status, names["connection"]) == (431, "close")
    assert "x" * 100 not in body


def test_no_answer_names_a_version_of_what_serves_it(port):
    for target in ("/health", "/api/v1/tasks", "/nowhere", target_of(LINE + 1)):
        _status, names, _body = send(port, target)
        assert names.get("server", "gunicorn") == "gunicorn"
        assert "via" not in names
        assert "x-powered-by" not in names


def test_the_server_goes_on_after_refusals(port):
    assert send(port, "/health")[0] == 200
