"""Reads of one page of a list of tasks in the worst case: filters that match (almost) none of 5,000 tasks.

`.venv/bin/python -m bench.lists` starts a local AWS, stores 5,000 open tasks of one person, and requests the first page
of 50 of each list from the API. It counts Queries and the items they read at botocore.
"""

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.api import hide_logs, sender, token
from bench.local import local_aws

TASKS = 5000
DAY = timedelta(days=1)
# Every task is open, without a category and of medium priority; one of them, the oldest, is tagged and due.
LISTS = {
    "all": "",
    "an index has it: nothing": "status=completed",
    "an index has it: everything": "priority=medium",
    "two filters, an index has one: nothing": "priority=medium&status=cancelled",
    "no index has it: nothing": "tag=none",
    "no index has it: one, the last": "tag=rare",
    "text: nothing": "q=none",
    "text, by priority: nothing": "q=none&sort=priority",
    "text, by due date: nothing": "q=none&sort=due",
    "text, by change: nothing": "q=none&sort=-updated",
    "changes since, with text: nothing": "q=none&updated_since=2020-01-01T00:00:00Z",
    "changes since, by priority: nothing": "q=none&updated_since=2020-01-01T00:00:00Z&sort=priority",
    "overdue: nothing": "overdue=true",
    "not overdue, with a tag: nothing": "overdue=false&tag=none",
}


def main() -> int:
    """Print the table."""
    with local_aws(LOG_LEVEL="INFO", RATE_LIMIT_PER_MINUTE="6000"):
        from todo_site.wsgi import application

        hide_logs()
        bearer, user_id = token()
        send = sender(application, bearer)
        send("GET", "/api/v1/tasks")
        _store(user_id)
        print("| list | Queries | items read | tasks on the page | there is more |\n|---|---:|---:|---:|---|")
        for name, query in LISTS.items():
            counted, found, more = _page(send, query)
            row = f"| {name}: `{query}` | {counted['queries']} | {counted['items']:,}"
            print(f"{row} | {found} | {'yes' if more else 'no'} |", flush=True)
    return 0


def _store(user_id: str) -> None:
    from store.model import table
    from store.request_context import RequestContext
    from tasks import write_plans

    began = datetime.now(UTC) - DAY
    requests = []
    for number in range(TASKS):
        ctx = RequestContext(user_id, user_id, "bench", began + timedelta(seconds=number))
        fields: dict[str, Any] = {"title": f"Task {number}"}
        if number == 0:
            fields |= {"tags": ["rare"], "due_date": "2099-01-01"}
        task = write_plans.create_task(ctx, fields).result
        requests.append({"PutRequest": {"Item": task.serialize()}})
    for first in range(0, TASKS, 25):
        name = os.environ["TABLE_NAME"]
        table().client.batch_write_item(RequestItems={name: requests[first : first + 25]})


def _page(send: Any, query: str) -> tuple[Counter[str], int, bool]:
    from store.model import table

    counted: Counter[str] = Counter()

    def count(parsed: Any, **_: Any) -> None:
        counted["queries"] += 1
        counted["items"] += parsed["ScannedCount"]

    events = table().client.meta.events
    events.register("after-call.dynamodb.Query", count)
    body, headers = send("GET", "/api/v1/tasks", query=query, with_headers=True)
    events.unregister("after-call.dynamodb.Query", count)
    return counted, body.count(b'"title"'), "Link" in headers


if __name__ == "__main__":
    raise SystemExit(main())
