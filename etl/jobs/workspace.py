"""The engine as the jobs see it: it runs SQL, and finds the lake's files where they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from etl.jobs.steps import SILVER, SILVER_STAGING, silver_parameters, sql_text
from etl.lake.manifest import Manifest, Part
from etl.lake.tables import QUARANTINE, TASK_EVENTS, Table


class Engine(Protocol):
    """The part of both engines that the jobs use; `files` come from the engine's workspace."""

    def read(self, name: str, table: Table, files: Sequence[Any]) -> None: ...
    def run(self, name: str, sql: str, parameters: Mapping[str, str]) -> None: ...
    def detach(self, name: str) -> None: ...
    def rows(self, name: str, columns: str) -> Iterator[tuple[Any, ...]]: ...
    def count(self, name: str) -> int: ...
    def latest(self, name: str, column: str) -> str: ...


@dataclass(slots=True)
class Made:
    """Files of Silver that no commit names yet: partitions by table and user bucket, and the latest event in them.

    `dismissed` is the number of closed rows of quarantine in each of these buckets.
    """

    as_of: str
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    dismissed: dict[str, int] = field(default_factory=dict)


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
        """Write the partitions of Silver that some new Bronze files touch, with these files included."""

    def write_gold(self, engine: Any, snapshot: str) -> dict[str, int]:
        """Write the engine's Gold relations as the files of a snapshot; rows by table."""


def run_silver(
    engine: Engine, workspace: Workspace, current: Manifest, buckets: Iterable[str], today: date
) -> dict[str, int]:
    """Make the relations of Silver from the relation `parsed` and the history of the user buckets it touches.

    `today` is the day of the run (UTC). Returns how many quarantined rows of each bucket are dismissed.
    """
    touched = sorted(buckets)
    for name, table in (("known_events", TASK_EVENTS), ("known_quarantine", QUARANTINE)):
        parts = current.parts(table.name)
        known = [key for bucket in touched if bucket in parts for key in parts[bucket].files]
        engine.read(name, table, workspace.silver_files(known))
    for step in SILVER[len(SILVER_STAGING) :]:
        engine.run(step, sql_text("silver", step), silver_parameters(today))
    closed = f"{QUARANTINE.name} WHERE dismissed_at IS NOT NULL GROUP BY user_bucket"
    return dict.fromkeys(touched, 0) | dict(engine.rows(closed, "user_bucket, count(*)"))
