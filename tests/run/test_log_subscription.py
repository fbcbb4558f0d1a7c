"""Lines of the site's log to the lake: what matches, once each, over kills and rotation."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from localcloud.log_subscription import Follower, Shipper, matching
from localcloud.supervisor import LOG_LIMIT_BYTES, rotate


class Firehose:
    def __init__(self) -> None:
        self.fails = 0
        self.lines: list[dict[str, Any]] = []

    def put_record(self, *, DeliveryStreamName: str, Record: dict[str, bytes]) -> None:
        if self.fails:
            self.fails -= 1
            raise EndpointConnectionError(endpoint_url="http://gone")
        envelope = json.loads(gzip.decompress(Record["Data"]))
        assert envelope["messageType"] == "DATA_MESSAGE"
        self.lines += [json.loads(event["message"]) for event in envelope["logEvents"]]


def line(number: int, message: str = "request") -> bytes:
    return json.dumps({"message": message, "request_id": f"r{number}"}).encode() + b"\n"


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


@pytest.fixture
def firehose() -> Firehose:
    return Firehose()


def shipper(log_file: Path, firehose: Firehose) -> Shipper:
    return Shipper(Follower(log_file, log_file.with_name("logs.json")), firehose, "stream")


def append(log_file: Path, *lines: bytes) -> None:
    with log_file.open("ab") as file:
        file.write(b"".join(lines))


def ids(firehose: Firehose) -> list[str]:
    return [found["request_id"] for found in firehose.lines]


def test_complete_request_lines_are_sent_once(log_file: Path, firehose: Firehose) -> None:
    ship = shipper(log_file, firehose)
    assert ship.round() == 0
    append(
        log_file, b"[gunicorn] booting\n", line(1), line(2, "something else"), line(3), b'{"message": "requ'
    )
    assert ship.round() == 2
    append(log_file, b'est", "request_id": "r4"}\n')
    assert ship.round() == 1
    assert ids(firehose) == ["r1", "r3", "r4"]
    assert shipper(log_file, firehose).round() == 0


def test_what_firehose_did_not_take_is_sent_again(log_file: Path, firehose: Firehose) -> None:
    append(log_file, *map(line, range(1200)))
    firehose.fails = 1
    with pytest.raises(EndpointConnectionError):
        shipper(log_file, firehose).round()
    assert shipper(log_file, firehose).round() == 1200
    assert ids(firehose) == [f"r{number}" for number in range(1200)]


def test_no_line_is_lost_when_the_log_is_rotated(log_file: Path, firehose: Firehose) -> None:
    append(log_file, line(1))
    ship = shipper(log_file, firehose)
    ship.round()
    append(log_file, line(2), b"x" * LOG_LIMIT_BYTES + b"\n", line(3))
    rotate(log_file)
    append(log_file, line(4))
    ship.round()
    append(log_file, line(5))
    ship.round()
    assert ids(firehose) == ["r1", "r2", "r3", "r4", "r5"]


def test_only_the_pattern_that_is_understood() -> None:
    with pytest.raises(ValueError, match="supported"):
        list(matching([line(1)], "{ $.x = * }"))
