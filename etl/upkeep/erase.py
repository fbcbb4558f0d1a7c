"""Removes one person from every layer of the lake, and looks for what is left.

Bronze files are rewritten under their own names, so the bookmark stays true. Silver's rows go by a commit like any
other, Gold follows from Silver. Old files, snapshots, query results and cached answers go at once: a reader that was
using them is told to ask again. In versioned buckets older versions of what was rewritten go too.
"""

import base64
import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from etl.engine.embedded import Engine
from etl.engine.errors import EngineError
from etl.jobs.gold import Gold
from etl.jobs.steps import sql_text
from etl.lake import consumed_files, manifest
from etl.lake.commit import commit_json
from etl.lake.config import LakeConfig
from etl.lake.glue_partitions import sync_silver
from etl.lake.layout import (
    BRONZE_ERROR_PREFIX,
    BRONZE_PREFIX,
    CACHE_PREFIX,
    GOLD_COMMIT,
    GOLD_PREFIX,
    REQUESTS_ERROR_PREFIX,
    REQUESTS_PREFIX,
    RESULTS_PREFIX,
    SILVER_PREFIX,
    bucket_of,
    silver_folder,
    snapshot_of,
    user_bucket,
)
from etl.lake.manifest import Manifest, Part
from etl.lake.storage import Bucket, LocalCopies
from etl.lake.tables import QUARANTINE, TASK_EVENTS
from etl.log import iso, log
from etl.upkeep.orphans import made_by

AT_A_TIME = 200
POLL_SECONDS = 1.0
COPIES = (RESULTS_PREFIX, CACHE_PREFIX)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trace:
    """Rows of one object that are the person's (`own`), and rows of others that name them, as a writer for example."""

    url: str
    own: int
    named: int


