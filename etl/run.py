"""The lake jobs: `python -m etl.run --once` brings Silver and Gold up to date, `--watch` keeps them so."""

import argparse
import functools
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from etl.aws import client
from etl.jobs import job_requests
from etl.jobs.gold import Gold
from etl.jobs.silver import Silver
from etl.lake import consumed_files
from etl.lake.config import ConfigError, LakeConfig, lake_config
from etl.log import log
from etl.status import run_log
from etl.upkeep import orphans, retention

# How often everything is looked at: all open days of Bronze, and what other runs have committed.
FULL_LOOK_SECONDS = 30.0
# Looking takes at most this share of the time, until the pauses would grow longer than people wait.
IDLE_SHARE = 0.05
IDLE_CAP_SECONDS = 2.0
BACKOFF_CAP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Tidied:
    """What tidying did: unreferenced and expired files deleted, quarantined rows given up, small files made few."""

    swept: int
    expired: int
    quarantine: int
    merged: int
    into: int


class Lake:
    """Silver, then Gold, over one folder of local copies.

    Parameters
    ----------
    config
        The lake.
    s3, glue
        boto3 clients.
    folder
        For local copies and spilling.
    """

    def __init__(self, config: LakeConfig, s3: Any, glue: Any, folder: Path) -> None:
        self.silver = Silver(config, s3, glue, folder)
        self.gold = Gold(config, s3, glue, folder)
        self.seen: consumed_files.Days = {}
        self._settled: dict[str, str] = {}
        self.next_tidy = datetime.min.replace(tzinfo=UTC)

    def run(self, now: datetime | None = None) -> bool:
        """Bring everything up to date; whether anything was published."""
        committed, published = self.run_silver(), self.run_gold(now)
        return committed or published

    def run_silver(self) -> bool:
        """Take in everything new of Bronze; whether anything was committed."""
        started = datetime.now(UTC)
        committed = self.silver.run()
        while self.silver.backlog:
            committed = self.silver.run()
        if committed is not None:
            rows = {table: committed.rows(table) for table in committed.tables}
            run_log.record(self.silver.silver, "silver", started, rows)
        self._sweep(started)
        return committed is not None

    def _sweep(self, now: datetime) -> None:
        """Once a day, and at the start of a process, delete what is not needed and merge small files."""
        if now < self.next_tidy:
            return
        try:
            self.tidy(now)
            self.next_tidy = now + timedelta(days=1)
        except Exception as error:  # noqa: BLE001  what it would have tidied can wait; the figures cannot
            self.next_tidy = now + timedelta(hours=1)
            log("tidy", "failed", level="ERROR", status="error", error=f"{type(error).__name__}: {error}")

    def tidy(self, now: datetime) -> Tidied:
        """Delete what nobody refers to and what is kept no longer; merge the small files of Bronze's closed days."""
        # Not above: where Spark does the work, DuckDB is not installed.
        from etl.upkeep.compact import Compaction

        config, s3 = self.silver.config, self.silver.silver.s3
        swept, expired = orphans.run(config, s3, now), retention.run(config, s3, now)
        dropped = retention.drop_old_quarantine(config, s3, self.silver.glue, now)
        merged = Compaction(config, s3).run(now)
        return Tidied(swept, expired, dropped, merged.merged, merged.into)

    def run_gold(self, now: datetime | None = None) -> bool:
        """Publish what Silver holds; whether there was anything to publish."""
        started = datetime.now(UTC)
        published = self.gold.run(now)
        if published is not None:
            rows = {name: table["rows"] for name, table in published["tables"].items()}
            run_log.record(self.silver.silver, "gold", started, rows)
        return published is not None

    def carry_out_requests(self, now: datetime | None = None) -> bool:
        """Carry out what has been ordered and is due; whether there was anything."""
        silver, days = self.silver.silver, self.silver.quarantined_days
        return job_requests.carry_out(silver, self.run, self._erase, self._settled, now, quarantined=days) > 0

    def upkeep(self, now: datetime | None = None) -> bool:
        """What only the embedded engine does, for a lake that Spark brings up to date; whether there was anything.

        Erasures take Silver as it is: what is not in it yet, the erasure waits for.
        """
        moment = now or datetime.now(UTC)
        silver = self.silver.silver
        taken = job_requests.carry_out(
            silver, lambda: None, self._erase_only, self._settled, moment, ("erase",)
        )
        self._sweep(moment)
        return taken > 0

    def _erase_only(self, order: job_requests.JobRequest, now: datetime) -> job_requests.Outcome:
        from etl.upkeep import erasure_requests

        silver = self.silver
        return erasure_requests.carry_out(
            silver.config, silver.silver.s3, silver.glue, lambda: None, order, now
        )

    def _erase(self, order: job_requests.JobRequest, now: datetime) -> job_requests.Outcome:
        # Not above: where Spark does the work, DuckDB is not installed.
        from etl.upkeep import erasure_requests

        silver = self.silver
        outcome = erasure_requests.carry_out(
            silver.config, silver.silver.s3, silver.glue, self.run, order, now
        )
        silver.forget_replaced()
        return outcome

    def has_news(self, now: datetime) -> bool:
        """A cheap look: whether the last two days of Bronze or the reporting date differ from the last time."""
        listed = self._recent(now)
        if listed == self.seen and not self.gold.is_past(now):
            return False
        self.seen = listed
        return True

    def _recent(self, now: datetime) -> consumed_files.Days:
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        return consumed_files.listing(self.silver.bronze, yesterday.isoformat())


