"""The lake jobs: `python -m etl.run --once` brings Silver and Gold up to date, `--watch` keeps them so."""

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from etl import bookmark
from etl.aws import client
from etl.config import ConfigError, LakeConfig, lake_config
from etl.gold import Gold
from etl.log import log
from etl.silver import Silver

# How often everything is looked at: all open days of Bronze, and what other runs have committed.
FULL_LOOK_SECONDS = 30.0
# Looking may take at most this share of the time, whatever the listing costs.
IDLE_SHARE = 0.1
BACKOFF_CAP_SECONDS = 30.0


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
        self.seen: bookmark.Days = {}

    def run(self, now: datetime | None = None) -> bool:
        """Bring everything up to date; whether anything was published."""
        committed = self.silver.run()
        while self.silver.backlog:
            committed = self.silver.run()
        return (self.gold.run(now) is not None) or committed is not None

    def has_news(self, now: datetime) -> bool:
        """A cheap look: whether the last two days of Bronze or the reporting date differ from the last time."""
        listed = self._recent(now)
        if listed == self.seen and not self.gold.is_past(now):
            return False
        self.seen = listed
        return True

    def _recent(self, now: datetime) -> bookmark.Days:
        yesterday = now.astimezone(UTC).date() - timedelta(days=1)
        return bookmark.listing(self.silver.bronze, yesterday.isoformat())


def watch(lake: Lake, poll_seconds: float, stop: threading.Event) -> None:
    """Keep the lake up to date until `stop` is set; an error is logged and tried again, later each time."""
    errors = 0
    full_look = 0.0
    while not stop.is_set():
        started = time.monotonic()
        try:
            news = lake.has_news(datetime.now(UTC))
            looked = time.monotonic() - started
            if news or started >= full_look:
                lake.run()
                full_look = time.monotonic() + FULL_LOOK_SECONDS
            errors = 0
            pause = max(poll_seconds, looked / IDLE_SHARE)
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
        published = lake.run()
    except Exception as error:  # noqa: BLE001  reported as the command's outcome
        log("once", "run failed", level="ERROR", status="error", error=f"{type(error).__name__}: {error}")
        return 1
    log("once", "published" if published else "nothing new")
    return 0


if __name__ == "__main__":
    sys.exit(main())
