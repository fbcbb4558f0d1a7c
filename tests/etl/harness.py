"""A lake in memory, end to end: changes go through the real handler and jobs, tables come out."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

from etl.capture import firehose, handler
from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.tables import Table
from etl.run import Lake, local_lake
from tests.etl.memory import CONFIG, S3, Firehose, Glue, rows_of
from tests.etl.world import Change

KEYS = {"tasks": ("user_id", "task_id"), "users": ("user_id",)}
STATES = {"tasks": "task_states", "users": "user_states"}
NOW = datetime(2026, 6, 2, 22, 30, tzinfo=UTC)


class Harness:
    def __init__(self, folder: Path, config: LakeConfig = CONFIG) -> None:
        self.s3, self.glue = S3(), Glue()
        self.firehose = Firehose(self.s3)
        self.folder = folder
        self.config = config
        self.lake = self.new_lake("first")

    def new_lake(self, name: str) -> Lake:
        """Another process on the same lake, with nothing of its own yet."""
        return local_lake(self.config, self.s3, self.glue, self.folder / name)

    def capture(self, changes: Iterable[Change]) -> list[str]:
        """Hand stream records to the Lambda handler; sequence numbers it reports as failed."""
        return self.capture_records([change.record() for change in changes])

    def capture_records(self, records: list[Any]) -> list[str]:
        with (
            mock.patch.object(handler, "client", self.client),
            mock.patch.object(firehose.time, "sleep"),
            mock.patch.dict(
                "os.environ", CDC_STREAM="todo-cdc-stream", BRONZE_BUCKET=self.config.bronze_bucket
            ),
        ):
            reply = handler.handler({"Records": records}, None)
        return [entry["itemIdentifier"] for entry in reply["batchItemFailures"]]

    def client(self, service: str) -> Any:
        """What capture asks for: S3 or Firehose."""
        return {"s3": self.s3, "firehose": self.firehose}[service]

    def deliver(self, changes: Iterable[Change]) -> None:
        """Capture until nothing fails any more, as an event source mapping does; then flush to Bronze."""
        todo = list(changes)
        while todo:
            failed = self.capture(todo)
            if not failed:
                break
            first = min(failed, key=int)
            todo = todo[[str(change.sequence) for change in todo].index(first) :]
        self.firehose.flush()

    def silver(self, table: str) -> list[dict[str, Any]]:
        """Rows of a Silver table, through Glue's partitions; of a view, as its query has them."""
        if table in KEYS:
            return self._current(table)
        locations = self.glue.partitions[table].values()
        return [row for location in locations for row in rows_of(self.s3, location)]

    def _current(self, view: str) -> list[dict[str, Any]]:
        found: dict[tuple[str, ...], dict[str, Any]] = {}
        for row in sorted(self.silver(STATES[view]), key=lambda row: int(row["sequence_number"])):
            found[tuple(row[name] for name in KEYS[view])] = row
        return [row for row in found.values() if row.pop("event_name") != "REMOVE"]

    def gold(self, table: str) -> list[tuple[Any, ...]]:
        """Rows of a Gold table, through Glue's location."""
        return [tuple(row.values()) for row in rows_of(self.s3, self.glue.location(table))]

    def write_out(self, folder: Path) -> None:
        """Put Silver and Gold into a folder."""
        for bucket in ("silver", "gold"):
            self.s3.write_out(bucket, folder / bucket)

    def files(self, table: Table, folder: Path) -> list[Path]:
        """A table's Parquet files in a folder that the lake has been written out to."""
        if table.layer == "silver":
            return [folder / "silver" / key for key in self.manifest().files(table.name)]
        return sorted((folder / self.glue.location(table.name).removeprefix("s3://")).glob("*.parquet"))

    def manifest(self) -> manifest.Manifest:
        return manifest.load(self.lake.silver.silver)


@contextmanager
def harness(config: LakeConfig = CONFIG) -> Iterator[Harness]:
    with tempfile.TemporaryDirectory() as folder:
        yield Harness(Path(folder), config)
