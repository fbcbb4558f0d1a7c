"""Kill everything at once under load, start again, and count: ``python -m tests.run.crash --rounds 10``.

Each round: eight clients write through the API; at a random moment every process is killed with SIGKILL; ``make run``
again; each client sends the one write that was not answered once more, with the same Idempotency-Key; then every
acknowledged write must be there exactly once, through the API and in the table, and the lake must come to say the same.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from boto3.dynamodb.types import TypeDeserializer

from tests.run.load import Client
from tests.run.stack import Stack, until

LAKE_SECONDS = 120
_plain = TypeDeserializer().deserialize


@dataclass
class Round:
    """What one kill did; the field names are the report's columns."""

    round: int
    processes_killed: int
    acknowledged: int
    unanswered: int
    already_stored: int
    lost: int
    doubled: int
    wrong: int
    up_seconds: float
    lake_seconds: float


class CrashTest:
    """A stack, its clients, and the rounds so far."""

    def __init__(self, directory: Path, clients: int = 8, seed: int = 1) -> None:
        self.stack = Stack(directory)
        self.clients = [Client(f"client-{n}", self.stack.port) for n in range(clients)]
        self.random = random.Random(seed)
        self.rounds: list[Round] = []

    def begin(self) -> None:
        """Start the product and give every client an account."""
        self.stack.start()
        for client in self.clients:
            self.stack.sign_up(client.name)

    def round(self, seconds: float) -> Round:
        """Write for about ``seconds``, kill everything, start again, compare."""
        before = self._acknowledged()
        killed = self._work_and_kill(self.random.uniform(0.5, 1.5) * seconds)
        answered = self._acknowledged() - before
        unanswered = sum(client.unanswered is not None for client in self.clients)
        up = self.stack.start()
        self._sign_in()
        repeated = [client.repeat() for client in self.clients]
        lost, doubled, wrong = self._compare()
        lake = self._lake_seconds()
        result = Round(
            len(self.rounds) + 1,
            killed,
            answered,
            unanswered,
            repeated.count(True),
            lost,
            doubled,
            wrong,
            up,
            lake,
        )
        self.rounds.append(result)
        return result

    def _acknowledged(self) -> int:
        return sum(len(client.acknowledged) for client in self.clients)

    def _sign_in(self) -> None:
        for client in self.clients:
            client.token = self.stack.token(client.name)

    def _work_and_kill(self, seconds: float) -> int:
        self._sign_in()
        stop = threading.Event()
        workers = [threading.Thread(target=client.work, args=[stop]) for client in self.clients]
        for worker in workers:
            worker.start()
        time.sleep(seconds)
        processes = len(self.stack.processes())
        self.stack.kill()
        stop.set()
        for worker in workers:
            worker.join()
        return processes

    def _compare(self) -> tuple[int, int, int]:
        """Return how many tasks are lost, there more than once, or other than acknowledged."""
        lost = doubled = wrong = 0
        table = self.table()
        for client in self.clients:
            expected = {task_id: task for task_id, task in client.tasks.items() if task}
            listed = {task["id"]: task for task in client.listed()}
            titles = Counter(task["title"] for task in listed.values())
            lost += len(expected.keys() - listed.keys())
            doubled += sum(count - 1 for count in titles.values())
            doubled += len(listed.keys() - expected.keys() - {None})
            wrong += sum(listed[task_id] != expected[task_id] for task_id in expected.keys() & listed.keys())
            stored = {
                task_id: item
                for task_id, item in table.items()
                if item["title"].startswith(f"{client.name} ")
            }
            wrong += sum(
                stored.get(task_id, {}).get("version") != task["version"]
                for task_id, task in expected.items()
            )
            wrong += len(stored.keys() ^ listed.keys())
        return lost, doubled, wrong

    def table(self) -> dict[str, dict]:
        """Return every task in the table by id, read without the product's code."""
        dynamodb = self.stack.client("dynamodb")
        pages = dynamodb.get_paginator("scan").paginate(TableName=self.stack.environment()["TABLE_NAME"])
        items = [
            {name: _plain(value) for name, value in item.items()} for page in pages for item in page["Items"]
        ]
        return {item["id"]: item for item in items if item["entity_type"] == "TASK"}

    def _lake_seconds(self) -> float:
        """Wait until the lake says what the table says; return how long that took."""
        begun = time.monotonic()
        expected = {(task_id, int(task["version"]), task["status"]) for task_id, task in self.table().items()}
        until(lambda: self._silver() == expected, "Silver equals the table", LAKE_SECONDS)
        until(lambda: self._gold() == len(expected), "Gold counts the table's tasks", LAKE_SECONDS)
        assert self._doubled_events() == []
        return time.monotonic() - begun

    def _silver(self) -> set[tuple[str, int, str]]:
        return set(self.stack.query("SELECT task_id, version, status FROM tasks"))

    def _gold(self) -> int:
        rows = self.stack.query("SELECT value FROM business_metrics_kpis WHERE metric = 'total_tasks'")
        return int(rows[0][0]) if rows else -1

    def _doubled_events(self) -> list[tuple]:
        """Return the changes that the history holds more than once."""
        return self.stack.query(
            "SELECT entity_id, entity_type, event_name, version, count(*) FROM task_events "
            "GROUP BY entity_id, entity_type, event_name, version HAVING count(*) > 1"
        )


def report(rounds: list[Round]) -> str:
    """Return the rounds as a Markdown table with a line of totals."""
    names = [column.name.replace("_", " ") for column in fields(Round)]
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    for one in rounds:
        cells = [f"{value:.1f}" if isinstance(value, float) else f"{value:,}" for value in astuple(one)]
        lines.append(f"| {' | '.join(cells)} |")
    sums = [sum(column) for column in zip(*map(astuple, rounds), strict=True)][1:-2]
    lines.append(f"| all | {' | '.join(f'{value:,}' for value in sums)} | | |")
    return "\n".join(lines)


def main() -> None:
    """Run the rounds and print the figures; ends with status 1 when anything was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0, help="of writing in a round, about")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="todo-crash-"))
    test = CrashTest(folder / "local", options.clients, options.seed)
    try:
        test.begin()
        for _ in range(options.rounds):
            print(test.round(options.seconds), flush=True)
    except BaseException:
        print(f"The state and the logs are in {folder}.", flush=True)
        raise
    finally:
        test.stack.clean_up()
        refused = [line for client in test.clients for line in client.refused]
        print(f"\n{report(test.rounds)}\n\nRefused: {len(refused)} {refused[:5]}", flush=True)
    if refused or any(one.lost or one.doubled or one.wrong for one in test.rounds):
        raise SystemExit(f"Not every promise was kept; the state and the logs are in {folder}.")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
