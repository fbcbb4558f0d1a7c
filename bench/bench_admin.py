"""Reads of the admin's lists at 5,000 and 200,000 tasks: ``python bench/bench_admin.py``. They must not grow.

Counts only, so DynamoDB is a stand-in: Query over sorted lists, with the service's Limit, 1 MB pages left out. The same
lists are counted against the local AWS, at a smaller size, in ``tests/admin/test_reads.py``.
"""

import bisect
import os
import sys
import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent.parent))
VALUES = {
    "ENVIRONMENT": "test",
    "APP_URL": "http://testserver",
    "SECRET_KEY": "bench",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "DJANGO_SETTINGS_MODULE": "todo_site.settings",
}
NAMES = ("TABLE_NAME", "USER_POOL_ID", "CLIENT_ID", "GOLD_BUCKET", "GLUE_DATABASE", "ATHENA_WORKGROUP")
USERS = 500


class Sorted:
    """A table: per index and hash key, items by range key."""

    def __init__(self) -> None:
        self.partitions = defaultdict(list)
        self.requests = self.items = 0

    def add(self, item: dict) -> None:
        from tasks.codec import encode_item

        raw = encode_item(item)
        for index in ("", "GSI1", "GSI2", "GSI3", "GSI4", "GSI5"):
            if f"{index}PK" in item:
                self.partitions[index, item[f"{index}PK"]].append((item[f"{index}SK"], raw))

    def close(self) -> None:
        for rows in self.partitions.values():
            rows.sort(key=lambda row: row[0])

    def query(self, operation: str, arguments: dict) -> dict:
        assert operation == "Query", operation
        index = arguments.get("IndexName", "")
        given = [value["S"] for value in arguments["ExpressionAttributeValues"].values()]
        condition = arguments["KeyConditionExpression"]
        names = list(arguments["ExpressionAttributeValues"])
        order = sorted(names, key=condition.index)
        hash_key, low, high = (arguments["ExpressionAttributeValues"][name]["S"] for name in order)
        assert len(given) == 3
        rows = self.partitions[index, hash_key]
        keys = [row[0] for row in rows] if len(rows) < 1000 else _Keys(rows)
        start, end = bisect.bisect_left(keys, low), bisect.bisect_right(keys, high)
        forward = arguments.get("ScanIndexForward", True)
        after = arguments.get("ExclusiveStartKey")
        if after:
            place = bisect.bisect_left(keys, after[f"{index}SK"]["S"])
            start, end = (place + 1, end) if forward else (start, place)
        found = (
            rows[start:end][: arguments["Limit"]]
            if forward
            else rows[max(start, end - arguments["Limit"]) : end][::-1]
        )
        self.requests, self.items = self.requests + 1, self.items + len(found)
        page = {"Items": [raw for _, raw in found], "Count": len(found), "ScannedCount": len(found)}
        if len(found) < end - start:
            last = found[-1][1]
            page["LastEvaluatedKey"] = {n: last[n] for n in {"PK", "SK", f"{index}PK", f"{index}SK"}}
        return page


class _Keys:
    def __init__(self, rows: list) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> str:
        return self.rows[place][0]


def fill(table: Sorted, tasks: int) -> None:
    from tasks.context import RequestContext
    from tasks.ids import new_id
    from tasks.plans import _new_task

    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(tasks):
        user = str(uuid.UUID(int=number * 7919 % USERS))
        context = RequestContext(user, user, "bench", start + timedelta(seconds=number))
        status = ("pending", "in_progress", "completed", "cancelled")[number * 31 % 97 % 4]
        values = {"title": f"Task {number}", "status": status, "priority": "low", "category": "Home"}
        table.add(_new_task(context, values, new_id(context.now, seed=str(number))))
    table.close()


def questions(user: str) -> dict:
    from django.db.models import Q

    from tasks.admin.models import Task

    tasks = Task.objects.all()
    return {
        "first page": tasks,
        "filter by status": tasks.filter(status="pending"),
        "filter by owner": tasks.filter(user_id=user),
        "filter by owner and status": tasks.filter(user_id=user, status="pending"),
        "search for what is common": tasks.filter(Q(title__icontains="7")),
        "search for what is not there": tasks.filter(Q(title__icontains="no such words")),
        "by title": tasks.order_by("title"),
    }


def main() -> None:
    os.environ.update(VALUES, **dict.fromkeys(NAMES, "bench"))
    import django

    django.setup()
    from tasks import table as calls

    print(f"{'list':32}" + "".join(f"{size:>10,} tasks" for size in (5_000, 200_000)))
    found = defaultdict(list)
    for size in (5_000, 200_000):
        table = Sorted()
        fill(table, size)
        with mock.patch.object(
            type(calls.client()), "_make_api_call", lambda _, o, a, table=table: table.query(o, a)
        ):
            for name, rows in questions(str(uuid.UUID(int=7))).items():
                table.requests = table.items = 0
                rows.page(None, 25)
                found[name].append(f"{table.requests} / {table.items:,}")
    for name, figures in found.items():
        print(f"{name:32}" + "".join(f"{figure:>16}" for figure in figures))
    print("requests / items read for one page of 25")


if __name__ == "__main__":
    main()
