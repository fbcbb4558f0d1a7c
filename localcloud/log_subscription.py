"""The site's log on a laptop: ships request lines to Firehose, as CloudWatch Logs and its subscription do.

``python -m localcloud.log_subscription`` follows ``LOCAL_DIR/logs/web.log``, selects the lines that match the filter
pattern, and puts them into the delivery stream in CloudWatch's envelopes. It then saves its position in
``LOCAL_DIR/logs.json``, so after a kill it sends some lines again but loses none.
"""

import gzip
import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from etl.lake.catalog import REQUEST_LINES
from etl.log import log
from localcloud.files import durable, sync_tree, write_atomically
from localcloud.filter_pattern import matches

# Each round becomes a file in Bronze; AWS buffers for minutes.
ROUND_SECONDS = 5.0
MAX_LINES = 500
MAX_READ_BYTES = 4 * 1024 * 1024
OPERATION = "logs.ship"


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a file: the file's inode, and the byte to continue from."""

    inode: int = 0
    offset: int = 0


class Follower:
    """Reads complete lines of a log file, also across its rotation to ``<name>.1``.

    Parameters
    ----------
    log_file
        The file; it need not exist yet.
    checkpoint
        File that keeps the position.
    """

    def __init__(self, log_file: Path, checkpoint: Path) -> None:
        self.log_file, self.checkpoint = log_file, checkpoint
        self.position = self._saved_position()

    def _saved_position(self) -> Position:
        try:
            return Position(**json.loads(self.checkpoint.read_text()))
        except (OSError, ValueError, TypeError):
            return Position()

    def read(self) -> tuple[list[bytes], Position]:
        """Return the next complete lines and the position after them, which ``done`` saves once they are handled."""
        for path in (self.log_file.with_name(f"{self.log_file.name}.1"), self.log_file):
            try:
                with path.open("rb") as file:
                    lines, position = self._lines(file, path == self.log_file)
            except FileNotFoundError:
                continue
            if lines:
                return lines, position
        return [], self.position

    def _lines(self, file: Any, current: bool) -> tuple[list[bytes], Position]:
        inode = os.fstat(file.fileno()).st_ino
        if inode != self.position.inode and not current:
            return [], self.position
        start = self.position.offset if inode == self.position.inode else 0
        file.seek(start)
        read = file.read(MAX_READ_BYTES)
        whole, newline, _ = read.rpartition(b"\n")
        if not newline and len(read) == MAX_READ_BYTES:  # not a line of ours, which are shorter
            return [b""], Position(inode, start + len(read))
        return whole.split(b"\n") if newline else [], Position(inode, start + len(whole) + len(newline))

    def done(self, position: Position) -> None:
        """Save that everything before ``position`` has been handled."""
        self.position = position
        if durable():  # or new lines would take the place of those that were lost, before the position
            sync_tree(self.log_file.parent)
        write_atomically(self.checkpoint, json.dumps(asdict(position)))


def matching(lines: list[bytes], pattern: str = REQUEST_LINES) -> Iterator[str]:
    """Yield the JSON lines that match CloudWatch's filter pattern."""
    for line in lines:
        if matches(pattern, line):
            yield line.decode()


def envelope(lines: list[str]) -> bytes:
    """Return the record that CloudWatch Logs puts into Firehose for lines of one log group."""
    now = round(time.time() * 1000)
    events = [{"id": uuid.uuid4().hex, "timestamp": now, "message": line} for line in lines]
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": "000000000000",
        "logGroup": "/aws/lambda/todo-web",
        "logStream": "local",
        "subscriptionFilters": ["todo-requests"],
        "logEvents": events,
    }
    return gzip.compress(json.dumps(content).encode())


class Shipper:
    """Moves lines from a log file to the delivery stream named ``stream``."""

    def __init__(self, follower: Follower, firehose: Any, stream: str) -> None:
        self.follower, self.firehose, self.stream = follower, firehose, stream

    def round(self) -> int:
        """Send all new lines and return how many matched; after an error of Firehose, the position stays."""
        shipped = 0
        while True:
            lines, position = self.follower.read()
            if not lines:
                return shipped
            wanted = list(matching(lines))
            for start in range(0, len(wanted), MAX_LINES):
                data = envelope(wanted[start : start + MAX_LINES])
                self.firehose.put_record(DeliveryStreamName=self.stream, Record={"Data": data})
            self.follower.done(position)
            shipped += len(wanted)

    def run(self, stop: threading.Event) -> None:
        """Send lines until ``stop``, and once more; log and retry failures."""
        while True:
            last = stop.wait(ROUND_SECONDS)
            try:
                shipped = self.round()
                if shipped:
                    log(OPERATION, "shipped", lines=shipped)
            except (ClientError, BotoCoreError) as error:
                log(OPERATION, "not shipped", level="WARNING", status="retry", error=str(error))
            if last:
                return


def main() -> None:
    """Ship the site's request lines until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    directory = Path(os.environ["LOCAL_DIR"])
    follower = Follower(directory / "logs" / "web.log", directory / "logs.json")
    Shipper(follower, boto3.client("firehose"), os.environ["LOGS_STREAM"]).run(stop)


if __name__ == "__main__":
    main()
