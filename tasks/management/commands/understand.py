"""``manage.py understand``: print how quick add reads lines, for translators and bug reports."""

import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from store import time_zones
from tasks.language import lexicon, quick_add

FIELDS = (
    *("title", "due_date", "due_time", "recurrence", "repeat_from", "priority", "tags", "category"),
    *("assignee", "project", "section"),
)


class Command(BaseCommand):
    """Reads lines from standard input and writes a JSON object for each to standard output."""

    help = (
        "Print how quick add reads each line of standard input: a JSON object a line, with null for what the line does "
        "not say."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--now", help="when the lines are written, ISO 8601; local in the zone if it names none (now)"
        )
        parser.add_argument("--timezone", default="UTC", help="the person's time zone (%(default)s)")
        parser.add_argument("--language", default="en", help="the language of the lines (%(default)s)")

    def handle(self, *, now: str | None, timezone: str, language: str, **options: Any) -> None:
        """Read and write. Raises CommandError for an option that is not understood."""
        moment = _moment(now, _zone(timezone))
        if language not in lexicon.codes():
            raise CommandError(f"--language must be one of {', '.join(lexicon.codes())}, not {language!r}")
        # Lines are UTF-8 whatever the locale says.
        for line in sys.stdin.buffer if hasattr(sys.stdin, "buffer") else sys.stdin:
            text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
            fields = quick_add.parse(text.rstrip("\r\n"), moment, language).fields
            known = {name: fields.get(name) for name in FIELDS}
            self.stdout.write(json.dumps(known, ensure_ascii=False))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(time_zones.checked(name))
    except time_zones.UnknownZone as error:
        raise CommandError(f"--timezone must be a zone, not {name!r}. {error}") from None


def _moment(text: str | None, zone: ZoneInfo) -> datetime:
    if text is None:
        return datetime.now(zone)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--now must be a moment such as 2026-11-30T08:15, not {text!r}") from None
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
