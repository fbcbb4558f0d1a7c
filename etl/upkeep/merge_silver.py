"""Merges the files that runs add to Silver: small ones soon, those of a closed day daily, those of a closed month once.

A merge writes new files and commits them in place of theirs, so readers see either. It never touches a file that has
changed meanwhile. Of the states of a task or profile, only the latest is kept.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from etl.jobs.workspace import Workspace
from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.glue_partitions import sync_silver
from etl.lake.latest import latest_sql
from etl.lake.layout import made_by
from etl.lake.manifest import File, Manifest
from etl.lake.storage import Bucket
from etl.lake.tables import TASK_EVENTS, TASK_STATES, USER_STATES, Table
from etl.log import log

# As many files of about the same size, by a factor of `ALIKE` in rows, are merged without waiting for the day's end.
AT_ONCE = 8
ALIKE = 8
# Merges in one commit.
MAX_MERGES = 64


@dataclass(frozen=True, slots=True)
class Merge:
    """Files of one partition to merge."""

    table: Table
    bucket: str
    sources: tuple[File, ...]


def plan(current: Manifest, now: datetime, *, daily: bool) -> list[Merge]:
    """The merges that are due.

    Parameters
    ----------
    current
        Silver as it is.
    now
        Decides which days and months are closed (UTC).
    daily
        Also those of closed days and months; otherwise only those of many small files.
    """
    found = []
    for table in (TASK_EVENTS, TASK_STATES, USER_STATES):
        for bucket, part in sorted(current.parts(table.name).items()):
            groups = list(_many(table, part.files))
            if daily:
                groups = list(_closed(table, part.files, now)) or groups
            found += [Merge(table, bucket, tuple(group)) for group in groups]
    return found


def _many(table: Table, files: Iterable[File]) -> Iterator[list[File]]:
    """Groups of `AT_ONCE` and more files of one month that are alike in size."""
    alike: dict[tuple[str, int], list[File]] = defaultdict(list)
    for file in files:
        if not _is_wide(table, file):
            alike[file.first[:7], int(math.log(max(file.rows, 1), ALIKE))].append(file)
    yield from (group for group in alike.values() if len(group) >= AT_ONCE)


def _closed(table: Table, files: Iterable[File], now: datetime) -> Iterator[list[File]]:
    """The files of each closed month and each closed day of this month; of states, those of all days before."""
    today = now.astimezone(UTC).date().isoformat()
    periods: dict[str, list[File]] = defaultdict(list)
    for file in files:
        if _is_wide(table, file):
            yield [file]
        elif not table.dated:
            if made_by(file.key)[:8] < today.replace("-", ""):
                periods[""].append(file)
        elif file.last < today:
            periods[file.last[:7] if file.last[:7] < today[:7] else file.last].append(file)
    yield from (group for group in periods.values() if len(group) > 1)


def _is_wide(table: Table, file: File) -> bool:
    """Whether a file has events of several months, as an older version wrote them: it becomes one for each."""
    return bool(table.dated) and file.first[:7] != file.last[:7]


def merge(
    config: LakeConfig, silver: Bucket, glue: Any, workspace: Workspace, now: datetime, *, daily: bool
) -> int:
    """Make the merges that are due (see `plan`); return how many files were merged.

    Parameters
    ----------
    config, glue
        As for `etl.run.Lake`.
    silver
        The bucket.
    workspace
        One that edits files.
    now, daily
        As for `plan`.
    """
    merged = 0
    due = plan(manifest.load(silver), now, daily=daily)
    for start in range(0, len(due), MAX_MERGES):
        merged += _commit(config, silver, glue, workspace, due[start : start + MAX_MERGES])
    if merged:
        log("merge", "merged files of Silver", files=merged, merges=len(due))
    return merged


def _commit(config: LakeConfig, silver: Bucket, glue: Any, workspace: Workspace, merges: list[Merge]) -> int:
    written = [(merge, _write(workspace, merge)) for merge in merges]
    done: list[Merge] = []

    def change(current: Manifest) -> Manifest | None:
        done.clear()
        parts: dict[tuple[str, str], list[File]] = {}
        for merge, files in written:
            where = merge.table.name, merge.bucket
            held = parts.get(where, list(current.files_of(*where)))
            if set(merge.sources) <= set(held):
                parts[where] = [file for file in held if file not in merge.sources] + files
                done.append(merge)
        now = datetime.now(UTC)
        name = manifest.new_name(now)
        return current.successor(name, now, parts, content=current.content) if parts else None

    _, published = manifest.commit(silver, change)
    if published:
        sync_silver(glue, config.database, published.locations(silver))
    # An erasure has changed the sources of these meanwhile: what was merged before still has its person.
    silver.delete(file.key for merge, files in written if merge not in done for file in files)
    return sum(len(merge.sources) for merge in done)


def _write(workspace: Workspace, merge: Merge) -> list[File]:
    table = merge.table
    with workspace.engine() as engine:
        paths = workspace.silver_files(file.key for file in merge.sources)
        if table.dated:
            engine.read(table.name, table, paths)
        else:
            engine.read("states", table, paths)
            engine.run(table.name, latest_sql(table, "states"), {})
        files = workspace.store(engine, table, manifest.new_name(datetime.now(UTC)))
        return files[table.name, merge.bucket]
