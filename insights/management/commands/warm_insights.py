"""``manage.py warm_insights``: answer the questions of the dashboard before its first visitor."""

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
    """The last step of the pipeline: runs once after publishing, or beside the pipeline with ``--watch``."""

    help = "Cache the answers of the insights pages without filters for the published snapshot."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--watch", action="store_true", help="warm every new snapshot until stopped")

    def handle(self, *, watch: bool, **_: Any) -> None:
        """Run the command. An unanswered question is left to the page and does not fail the pipeline."""
        if watch:
            self._watch()
            return
        snapshot = athena.current_snapshot()
        if snapshot is None:
            _log.warning("nothing has been published yet")
            return
        # Logged rather than printed: in AWS the web function runs this, and all of its output is structured logs.
        _log.info("warmed", extra={"metadata": {"snapshot": snapshot.id, "answers": warming.warm(snapshot)}})

    def _watch(self) -> None:
        with suppress(OSError):
            os.nice(10)  # page requests and the pipeline take precedence
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        warming.watch(stop)
