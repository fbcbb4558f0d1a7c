"""Every query of docs/athena_queries.sql through the local Athena, its answer checked by brute force."""

import io
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.capture.bronze_row import bronze_row, encode
from etl.lake import layout
from etl.lake.tables import REQUESTS
from tests.etl.harness import NOW, Harness
from tests.etl.memory import put_bronze
from tests.etl.oracle import Oracle, due
from tests.etl.own_lake import OwnLake
from tests.etl.world import World, play

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "athena_queries.sql"
QUERIES = {
    int(number): sql
    for number, sql in re.findall(
        r"^-- (\d\d) [^\n]*\n((?:(?!^--).*\n)*?.*;)$", DOCUMENT.read_text(), re.MULTILINE
    )
}
OPEN = ("pending", "in_progress")


REQUEST_COLUMNS = pa.schema(
    [(name, pa.float64() if kind == "double" else pa.string()) for name, kind in REQUESTS.columns]
)


def logged(world):
    """The requests that are in the log, by id: all but every seventh, of the changes that name one."""
    made = {
        change.new["request_id"]: change for change in world.history if "request_id" in (change.new or {})
    }
    return {request: change for number, (request, change) in enumerate(sorted(made.items())) if number % 7}


def line(request, change):
    """The line of a request that made a change."""
    asked = {"status": change.new["status"]} if "status" in change.new else {}
    return {
        "timestamp": change.at.isoformat(),
        "level": "INFO",
        "request_id": request,
        "user_id": change.pk.partition("#")[2],
        "component": "api",
        "operation": f"{change.name} {change.pk.partition('#')[0]}",
        "duration_ms": float(len(request)),
        "status": "409" if change.name == "MODIFY" else "200",
        "message": "request",
        "metadata": json.dumps({"body": asked}),
    }


def request_log(world):
    """The request log by partition path."""
    days = {}
    for request, change in logged(world).items():
        days.setdefault(f"year={change.at:%Y}/month={change.at:%m}/day={change.at:%d}", []).append(
            line(request, change)
        )
    return days


@pytest.fixture(scope="module")
def world():
    world = World()
    play(world, Random(20), 150)
    return world


@pytest.fixture(scope="module")
def ask(world, tmp_path_factory):
    """A lake of this module's own on the local AWS; a function from a query's number to its rows."""
    memory = Harness(tmp_path_factory.mktemp("memory"))
    memory.deliver(world.history)
    memory.deliver(world.history[:10])
    bad = json.loads(encode(bronze_row(world.history[0].record()))) | {"event_id": "bad"}
    path = "year=2026/month=05/day=20/user_bucket=00"
    put_bronze(memory.s3, path, [bad | {"sequence_number": "x"}], 900)
    for path, lines in request_log(world).items():
        body = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(lines, REQUEST_COLUMNS), body, compression="snappy")
        for copy in ("lines", "again"):
            memory.s3.buckets["bronze"][f"{layout.REQUESTS_PREFIX}{path}/{copy}.parquet"] = body.getvalue()
    own = OwnLake(tmp_path_factory.mktemp("lake"))
    own.put_bronze(memory.s3.buckets["bronze"])
    own.process().run(NOW)
    return lambda number: own.rows(QUERIES[number].rstrip(";"))


@pytest.fixture(scope="module")
def oracle(world):
    return Oracle(world.history, NOW.date(), "UTC")


@pytest.fixture(scope="module")
def gold(oracle):
    return oracle.tables()


def tasks_of(world):
    return [item for key, item in world.items.items() if key[0].startswith("TASK#")]


def test_there_are_queries_and_each_has_an_answer():
    assert sorted(QUERIES) == list(range(1, 22))
    assert sorted(ANSWERS) == sorted(QUERIES)


def sums(rows, key, columns):
    found = {}
    for row in rows:
        counts = found.setdefault(key(row), [0] * len(columns))
        for place, column in enumerate(columns):
            counts[place] += row[column]
    return found


def months(world, gold):
    found = sums(gold["daily_throughput"], lambda row: row[0].strftime("%Y-%m"), range(1, 6))
    return [(month, *counts) for month, counts in sorted(found.items())]


def sundays(world, gold):
    rows = [row for row in gold["cumulative_flow"] if row[1] in OPEN and row[0].isoweekday() == 7]
    return [(day, *counts) for day, counts in sorted(sums(rows, lambda row: row[0], [2]).items())]


def lead(world, gold):
    by = {}
    for row in gold["completion_times"]:
        by.setdefault(row[1], []).append(row[3])
    return [
        (
            name,
            len(hours),
            pytest.approx(sum(hours) / len(hours), abs=1e-3),
            pytest.approx(max(hours), abs=1e-3),
        )
        for name, hours in sorted(by.items())
    ]


def overdue_people(world, gold):
    email = {row[0]: row[1] for row in gold["user_analytics"]}
    rows = [(row[0], email[row[0]], row[6], row[1]) for row in gold["task_analytics_user_metrics"] if row[6]]
    return sorted(rows, key=lambda row: (-row[2], row[0]))[:20]


def comebacks(world, gold):
    rows = [row for row in sorted(gold["retention_cohorts"]) if row[1] == 1]
    return [(row[0], row[2], row[3], pytest.approx(row[4], abs=1e-4)) for row in rows]


