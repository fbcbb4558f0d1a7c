"""What a request to the API costs in processor time, over the bare boto3 call that it makes.

`.venv/bin/python -m bench.api` starts a local AWS of its own and sends requests to the WSGI application, in this
process and thread: authenticated with a Cognito token, counted by the rate limit, logged. In turns with each request it
makes the one call to DynamoDB that the request makes, with the same parameters, on a client as
`boto3.client("dynamodb")` returns it, and once more on the app's own client, which checks no parameters and has a fixed
User-Agent. All are measured as processor time of the thread; the table has medians. What the local AWS itself needs is
spent in another process and counts for none. `--profile create` shows where a request's time goes instead.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import io
import itertools
import json
import logging
import os
import pstats
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import PASSWORD
from tests.local_aws import PLACEHOLDERS, free_port

BUDGETS = {"create": 1.7, "create, with a key": 1.7, "get": 1.7, "list of 50": 1.6}
TASK = {
    "title": "Pay the rent",
    "description": "From the *joint* account, before noon.",
    "priority": "high",
    "category": "home",
    "tags": ["money", "monthly"],
    "due_date": "2030-12-01",
}
Values = dict[str, Any]
Do = Callable[[], Any]


def main() -> int:
    """Print the table, or a profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="how often each request is sent")
    parser.add_argument("--profile", choices=BUDGETS, help="show the profile of this request instead")
    options = parser.parse_args()
    with local_aws():
        requests = _requests()
        if options.profile:
            _profile(requests[options.profile][0], options.rounds)
        else:
            _table(requests, options.rounds)
    return 0


@contextmanager
def local_aws() -> Iterator[None]:
    """Run with a local AWS and Django set up for it, with everything switched on that a deployment has."""
    from localcloud.provision import provision
    from localcloud.server import LocalAws

    with tempfile.TemporaryDirectory() as folder:
        server = LocalAws(Path(folder), free_port())
        server.start()
        try:
            os.environ.update(PLACEHOLDERS | provision(server.endpoint_url, Path(folder)))
            os.environ.update(ENVIRONMENT="test", LOG_LEVEL="INFO", RATE_LIMIT_PER_MINUTE="6000")
            os.environ["STATIC_ROOT"] = folder
            os.environ["DJANGO_SETTINGS_MODULE"] = "todo_site.settings"
            yield
        finally:
            server.kill()


def _requests() -> dict[str, tuple[Do, Do, Do]]:
    """Return what to send, and the bare call of each on both clients."""
    from django.conf import settings

    from todo_site.wsgi import application

    settings.MAX_BODY_BYTES  # noqa: B018 (settings are read now, not while something is measured)
    hide_logs()
    send = sender(application, token()[0])
    made = json.loads(send("POST", "/api/v1/tasks", TASK))
    for _ in range(59):
        send("POST", "/api/v1/tasks", TASK)
    path = f"/api/v1/tasks/{made['id']}"
    asked: dict[str, Do] = {
        "create": lambda: send("POST", "/api/v1/tasks", TASK),
        "create, with a key": lambda: send("POST", "/api/v1/tasks", TASK, uuid.uuid4().hex),
        "get": lambda: send("GET", path),
        "list of 50": lambda: send("GET", "/api/v1/tasks"),
    }
    return {name: (do, *_bare(do)) for name, do in asked.items()}


def hide_logs() -> None:
    """Let everything be logged as ever, but not onto the screen."""
    for handler in logging.getLogger().handlers:
        handler.setStream(io.StringIO())  # type: ignore[attr-defined]


