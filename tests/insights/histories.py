"""Changes of a table, through the lake's own jobs, into the local Athena: what the dashboard's numbers are made of."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from etl.tables import GOLD
from tests.etl.harness import Harness
from tests.etl.memory import CONFIG
from tests.etl.oracle import Oracle
from tests.etl.world import Change
from tests.insights.lake import Lake


def publish(lake: Lake, history: Iterable[Change], now: datetime, timezone: str = "UTC") -> Oracle:
    """Make Gold of ``history`` as it is at ``now`` and publish it; returns who knows the truth about it."""
    changes = list(history)
    with tempfile.TemporaryDirectory() as folder:
        harness = Harness(Path(folder), replace(CONFIG, timezone=ZoneInfo(timezone)))
        harness.deliver(changes)
        harness.lake.run(now)
        files = {table.name: _file(harness, table.name) for table in GOLD}
    lake.publish_files(files, now)
    return Oracle(changes, now.astimezone(ZoneInfo(timezone)).date(), timezone)


def _file(harness: Harness, table: str) -> bytes:
    prefix = harness.glue.location(table).removeprefix("s3://gold/")
    (key,) = (key for key in harness.s3.buckets["gold"] if key.startswith(prefix))
    return harness.s3.buckets["gold"][key]
