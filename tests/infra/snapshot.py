"""Run by test_snapshot.py: Zappa's handler imported as for a snapshot, then two copies of this process.

A copy is made by libc's ``fork``. ``os.fork`` would run Python's hooks, which give ``random`` a new seed for example;
a copy of a snapshot runs nothing. In the copies the monotonic clock of the caches stands still, as in a snapshot, while
an hour passes by the other. Argument: a bearer token. Prints JSON: the state before, and a report of each copy.
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
from pathlib import Path
from types import SimpleNamespace

import handler

from bench.offline import event


def open_sockets():
    return sum("socket:" in str(link.resolve()) for link in Path("/proc/self/fd").iterdir())


def threads():
    return len(list(Path("/proc/self/task").iterdir()))


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
    except Exception:  # noqa: BLE001 (the report is missing then)
        traceback.print_exc()
    finally:
        os._exit(0)


def main():
    from identity.clock_guard import ClockGuard

    before = {
        "instantiated": handler.global_handler is not None,
        "threads": threads(),
        "sockets": open_sockets(),
        "modules": len(sys.modules),
    }
    guard = ClockGuard("copied", lambda key, last: (last or 0) + 1, lambda: 60, idle_seconds=-1)
    before["guarded"] = guard.get()  # its thread ends at once
    while threads() > 1:
        time.sleep(0.01)
    fork_time = time.monotonic()
    copies = [copied(lambda: copy_reports(sys.argv[1], guard, fork_time)) for _ in range(2)]
    print("\n" + json.dumps({"before": before, "copies": copies}))


main()
