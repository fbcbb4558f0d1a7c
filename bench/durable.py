"""What DURABLE=1 costs: `.venv/bin/python -m bench.durable`.

Starts `make run` twice on this machine's disk, with and without DURABLE=1, and measures each kind of write on both in
turns: through the API and on the local AWS itself, with one client and with sixteen. How long this disk takes for a
sync, measured between the rounds, decides the rest.
"""

import argparse
import http.client
import json
import os
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from tests.run.stack import Stack

PERSON, PASSWORD = "bench", "Durable-test-1"
Write = Callable[[], object]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each kind in a round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="todo-durable-", dir=os.environ.get("TMPDIR")) as name:
        stacks = [
            Stack(Path(name) / f"durable-{value}", DURABLE=value, RATE_LIMIT_PER_MINUTE="0") for value in "01"
        ]
        try:
            for stack in stacks:
                stack.start()
                stack.sign_up(PERSON, PASSWORD)
            _table([kinds(stack) for stack in stacks], Path(name), options.rounds, options.seconds)
        finally:
            for stack in stacks:
                stack.clean_up()


def kinds(stack: Stack) -> dict[str, tuple[int, Callable[[], Write]]]:
    """Return for each kind of write the number of clients, and what makes a client's function."""
    variables, token = stack.environment(), stack.token(PERSON, PASSWORD)
    queue = stack.client("sqs").create_queue(QueueName="bench")["QueueUrl"]
    stack.client("s3").create_bucket(Bucket="bench")

    def task() -> Write:
        connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

        def create() -> None:
            body = json.dumps({"title": f"Pay {uuid.uuid4()}"})
            connection.request("POST", "/api/v1/tasks", body, headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != http.HTTPStatus.CREATED:
                raise RuntimeError(f"{answer.status}: {content!r}")

        return create

    def item() -> Write:
        client, table = stack.client("dynamodb"), variables["TABLE_NAME"]
        return lambda: client.put_item(
            TableName=table, Item={"PK": {"S": f"BENCH#{uuid.uuid4()}"}, "SK": {"S": "A"}}
        )

    def stored() -> Write:
        client = stack.client("s3")
        return lambda: client.put_object(Bucket="bench", Key=f"folder/{uuid.uuid4()}", Body=b"x" * 20_000)

    def message() -> Write:
        client = stack.client("sqs")
        return lambda: client.send_message(QueueUrl=queue, MessageBody="x" * 1000)

    def account() -> Write:
        client, pool = stack.client("cognito-idp"), variables["USER_POOL_ID"]
        return lambda: client.admin_create_user(
            UserPoolId=pool, Username=f"bench-{uuid.uuid4()}", MessageAction="SUPPRESS"
        )

    return {
        "API: a task, 1 client": (1, task),
        "API: a task, 16 clients": (16, task),
        "DynamoDB: an item, 1 client": (1, item),
        "DynamoDB: an item, 16 clients": (16, item),
        "S3: an object of 20 KB": (1, stored),
        "SQS: a message": (1, message),
        "Cognito: an account": (1, account),
    }


def _table(
    measured: list[dict[str, tuple[int, Callable[[], Write]]]], folder: Path, rounds: int, seconds: float
) -> None:
    print("| write | without: a second | ms | DURABLE=1: a second | ms | requests a second, ratio |")
    print("|---|---:|---:|---:|---:|---:|")
    syncs: list[float] = []
    for name in measured[0]:
        found: list[list[float]] = [[], []]
        for _ in range(rounds):
            syncs += [_sync(folder) for _ in range(10)]
            for which, (clients, make) in enumerate(each[name] for each in measured):
                found[which] += _write([make() for _ in range(clients)], seconds)
        rates = [len(times) / (rounds * seconds) for times in found]
        medians = [statistics.median(times) * 1000 for times in found]
        cells = " | ".join(f"{rate:,.0f} | {ms:.1f}" for rate, ms in zip(rates, medians, strict=True))
        print(f"| {name} | {cells} | {rates[1] / rates[0]:.2f} |", flush=True)
    print(f"\nA sync on this disk: {statistics.median(syncs) * 1000:.1f} ms (median).")


def _sync(folder: Path) -> float:
    """Return the seconds of a sync after a small append."""
    with (folder / "sync").open("ab", buffering=0) as file:
        file.write(b"x" * 1500)
        began = time.perf_counter()
        os.fsync(file.fileno())
        return time.perf_counter() - began


def _write(writes: list[Write], seconds: float) -> list[float]:
    """Let the clients write for so many seconds; return the seconds of each write."""
    times: list[float] = []
    ready = threading.Barrier(len(writes))

    def work(write: Write) -> None:
        write()
        ready.wait()
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            write()
            times.append(time.perf_counter() - began)

    threads = [threading.Thread(target=work, args=[write]) for write in writes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


if __name__ == "__main__":
    main()
