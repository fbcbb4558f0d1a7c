"""``manage.py warm_insights``: answer the dashboard's questions ahead of its first reader."""

import logging
import os
import signal
import threading
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand

from insights import warming
from web import athena

_log = logging.getLogger(__name__)


class Command(BaseCommand):
    """The last step of the pipeline: run once after it has published, or beside it with ``--watch``."""

    help = "Cache the answers of the insights pages without filters for the snapshot that is published."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--watch", action="store_true", help="warm every new snapshot, until stopped")

    def handle(self, *, watch: bool, **_: Any) -> None:
        """Run it. A question that cannot be answered is left to the page; it is no failure of the pipeline."""
        if watch:
            self._watch()
            return
        snapshot = athena.current_snapshot()
        if snapshot is None:
            _log.warning("nothing has been published yet")
            return
        # Logged, not written: in AWS the web function runs this, and its log holds lines of one shape.
        _log.info("warmed", extra={"metadata": {"snapshot": snapshot.id, "answers": warming.warm(snapshot)}})

    def _watch(self) -> None:
        with suppress(OSError):
            os.nice(10)  # readers and the pipeline come first
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        warming.watch(stop)
