"""Reads of the admin's lists at 5,000 and at 200,000 tasks: they must not grow with the table.

`.venv/bin/python -m bench.admin_lists` starts a local AWS for each size, loads that many tasks of 100 people straight
into the table, and opens the lists as an admin's browser does. It counts requests to DynamoDB at botocore, for the
whole page (session, permissions and sidebar included), and the items that DynamoDB reports as scanned.
Loading and the largest lists take minutes: the local DynamoDB sorts a whole partition for every Query.
"""

import argparse
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from bench.local import local_aws

SIZES = (5_000, 200_000)
PEOPLE = 100
TRASHED = 20  # tasks to one in the trash
BATCH = 25
THREADS = 3
PATIENCE_SECONDS = 600
START = datetime(2026, 1, 1, tzinfo=UTC)
STATES = ("pending", "in_progress", "completed", "cancelled")


def main() -> int:
    """Measure each size in its own process, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only lists whose name starts with this")
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.size:
        with local_aws(LOG_LEVEL="ERROR"):
            _measure(options.size, options.only)
        return 0
    found = [_in_a_process(size, options.only) for size in SIZES]
    print("| list | " + " | ".join(f"{size:,} tasks" for size in SIZES) + " |\n|---|" + "---|" * len(SIZES))
    for name in found[0]:
        print(f"| {name} | " + " | ".join(figures[name] for figures in found) + " |")
    return 0


def _in_a_process(size: int, only: str) -> dict[str, str]:
    command = [sys.executable, "-m", "bench.admin_lists", "--size", str(size), "--only", only]
    found = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(f"{size:,}: {line}", end="", file=sys.stderr, flush=True)
            name, _, figures = line.rstrip("\n").partition("\t")
            found[name] = figures
    if process.returncode:
        raise SystemExit(process.returncode)
    return found


def _measure(size: int, only: str) -> None:
    from django.core.management import call_command

    from store import connection

    connection.READ_TIMEOUT_SECONDS = PATIENCE_SECONDS
    call_command("collectstatic", interactive=False, verbosity=0)
    browser, counter = _browser(), Counter()
    _load(size)
    browser.get("/admin/")
    for name, path in _lists(size).items():
        if not name.startswith(only):
            continue
        counter.clear()
        answer = browser.get(f"/admin/{path}")
        assert answer.status_code == 200, (name, answer.status_code)
        b"".join(answer.streaming_content) if answer.streaming else answer.content
        print(f"{name}\t{counter.requests} / {counter.items:,}", flush=True)


# --- The content of the table ------------------------------------------------------------------------------------


def _person(number: int) -> str:
    return str(uuid.UUID(int=number))


def _task_id(number: int) -> str:
    from tasks.ids import new_id

    return new_id(START + timedelta(seconds=number), seed=str(number))


def _items(size: int) -> Iterator[Any]:
    from identity.profiles import _new
    from store.request_context import RequestContext
    from tasks import write_plans

    now = datetime.now(UTC)
    for number in range(PEOPLE):
        person = _person(number)
        context = RequestContext(person, person, "bench", START + timedelta(seconds=number))
        email = f"person-{number}@example.com"
        given = {"email": email, "username": f"person-{number}", "name": f"Person {number}"}
        yield _new(context, given)
    for number in range(size):
        person = _person(number * 7919 % PEOPLE)
        context = RequestContext(person, person, "bench", START + timedelta(seconds=number))
        values = {
            "title": f"Task {number}",
            "status": STATES[number * 31 % 97 % 4],
            "priority": "low",
            "category": "Home" if number % 3 else "Garden",
        }
        yield write_plans.create_task(context, values, _task_id(number)).result
        if number % TRASHED == 0:
            # Recent, because the table deletes items after a month in the trash.
            context = RequestContext(person, person, "bench", now - timedelta(seconds=number))
            deleted = write_plans.create_task(context, values, _task_id(size + number)).result
            yield write_plans.delete_task(context, deleted).result


def _load(size: int) -> None:
    from store.model import table

    # Nothing reads the stream here, and loading is faster without it.
    name, client = os.environ["TABLE_NAME"], table().client
    client.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    everything = [{"PutRequest": {"Item": item.serialize()}} for item in _items(size)]
    batches = [everything[start : start + BATCH] for start in range(0, len(everything), BATCH)]
    with ThreadPoolExecutor(THREADS) as pool:
        for answer in pool.map(lambda batch: client.batch_write_item(RequestItems={name: batch}), batches):
            assert not answer.get("UnprocessedItems")


# --- The browser and its lists ----------------------------------------------------------------------------------


class Counter:
    """Counts the site's requests to DynamoDB and the items they read."""

    def __init__(self) -> None:
        from store.model import table

        self.requests = self.items = 0
        table().client.meta.events.register("after-call.dynamodb", self._note)

    def clear(self) -> None:
        self.requests = self.items = 0

    def _note(self, model: Any, parsed: Any, **_: Any) -> None:
        assert model.name != "Scan"
        self.requests += 1
        self.items += parsed.get("ScannedCount", 1 if model.name == "GetItem" else 0)


def _browser() -> Any:
    import boto3
    from django.test import Client

    cognito, pool, secret = boto3.client("cognito-idp"), os.environ["USER_POOL_ID"], uuid.uuid4().hex + "-A1"
    attributes = [
        {"Name": "email", "Value": "bench-admin@example.com"},
        {"Name": "email_verified", "Value": "true"},
    ]
    cognito.admin_create_user(
        UserPoolId=pool, Username="bench-admin", MessageAction="SUPPRESS", UserAttributes=attributes
    )
    cognito.admin_set_user_password(UserPoolId=pool, Username="bench-admin", Password=secret, Permanent=True)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="bench-admin", GroupName="admins")
    browser = Client()
    answer = browser.post("/login/", {"identifier": "bench-admin", "password": secret})
    assert answer.status_code == 302, answer.content.decode()
    return browser


def _lists(size: int) -> dict[str, str]:
    tasks, person = "tasks/task/", _person(7)
    middle = START + timedelta(seconds=size // 2)
    day = f"created_at__gte={quote(f'{middle:%Y-%m-%d} 00:00:00+00:00')}"
    return {
        "overview": "",
        "tasks: first page": tasks,
        "tasks: a page in the middle": f"{tasks}?after={quote(f'{middle:%Y-%m-%dT%H:%M:%S.%fZ}#')}",
        "tasks: by owner": f"{tasks}?user_id__exact={person}",
        "tasks: by owner and status": f"{tasks}?user_id__exact={person}&status__exact=pending",
        "tasks: by status": f"{tasks}?status__exact=pending",
        "tasks: by category": f"{tasks}?category__exact=Garden",
        "tasks: by day": f"{tasks}?{day}",
        "tasks: search for an id": f"{tasks}?q={_task_id(size // 2)}",
        "tasks: search for what is common": f"{tasks}?q=7",
        "tasks: search for what is not there": f"{tasks}?q=no-such-words",
        "tasks: by title": f"{tasks}?o=1",
        "one task": f"{tasks}{_person(0)}.{_task_id(0)}/change/",
        "trash: first page": "tasks/trashedtask/",
        "trash: search for what is not there": "tasks/trashedtask/?q=no-such-words",
        "sessions": "tasks/session/",
        "users: first page": "tasks/user/",
        "users: search for a name": "tasks/user/?q=Person+99",
        "audit trail": "tasks/auditentry/",
    }


if __name__ == "__main__":
    sys.exit(main())
