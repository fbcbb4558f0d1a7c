"""Runs the lake: `python -m etl.run --once` brings Silver and Gold up to date, `--watch` keeps them up to date."""

import argparse
import functools
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from etl.aws import client
from etl.jobs import job_requests
from etl.jobs.gold import Gold
from etl.jobs.silver import Silver
from etl.jobs.workspace import Workspace
from etl.lake import consumed_files
from etl.lake.config import ConfigError, LakeConfig, lake_config
from etl.lake.tables import SILVER
from etl.log import log
from etl.redaction import errors_redacted
from etl.status import run_log
from etl.upkeep import orphans, replay_failures, retention
from etl.upkeep.merge_silver import merge

# How often a full run is due even without news: it finds late files, and commits of other runs.
FULL_RUN_SECONDS = 30.0
# Polling takes at most this share of the time, as long as the pauses stay short enough for people who wait.
IDLE_SHARE = 0.05
IDLE_CAP_SECONDS = 2.0
BACKOFF_CAP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Tidied:
    """Result of tidying: orphan and expired files deleted, quarantined rows dropped, small files merged into few.

    `merged` and `into` are of Bronze, `silver` is how many files of Silver were merged.
    """

    orphans: int
    expired: int
    quarantine: int
    merged: int
    into: int
    silver: int


class Lake:
    """Silver, then Gold, in one workspace.

    Parameters
    ----------
    config, s3, glue
        The lake and its boto3 clients.
    workspace
        Runs the SQL. Where it cannot edit single files, erasing and merging are left to a lake that can.
    """

    def __init__(self, config: LakeConfig, s3: Any, glue: Any, workspace: Workspace) -> None:
        self.config, self.s3, self.glue = config, s3, glue
        self.workspace = workspace
        self.silver = Silver(config, s3, glue, workspace)
        self.gold = Gold(config, s3, glue, workspace)
        self.seen: consumed_files.Days = {}
        self._settled: dict[str, str] = {}
        self.next_tidy = datetime.min.replace(tzinfo=UTC)

    def run(self, now: datetime | None = None) -> bool:
        """Bring both layers up to date; return whether anything was published."""
        committed, published = self.run_silver(), self.run_gold(now)
        return committed or published

    def run_silver(self) -> bool:
        """Consume all new Bronze files; return whether anything was committed."""
        started = datetime.now(UTC)
        committed = self.silver.run()
        while self.silver.backlog:
            committed = self.silver.run()
        if committed is not None:
            rows = {table.name: committed.rows(table.name) for table in SILVER}
            run_log.record(self.silver.silver, "silver", started, rows)
        self._tidy_daily(started)
        self._merge_many(started)
        return committed is not None

    def _tidy_daily(self, now: datetime) -> None:
        """Tidy if that is due: at the start of a process, then once a day."""
        if now < self.next_tidy:
            return
        try:
            self.tidy(now)
            self.next_tidy = now + timedelta(days=1)
        except Exception as error:  # noqa: BLE001  tidying can wait, the figures cannot
            self.next_tidy = now + timedelta(hours=1)
            log("tidy", "failed", error=error)

    def _merge_many(self, now: datetime) -> None:
        """Merge files of Silver where there are many small ones: on a day of many runs, their number stays bounded."""
        try:
            self._merge(now, daily=False)
        except Exception as error:  # noqa: BLE001  as above
            log("merge", "failed", error=error)

    def _merge(self, now: datetime, *, daily: bool) -> int:
        if not self.workspace.edits_files:
            return 0
        merged = merge(self.config, self.silver.silver, self.glue, self.workspace, now, daily=daily)
        if merged:
            self.silver.forget_replaced()
        return merged

    def tidy(self, now: datetime) -> Tidied:
        """Delete orphan and expired files, drop old quarantined rows, merge small files of Bronze and Silver."""
        deleted = orphans.delete_orphans(self.config, self.s3, now)
        if not self.workspace.edits_files:
            return Tidied(deleted, 0, 0, 0, 0, 0)
        # Not above: where Spark does the work, DuckDB is not installed.
        from etl.upkeep.compact import Compaction

        expired = retention.delete_expired(self.config, self.s3, now)
        dropped = retention.drop_old_quarantine(self.config, self.s3, self.glue, now)
        merged = Compaction(self.config, self.s3).run(now)
        silver = self._merge(now, daily=True)
        return Tidied(deleted, expired, dropped, merged.merged, merged.into, silver)

    def run_gold(self, now: datetime | None = None) -> bool:
        """Publish Silver as it is; return whether there was anything to publish."""
        started = datetime.now(UTC)
        published = self.gold.run(now)
        if published is not None:
            rows = {name: table["rows"] for name, table in published["tables"].items()}
            run_log.record(self.silver.silver, "gold", started, rows)
        return published is not None

    def carry_out_requests(self, now: datetime | None = None) -> bool:
        """Carry out the job requests that are due; return whether there were any."""
        self.silver.take_over()
        here = self.workspace.edits_files  # else `upkeep` does it
        edit = functools.partial(self._edit, self.run) if here else None
        silver, days = self.silver.silver, self.silver.quarantined_days
        done = job_requests.carry_out(
            silver,
            self.run,
            edit,
            self._settled,
            now,
            quarantined=days,
            failures=replay_failures.carry_out if here else None,
        )
        return done > 0

    def upkeep(self, now: datetime | None = None) -> bool:
        """Do what Spark cannot, and tidy; return whether any request was due.

        Erasures take Silver as it is, and wait for removals that have not reached it.
        """
        moment = now or datetime.now(UTC)
        self.silver.take_over()
        edit = functools.partial(self._edit, lambda: None)
        done = job_requests.carry_out(
            self.silver.silver,
            lambda: None,
            edit,
            self._settled,
            moment,
            (*job_requests.EDITS, "failures"),
            failures=replay_failures.carry_out,
        )
        self._tidy_daily(moment)
        self._merge_many(moment)
        return done > 0

    def _edit(
        self, run: Callable[[], Any], request: job_requests.JobRequest, now: datetime
    ) -> job_requests.Outcome:
        # Not above: where Spark does the work, DuckDB is not installed.
        from etl.upkeep import dismissals, erasure_requests

        if request.kind == "erase":
            outcome = erasure_requests.carry_out(self.config, self.s3, self.glue, run, request, now)
        else:
            outcome = dismissals.carry_out(self.config, self.s3, self.glue, request)
            run()
        self.silver.forget_replaced()
        return outcome

    def has_news(self, now: datetime) -> bool:
        """Whether the last two days of Bronze, or the reporting date, differ from the last call: a cheap check."""
        listed = self._recent(now)
        if listed == self.seen and not self.gold.is_past(now):
            return False
        self.seen = listed
        return True

    def _recent(self, now: datetime) -> consumed_files.Days:
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        return consumed_files.listing(self.silver.bronze, yesterday.isoformat())


