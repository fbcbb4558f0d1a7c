"""Processor time of a request to the API, compared with the bare boto3 call that it makes.

`.venv/bin/python -m bench.api` starts a local AWS and sends requests to the WSGI application, in this process and
thread: authenticated with a Cognito token, counted by the rate limit, logged. In turns with each request it repeats the
request's one call to DynamoDB with the same parameters: on a plain `boto3.client("dynamodb")`, and on the app's own
client, which checks no parameters and has a fixed User-Agent. The table has medians of the thread's processor time; the
local AWS runs in another process and does not count. `--profile create` shows where a request's time goes instead.
"""

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
import time
import uuid
from collections.abc import Callable
from typing import Any

from bench.local import local_aws
from tests.conftest import PASSWORD

BUDGETS = {"create": 1.7, "create, with a key": 1.7, "get": 1.6, "list of 50": 0.9}
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
    with local_aws(LOG_LEVEL="INFO", RATE_LIMIT_PER_MINUTE="6000"):
        requests = _requests()
        if options.profile:
            _profile(requests[options.profile][0], options.rounds)
        else:
            _table(requests, options.rounds)
    return 0


def _requests() -> dict[str, tuple[Do, ...]]:
    """Return functions by name: one that sends the request, and its bare call on both clients."""
    from django.conf import settings

    from todo_site.wsgi import application

    settings.MAX_BODY_BYTES  # noqa: B018 (reads the settings before the measurements)
    hide_logs()
    send = sender(application, token()[0])
    made = json.loads(send("POST", "/api/v1/tasks", TASK))
    for _ in range(59):
        send("POST", "/api/v1/tasks", TASK)
    path = f"/api/v1/tasks/{made['id']}"
    sends: dict[str, Do] = {
        "create": lambda: send("POST", "/api/v1/tasks", TASK),
        "create, with a key": lambda: send("POST", "/api/v1/tasks", TASK, uuid.uuid4().hex),
        "get": lambda: send("GET", path),
        "list of 50": lambda: send("GET", "/api/v1/tasks"),
    }
    return {name: (do, *_bare(do)) for name, do in sends.items()}


def hide_logs() -> None:
    """Keep logging, but not to the screen."""
    for handler in logging.getLogger().handlers:
        handler.setStream(io.StringIO())  # type: ignore[attr-defined]


def token() -> tuple[str, str]:
    """Create a user; return a Cognito token and the user's id."""
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
    """Return a function that sends a request as a WSGI server does and returns the body, or (body, headers)."""

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
    """Return ``request``'s one call to DynamoDB, on a bare client and on the app's."""
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
        if model.name != "UpdateItem":  # the rate limit's counter, which few requests need
            seen.append((xform_name(model.name), params))

    events = table().client.meta.events
    events.register("provide-client-params.dynamodb", remember)
    request()
    events.unregister("provide-client-params.dynamodb", remember)
    ((operation, given),) = seen
    given.pop("ClientRequestToken", None)  # botocore generates it for each transaction
    return operation, given


def _renew(given: Values, number: int) -> None:
    """Change the parameters of a write to a new item of the same length."""
    transaction = given.get("TransactItems", [{"Put": given}])
    for action in (next(iter(action.values())) for action in transaction):
        if "Item" in action:
            name = "SK" if action["Item"]["SK"]["S"].startswith("TASK#") else "PK"
            old = action["Item"][name]["S"]
            action["Item"][name] = {"S": f"{old[:-8]}{number:08x}"}


def _table(requests: dict[str, tuple[Do, ...]], rounds: int) -> None:
    print("| request | processor time, ms | bare call, ms | ratio | budget | own client's call, ms | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, calls in requests.items():
        ours, bare, own = _measure(calls, rounds)
        row = f"| {name} | {ours:.2f} | {bare:.2f} | {ours / bare:.2f} | {BUDGETS[name]} "
        print(f"{row}| {own:.2f} | {ours / own:.2f} |", flush=True)


def _measure(calls: tuple[Do, ...], rounds: int) -> list[float]:
    """Call the functions in turns; return the median milliseconds of processor time of each."""
    for _ in range(20):
        for call in calls:
            call()
    gc.collect()
    spent: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, spent, strict=True):
            began = time.thread_time_ns()
            call()
            times.append((time.thread_time_ns() - began) / 1e6)
    return [statistics.median(times) for times in spent]


def _profile(request: Do, rounds: int) -> None:
    from django.conf import settings

    settings.REVOCATIONS_SECONDS = 3600  # a profile shows all threads: keep this one asleep
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
