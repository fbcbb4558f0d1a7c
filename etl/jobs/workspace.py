"""The engine as the jobs see it: it runs SQL, and finds the lake's files where they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from etl.jobs.steps import SILVER, SILVER_STAGING, silver_parameters, sql_text
from etl.lake.manifest import File, Manifest
from etl.lake.tables import QUARANTINE, TASK_EVENTS, TASK_STATES, USER_STATES, Table


class Engine(Protocol):
    """The part of both engines that the jobs use; `files` come from the engine's workspace."""

    def read(self, name: str, table: Table, files: Sequence[Any]) -> None: ...
    def run(self, name: str, sql: str, parameters: Mapping[str, str]) -> None: ...
    def detach(self, name: str) -> None: ...
    def rows(self, name: str, columns: str) -> Iterator[tuple[Any, ...]]: ...
    def count(self, name: str) -> int: ...
    def latest(self, name: str, column: str) -> str: ...


Files = dict[tuple[str, str], list[File]]


@dataclass(slots=True)
class Made:
    """Files of Silver that no commit names yet, by table and user bucket.

    Parameters
    ----------
    as_of
        Time of the latest event in Silver with these files.
    added
        Files that partitions get in addition.
    replaced
        All files of partitions that get others.
    dismissed
        User bucket -> how many rows are closed, where the files of the quarantine are replaced.
    """

    as_of: str
    added: Files = field(default_factory=dict)
    replaced: Files = field(default_factory=dict)
    dismissed: dict[str, int] = field(default_factory=dict)

    def parts(self, current: Manifest) -> Files:
        """All files of the changed partitions."""
        return current.added(self.added) | self.replaced


class Workspace(Protocol):
    """Where an engine works. `edits_files`: it can rewrite single files, as erasing and merging do."""

    edits_files: bool

    def engine(self) -> AbstractContextManager[Engine]:
        """An engine without relations, closed at the end."""

    def silver_files(self, keys: Iterable[str]) -> list[Any]:
        """Files of Silver as the engine reads them; ConflictError where a newer commit has replaced them."""

    def keep_only(self, keys: Iterable[str]) -> None:
        """Forget all local copies but those of `keys`."""

    def make_silver(self, current: Manifest, commit: str, keys: Sequence[str]) -> Made:
        """Write what some new Bronze files add to Silver, and the quarantine where they change it."""

    def store(self, engine: Any, table: Table, commit: str) -> Files:
        """Write a relation of Silver as files of a commit, by table and user bucket."""

    def write_gold(self, engine: Any, snapshot: str) -> dict[str, int]:
        """Write the engine's Gold relations as the files of a snapshot; rows by table."""


def run_silver(
    engine: Engine,
    workspace: Workspace,
    current: Manifest,
    commit: str,
    buckets: Iterable[str],
    today: date,
    made: Made,
) -> None:
    """Store what the relations `parsed` and `days` add to some user buckets of Silver; put it into `made`.

    `today` is the day of the run (UTC).
    """
    days: dict[str, set[str]] = {bucket: set() for bucket in buckets}
    for bucket, day in engine.rows("days", "user_bucket, day"):
        days[bucket].add(str(day) if day else "")
    events, refused = current.parts(TASK_EVENTS.name), current.parts(QUARANTINE.name)
    known = [
        file.key
        for bucket, part in sorted(events.items())
        for file in part.files
        if bucket in days and ("" in days[bucket] or file.may_hold(days[bucket]))
    ]
    engine.read("known_events", TASK_EVENTS, workspace.silver_files(known))
    set_aside = [key for bucket, part in sorted(refused.items()) if bucket in days for key in part.keys]
    engine.read("known_quarantine", QUARANTINE, workspace.silver_files(set_aside))
    for step in SILVER[len(SILVER_STAGING) :]:
        engine.run(step, sql_text("silver", step), silver_parameters(today))
    made.as_of = max(made.as_of, engine.latest(TASK_EVENTS.name, "event_time"))
    for table in (TASK_EVENTS, TASK_STATES, USER_STATES):
        made.added |= workspace.store(engine, table, commit)
    left = workspace.store(engine, QUARANTINE, commit)
    closed = f"{QUARANTINE.name} WHERE dismissed_at IS NOT NULL GROUP BY user_bucket"
    dismissed = dict(engine.rows(closed, "user_bucket, count(*)"))
    for bucket, found in days.items():
        held = refused[bucket].rows if bucket in refused else 0
        files = left.get((QUARANTINE.name, bucket), [])
        # Without a row that cannot be used, rows can only have left it.
        if "" in found or sum(file.rows for file in files) != held:
            made.replaced[QUARANTINE.name, bucket] = files
            made.dismissed[bucket] = dismissed.get(bucket, 0)