def token() -> tuple[str, str]:
    """Return a Cognito token of somebody new, and their id."""
    import boto3
    import jwt

    cognito, pool, name = boto3.client("cognito-idp"), os.environ["USER_POOL_ID"], "bench"
    pairs = [{"Name": "email", "Value": "bench@example.com"}, {"Name": "name", "Value": "Bench"}]
    cognito.admin_create_user(UserPoolId=pool, Username=name, UserAttributes=pairs, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
    answer = cognito.initiate_auth(
        ClientId=os.environ["CLIENT_ID"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
    )
    issued = str(answer["AuthenticationResult"]["IdToken"])
    return issued, str(jwt.decode(issued, options={"verify_signature": False})["sub"])


def sender(application: Any, token: str) -> Callable[..., Any]:
    """Return a function that sends a request as a WSGI server would and returns the body, with the headers if asked."""

    def send(
        method: str,
        path: str,
        body: Any = None,
        key: str = "",
        query: str = "",
        *,
        with_headers: bool = False,
    ) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json" if content else "",
            "CONTENT_LENGTH": str(len(content)) if content else "",
            "HTTP_HOST": "testserver",
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(content),
            "wsgi.errors": sys.stderr,
        }
        if key:
            environ["HTTP_IDEMPOTENCY_KEY"] = key
        started: list[Any] = []
        answer = application(environ, lambda *line: started.extend(line))
        content = b"".join(answer)
        answer.close()
        if not started[0].startswith("2"):
            raise RuntimeError(f"{method} {path}: {started[0]} {content!r}")
        return (content, dict(started[1])) if with_headers else content

    return send


def _bare(request: Do) -> tuple[Do, Do]:
    """Return the one call to DynamoDB that ``request`` makes, on a bare client and on the app's."""
    import boto3

    from store.model import table

    operation, given = _call_of(request)
    numbers = itertools.count()

    def on(client: Any) -> Do:
        call = getattr(client, operation)

        def again() -> Any:
            _renew(given, next(numbers))
            return call(**given)

        return again

    return on(boto3.client("dynamodb")), on(table().client)


def _call_of(request: Do) -> tuple[str, Values]:
    from botocore import xform_name

    from store.model import table

    seen: list[tuple[str, Values]] = []

    def remember(params: Values, model: Any, **_: Any) -> None:
        if model.name != "UpdateItem":  # the rate limit's counter, which is asked now and then
            seen.append((xform_name(model.name), params))

    events = table().client.meta.events
    events.register("provide-client-params.dynamodb", remember)
    request()
    events.unregister("provide-client-params.dynamodb", remember)
    ((operation, given),) = seen
    given.pop("ClientRequestToken", None)  # botocore makes one for each transaction
    return operation, given


def _renew(given: Values, number: int) -> None:
    """Make the parameters of a write those of a new item; the items are as long as they were."""
    transaction = given.get("TransactItems", [{"Put": given}])
    for action in (next(iter(action.values())) for action in transaction):
        if "Item" in action:
            name = "SK" if action["Item"]["SK"]["S"].startswith("TASK#") else "PK"
            old = action["Item"][name]["S"]
            action["Item"][name] = {"S": f"{old[:-8]}{number:08x}"}


def _table(requests: dict[str, tuple[Do, ...]], rounds: int) -> None:
    print("| request | processor time, ms | bare call, ms | ratio | budget | own client's call, ms | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, done in requests.items():
        ours, bare, own = _measure(done, rounds)
        row = f"| {name} | {ours:.2f} | {bare:.2f} | {ours / bare:.2f} | {BUDGETS[name]} "
        print(f"{row}| {own:.2f} | {ours / own:.2f} |", flush=True)


def _measure(done: tuple[Do, ...], rounds: int) -> list[float]:
    """Return the median milliseconds of processor time of each of ``done``, which are done in turns."""
    for _ in range(20):
        for do in done:
            do()
    gc.collect()
    spent: list[list[float]] = [[] for _ in done]
    for _ in range(rounds):
        for do, times in zip(done, spent, strict=True):
            began = time.thread_time_ns()
            do()
            times.append((time.thread_time_ns() - began) / 1e6)
    return [statistics.median(times) for times in spent]


def _profile(request: Do, rounds: int) -> None:
    from django.conf import settings

    settings.REVOCATIONS_SECONDS = 3600  # a profile shows all threads: leave this one asleep
    for _ in range(20):
        request()
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    for _ in range(rounds):
        request()
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    raise SystemExit(main())
