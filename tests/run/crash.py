"""Kill everything under load, or take its power, start again, and count: ``python -m tests.run.crash --rounds 10``.

Each round: eight clients write through the API, and a visitor to everything else; at a random moment every process is
killed with SIGKILL; ``make run`` again; each client sends the one write that was not answered once more, with the same
Idempotency-Key; then every acknowledged write must be there exactly once, through the API and in the table, and the
lake must come to say the same, each version of each task included. When power is lost, the disk also forgets what was
not synced, or a part of it (tests/power_loss), and the product runs with DURABLE=1.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from boto3.dynamodb.types import TypeDeserializer

from tests.power_loss.mount import CannotMountError, PowerLossDisk
from tests.run.load import Client
from tests.run.stack import Stack, until
from tests.run.visitor import Visitor

KILL, POWER_LOSS = "kill", "power-loss"
LAKE_SECONDS = 120
LEAST, EVERY_KIND = 20, 5  # writes of tasks in a round; other writes, which are then of every kind
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
    others: int
    others_lost: int
    others_doubled: int
    lake_lost: int
    lake_doubled: int
    up_seconds: float
    lake_seconds: float


class CrashTest:
    """A stack, its clients, and the rounds so far; with a ``disk``, which it is on, it loses power instead."""

    def __init__(
        self, directory: Path, clients: int = 8, seed: int = 1, disk: PowerLossDisk | None = None
    ) -> None:
        self.stack = Stack(directory, **({"DURABLE": "1"} if disk else {}))
        self.disk = disk
        self.clients = [Client(f"client-{n}", self.stack.port) for n in range(clients)]
        self.visitor = Visitor(self.stack)
        self.random = random.Random(seed)
        self.rounds: list[Round] = []

    def begin(self) -> None:
        """Start the product and give every client an account."""
        self.stack.start()
        for client in self.clients:
            self.stack.sign_up(client.name)
        self.visitor.begin()

    def round(self, seconds: float) -> Round:
        """Write for about ``seconds``, kill everything, start again, compare."""
        before = self._acknowledged()
        killed = self._work_and_kill(self.random.uniform(0.5, 1.5) * seconds)
        answered, others = self._acknowledged() - before, self.visitor.promised()
        unanswered = sum(client.unanswered is not None for client in self.clients)
        up = self.stack.start()
        self._sign_in()
        repeated = [client.repeat() for client in self.clients]
        lost, doubled, wrong = self._compare()
        others_lost, others_doubled = self.visitor.compare()
        lake = self._lake_seconds()
        lake_lost, lake_doubled = self._compare_lake()
        result = Round(
            len(self.rounds) + 1,
            killed,
            answered,
            unanswered,
            repeated.count(True),
            lost,
            doubled,
            wrong,
            others,
            others_lost,
            others_doubled,
            lake_lost,
            lake_doubled,
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
        least = self._acknowledged() + LEAST
        stop = threading.Event()
        writers = (*self.clients, self.visitor)
        workers = [threading.Thread(target=writer.work, args=[stop]) for writer in writers]
        for worker in workers:
            worker.start()
        time.sleep(seconds)
        until(
            lambda: self._acknowledged() >= least and self.visitor.promised() >= EVERY_KIND,
            "enough is written",
        )
        processes = len(self.stack.processes())
        if self.disk:
            self.disk.cut(self._seed())
            self.stack.kill(then=self.disk.restore)
        else:
            self.stack.kill()
        stop.set()
        for worker in workers:
            worker.join()
        return processes

    def _seed(self) -> int | None:
        """Return what decides the disk's losses: in every third round all is lost that was not synced."""
        return self.random.randrange(1 << 30) if len(self.rounds) % 3 else None

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
        return time.monotonic() - begun

    def _compare_lake(self) -> tuple[int, int]:
        """Return how many acknowledged changes the history lacks, and how many it holds more than once."""
        seen = set(
            self.stack.query("SELECT entity_id, version FROM task_events WHERE event_name <> 'REMOVE'")
        )
        removed = {
            task_id
            for (task_id,) in self.stack.query(
                "SELECT entity_id FROM task_events WHERE entity_type = 'TASK' AND event_name = 'REMOVE'"
            )
        }
        lost = sum(len(client.versions - seen) for client in self.clients)
        deleted = {task_id for client in self.clients for task_id, task in client.tasks.items() if not task}
        return lost + len(deleted - removed), len(self._doubled_events())

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


def rounds_of(how: str, folder: Path, options: argparse.Namespace) -> list[str]:
    """Run the rounds of kill -9 or of power loss, print the figures, and return what was refused or not kept."""
    disk = PowerLossDisk(folder / "local") if how == POWER_LOSS else None
    with disk or nullcontext():
        test = CrashTest(folder / "local", options.clients, options.seed, disk)
        try:
            test.begin()
            for _ in range(options.rounds):
                print(test.round(options.seconds), flush=True)
        except BaseException:
            if disk:
                shutil.copytree(disk.directory, folder / "disk", symlinks=True)
            raise
        finally:
            test.stack.clean_up()
            print(f"\n{how}\n\n{report(test.rounds)}\n", flush=True)
    broken = [f"{how}, round {one.round}: {one}" for one in test.rounds if not kept(one)]
    return [line for writer in (*test.clients, test.visitor) for line in writer.refused] + broken


def kept(one: Round) -> bool:
    """Whether every promise was kept, once."""
    return not any(
        (
            one.lost,
            one.doubled,
            one.wrong,
            one.others_lost,
            one.others_doubled,
            one.lake_lost,
            one.lake_doubled,
        )
    )


def main() -> None:
    """Run the rounds and print the figures; ends with status 1 when anything was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="of each kind")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0, help="of writing in a round, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[KILL, POWER_LOSS])
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="todo-crash-"))
    broken: list[str] = []
    try:
        for how in [options.only] if options.only else [KILL, POWER_LOSS]:
            (folder / how).mkdir()
            broken += rounds_of(how, folder / how, options)
    except CannotMountError as error:
        print(f"Power loss was not tried: this machine cannot mount a file system, {error}.", flush=True)
        if os.environ.get("CI") == "true":
            raise
    except BaseException:
        print(f"The state and the logs are in {folder}.", flush=True)
        raise
    if broken:
        raise SystemExit(f"Not every promise was kept: {broken[:5]}; the state and the logs are in {folder}.")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
