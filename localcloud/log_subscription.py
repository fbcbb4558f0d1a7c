"""The site's log on a laptop: what CloudWatch Logs and its subscription do between standard output and Firehose.

``python -m localcloud.logs`` follows ``LOCAL_DIR/logs/web.log``, takes the lines that the subscription's filter pattern
matches, and puts them into the stream of the request log in the envelopes that CloudWatch sends. What has been sent is
remembered in ``LOCAL_DIR/logs.json`` afterwards: a kill sends lines again, it loses none.
"""

from __future__ import annotations

import gzip
import json
import os
import re
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

from etl.catalog import REQUEST_LINES
from etl.log import log
from localcloud.files import write_atomically

# Each round becomes a file of Bronze; AWS takes minutes.
ROUND_SECONDS = 5.0
MAX_LINES = 500
MAX_LINE_BYTES = 256 * 1024
MAX_READ_BYTES = 4 * 1024 * 1024
OPERATION = "logs.ship"
_PATTERN = re.compile(r'\{ \$\.(\w+) = "([^"]*)" \}')


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file has been read: which file (its inode), and the byte to go on from."""

    inode: int = 0
    offset: int = 0


class Follower:
    """Reads whole lines of a log file, also across its rotation to ``<name>.1``.

    Parameters
    ----------
    log_file
        The file; it need not exist yet.
    checkpoint
        Where the place is kept.
    """

    def __init__(self, log_file: Path, checkpoint: Path) -> None:
        self.log_file, self.checkpoint = log_file, checkpoint
        self.place = self._remembered()

    def _remembered(self) -> Place:
        try:
            return Place(**json.loads(self.checkpoint.read_text()))
        except (OSError, ValueError, TypeError):
            return Place()

    def read(self) -> tuple[list[bytes], Place]:
        """The next complete lines, and the place behind them; ``done`` with that place when they are dealt with."""
        for path in (self.log_file.with_name(f"{self.log_file.name}.1"), self.log_file):
            try:
                with path.open("rb") as file:
                    lines, place = self._lines(file, path == self.log_file)
            except FileNotFoundError:
                continue
            if lines:
                return lines, place
        return [], self.place

    def _lines(self, file: Any, current: bool) -> tuple[list[bytes], Place]:
        inode = os.fstat(file.fileno()).st_ino
        if inode != self.place.inode and not current:
            return [], self.place
        start = self.place.offset if inode == self.place.inode else 0
        file.seek(start)
        read = file.read(MAX_READ_BYTES)
        whole, newline, _ = read.rpartition(b"\n")
        if not newline and len(read) == MAX_READ_BYTES:  # a line of nobody's: nothing of ours is that long
            return [b""], Place(inode, start + len(read))
        return whole.split(b"\n") if newline else [], Place(inode, start + len(whole) + len(newline))

    def done(self, place: Place) -> None:
        """Remember that everything before ``place`` is dealt with."""
        self.place = place
        write_atomically(self.checkpoint, json.dumps(asdict(place)))


def matching(lines: list[bytes], pattern: str = REQUEST_LINES) -> Iterator[str]:
    """The lines that CloudWatch's filter pattern ``{ $.name = "value" }`` selects; those that are no JSON are none."""
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        raise ValueError(f'only the form {{ $.name = "value" }} is understood here, not {pattern}')
    name, value = found.groups()
    for line in lines:
        try:
            if len(line) <= MAX_LINE_BYTES and json.loads(line).get(name) == value:
                yield line.decode()
        except (ValueError, AttributeError):
            continue


def envelope(lines: list[str]) -> bytes:
    """What CloudWatch Logs puts into Firehose for lines of one group."""
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
    """Moves lines from a log file to a delivery stream.

    Parameters
    ----------
    follower
        Where the lines come from.
    firehose
        boto3 client.
    stream
        Name of the delivery stream.
    """

    def __init__(self, follower: Follower, firehose: Any, stream: str) -> None:
        self.follower, self.firehose, self.stream = follower, firehose, stream

    def round(self) -> int:
        """Send what is there; how many lines matched. What Firehose raises is raised, and nothing is remembered."""
        shipped = 0
        while True:
            lines, place = self.follower.read()
            if not lines:
                return shipped
            wanted = list(matching(lines))
            for start in range(0, len(wanted), MAX_LINES):
                data = envelope(wanted[start : start + MAX_LINES])
                self.firehose.put_record(DeliveryStreamName=self.stream, Record={"Data": data})
            self.follower.done(place)
            shipped += len(wanted)

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop``, and once more; a failure is logged and tried again."""
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
    """Ship the lines of the site until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    directory = Path(os.environ["LOCAL_DIR"])
    follower = Follower(directory / "logs" / "web.log", directory / "logs.json")
    Shipper(follower, boto3.client("firehose"), os.environ["LOGS_STREAM"]).run(stop)


if __name__ == "__main__":
    main()
