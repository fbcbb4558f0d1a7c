"""Restores the DynamoDB table from Bronze: every item as at any point in time, with its types and all digits.

It works on one user bucket after the other, so memory and disk hold a sixteenth of the history at a time.
"""

import functools
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from etl.capture.dynamodb_json import Attribute, attributes_of
from etl.engine.embedded import Engine, scratch_engine
from etl.jobs.bronze import read
from etl.jobs.steps import restore_parameters, sql_text
from etl.lake import consumed_files
from etl.lake.config import LakeConfig
from etl.lake.layout import bucket_of, is_cut
from etl.lake.storage import Bucket, LocalCopies

BATCH = 25
WRITERS = 8
ATTEMPTS = 10
BACKOFF_CAP_SECONDS = 5.0

Item = dict[str, Attribute]
# The index keys of an item. The lake lacks them, because they are computed from the other attributes.
IndexKeys = Callable[[Item], Item]
Report = Callable[["Restored"], None]


class RestoreError(RuntimeError):
    """The table cannot be restored as requested; the message says why."""


@dataclass(slots=True)
class Restored:
    """Progress of a restore.

    Parameters
    ----------
    buckets, buckets_done
        User buckets, and the number of finished ones.
    changes
        Bronze rows read, copies included.
    unusable
        Rows among them without a key, a sequence number or a readable image.
    items
        Items found, by the first part of their key (`TASK`, `USER`, `TRASH`).
    cut
        Keys of the items left out because the lake has only a part of them: they were too long for it.
    written
        Items written; 0 for a dry run.
    latest
        Time of the latest change of these items (ISO 8601 UTC; empty if there is none).
    """

    buckets: int = 0
    buckets_done: int = 0
    changes: int = 0
    unusable: int = 0
    items: Counter[str] = field(default_factory=Counter)
    cut: list[tuple[str, str]] = field(default_factory=list)
    written: int = 0
    latest: str = ""


class Restore:
    """Reads the items of the table out of Bronze.

    Parameters
    ----------
    config, s3
        The lake and its boto3 client.
    until
        The point in time (aware), included.
    """

    def __init__(self, config: LakeConfig, s3: Any, until: datetime) -> None:
        self.config = config
        self.bronze = Bucket(config.bronze_bucket, s3)
        self.until = until
        self.progress = Restored()

    def items(self) -> Iterator[Item]:
        """The items in DynamoDB's form, with keys but without index keys; counts them in `progress`."""
        by_bucket = self._files()
        self.progress.buckets = len(by_bucket)
        for _, keys in sorted(by_bucket.items()):
            with scratch_engine(self.config) as (engine, folder):
                yield from self._bucket(engine, keys, folder)
            self.progress.buckets_done += 1

    def _files(self) -> dict[str, list[str]]:
        last = self.until.astimezone(UTC).date().isoformat()
        by_bucket: dict[str, list[str]] = defaultdict(list)
        for day, names in consumed_files.listing(self.bronze, "").items():
            # A file lies under the day of its changes, however late it arrived.
            if day <= last:
                for name in sorted(names):
                    key = consumed_files.day_prefix(day) + name
                    by_bucket[bucket_of(key)].append(key)
        return by_bucket

    def _bucket(self, engine: Engine, keys: list[str], folder: Path) -> Iterator[Item]:
        copies = LocalCopies(self.bronze, folder / "bronze")
        copies.fetch(keys)
        parameters = restore_parameters(self.until)
        usable = functools.partial(engine.run, "usable", sql_text("restore", "usable"), parameters)
        read(engine, copies, keys, usable)
        engine.run("state", sql_text("restore", "state"), parameters)
        self._count(engine)
        for pk, sk, image, types, cut in engine.rows("state", "pk, sk, new_image, attribute_types, cut"):
            if is_cut(cut):
                self.progress.cut.append((pk, sk))
                continue
            self.progress.items[pk.partition("#")[0]] += 1
            special = json.loads(types).get("new_image", {}) if types else {}
            yield attributes_of(image, special) | {"PK": {"S": pk}, "SK": {"S": sk}}

    def _count(self, engine: Engine) -> None:
        changes = engine.count("bronze")
        self.progress.changes += changes
        self.progress.unusable += changes - engine.count("usable")
        self.progress.latest = max(self.progress.latest, engine.latest("state", "changed_at"))


def rebuild(
    restore: Restore, dynamodb: Any, table: str, index_keys: IndexKeys, report: Report = lambda progress: None
) -> Restored:
    """Write the restored items into a table that is empty, or that holds the beginning of the same restore.

    Parameters
    ----------
    table
        Name of a table with the same keys and indexes as the product's.
    index_keys
        Computes the index keys of an item.
    report
        Called after every few hundred items.

    Returns
    -------
    Restored
        The counts.

    Raises
    ------
    RestoreError
        If DynamoDB keeps refusing items.
    """
    complete = (item | index_keys(item) for item in restore.items())
    with ThreadPoolExecutor(WRITERS) as pool:
        while chunk := list(islice(complete, BATCH * WRITERS)):
            batches = [chunk[start : start + BATCH] for start in range(0, len(chunk), BATCH)]
            list(pool.map(lambda batch: _put(dynamodb, table, batch), batches))
            restore.progress.written += len(chunk)
            report(restore.progress)
    return restore.progress


def dry_run(restore: Restore, index_keys: IndexKeys, report: Report = lambda progress: None) -> Restored:
    """Do everything that `rebuild` does, except writing."""
    for number, item in enumerate(restore.items(), start=1):
        index_keys(item)
        if number % (BATCH * WRITERS) == 0:
            report(restore.progress)
    return restore.progress


def is_empty(dynamodb: Any, table: str) -> bool:
    """Whether a table has no item of the restored kinds."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table, ProjectionExpression="PK", PaginationConfig={"PageSize": 100}
    )
    kinds = ("TASK#", "USER#", "TRASH#")
    return not any(item["PK"]["S"].startswith(kinds) for page in pages for item in page["Items"])


def _put(dynamodb: Any, table: str, items: Iterable[Item]) -> None:
    todo = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in range(ATTEMPTS):
        todo = dynamodb.batch_write_item(RequestItems=todo).get("UnprocessedItems") or {}
        if not todo:
            return
        time.sleep(min(BACKOFF_CAP_SECONDS, 0.05 * 2**attempt))
    raise RestoreError(f"{table} keeps refusing items: {len(todo[table])} are left of a batch of {BATCH}")


def point_in_time(text: str | None) -> datetime:
    """Read an ISO 8601 time: UTC without an offset, the end of the day for a day alone, now for None.

    Raises
    ------
    RestoreError
        For any other text.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RestoreError(f"not an ISO 8601 time: {text!r}") from error
    if len(text) <= len("2026-01-01"):
        moment = moment.replace(hour=23, minute=59, second=59, microsecond=999999)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def describe(progress: Restored) -> str:
    """The progress as one line for people."""
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(progress.items.items())) or "no items"
    return (
        f"{progress.buckets_done} of {progress.buckets} buckets, {progress.changes:,} changes read, "
        f"{kinds}, {progress.written:,} written"
    )
