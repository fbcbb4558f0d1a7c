"""``manage.py warm_insights``: answer the dashboard's questions ahead of its first reader."""

import os
import signal
import threading
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand

from insights import warehouse, warming


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
        snapshot = warehouse.current_snapshot()
        if snapshot is None:
            self.stdout.write("Nothing has been published yet.")
            return
        for days, answers in warming.warm(snapshot).items():
            self.stdout.write(f"{days} days: {answers} answers of snapshot {snapshot.id}")

    def _watch(self) -> None:
        with suppress(OSError):
            os.nice(10)  # readers and the pipeline come first
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        warming.watch(stop)