def watch(lake: Lake, poll_seconds: float, stop: threading.Event) -> None:
    """Keep the lake up to date until `stop` is set; an error is logged and tried again, later each time."""
    errors = 0
    full_look = 0.0
    while not stop.is_set():
        started = time.monotonic()
        try:
            lake.carry_out_requests()
            news = lake.has_news(datetime.now(UTC))
            looked = time.monotonic() - started
            if news or started >= full_look:
                lake.run()
                full_look = time.monotonic() + FULL_LOOK_SECONDS
            errors = 0
            pause = max(poll_seconds, min(looked / IDLE_SHARE, IDLE_CAP_SECONDS))
        except Exception as error:  # noqa: BLE001  the loop outlives whatever is wrong with one run
            errors += 1
            lake.seen = {}
            pause = min(BACKOFF_CAP_SECONDS, 2.0**errors / 2)
            log(
                "watch",
                "run failed",
                level="ERROR",
                status="error",
                error=f"{type(error).__name__}: {error}",
                pause=pause,
            )
        stop.wait(pause)


@functools.cache
def _warm_lake() -> Lake:
    """The lake of this process: a function that is called again finds its local copies."""
    config = lake_config()
    folder = config.work_dir or Path(tempfile.mkdtemp(prefix="lake-"))
    folder.mkdir(parents=True, exist_ok=True)
    return Lake(config, client("s3"), client("glue"), folder)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda: run one layer, `{"layer": "silver"}` or `{"layer": "gold"}`, or what Spark leaves over: `upkeep`.

    Parameters
    ----------
    event
        Which layer.
    context
        Lambda's; not used.

    Returns
    -------
    dict
        The layer, and whether anything was published.

    Raises
    ------
    ValueError
        For another layer. What a run raises is raised too: the state machine tries again.
    """
    lake = _warm_lake()
    jobs = {"silver": lake.run_silver, "gold": lake.run_gold, "upkeep": lake.upkeep}
    layer = event.get("layer", "")
    if layer not in jobs:
        raise ValueError(f"layer must be one of {', '.join(jobs)}, not {layer!r}")
    ordered = lake.carry_out_requests() if layer == "silver" else False
    return {"layer": layer, "published": jobs[layer]() or ordered}


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
        lake = Lake(config, client("s3"), client("glue"), Path(folder))
        if options.once:
            return _once(lake)
        log("watch", "watching", poll_seconds=config.poll_seconds, timezone=str(config.timezone))
        watch(lake, config.poll_seconds, stop)
        log("watch", "stopped")
    return 0


def _once(lake: Lake) -> int:
    try:
        ordered = lake.carry_out_requests()
        published = lake.run() or ordered
    except Exception as error:  # noqa: BLE001  reported as the command's outcome
        log("once", "run failed", level="ERROR", status="error", error=f"{type(error).__name__}: {error}")
        return 1
    log("once", "published" if published else "nothing new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
