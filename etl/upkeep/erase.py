"""Removes one person from every layer of the lake and what was made of it, and searches for traces.

First the person gets into the list of the erased (`etl.lake.erased`): from then on, what is still on its way, or is
replayed later, is left out.

Bronze files are rewritten under their own names, so they still count as consumed. Of Silver, a commit like any other
replaces the files that hold the person, and Gold follows from Silver. Old files, snapshots, query results and cached
answers are deleted at once: their readers are told to ask again. In versioned buckets the older versions of rewritten
objects are deleted as well.
"""

import base64
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from etl.aws import client
from etl.capture import dead_letters
from etl.engine.embedded import Engine, scratch_engine
from etl.engine.errors import EngineError
from etl.jobs import job_requests
from etl.jobs.gold import Gold
from etl.jobs.local_workspace import LocalWorkspace
from etl.jobs.steps import sql_text
from etl.lake import consumed_files, erased, manifest
from etl.lake.commit import commit_json
from etl.lake.config import LakeConfig
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
    made_by,
    snapshot_of,
    user_bucket,
)
from etl.lake.manifest import Manifest
from etl.lake.storage import Bucket, LocalCopies
from etl.lake.tables import QUARANTINE, TASK_EVENTS
from etl.log import iso, log
from etl.upkeep import rebuilt_tables
from etl.upkeep.rewrite_silver import commit_rewritten

AT_A_TIME = 200
POLL_SECONDS = 1.0
DERIVED = (RESULTS_PREFIX, CACHE_PREFIX)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trace:
    """Rows of one object: the person's `own`, and rows of others that name the person, as their writer for example."""

    url: str
    own: int
    named: int