def growing(world, gold):
    found = sums(gold["category_daily"], lambda row: row[1], [2, 3])
    return [(name, *counts) for name, counts in sorted(found.items()) if counts[0] > counts[1]]


def overdue_tasks(world, gold):
    last = max(row[0] for row in gold["daily_throughput"])
    late = [item for item in tasks_of(world) if item.get("status") in OPEN and due(item) and due(item) < last]
    rows = [
        (item["user_id"], item["id"], item.get("title"), item.get("priority"), due(item)) for item in late
    ]
    return sorted(rows, key=lambda row: (row[4], row[1]))


def completed_again(world, gold):
    counted = Counter(
        (change.pk.partition("#")[2], change.sk.partition("#")[2])
        for change in world.history
        if change.pk.startswith("TASK#")
        and change.name == "MODIFY"
        and change.new.get("status") == "completed"
        and change.old.get("status") != "completed"
    )
    return [
        (user, task, count)
        for (user, task), count in sorted(counted.items(), key=lambda p: p[0][1])
        if count > 1
    ]


def estimates(world, gold):
    return sorted((item["id"], Decimal(item["estimate"])) for item in tasks_of(world) if "estimate" in item)


def tags(world, gold):
    return sorted(Counter(tag for item in tasks_of(world) for tag in item.get("tags", ())).items())


def busy_requests(world, gold):
    said = Counter(
        (change.new["request_id"], change.new.get("updated_by"))
        for change in world.history
        if change.new is not None and "request_id" in change.new
    )
    rows = [(request, by, count) for (request, by), count in said.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0]))[:5]


def copies(world, gold):
    march = [change for change in world.history if (change.at.year, change.at.month) == (2026, 3)]
    again = [change for change in world.history[:10] if change.at.month == 3]
    return [(len(march) + len(again), len(march))]


def buckets(world, gold):
    held = {(layout.user_bucket(change.pk.partition("#")[2]), change.event_id) for change in world.history}
    counted = Counter(bucket for bucket, _ in [*held, ("00", "bad")])
    return sorted(counted.items())


def one_person(world, gold):
    names = [row for row in gold["change_facts"] if row[0] == "ann"]
    found = {}
    for row in names:
        counts = found.setdefault(row[7], [0, 0, 0])
        counts[0] += row[12]
        counts[1] += row[13]
        counts[2] += 1
    return [(day, *counts) for day, counts in sorted(found.items(), reverse=True)][:7]


def requests_of_a_task(world, gold):
    changed = Counter(change.sk[5:] for change in world.history if change.pk.startswith("TASK#"))
    task = min(changed, key=lambda name: (-changed[name], name))
    lines = {request: line(request, change) for request, change in logged(world).items()}
    rows = []
    for change in world.history:
        if change.sk == f"TASK#{task}" and change.name != "REMOVE":
            said = lines.get(change.new.get("request_id"), {})
            asked = json.loads(said.get("metadata", "{}")).get("body", {}).get("status")
            version = change.new.get("version")
            rows.append((version, change.at, change.name, said.get("operation"), said.get("status"), asked))
    return [(row[0], *row[2:]) for row in sorted(rows, key=lambda row: (row[0] is None, row[0], row[1]))]


def requests_by_operation(world, gold):
    found = {}
    for request, change in logged(world).items():
        if change.at.month == 3:
            said = line(request, change)
            found.setdefault(said["operation"], []).append((int(said["status"]) >= 400, said["duration_ms"]))
    return [
        (name, len(rows), sum(refused for refused, _ in rows), max(took for _, took in rows))
        for name, rows in sorted(found.items())
    ]


def unlogged(world, gold):
    known = logged(world)
    ids = [change.new["request_id"] for change in world.history if "request_id" in (change.new or {})]
    return [(sum(request not in known for request in ids),)]


ANSWERS = {
    1: lambda world, gold: sorted(gold["business_metrics_kpis"]),
    2: months,
    3: sundays,
    4: lead,
    5: overdue_people,
    6: lambda world, gold: [(r[0], r[2], r[3]) for r in sorted(gold["open_task_age"], key=lambda r: r[1])],
    7: lambda world, gold: sorted(
        (row for row in gold["activity_heatmap"] if row[2]), key=lambda row: (-row[2], row[0], row[1])
    )[:10],
    8: comebacks,
    9: growing,
    10: overdue_tasks,
    11: completed_again,
    12: estimates,
    13: tags,
    14: busy_requests,
    15: lambda world, gold: [("bad_sequence_number", 1)],
    16: copies,
    17: buckets,
    18: one_person,
    19: requests_of_a_task,
    20: requests_by_operation,
    21: unlogged,
}


@pytest.mark.parametrize("number", sorted(ANSWERS))
def test_the_answer_is_right(ask, world, gold, number):
    found = [tuple(row) for row in ask(number)]
    if number == 11:
        assert all(row[3] <= row[4] for row in found)
        found = [row[:3] for row in found]
    if number == 19:
        found = [(row[0], row[1], *row[3:]) for row in found]
    if number == 12:
        # Trino keeps the digits as they were written, DuckDB drops trailing zeros.
        found = [(row[0], Decimal(row[1])) for row in found]
    wanted = ANSWERS[number](world, gold)
    assert wanted, "the history has nothing for this query"
    assert found == wanted
