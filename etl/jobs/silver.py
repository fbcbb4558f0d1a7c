"""Silver: one incremental, atomic run from new Bronze files to the deduplicated history and the current state.

A run reads only Bronze files no commit has consumed and rewrites only the user buckets they touch. What it made
becomes visible by one conditional write of `silver/_current.json`, which also records what was consumed: of two
overlapping runs one commits and the other starts again, and one that dies leaves nothing but unreferenced files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl.jobs.bronze import groups, parse
from etl.jobs.steps import SILVER, SILVER_STAGING, silver_parameters, sql_text
from etl.lake import consumed_files, manifest
from etl.lake.config import LakeConfig
from etl.lake.consumed_files import Days
from etl.lake.glue_partitions import sync_silver
from etl.lake.layout import silver_folder
from etl.lake.manifest import Manifest, Part
from etl.lake.storage import Bucket, LocalCopies
from etl.lake.tables import QUARANTINE, TASK_EVENTS
from etl.lake.tables import SILVER as TABLES
from etl.log import iso, log, timed

if TYPE_CHECKING:
    from etl.engine.embedded import Engine

# One commit takes at most so many files; the rest is for the next one.
MAX_FILES = 20_000
# How often all of Bronze is searched, however old the day.
FULL_SEARCH_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Output:
    """A file made by a run: its table and bucket, where it is, and the key it gets."""

    table: str
    bucket: str
    path: Path
    key: str


@dataclass(slots=True)
class Made:
    """What a run has made: files, rows by (table, bucket), touched buckets, latest event time.

    `parts`: what an engine has already written where it belongs.
    """

    outputs: list[Output]
    rows: dict[tuple[str, str], int]
    touched: set[str]
    as_of: str
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)


@dataclass(slots=True)
class Attempt:
    """The last attempt to commit: the Bronze files it read, the buckets it touched, milliseconds by phase."""

    keys: list[str] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    took: dict[str, Any] = field(default_factory=dict)


class Silver:
    """The Silver job.

    Parameters
    ----------
    config
        The lake.
    s3, glue
        boto3 clients.
    folder
        For local copies and spilling; may be kept between runs.
    """

    def __init__(self, config: LakeConfig, s3: Any, glue: Any, folder: Path) -> None:
        self.config = config
        self.glue = glue
        self.folder = folder
        self.bronze = Bucket(config.bronze_bucket, s3)
        self.silver = Bucket(config.silver_bucket, s3)
        self.copies = LocalCopies(self.silver, folder / "silver")
        self._synced = ""
        self._since = ""
        self.backlog = False

    def run(self) -> Manifest | None:
        """Consume the new Bronze files and publish them; None where nothing was new.

        Raises
        ------
        ConflictError
            When other runs were first in every attempt.
        """
        attempt = Attempt()
        before, after = manifest.commit(self.silver, lambda current: self._plan(current, attempt))
        published = after or before
        if published.commit == before.commit:
            if before.commit != self._synced:
                self.copies.keep_only(before.all_files())
            self._sync_glue(published)
            return None
        with timed(attempt.took, "glue_ms"):
            self._sync_glue(published)
        self._clean(before, published)
        self._report(published, attempt)
        return published

    def _plan(self, current: Manifest, attempt: Attempt) -> Manifest | None:
        attempt.took = {}
        with timed(attempt.took, "list_ms"):
            unread, consumed, looked_at = self._look(current)
        attempt.keys = unread[:MAX_FILES]
        self.backlog = len(unread) > MAX_FILES
        if not attempt.keys:
            looked = current.sequence and looked_at != current.looked_at
            return replace(current, looked_at=looked_at) if looked else None
        now = datetime.now(UTC)
        commit = manifest.new_name(now)
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            with timed(attempt.took, "transform_ms"):
                made = self._transform(current, commit, attempt.keys, Path(scratch))
            with timed(attempt.took, "publish_ms"):
                marks = consumed_files.advance(self.silver, commit, consumed, attempt.keys)
                parts = _parts(commit, made)
                self._upload(made.outputs)
        attempt.touched = made.touched
        published = current.successor(
            commit,
            now,
            parts,
            as_of=made.as_of,
            looked_at=current.looked_at if self.backlog else looked_at,
            days={**current.days, **marks},
        )
        replaced = [current.days[day].key for day in marks if day in current.days]
        limit = iso(now - timedelta(seconds=self.config.keep_seconds))
        kept = {key: since for key, since in published.retired.items() if since >= limit}
        return replace(published, retired=kept | dict.fromkeys(replaced, iso(now)))

    def _late(self, keys: Sequence[str], now: datetime) -> int:
        """How many of the files are of days before those that every run searches."""
        limit = f"{now - timedelta(days=self.config.late_days):%Y-%m-%d}"
        return sum(len(names) for day, names in consumed_files.by_day(keys).items() if day < limit)

    def _engine(self, folder: Path) -> Engine:
        # Not above: where Spark does the work, DuckDB is not installed.
        from etl.engine.embedded import Engine

        return Engine(folder / "spill", self.config.memory_limit, self.config.threads)

    def _transform(self, current: Manifest, commit: str, keys: Sequence[str], scratch: Path) -> Made:
        fresh = LocalCopies(self.bronze, scratch / "bronze")
        fresh.fetch(keys)
        made = Made([], {}, set(), current.as_of)
        for number, group in enumerate(groups(keys, fresh, current.parts(TASK_EVENTS.name))):
            folder = scratch / f"group-{number}"
            with self._engine(folder) as engine:
                self._run_sql(engine, current, group, fresh)
                made.as_of = max(made.as_of, engine.latest(TASK_EVENTS.name, "event_time"))
                for table in TABLES:
                    counted = engine.write_buckets(table, folder / table.name)
                    made.rows |= {(table.name, bucket): rows for bucket, rows in counted.items()}
                    made.outputs += _outputs(table.name, commit, folder / table.name)
            made.touched |= group.keys()
        return made

    def _run_sql(
        self, engine: Engine, current: Manifest, group: Mapping[str, Sequence[str]], fresh: LocalCopies
    ) -> None:
        parse(engine, fresh, [key for keys in group.values() for key in keys])
        for name, table in (("known_events", TASK_EVENTS), ("known_quarantine", QUARANTINE)):
            parts = current.parts(table.name)
            known = [key for bucket in group if bucket in parts for key in parts[bucket].files]
            engine.read(name, table, self.copies.fetch(known))
        for step in SILVER[len(SILVER_STAGING) :]:
            engine.run(step, sql_text("silver", step), silver_parameters())

    def _look(self, current: Manifest) -> tuple[list[str], Days, str]:
        """Search Bronze: unread keys, what else of their days is consumed, when all of it was last searched.

        Every run searches the days that files are expected in; once a day, the first included, a run searches all.
        The window is kept for as long: after a long stop, records that waited still come in, under their old days.
        """
        now = datetime.now(UTC)
        everything = current.looked_at < iso(now - timedelta(seconds=FULL_SEARCH_SECONDS))
        if everything or not self._since:
            latest = min(current.committed_at, iso(now)) or iso(now)
            first = date.fromisoformat(latest[:10]) - timedelta(days=self.config.late_days)
            self._since = first.isoformat()
        listed = consumed_files.listing(self.bronze, "" if everything else self._since)
        keys, consumed = consumed_files.unread(self.silver, listed, current.days)
        return keys, consumed, iso(now) if everything else current.looked_at

    def _upload(self, outputs: Sequence[Output]) -> None:
        self.silver.upload((output.path, output.key) for output in outputs)
        for output in outputs:
            self.copies.adopt(output.path, output.key)

    def quarantined_days(self, current: Manifest) -> Collection[str]:
        """Days of the Bronze files that quarantined rows came from."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch, self._engine(Path(scratch)) as engine:
            engine.read(QUARANTINE.name, QUARANTINE, self.copies.fetch(current.files(QUARANTINE.name)))
            return consumed_files.by_day(
                file for (file,) in engine.rows(QUARANTINE.name, "DISTINCT source_file")
            )

    def forget_replaced(self) -> None:
        """Remove local copies of files that are not live any more."""
        self.copies.keep_only(manifest.load(self.silver).all_files())

    def _clean(self, before: Manifest, after: Manifest) -> None:
        self.silver.delete(sorted(before.retired.keys() - after.retired.keys()))
        self.copies.keep_only(after.all_files())

    def _sync_glue(self, published: Manifest) -> None:
        while published.commit != self._synced:
            sync_silver(self.glue, self.config.database, published.locations(self.silver))
            self._synced = published.commit
            # If another run committed meanwhile, its partitions may just have been moved back: look again.
            published = manifest.load(self.silver)

    def _report(self, published: Manifest, attempt: Attempt) -> None:
        log(
            "silver",
            "committed",
            duration_ms=sum(attempt.took.values()),
            commit=published.commit,
            as_of=published.as_of,
            files=len(attempt.keys),
            late_files=self._late(attempt.keys, datetime.now(UTC)),
            buckets=len(attempt.touched),
            rows={table.name: published.rows(table.name) for table in TABLES},
            **attempt.took,
        )


def _outputs(table: str, commit: str, folder: Path) -> list[Output]:
    files = sorted(folder.glob("user_bucket=*/*.parquet"))
    buckets = [path.parent.name.removeprefix("user_bucket=") for path in files]
    return [
        Output(table, bucket, path, silver_folder(table, bucket, commit) + path.name)
        for path, bucket in zip(files, buckets, strict=True)
    ]


def _parts(commit: str, made: Made) -> dict[tuple[str, str], Part]:
    """A partition of every table for every bucket that was touched."""
    parts = {
        (table.name, bucket): Part(silver_folder(table.name, bucket, commit), (), 0, 0)
        for table in TABLES
        for bucket in made.touched
    }
    for output in made.outputs:
        where = output.table, output.bucket
        size = output.path.stat().st_size
        parts[where] = Part(silver_folder(*where, commit), (output.key,), made.rows[where], size)
    return parts | made.parts
