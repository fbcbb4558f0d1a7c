"""Bytes on the wire of pages and API answers: what a client receives through a socket, headers included.

`.venv/bin/python -m bench.wire` starts a local AWS and the site in gunicorn, as `make run` does, gives a person 60
tasks, and sends each request of `REQUESTS` through a socket of its own: five times with `Accept-Encoding: gzip`, of
which the table has the median (the padding against BREACH is random), and once without. `--address URL` measures a site
in the local AWS that is deployed there, through all that is in front of it; the environment must be that of its stage
(`make env-of`).
"""

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.local import local_aws
from tests.local_aws import free_port

TASKS = 60
ROUNDS = 5
# What is measured: its name, its path, and whether a browser asks for it.
REQUESTS = (
    ("sign-in page", "/login/", True),
    ("list of tasks", "/", True),
    ("board", "/board/", True),
    ("calendar", "/calendar/?when=", True),
    ("a task's page", "/tasks/{task}/", True),
    ("account, data", "/account/data/", True),
    ("API: one task", "/api/v1/tasks/{task}", False),
    ("API: list of 50", "/api/v1/tasks?limit=50", False),
    ("API: export as CSV", "/api/v1/export?format=csv", False),
    ("API: OpenAPI document", "/api/openapi.json", False),
)
Answer = tuple[int, bytes, bytes]  # status, head and body as they came


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--address", help="a site deployed into a local AWS; default: gunicorn")
    options = parser.parse_args()
    if options.address:
        os.environ["DJANGO_SETTINGS_MODULE"] = "todo_site.settings"
        _measure(options.address)
        return 0
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with local_aws(APP_URL=address, PORT=str(port)), _gunicorn():
        _measure(address)
    return 0


@contextmanager
def _gunicorn() -> Iterator[None]:
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput"], check=True, stdout=subprocess.DEVNULL
    )
    command = ["-m", "gunicorn", "-c", "python:localcloud.gunicorn_conf", "todo_site.wsgi:application"]
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _measure(address: str) -> None:
    from todo_site.smoke.client import Api
    from todo_site.smoke.people import People

    Api(address).wait("/health", 60)
    people = People(os.environ["USER_POOL_ID"], os.environ["CLIENT_ID"], os.environ["TABLE_NAME"])
    person = people.create()
    try:
        made = _tasks(Api(address, person.token))
        session = session_of(address, person.username, person.password)
        print("| answer | with gzip: head | body | all | without: all |\n|---|---:|---:|---:|---:|")
        for name, path, in_browser in REQUESTS:
            who = {"Cookie": session} if in_browser else {"Authorization": f"Bearer {person.token}"}
            if name == "sign-in page":
                who = {}
            url = f"{address.rstrip('/')}{path.format(task=made)}"
            packed = [_ask(url, {**who, "Accept-Encoding": "gzip"}) for _ in range(ROUNDS)]
            plain = _ask(url, {**who, "Accept-Encoding": "identity"})
            for status, _, body in (*packed, plain):
                if status != 200:
                    raise RuntimeError(f"{url}: {status} {body[:300]!r}")
            head, body, both = (
                statistics.median(sizes)
                for sizes in zip(*((len(h), len(b), len(h) + len(b)) for _, h, b in packed), strict=True)
            )
            whole = len(plain[1]) + len(plain[2])
            print(f"| {name} | {head:,} | {body:,} | {both:,} | {whole:,} |", flush=True)
    finally:
        people.remove(person)


def _tasks(api: Any) -> str:
    """Create the tasks; return the id of the last one."""
    for number in range(TASKS):
        task = {
            "title": f"Pay the rent of month {number}",
            "description": "From the *joint* account, before noon.",
            "priority": ("low", "medium", "high", "urgent")[number % 4],
            "category": ("home", "work", "friends")[number % 3],
            "tags": ["money", "monthly"],
            "due_date": f"2030-12-{number % 28 + 1:02}",
        }
        made = api.call("POST", "/api/v1/tasks", task, expect=201)
    return str(made.body["id"])


def session_of(address: str, identifier: str, password: str) -> str:
    """Sign in on the page of the site at ``address``; return the cookies of the session."""
    url = f"{address.rstrip('/')}/login/"
    _, head, body = _ask(url, {})
    token = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', body)
    if not token:
        raise RuntimeError(f"{url} has no form: {head!r}")
    cookies = _cookies(head)
    form = {
        "csrfmiddlewaretoken": token[1].decode(),
        "identifier": identifier,
        "password": password,
    }
    parts = urlsplit(url)
    sent = {"Cookie": cookies, "Referer": url, "Origin": f"{parts.scheme}://{parts.netloc}"}
    status, head, body = _ask(url, sent, urlencode(form).encode())
    if status != 302:
        raise RuntimeError(f"signing in: {status} {body[:300]!r}")
    return f"{cookies}; {_cookies(head)}"


def _cookies(head: bytes) -> str:
    found: SimpleCookie = SimpleCookie()
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "set-cookie":
            found.load(value.strip())
    return "; ".join(f"{name}={cookie.value}" for name, cookie in found.items())


def _ask(url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """Send a request through a socket of its own and read the answer to its end."""
    from todo_site.smoke.client import TIMEOUT_SECONDS, place

    parts = urlsplit(url)
    lines = {"Host": parts.netloc, "Connection": "close", "Accept": "*/*", **headers}
    if body:
        lines |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    text = f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\n"
    text += "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    where = (place(parts.hostname or ""), parts.port or 80)
    with socket.create_connection(where, TIMEOUT_SECONDS) as connection:
        connection.sendall(text.encode() + body)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, end, rest = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head + end, rest


if __name__ == "__main__":
    sys.exit(main())
