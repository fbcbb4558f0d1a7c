"""Silver: an incremental, atomic run from new Bronze files to the deduplicated history and the current state.

A run reads only Bronze files that no commit has consumed, and only adds files to the user buckets that they touch: the
new events, and the new states of their tasks and profiles. Only the quarantine is rewritten, where it changes. One
conditional write of `silver/_current.json` publishes the result and records the consumed files. Of two overlapping runs
one commits and the other plans again; a run that dies leaves nothing but orphan files.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from etl.jobs.take_over import take_over
from etl.jobs.workspace import Workspace
from etl.lake import consumed_files, manifest
from etl.lake.config import LakeConfig
from etl.lake.consumed_files import Days
from etl.lake.glue_partitions import sync_silver
from etl.lake.layout import bucket_of
from etl.lake.manifest import Manifest
from etl.lake.storage import Bucket
from etl.lake.tables import QUARANTINE
from etl.lake.tables import SILVER as TABLES
from etl.log import iso, log, timed

# A commit takes at most this many files and leaves the rest to the next one.
MAX_FILES = 20_000
# How often a run searches all of Bronze, not only the days of the window.
FULL_SEARCH_SECONDS = 86_400


@dataclass(slots=True)
class Attempt:
    """The last attempt to commit: its Bronze files, the user buckets it touched, milliseconds by phase."""

    keys: list[str] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    took: dict[str, Any] = field(default_factory=dict)


class Silver:
    """The Silver job.

    Parameters
    ----------
    config, s3, glue
        The lake and its boto3 clients.
    workspace
        Runs the SQL.
    """

    def __init__(self, config: LakeConfig, s3: Any, glue: Any, workspace: Workspace) -> None:
        self.config = config
        self.glue = glue
        self.workspace = workspace
        self.bronze = Bucket(config.bronze_bucket, s3)
        self.silver = Bucket(config.silver_bucket, s3)
        self._synced = ""
        self._since = ""
        self._taken_over = False
        self.backlog = False

    def run(self) -> Manifest | None:
        """Consume and publish the new Bronze files; None if there are none. See `commit_json` for conflicts."""
        self.take_over()
        attempt = Attempt()
        before, after = manifest.commit(self.silver, lambda current: self._plan(current, attempt))
        published = after or before
        if published.commit == before.commit:
            if before.commit != self._synced:
                self.workspace.keep_only(before.all_files())
            self._sync_glue(published)
            return None
        with timed(attempt.took, "glue_ms"):
            self._sync_glue(published)
        self._clean(before, published)
        self._report(published, attempt)
        return published

    def take_over(self) -> None:
        """Bring the lake of an older version into today's format; do nothing in any other."""
        if not self._taken_over:
            take_over(self.silver, self.workspace)
            self._taken_over = True

    def _plan(self, current: Manifest, attempt: Attempt) -> Manifest | None:
        attempt.took = {}
        with timed(attempt.took, "list_ms"):
            unread, consumed, looked_at = self._search(current)
        attempt.keys = unread[:MAX_FILES]
        self.backlog = len(unread) > MAX_FILES
        if not attempt.keys:
            looked = current.sequence and looked_at != current.looked_at
            return replace(current, looked_at=looked_at) if looked else None
        now = datetime.now(UTC)
        commit = manifest.new_name(now)
        with timed(attempt.took, "transform_ms"):
            made = self.workspace.make_silver(current, commit, attempt.keys)
        marks = consumed_files.advance(self.silver, commit, consumed, attempt.keys)
        attempt.touched = {bucket_of(key) for key in attempt.keys}
        published = current.successor(
            commit,
            now,
            made.parts(current),
            as_of=made.as_of,
            looked_at=current.looked_at if self.backlog else looked_at,
            days={**current.days, **marks},
            dismissed={**current.dismissed, **made.dismissed},
        )
        replaced = [current.days[day].key for day in marks if day in current.days]
        limit = iso(now - timedelta(seconds=self.config.keep_seconds))
        kept = {key: since for key, since in published.retired.items() if since >= limit}
        return replace(published, retired=kept).retire(replaced, now)

    def _late(self, keys: Sequence[str], now: datetime) -> int:
        """How many of the files belong to days before the window that every run searches."""
        limit = f"{now - timedelta(days=self.config.late_days):%Y-%m-%d}"
        return sum(len(names) for day, names in consumed_files.by_day(keys).items() if day < limit)

    def _search(self, current: Manifest) -> tuple[list[str], Days, str]:
        """Search Bronze: unread keys, the consumed names of their days, and when all of Bronze was last searched.

        Every run searches a window of recent days; the first run, and then one run a day, searches all of Bronze. The
        window stays the same in between: after a long stop, waiting records arrive under their old days.
        """
        now = datetime.now(UTC)
        search_all = current.looked_at < iso(now - timedelta(seconds=FULL_SEARCH_SECONDS))
        if search_all or not self._since:
            latest = min(current.committed_at, iso(now)) or iso(now)
            first = date.fromisoformat(latest[:10]) - timedelta(days=self.config.late_days)
            self._since = first.isoformat()
        listed = consumed_files.listing(self.bronze, "" if search_all else self._since)
        keys, consumed = consumed_files.unread(self.silver, listed, current.days)
        return keys, consumed, iso(now) if search_all else current.looked_at

    def quarantined_days(self, current: Manifest) -> Collection[str]:
        """Days of the Bronze files that quarantined rows come from."""
        files = self.workspace.silver_files(current.files(QUARANTINE.name))
        with self.workspace.engine() as engine:
            engine.read(QUARANTINE.name, QUARANTINE, files)
            sources = engine.rows(QUARANTINE.name, "DISTINCT source_file")
            return consumed_files.by_day(file for (file,) in sources)

    def forget_replaced(self) -> None:
        """Remove local copies of files that are no longer live."""
        self.workspace.keep_only(manifest.load(self.silver).all_files())

    def _clean(self, before: Manifest, after: Manifest) -> None:
        self.silver.delete(sorted(before.retired.keys() - after.retired.keys()))
        self.workspace.keep_only(after.all_files())

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
