"""Merges the many small files of Bronze's closed days into few, one partition at a time.

Readers never miss a row. They may meet copies for a moment, which the lake counts once. A journal in Silver says what
is under way, so that the next run rolls back or finishes what a dead run began:

1. The journal names the merged files and the sources of each (`writing`).
2. The merged files are marked as consumed, so that no run of Silver takes them for new ones.
3. The merged files are written. If a source has changed meanwhile (by an erasure), its merge is rolled back.
4. The journal says `deleting`: from here on there is no way back.
5. The sources are deleted and no longer marked as consumed, then the journal is deleted.

Only files that Silver has consumed are merged. Unreadable files stay as they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from etl.engine.embedded import Engine, scratch_engine
from etl.engine.errors import EngineError
from etl.lake import consumed_files, manifest
from etl.lake.commit import LEASE
from etl.lake.config import LakeConfig
from etl.lake.layout import BRONZE_PREFIX, REQUESTS_PREFIX, SILVER_PREFIX
from etl.lake.storage import Bucket, LocalCopies
from etl.log import iso, log

JOURNAL = f"{SILVER_PREFIX}_compaction.json"
# A day is closed once this many days have begun since. Files that arrive later are merged by a later run.
CLOSED_DAYS = 2
MIN_FILES = 4
SMALL_BYTES = 64 * 1024 * 1024
TARGET_BYTES = 128 * 1024 * 1024
# Files in one journal, and journals of one run; the next run goes on.
MAX_SOURCES = 1_000
MAX_JOURNALS = 10


@dataclass(frozen=True, slots=True)
class Source:
    """A file to merge: its key, its size in bytes, and its ETag."""

    key: str
    bytes: int
    etag: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The work under way: its state (`writing` or `deleting`), its start, and the sources of each merged file."""

    state: str
    since: str
    merges: dict[str, list[Source]] = field(default_factory=dict)

    def sources(self) -> list[str]:
        """Keys of all files that are merged into others."""
        return [source.key for sources in self.merges.values() for source in sources]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Journal":
        """Read the stored form."""
        merges = {key: [Source(**source) for source in sources] for key, sources in stored["merges"].items()}
        return cls(stored["state"], stored["since"], merges)


@dataclass(slots=True)
class Compacted:
    """Result of a run: files merged, files that replaced them, bytes before and after."""

    merged: int = 0
    into: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