class Erasure:
    """One person's removal from one lake; every step can be done again.

    Parameters
    ----------
    config
        The lake.
    s3, glue
        boto3 clients.
    user_id
        Whose rows.
    """

    def __init__(self, config: LakeConfig, s3: Any, glue: Any, user_id: str) -> None:
        if not user_id:
            raise ValueError("no user")
        self.config = config
        self.s3, self.glue = s3, glue
        self.user_id = user_id
        self.bronze = Bucket(config.bronze_bucket, s3)
        self.silver = Bucket(config.silver_bucket, s3)
        self.gold = Bucket(config.gold_bucket, s3)
        self._everywhere = False

    def run(self, *, everywhere: bool = False) -> int:
        """Remove the person's rows from Bronze, Silver and Gold, in that order; how many objects were rewritten.

        `everywhere`: also look where rows of this person should not be, in the buckets of others.
        """
        self._everywhere = everywhere
        rewritten = self._rewrite_bronze() + self._drop_undeliverable() + self._rewrite_silver()
        self._renew_gold()
        return rewritten

    def traces(self) -> list[Trace]:
        """Every object of the lake with a row that holds the person's id anywhere: all is read, nothing is assumed."""
        places = (
            (self.bronze, (BRONZE_PREFIX, REQUESTS_PREFIX)),
            (self.silver, (SILVER_PREFIX,)),
            (self.gold, (GOLD_PREFIX,)),
        )
        found = [
            Trace(bucket.url(key), own, named)
            for bucket, prefixes in places
            for prefix in prefixes
            for key, own, named in self._search(bucket, prefix)
        ]
        for bucket, prefix in (
            (self.bronze, BRONZE_ERROR_PREFIX),
            (self.bronze, REQUESTS_ERROR_PREFIX),
            *((self.gold, prefix) for prefix in COPIES),
        ):
            found += [Trace(bucket.url(key), 1, 0) for key, _ in self._lines_about(bucket, prefix)]
        return found

    def living(self) -> int:
        """How many items of the person are in the table, as far as Silver knows."""
        current = manifest.load(self.silver)
        part = current.parts(TASK_EVENTS.name).get(user_bucket(self.user_id))
        if part is None:
            return 0
        with tempfile.TemporaryDirectory(prefix="erase-", dir=self.config.work_dir) as folder:
            paths = LocalCopies(self.silver, Path(folder)).fetch(part.files)
            with Engine(Path(folder) / "spill", self.config.memory_limit, self.config.threads) as engine:
                engine.read(TASK_EVENTS.name, TASK_EVENTS, paths)
                engine.run("living", sql_text("erase", "living"), {"user_id": self.user_id})
                return engine.count("living")

    def has_arrived(self, keys: Iterable[Key], since: datetime) -> bool:
        """Whether Bronze holds the removal of each of `keys` (PK, SK) from `since` on."""
        missing = set(keys)
        days = consumed_files.listing(self.bronze, (since - timedelta(days=1)).date().isoformat())
        files = [
            consumed_files.day_prefix(day) + name
            for day, names in days.items()
            for name in names
            if bucket_of(name) == user_bucket(self.user_id)
        ]
        for engine, paths, _ in self._copied(self.bronze, files):
            missing -= set(engine.removals(paths, iso(since.replace(microsecond=0))))
        return not missing

    def wait(self, keys: Iterable[Key], since: datetime, patience: float) -> bool:
        """Wait until Bronze holds the removals, `patience` seconds at most; whether it does."""
        wanted, deadline = list(keys), time.monotonic() + patience
        while not self.has_arrived(wanted, since):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    # -- Bronze --------------------------------------------------------------------------------------------------

    def _rewrite_bronze(self) -> int:
        rewritten = 0
        for prefix in (BRONZE_PREFIX, REQUESTS_PREFIX):
            keys = (key for key in self.bronze.keys(prefix) if self._may_hold(key))
            for engine, path, key, (own, _) in self._found(self.bronze, keys):
                if own:
                    kept = path.with_name("kept.parquet")
                    engine.without(path, kept, self.user_id, naming=_about_whom_it_names(key))
                    self.bronze.put(key, kept.read_bytes())
                    self.bronze.delete_old_versions(key)
                    rewritten += 1
            # What compaction has replaced is deleted, but a versioned bucket keeps it for a while.
            self.bronze.delete_versions_of_deleted(prefix, self._may_hold)
        return rewritten

    def _may_hold(self, key: str) -> bool:
        """Rows are in their user's bucket; where a key is no bucket's, anywhere."""
        return self._everywhere or bucket_of(key) in {"", user_bucket(self.user_id)}

    def _drop_undeliverable(self) -> int:
        dropped = 0
        for prefix in (BRONZE_ERROR_PREFIX, REQUESTS_ERROR_PREFIX):
            for key, kept in list(self._lines_about(self.bronze, prefix)):
                self.bronze.put(key, b"".join(kept))
                self.bronze.delete_old_versions(key)
                dropped += 1
        return dropped

    def _lines_about(self, bucket: Bucket, prefix: str) -> Iterator[tuple[str, list[bytes]]]:
        """Objects with lines that hold the id, as text or inside Firehose's base64, and their other lines."""
        for key in bucket.keys(prefix):
            found = bucket.get(key)
            lines = found[0].splitlines(keepends=True) if found else []
            kept = [line for line in lines if not _holds(line, self.user_id)]
            if len(kept) < len(lines):
                yield key, kept

    # -- Silver --------------------------------------------------------------------------------------------------

    def _rewrite_silver(self) -> int:
        def plan(current: Manifest) -> Manifest | None:
            now = datetime.now(UTC)
            commit = manifest.new_name(now)
            changed = self._rewritten(current, commit)
            return current.successor(commit, now, changed) if changed else None

        before, published = manifest.commit(self.silver, plan)
        if published:
            sync_silver(self.glue, self.config.database, published.locations(self.silver))
        self._delete_replaced(published or before)
        return int(published is not None)

    def _rewritten(self, current: Manifest, commit: str) -> dict[tuple[str, str], Part]:
        """The partitions with rows of the person, written without them."""
        changed: dict[tuple[str, str], Part] = {}
        with tempfile.TemporaryDirectory(prefix="erase-", dir=self.config.work_dir) as name:
            folder = Path(name)
            copies = LocalCopies(self.silver, folder)
            with Engine(folder / "spill", self.config.memory_limit, self.config.threads) as engine:
                for table, parts in current.tables.items():
                    for bucket, part in parts.items():
                        if bucket != user_bucket(self.user_id) and table != QUARANTINE.name:
                            continue
                        paths = copies.fetch(part.files)
                        if any(own for own, _ in engine.owned(paths, self.user_id).values()):
                            changed[table, bucket] = self._rewrite_part(engine, table, bucket, commit, paths)
        return changed

    def _rewrite_part(
        self, engine: Engine, table: str, bucket: str, commit: str, paths: Iterable[Path]
    ) -> Part:
        location = silver_folder(table, bucket, commit)
        keys, rows, size = [], 0, 0
        for number, path in enumerate(paths):
            kept = path.with_name(f"kept-{number}.parquet")
            rows += engine.without(path, kept, self.user_id)
            keys.append(f"{location}part-{number}.parquet")
            size += kept.stat().st_size
            self.silver.put(keys[-1], kept.read_bytes())
        return Part(location, tuple(keys), rows, size)

    def _delete_replaced(self, current: Manifest) -> None:
        """Delete every data file but the live ones, whoever left it."""
        live = set(current.all_files())
        dead = [
            key
            for key in self.silver.keys(SILVER_PREFIX)
            if key.endswith(".parquet") and key not in live and made_by(key) <= current.commit
        ]
        self.silver.delete(dead)
        for key in dead:
            self.silver.delete_old_versions(key)

    # -- Gold ----------------------------------------------------------------------------------------------------

    def _renew_gold(self) -> None:
        with tempfile.TemporaryDirectory(prefix="erase-", dir=self.config.work_dir) as folder:
            Gold(self.config, self.s3, self.glue, Path(folder)).run()
        newest = self._forget_snapshots()
        old = [key for key in self.gold.keys(GOLD_PREFIX) if "" < snapshot_of(key) < newest]
        old += [key for prefix in COPIES for key in self.gold.keys(prefix)]
        self.gold.delete(old)
        for key in old:
            self.gold.delete_old_versions(key)

    def _forget_snapshots(self) -> str:
        """Take all snapshots but the newest out of Gold's commit; the newest one's name, empty where there is none."""

        def plan(commit: dict[str, Any] | None) -> dict[str, Any] | None:
            if commit is None:
                return None
            name = commit["snapshot"]
            return {**commit, "snapshots": {name: commit["snapshots"][name]}}

        _, commit = commit_json(self.gold, GOLD_COMMIT, plan)
        return str(commit["snapshot"]) if commit else ""

    # -- Looking -------------------------------------------------------------------------------------------------

    def _search(self, bucket: Bucket, prefix: str) -> Iterator[tuple[str, int, int]]:
        keys = (key for key in bucket.keys(prefix) if key.endswith(".parquet"))
        for _, _, key, (own, named) in self._found(bucket, keys):
            yield key, own, named

    def _found(
        self, bucket: Bucket, keys: Iterable[str]
    ) -> Iterator[tuple[Engine, Path, str, tuple[int, int]]]:
        """Files with rows of the person, or that name them: local copy, key, how many of each."""
        todo = iter(keys)
        while chunk := list(islice(todo, AT_A_TIME)):
            with tempfile.TemporaryDirectory(prefix="erase-", dir=self.config.work_dir) as folder:
                copies = LocalCopies(bucket, Path(folder))
                copies.fetch(chunk)
                with Engine(Path(folder) / "spill", self.config.memory_limit, self.config.threads) as engine:
                    # One table at a time: columns of one name may have another type in another.
                    for _, group in groupby(chunk, key=lambda key: key.split("/")[1]):
                        known = {copies.path(key): key for key in group}
                        for path, counts in self._counted(engine, known).items():
                            yield engine, path, known[path], counts

    def _counted(self, engine: Engine, known: Mapping[Path, str]) -> dict[Path, tuple[int, int]]:
        paths = list(known)
        naming = _about_whom_it_names(known[paths[0]])
        try:
            return engine.owned(paths, self.user_id, naming=naming)
        except EngineError:
            bad = set(engine.unreadable(paths))
            for path in bad:
                log("erase", "cannot be read", level="ERROR", status="unreadable", key=known[path])
            one_by_one = [
                engine.owned([path], self.user_id, naming=naming) for path in paths if path not in bad
            ]
            return {path: counts for found in one_by_one for path, counts in found.items()}

    def _copied(self, bucket: Bucket, keys: Iterable[str]) -> Iterator[tuple[Engine, list[Path], list[str]]]:
        """Local copies of files that are Parquet, some at a time; the others are named in the log."""
        todo = iter(keys)
        while chunk := list(islice(todo, AT_A_TIME)):
            with tempfile.TemporaryDirectory(prefix="erase-", dir=self.config.work_dir) as folder:
                copies = LocalCopies(bucket, Path(folder))
                paths = copies.fetch(chunk)
                with Engine(Path(folder) / "spill", self.config.memory_limit, self.config.threads) as engine:
                    bad = set(engine.unreadable(paths))
                    for path in bad:
                        log("erase", "cannot be read", level="ERROR", status="unreadable", key=str(path))
                    good = [pair for pair in zip(paths, chunk, strict=True) if pair[0] not in bad]
                    yield engine, [path for path, _ in good], [key for _, key in good]


def _about_whom_it_names(key: str) -> bool:
    """Whether rows of a file are erased if they name the person at all.

    A request of an admin about the person is such a row. A change is not: it is its owner's, whoever wrote it.
    """
    return key.startswith(REQUESTS_PREFIX)


def _holds(line: bytes, user_id: str) -> bool:
    if user_id.encode() in line:
        return True
    try:
        raw = json.loads(line).get("rawData", "")
        return user_id.encode() in base64.b64decode(raw)
    except (ValueError, AttributeError, TypeError):
        return False
