"""Sixty-four clients for two minutes against ``make run``: what they met, what grew, and what was busy first.

`.venv/bin/python -m bench.load` starts the product in a folder of its own. Each client is a person with an API token
and a signed-in browser who reads and writes without pause, as `MIX` says. After a warm-up it measures: answers by
kind and status, their times as ratios to the median, the memory of every process at the start and at the end, and
how much of a core each process used. In the end it compares what was acknowledged with what is there, in the API,
in the table and in the lake.
"""

import argparse
import http.client
import json
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.wire import session_of
from tests.run.stack import Stack, until

PASSWORD = "Load-test-secret-1"
LAKE_SECONDS = 300
# Of a hundred requests: how many, method and path. What changes something is counted and compared in the end.
MIX = {
    "API: create": (18, "POST", "/api/v1/tasks"),
    "API: update": (12, "PATCH", "/api/v1/tasks/{task}"),
    "API: delete": (3, "DELETE", "/api/v1/tasks/{task}"),
    "API: batch of 5": (2, "POST", "/api/v1/tasks/batch"),
    "API: one task": (15, "GET", "/api/v1/tasks/{task}"),
    "API: list of 50": (15, "GET", "/api/v1/tasks?limit=50"),
    "API: changes since": (5, "GET", "/api/v1/tasks?updated_since={recently}&limit=50"),
    "page: list": (12, "GET", "/"),
    "page: board": (5, "GET", "/board/"),
    "page: task": (8, "GET", "/tasks/{task}/"),
    "page: search": (5, "GET", "/?q={term}"),
}
REFUSALS = {409, 429, 503}  # stated ones: they say why and, but for 409, when to try again


@dataclass
class Answers:
    """What the clients received while it counted: seconds by kind, and how often each status came."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)


class Person(threading.Thread):
    """One client: a person who asks without pause and remembers what was acknowledged.

    ``tasks`` maps ids to the version that was answered last, None once deleted.
    """

    def __init__(self, name: str, port: int, answers: Answers, stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.port, self.answers, self.stopped = port, answers, stop
        self.random = random.Random(name)
        self.token = self.session = ""
        self.tasks: dict[str, int | None] = {}
        self.counting = False

    def run(self) -> None:
        """Ask until told to stop."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        kinds, weights = list(MIX), [share for share, _, _ in MIX.values()]
        while not self.stopped.is_set():
            kind = self.random.choices(kinds, weights)[0]
            try:
                self._one(connection, kind)
            except (OSError, http.client.HTTPException) as error:
                self.answers.errors.append(f"{kind}: {error!r}")
                connection.close()
        connection.close()

    def _one(self, connection: http.client.HTTPConnection, kind: str) -> None:
        living = [key for key, version in self.tasks.items() if version is not None]
        task = self.random.choice(living) if living else ""
        if not task and "{task}" in MIX[kind][2]:
            kind = "API: create"
        number, (_, method, path) = self.random.randrange(10**9), MIX[kind]
        path, body = path.format(task=task, recently=_recently(), term=number % 100), self._body(kind, number)
        headers = (
            {"Cookie": self.session} if kind.startswith("page") else {"Authorization": f"Bearer {self.token}"}
        )
        if body is not None:
            headers["Content-Type"] = "application/json"
        begun = time.monotonic()
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        content = reply.read()
        took = time.monotonic() - begun
        if self.counting:
            self.answers.seconds[kind].append(took)
            self.answers.statuses[kind, reply.status] += 1
        if reply.status in REFUSALS:
            time.sleep(min(float(reply.headers.get("Retry-After") or 0.1), 2))
        elif reply.status >= 300:
            self.answers.errors.append(f"{kind}: {reply.status} {content[:200]!r}")
        else:
            self._remember(kind, task, content)

    def _body(self, kind: str, number: int) -> Any:
        title = f"{self.name} {number}"
        if kind == "API: create":
            return {"title": title, "due_date": f"2030-{number % 12 + 1:02}-{number % 28 + 1:02}"}
        if kind == "API: update":
            return {"description": f"Changed {number}"}
        if kind == "API: batch of 5":
            return {"operations": [{"op": "create", "task": {"title": f"{title} {n}"}} for n in range(5)]}
        return None

    def _remember(self, kind: str, task: str, content: bytes) -> None:
        if kind in {"API: create", "API: update"}:
            stored = json.loads(content)
            self.tasks[stored["id"]] = stored["version"]
        elif kind == "API: delete":
            self.tasks[task] = None
        elif kind == "API: batch of 5":
            for result in json.loads(content)["results"]:
                self.tasks[result["id"]] = result["version"]

    def expected(self) -> dict[str, int]:
        """Return the version of each task that must be there."""
        return {key: version for key, version in self.tasks.items() if version is not None}


@dataclass
class Usage:
    """Memory and processor time of every process of the product, by what it is."""

    memory: dict[str, int]
    processor: dict[str, float]
    at: float