class Compaction:
    """Merges the small files in one lake's Bronze.

    Parameters
    ----------
    config, s3
        The lake and its boto3 client.
    """

    def __init__(self, config: LakeConfig, s3: Any) -> None:
        self.config = config
        self.bronze = Bucket(config.bronze_bucket, s3)
        self.silver = Bucket(config.silver_bucket, s3)

    def run(self, now: datetime | None = None) -> Compacted:
        """Recover the journal of a dead run, then merge what is due; do nothing while another run is at work."""
        moment, done = now or datetime.now(UTC), Compacted()
        if not self._recovered(moment):
            return done
        skipped: set[str] = set()
        for _journal in range(MAX_JOURNALS):
            if not (merges := self.plan(moment, skipped)):
                break
            self._merge(merges, moment, done, skipped)
        if done.merged:
            log("compact", "merged", **asdict(done))
        return done

    def plan(self, now: datetime, skipped: Iterable[str] = ()) -> dict[str, list[Source]]:
        """The merges of one journal, the oldest files first: merged file -> its sources.

        Parameters
        ----------
        now
            Decides which days are closed.
        skipped
            Partitions to leave alone.
        """
        last = (now.astimezone(UTC).date() - timedelta(days=CLOSED_DAYS)).isoformat()
        left, room = set(skipped), MAX_SOURCES
        merges: dict[str, list[Source]] = {}
        for partition, sources in self._candidates(last).items():
            if partition in left or room < MIN_FILES:
                continue
            for group in _groups(sources[:room]):
                name = f"{partition}compacted-{manifest.new_name(now)}.parquet"
                merges[name] = group
                room -= len(group)
        return merges

    def _candidates(self, last: str) -> dict[str, list[Source]]:
        """Small files of days up to `last` that can be merged now, by partition."""
        found: dict[str, list[Source]] = defaultdict(list)
        for prefix in (BRONZE_PREFIX, REQUESTS_PREFIX):
            for entry in self.bronze.entries(prefix):
                key, size = str(entry["Key"]), int(entry["Size"])
                if key.endswith(".parquet") and size < SMALL_BYTES and "" < _day_of(key) <= last:
                    partition = key.rpartition("/")[0] + "/"
                    found[partition].append(Source(key, size, str(entry.get("ETag", ""))))
        full = {
            partition: sources for partition, sources in sorted(found.items()) if len(sources) >= MIN_FILES
        }
        return self._consumed(full)

    def _consumed(self, found: Mapping[str, list[Source]]) -> dict[str, list[Source]]:
        """Only the change files that Silver has consumed; the request log has no consumer."""
        current = manifest.load(self.silver)
        days = {_day_of(partition) for partition in found if partition.startswith(BRONZE_PREFIX)}
        names = {day: consumed_files.names(self.silver, current.days.get(day)) for day in days}
        return {
            partition: [source for source in sources if _is_free(source.key, names)]
            for partition, sources in found.items()
        }

    # -- One journal ---------------------------------------------------------------------------------------------

    def _merge(
        self, merges: dict[str, list[Source]], now: datetime, done: Compacted, skipped: set[str]
    ) -> None:
        journal = Journal("writing", iso(now), merges)
        etag = self.silver.replace_json(JOURNAL, asdict(journal), None)
        self._mark(add=merges)
        sizes: dict[str, int] = {}
        written = {key: self._write(key, sources, sizes) for key, sources in merges.items()}
        kept = {key: sources for key, sources in written.items() if sources and self._unchanged(sources)}
        # A run tries a partition once: otherwise it would repeat one that cannot be merged.
        skipped.update(key.rpartition("/")[0] + "/" for key in merges if key not in kept)
        self._roll_back([key for key in merges if key not in kept])
        deleting = replace(journal, state="deleting", merges=kept)
        self.silver.replace_json(JOURNAL, asdict(deleting), etag)
        self._finish(deleting)
        done.merged += len(deleting.sources())
        done.into += len(kept)
        done.bytes_before += sum(source.bytes for sources in kept.values() for source in sources)
        done.bytes_after += sum(sizes[key] for key in kept)

    def _write(self, key: str, sources: list[Source], sizes: dict[str, int]) -> list[Source]:
        """Write one merged file and put its bytes into `sizes`; return its sources, none if no file was written."""
        with scratch_engine(self.config) as (engine, folder):
            copies, merged = LocalCopies(self.bronze, folder), folder / "merged.parquet"
            copies.fetch(source.key for source in sources)
            taken = _merged(engine, copies, sources, merged)
            if not taken:
                log("compact", "cannot be merged", level="WARNING", status="left", key=key)
                return []
            self.bronze.upload([(merged, key)])
            sizes[key] = merged.stat().st_size
            return taken

    def _unchanged(self, sources: Iterable[Source]) -> bool:
        return all(self.bronze.etag(source.key) == source.etag for source in sources)

    def _roll_back(self, keys: list[str]) -> None:
        self.bronze.delete(keys)
        for key in keys:
            self.bronze.delete_old_versions(key)
        self._mark(remove=keys)

    def _finish(self, journal: Journal) -> None:
        self.bronze.delete(journal.sources())
        self._mark(remove=journal.sources())
        self.silver.delete([JOURNAL])

    def _recovered(self, now: datetime) -> bool:
        """Recover an abandoned journal. Return False while its lease has not expired."""
        found = self.silver.get_json(JOURNAL)
        if found is None:
            return True
        journal = Journal.from_json(found[0])
        if now - datetime.fromisoformat(journal.since) < LEASE:
            return False
        log("compact", "recovering the journal of a dead run", level="WARNING", status=journal.state)
        if journal.state == "writing":
            self._roll_back(list(journal.merges))
            self.silver.delete([JOURNAL])
        else:
            self._finish(journal)
        return True

    # -- Consumed files ------------------------------------------------------------------------------------------

    def _mark(self, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Mark keys as consumed, or no longer so, in the days that have been consumed."""
        plus, minus = consumed_files.by_day(add), consumed_files.by_day(remove)
        if not plus and not minus:
            return

        def plan(current: manifest.Manifest) -> manifest.Manifest | None:
            now = datetime.now(UTC)
            days = {day for day in (*plus, *minus) if day in current.days}
            if not days:
                return None
            wanted = {
                day: consumed_files.names(self.silver, current.days[day]) - minus.get(day, frozenset())
                | plus.get(day, frozenset())
                for day in days
            }
            marks = consumed_files.write(self.silver, manifest.new_name(now), wanted)
            replaced = [current.days[day].key for day in days]
            return replace(current, days={**current.days, **marks}).retire(replaced, now)

        manifest.commit(self.silver, plan)


def _merged(engine: Engine, copies: LocalCopies, sources: list[Source], merged: Path) -> list[Source]:
    """Merge the readable local copies; return their sources, none if they are too few."""
    try:
        engine.merge([copies.path(source.key) for source in sources], merged)
    except EngineError:
        bad = set(engine.unreadable(copies.path(source.key) for source in sources))
        good = [source for source in sources if copies.path(source.key) not in bad]
        return _merged(engine, copies, good, merged) if bad and len(good) >= MIN_FILES else []
    return sources


def _day_of(key: str) -> str:
    """Day in a Bronze key, `YYYY-MM-DD`; empty if it has none."""
    parts = dict(part.split("=", 1) for part in key.split("/") if "=" in part)
    return "-".join(parts.get(name, "") for name in ("year", "month", "day")).strip("-")


def _is_free(key: str, consumed: Mapping[str, frozenset[str]]) -> bool:
    return key.startswith(REQUESTS_PREFIX) or any(
        name in consumed[day] for day, names in consumed_files.by_day([key]).items() for name in names
    )


def _groups(sources: list[Source]) -> list[list[Source]]:
    """Groups of files to merge, each of about `TARGET_BYTES` at most; groups of too few files are left out."""
    groups: list[list[Source]] = [[]]
    for source in sorted(sources, key=lambda source: source.key):
        if sum(other.bytes for other in groups[-1]) + source.bytes > TARGET_BYTES:
            groups.append([])
        groups[-1].append(source)
    return [group for group in groups if len(group) >= MIN_FILES]