def local_lake(config: LakeConfig, s3: Any, glue: Any, folder: Path) -> Lake:
    """A lake on the embedded engine, with its local copies in a folder."""
    # Not above: where Spark does the work, DuckDB is not installed.
    from etl.jobs.local_workspace import LocalWorkspace

    return Lake(config, s3, glue, LocalWorkspace(config, s3, folder))


def watch(lake: Lake, poll_seconds: float, stop: threading.Event) -> None:
    """Keep the lake up to date until `stop` is set; after an error, log it and try again after a growing pause."""
    errors = 0
    full_run_at = 0.0
    while not stop.is_set():
        started = time.monotonic()
        try:
            lake.carry_out_requests()
            news = lake.has_news(datetime.now(UTC))
            polled = time.monotonic() - started
            if news or started >= full_run_at:
                lake.run()
                full_run_at = time.monotonic() + FULL_RUN_SECONDS
            errors = 0
            pause = max(poll_seconds, min(polled / IDLE_SHARE, IDLE_CAP_SECONDS))
        except Exception as error:  # noqa: BLE001  the loop survives any failure of one run
            errors += 1
            lake.seen = {}
            pause = min(BACKOFF_CAP_SECONDS, 2.0**errors / 2)
            log("watch", "run failed", error=error, pause=pause)
        stop.wait(pause)


@functools.cache
def _warm_lake() -> Lake:
    """The lake of this process: later invocations find its local copies."""
    config = lake_config()
    folder = config.work_dir or Path(tempfile.mkdtemp(prefix="lake-"))
    folder.mkdir(parents=True, exist_ok=True)
    return local_lake(config, client("s3"), client("glue"), folder)


@errors_redacted
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda: run one layer, `{"layer": "silver"}` or `{"layer": "gold"}`, or the `upkeep` that Spark cannot do.

    Returns the layer, and whether anything was published. Errors of a run are raised: the state machine tries again.
    """
    lake = _warm_lake()
    jobs = {"silver": lake.run_silver, "gold": lake.run_gold, "upkeep": lake.upkeep}
    layer = event.get("layer", "")
    if layer not in jobs:
        raise ValueError(f"layer must be one of {', '.join(jobs)}, not {layer!r}")
    requested = lake.carry_out_requests() if layer == "silver" else False
    return {"layer": layer, "published": jobs[layer]() or requested}


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; 0 on success, 1 on a failed run, 2 on bad usage or settings."""
    parser = argparse.ArgumentParser(prog="python -m etl.run", description=__doc__)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--once", action="store_true", help="run Silver and Gold once and stop")
    mode.add_argument(
        "--watch", action="store_true", help="run whenever Bronze has something new, until stopped"
    )
    options = parser.parse_args(arguments)
    try:
        config = lake_config()
    except ConfigError as error:
        log("start", str(error), level="ERROR", status="error")
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory(prefix="lake-", dir=config.work_dir) as folder:
        lake = local_lake(config, client("s3"), client("glue"), Path(folder))
        if options.once:
            return _once(lake)
        log("watch", "watching", poll_seconds=config.poll_seconds, timezone=str(config.timezone))
        watch(lake, config.poll_seconds, stop)
        log("watch", "stopped")
    return 0


def _once(lake: Lake) -> int:
    try:
        requested = lake.carry_out_requests()
        published = lake.run() or requested
    except Exception as error:  # noqa: BLE001  reported as the command's result
        log("once", "run failed", error=error)
        return 1
    log("once", "published" if published else "nothing new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