class Load:
    """The product under load, and what was seen."""

    def __init__(self, folder: Path, clients: int) -> None:
        self.stack = Stack(folder)
        self.answers, self.stop = Answers(), threading.Event()
        self.people = [
            Person(f"person-{n:02}", self.stack.port, self.answers, self.stop) for n in range(clients)
        ]
        self.usage: list[Usage] = []

    def begin(self) -> None:
        """Start the product; give each client an account, a token and a session."""
        self.stack.start()
        for person in self.people:
            self.stack.sign_up(person.name, PASSWORD)
            person.token = self.stack.token(person.name, PASSWORD)
            person.session = session_of(f"http://127.0.0.1:{self.stack.port}", person.name, PASSWORD)

    def run(self, seconds: float, warm_up: float) -> None:
        """Let all clients ask for ``warm_up`` and then ``seconds`` seconds; look at the processes every 5 s."""
        for person in self.people:
            person.start()
        time.sleep(warm_up)
        for person in self.people:
            person.counting = True
        ends = time.monotonic() + seconds
        self.usage = [self._usage()]
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(5, left))
            self.usage.append(self._usage())
        self.stop.set()
        for person in self.people:
            person.join()

    def differences(self) -> list[str]:
        """Return where the table or the lake differs from what was acknowledged."""
        found = []
        dynamodb = self.stack.client("dynamodb")
        pages = dynamodb.get_paginator("scan").paginate(TableName=self.stack.environment()["TABLE_NAME"])
        stored = {
            item["id"]["S"]: int(item["version"]["N"])
            for page in pages
            for item in page["Items"]
            if item["entity_type"]["S"] == "TASK" and "deleted_at" not in item
        }
        expected = {key: version for person in self.people for key, version in person.expected().items()}
        lost, unknown = expected.keys() - stored.keys(), stored.keys() - expected.keys()
        stale = [key for key in expected.keys() & stored.keys() if stored[key] != expected[key]]
        found += [f"{len(lost)} lost"] * bool(lost) + [f"{len(unknown)} not acknowledged"] * bool(unknown)
        found += [f"{len(stale)} of another version"] * bool(stale)
        until(lambda: self._in_lake() == len(stored), "the lake has every task", LAKE_SECONDS)
        return found

    def _in_lake(self) -> int:
        rows = self.stack.query("SELECT value FROM business_metrics_kpis WHERE metric = 'total_tasks'")
        return int(rows[0][0]) if rows else -1

    def _usage(self) -> Usage:
        memory: Counter[str] = Counter()
        processor: defaultdict[str, float] = defaultdict(float)
        for process in self.stack.processes():
            try:
                name = _what(process)
                memory[name] += process.memory_info().rss
                processor[name] += sum(process.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
        return Usage(dict(memory), dict(processor), time.monotonic())


def _what(process: psutil.Process) -> str:
    """Return the part of the product that a process is, with its number where there are several."""
    words = process.cmdline()
    module = words[words.index("-m") + 1] if "-m" in words else Path(words[0] if words else "?").name
    return f"{module} {process.pid}"


def _recently() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))


def report(load: Load) -> Iterator[str]:
    """Yield the lines of the tables."""
    answers = load.answers
    whole = [took for times in answers.seconds.values() for took in times]
    middle = statistics.median(whole)
    yield "| request | answers | median | p99 | slowest percentile : median |"
    yield "|---|---:|---:|---:|---:|"
    for kind, times in [
        *((kind, answers.seconds[kind]) for kind in MIX if kind in answers.seconds),
        ("all", whole),
    ]:
        own, p99 = statistics.median(times), _percentile(times, 99)
        yield f"| {kind} | {len(times):,} | {own / middle:.2f} | {p99 / middle:.2f} | {p99 / own:.1f} |"
    yield ""
    yield "| process | cores used | memory at the start | after a half | at the end |"
    yield "|---|---:|---:|---:|---:|"
    first, half, last = load.usage[0], load.usage[len(load.usage) // 2], load.usage[-1]
    span = last.at - first.at
    cores = {name: (used - first.processor.get(name, 0)) / span for name, used in last.processor.items()}
    for name in sorted(cores, key=lambda name: -cores[name]):
        sizes = (f"{one.memory.get(name, 0) / 2**20:,.0f} MiB" for one in (first, half, last))
        yield f"| {name.rpartition(' ')[0]} | {cores[name]:.2f} | {' | '.join(sizes)} |"
    yield ""
    codes = Counter(status for _, status in answers.statuses.elements())
    yield "Answers by status: " + ", ".join(f"{status}: {count:,}" for status, count in sorted(codes.items()))


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def main() -> int:
    """Print the tables; return 1 if anything failed that was not refused with a reason, or was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--warm-up", type=float, default=15)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="todo-load-"))
    load = Load(folder / "local", options.clients)
    try:
        load.begin()
        load.run(options.seconds, options.warm_up)
        print("\n".join(report(load)), flush=True)
        wrong = load.answers.errors + load.differences()
    finally:
        load.stack.clean_up()
    if wrong:
        print(f"{len(wrong)} failures, such as: {wrong[:5]}; logs in {folder}")
        return 1
    print("No error, nothing lost; the lake has every task.")
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