class Erasure:
    """Removes one person from one lake; every step can be repeated.

    Parameters
    ----------
    config, s3, glue
        The lake and its boto3 clients.
    user_id
        The person.
    clients
        Returns the client of SQS or DynamoDB; `etl.aws.client` if None.
    """

    def __init__(
        self,
        config: LakeConfig,
        s3: Any,
        glue: Any,
        user_id: str,
        clients: Callable[[str], Any] | None = None,
    ) -> None:
        if not user_id:
            raise ValueError("no user id")
        self.config = config
        self.s3, self.glue = s3, glue
        self.user_id = user_id
        self.clients = clients or client
        self.bronze = Bucket(config.bronze_bucket, s3)
        self.silver = Bucket(config.silver_bucket, s3)
        self.gold = Bucket(config.gold_bucket, s3)
        self._everywhere = False

    def run(self, *, everywhere: bool = False) -> int:
        """Remove the person's rows from Bronze, Silver and Gold, in that order; return the number of rewritten objects.

        Also delete the person's messages in the on-failure queue and items in tables that were restored from the lake,
        and have other job requests and dismissals forget the person. `everywhere`: also search other user buckets,
        where no row of this person should be.
        """
        self._everywhere = everywhere
        erased.add(self.bronze, self.user_id)
        self._search_queue(erase=True)
        addresses = self._addresses()
        job_requests.forget(self.silver, self.user_id, addresses)
        self._forget_dismissals({self.user_id, *addresses})
        rewritten = self._rewrite_bronze() + self._drop_undeliverable() + self._rewrite_silver()
        self._renew_gold()
        rebuilt_tables.erase(self.bronze, self.clients("dynamodb"), self.user_id)
        return rewritten

    def is_listed(self) -> bool:
        """Whether the person is among the erased already, so that no change of theirs gets into the lake any more."""
        return erased.load(self.bronze).holds(self.user_id)

    def traces(self) -> list[Trace]:
        """Everything that holds the person's id anywhere: objects of the lake, messages of the queue, rebuilt tables.

        Reads all files. Not among them is an open request to erase the person, which forgets the id by itself.
        """
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
            *((self.gold, prefix) for prefix in DERIVED),
        ):
            found += [Trace(bucket.url(key), 1, 0) for key, _ in self._lines_about(bucket, prefix)]
        found += [Trace(self.silver.url(key), 1, 0) for key in job_requests.naming(self.silver, self.user_id)]
        rebuilt = rebuilt_tables.holding(self.bronze, self.clients("dynamodb"), self.user_id)
        found += [Trace(table, own, 0) for table, own in rebuilt]
        return found + self._search_queue()

    def _search_queue(self, *, erase: bool = False) -> list[Trace]:
        url = self.config.failure_queue
        if not url:
            return []
        found = dead_letters.search(url, self.clients("sqs"), self.user_id, erase=erase)
        traces = [Trace(f"{url} {message}", 1, 0) for message in found.messages]
        if found.unseen:
            traces.append(Trace(f"{url}: messages that others are reading", found.unseen, 0))
        return traces

    def _addresses(self) -> set[str]:
        """E-mail addresses of the person, as far as Silver knows; requests of an admin bear the admin's."""
        part = manifest.load(self.silver).parts(TASK_EVENTS.name).get(user_bucket(self.user_id))
        if part is None:
            return set()
        with scratch_engine(self.config) as (engine, folder):
            engine.read(TASK_EVENTS.name, TASK_EVENTS, LocalCopies(self.silver, folder).fetch(part.keys))
            engine.run("addresses", sql_text("erase", "addresses"), {"user_id": self.user_id})
            return {address for (address,) in engine.rows("addresses", "email")}

    def living_items(self) -> int:
        """Number of the person's items in the table, as far as Silver knows."""
        current = manifest.load(self.silver)
        part = current.parts(TASK_EVENTS.name).get(user_bucket(self.user_id))
        if part is None:
            return 0
        with scratch_engine(self.config) as (engine, folder):
            engine.read(TASK_EVENTS.name, TASK_EVENTS, LocalCopies(self.silver, folder).fetch(part.keys))
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
        for engine, paths in self._readable(files):
            missing -= set(engine.removals(paths, iso(since.replace(microsecond=0))))
        return not missing

    def wait(self, keys: Iterable[Key], since: datetime, patience: float) -> bool:
        """Wait until Bronze holds the removals, for at most `patience` seconds; return whether it does."""
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
                    own_rows = engine.own_rows([path], self.user_id, naming=_belongs_to_all_named(key))
                    engine.without([path], kept, own_rows)
                    self.bronze.put(key, kept.read_bytes())
                    self.bronze.delete_old_versions(key)
                    rewritten += 1
            # A versioned bucket still keeps the files that compaction has replaced and deleted.
            self.bronze.delete_versions_of_deleted(prefix, self._may_hold)
        return rewritten

    def _may_hold(self, key: str) -> bool:
        """Whether a file can have rows of the person: those of their user bucket, and those of no user bucket."""
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
        """Objects with lines that hold the id, as text or in Firehose's base64; with the lines to keep."""
        for key in bucket.keys(prefix):
            found = bucket.get(key)
            lines = found[0].splitlines(keepends=True) if found else []
            kept = [line for line in lines if not _holds(line, self.user_id)]
            if len(kept) < len(lines):
                yield key, kept

    # -- Silver --------------------------------------------------------------------------------------------------

    def _rewrite_silver(self) -> int:
        before, published = commit_rewritten(
            self.config,
            self.s3,
            self.glue,
            lambda table, bucket: bucket == user_bucket(self.user_id) or table == QUARANTINE.name,
            lambda engine, paths: engine.own_rows(paths, self.user_id),
        )
        self._delete_replaced(published or before)
        return int(published is not None)

    def _forget_dismissals(self, names: set[str]) -> None:
        """Leave the person's names out of the rows of the quarantine that the person has dismissed."""
        commit_rewritten(
            self.config,
            self.s3,
            self.glue,
            lambda table, _: table == QUARANTINE.name,
            lambda engine, paths: engine.dismissed_by(paths, names),
            lambda engine, paths, path, meant: engine.mark(
                paths, path, QUARANTINE, meant, {"dismissed_by": ""}
            ),
        )

    def _delete_replaced(self, current: Manifest) -> None:
        """Delete every data file except the live ones and those of newer commits."""
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
            Gold(self.config, self.s3, self.glue, LocalWorkspace(self.config, self.s3, Path(folder))).run()
        newest = self._forget_snapshots()
        old = [key for key in self.gold.keys(GOLD_PREFIX) if "" < snapshot_of(key) < newest]
        old += [key for prefix in DERIVED for key in self.gold.keys(prefix)]
        self.gold.delete(old)
        for key in old:
            self.gold.delete_old_versions(key)

    def _forget_snapshots(self) -> str:
        """Remove all snapshots but the newest from Gold's commit; return its name, empty if there is none."""

        def plan(commit: dict[str, Any] | None) -> dict[str, Any] | None:
            if commit is None:
                return None
            name = commit["snapshot"]
            return {**commit, "snapshots": {name: commit["snapshots"][name]}}

        _, commit = commit_json(self.gold, GOLD_COMMIT, plan)
        return str(commit["snapshot"]) if commit else ""

    # -- Searching -----------------------------------------------------------------------------------------------

    def _search(self, bucket: Bucket, prefix: str) -> Iterator[tuple[str, int, int]]:
        keys = (key for key in bucket.keys(prefix) if key.endswith(".parquet"))
        for _, _, key, (own, named) in self._found(bucket, keys):
            yield key, own, named

    def _found(
        self, bucket: Bucket, keys: Iterable[str]
    ) -> Iterator[tuple[Engine, Path, str, tuple[int, int]]]:
        """Files with rows that belong to the person or name them: local copy, key, and how many of each."""
        todo = iter(keys)
        while chunk := list(islice(todo, AT_A_TIME)):
            with scratch_engine(self.config) as (engine, folder):
                copies = LocalCopies(bucket, folder)
                copies.fetch(chunk)
                # One table at a time: a column of the same name may have another type in another table.
                for _, group in groupby(chunk, key=lambda key: key.split("/")[1]):
                    known = {copies.path(key): key for key in group}
                    for path, counts in self._counted(engine, known).items():
                        yield engine, path, known[path], counts

    def _counted(self, engine: Engine, known: Mapping[Path, str]) -> dict[Path, tuple[int, int]]:
        paths = list(known)
        naming = _belongs_to_all_named(known[paths[0]])
        try:
            return engine.owned(paths, self.user_id, naming=naming)
        except EngineError:
            bad = set(engine.unreadable(paths))
            for path in bad:
                log("erase", "unreadable file", level="ERROR", status="unreadable", key=known[path])
            one_by_one = [
                engine.owned([path], self.user_id, naming=naming) for path in paths if path not in bad
            ]
            return {path: counts for found in one_by_one for path, counts in found.items()}

    def _readable(self, keys: Iterable[str]) -> Iterator[tuple[Engine, list[Path]]]:
        """Local copies of the readable Bronze files, some at a time; logs the others."""
        todo = iter(keys)
        while chunk := list(islice(todo, AT_A_TIME)):
            with scratch_engine(self.config) as (engine, folder):
                paths = LocalCopies(self.bronze, folder).fetch(chunk)
                bad = set(engine.unreadable(paths))
                for path in bad:
                    log("erase", "unreadable file", level="ERROR", status="unreadable", key=str(path))
                yield engine, [path for path in paths if path not in bad]


def _belongs_to_all_named(key: str) -> bool:
    """Whether the rows of a file belong to every person they name.

    A row of the request log does: an admin's request about the person, for example. A change belongs to its owner only.
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
