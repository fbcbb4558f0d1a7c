"""Changes of a table, through the lake's own jobs, into the local Athena: what the dashboard's numbers are made of."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from boto3.dynamodb.types import TypeDeserializer

from etl.lake.tables import GOLD
from tests.etl.harness import Harness
from tests.etl.memory import CONFIG
from tests.etl.oracle import Oracle
from tests.etl.world import Change
from tests.insights.lake import Lake
from tests.roles import OWNER


def publish(lake: Lake, history: Iterable[Change], now: datetime, timezone: str = "UTC") -> Oracle:
    """Make Gold of ``history`` as it is at ``now`` and publish it; returns who knows the truth about it."""
    files, oracle = gold(history, now, timezone)
    lake.publish_files(files, now)
    return oracle


def gold(history: Iterable[Change], now: datetime, timezone: str = "UTC") -> tuple[dict[str, bytes], Oracle]:
    """Make Gold of ``history`` as it is at ``now``: a file a table; and who knows the truth about it."""
    changes = list(history)
    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(Path(folder), replace(CONFIG, timezone=ZoneInfo(timezone)))
        harness.deliver(changes)
        harness.lake.run(now)
        files = {table.name: _file(harness, table.name) for table in GOLD}
    return files, Oracle(changes, now.astimezone(ZoneInfo(timezone)).date(), timezone)


def _file(harness: Harness, table: str) -> bytes:
    prefix = harness.glue.location(table).removeprefix("s3://gold/")
    (key,) = (key for key in harness.s3.buckets["gold"] if key.startswith(prefix))
    return harness.s3.buckets["gold"][key]


def recorded(table: str, users: Iterable[str]) -> list[Change]:
    """Everything the table's stream says of some users, oldest first."""
    streams = OWNER.client("dynamodbstreams")
    arn = OWNER.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    wanted = {f"{kind}#{user}" for kind in ("USER", "TASK", "TRASH") for user in users}
    found = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        where = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(**where)["ShardIterator"]
        while iterator:
            answer = streams.get_records(ShardIterator=iterator)
            found += [_change(record) for record in answer["Records"]]
            iterator = answer.get("NextShardIterator") if answer["Records"] else None
    return sorted((change for change in found if change.pk in wanted), key=lambda change: change.sequence)


def _change(record: dict[str, Any]) -> Change:
    body = record["dynamodb"]
    return Change(
        record["eventID"],
        record["eventName"],
        body["Keys"]["PK"]["S"],
        body["Keys"]["SK"]["S"],
        _image(body.get("OldImage")),
        _image(body.get("NewImage")),
        int(body["SequenceNumber"]),
        body["ApproximateCreationDateTime"].astimezone(UTC),
    )


def _image(image: dict[str, Any] | None) -> dict[str, Any] | None:
    if not image:
        return None
    read = TypeDeserializer().deserialize
    values = {name: read(value) for name, value in image.items()}
    hidden = re.compile(r"PK|SK|GSI\dPK|GSI\dSK")
    return {name: _plain(value) for name, value in values.items() if not hidden.fullmatch(name)}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return {name: _plain(inner) for name, inner in value.items()} if isinstance(value, dict) else value
