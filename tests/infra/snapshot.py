"""Run by test_snapshot.py: Zappa's handler imported as for a snapshot, then two copies of this process.

A copy is made by libc's ``fork``. ``os.fork`` would run Python's hooks, which give ``random`` a new seed for example; a
copy of a snapshot runs nothing. In the copies the monotonic clock of the caches stands still, as in a snapshot, while an
hour passes by the other. Arguments: a bearer token. Prints JSON: the state before, and one answer of each copy.
"""

import ctypes
import json
import os
import random
import secrets
import sys
import time
import traceback
import uuid
from datetime import UTC, datetime
from types import SimpleNamespace

import handler


def open_sockets():
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return sum(os.path.exists(link) and os.readlink(link).startswith("socket:") for link in links)


def event(path, token):
    headers = {"Host": "site.invalid", "X-Forwarded-Proto": "https", "Accept": "*/*"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    context = {"stage": "dev", "path": f"/dev{path}", "httpMethod": "GET", "identity": {"sourceIp": "127.0.0.1"}}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "multiValueQueryStringParameters": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": context,
    }


def request(path, token=""):
    context = SimpleNamespace(aws_request_id="1", function_name="todo", invoked_function_arn="")
    return handler.lambda_handler(event(path, token), context)


def copy_reports(token, guard, fork_time):
    from identity import clock_guard
    from store import writing
    from tasks import ids

    clock_guard.time = SimpleNamespace(monotonic=lambda: fork_time, time=lambda: time.time() + 3600)
    waits = []
    writing.time = SimpleNamespace(sleep=waits.append)
    writing.pause(0)
    loaded = set(sys.modules)
    answers = [request("/health"), request("/api/v1/tasks"), request("/api/v1/tasks", token)]
    return {
        "statuses": [answer["statusCode"] for answer in answers],
        "unique": [
            str(uuid.uuid4()),
            secrets.token_hex(8),
            ids.new_id(datetime.now(UTC)),
            waits[0],
            *(answer["multiValueHeaders"]["X-Request-ID"][0] for answer in answers),
        ],
        "seeded": random.random(),
        "guarded": guard.get(),
        "loaded": sorted(set(sys.modules) - loaded),
    }


def copied(report):
    """Return what ``report`` returns in a copy of this process."""
    reading, writing = os.pipe()
    if ctypes.PyDLL(None).fork():
        os.close(writing)
        with os.fdopen(reading) as answer:
            return json.loads(answer.read() or "null")
    try:
        os.write(writing, json.dumps(report()).encode())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def main():
    from identity.clock_guard import ClockGuard

    before = {
        "instantiated": handler.global_handler is not None,
        "threads": len(os.listdir("/proc/self/task")),
        "sockets": open_sockets(),
        "modules": len(sys.modules),
    }
    guard = ClockGuard("copied", lambda key, last: (last or 0) + 1, lambda: 60, idle_seconds=-1)
    before["guarded"] = guard.get()  # its thread ends at once
    while len(os.listdir("/proc/self/task")) > 1:
        time.sleep(0.01)
    fork_time = time.monotonic()
    copies = [copied(lambda: copy_reports(sys.argv[1], guard, fork_time)) for _ in range(2)]
    print("\n" + json.dumps({"before": before, "copies": copies}))


main()
