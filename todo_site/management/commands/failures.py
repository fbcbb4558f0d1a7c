"""``manage.py failures``: list the messages of the failure queue, or discard one that will never work."""

import uuid
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError

from etl.aws import client
from etl.capture import dead_letters
from etl.capture.dead_letters import DeadLetter
from store.request_context import RequestContext
from todo_site.management.lake import lake, operator, queue_url
from todo_site.operations import failure_queue
from web.commands import ResultCommand, add_json, at_least

LISTED = 100


class Command(ResultCommand):
    """``list`` shows what waits, ``discard`` deletes one message. ``replay --failures`` captures them again."""

    help = "List the changes that capture gave up on, or discard one of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the subcommands."""
        kinds = parser.add_subparsers(dest="what", required=True)
        listed = kinds.add_parser("list", help="how many messages wait, since when, and why")
        listed.add_argument(
            "--most", type=at_least(1), default=LISTED, help=f"so many messages at most; {LISTED} by default"
        )
        add_json(listed)
        discard = kinds.add_parser("discard", help="delete one message; the lake never learns of its change")
        discard.add_argument("id", help="the message id, as list and replay --failures show it")
        discard.add_argument("--yes", action="store_true", help="do not ask")
        add_json(discard)

    def handle(self, *, what: str, **options: Any) -> None:
        """Run the subcommand; CommandError says why it could not be done."""
        with lake():
            found, lines = {"list": self._list, "discard": self._discard}[what](options)
        self.show(options["json"], found, lines)

    def _list(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        found = dead_letters.waiting(queue_url(), client("sqs"), options["most"])
        number = f"{found.messages:,} message{'' if found.messages == 1 else 's'}"
        since = f", the oldest shown since {found.since}" if found.since else ""
        lines = [f"{number} in the failure queue{since}.", *map(_line, found.letters)]
        if (more := found.messages - len(found.letters)) > 0:
            lines.append(f"{more:,} more: not shown, or being read by somebody else.")
        return asdict(found) | {"since": found.since}, lines

    def _discard(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        found = dead_letters.find(queue_url(), client("sqs"), options["id"])
        missing = f"The failure queue has no message {options['id']}, or somebody else is reading it."
        if found is None:
            raise CommandError(missing)
        if not options["yes"] and not self._sure(found):
            raise CommandError("Nothing was discarded. Say yes, or use --yes.")
        ctx = RequestContext("lake", operator(), f"failures-{uuid.uuid4()}", datetime.now(UTC))
        if not failure_queue.discard(ctx, operator(), found):
            raise CommandError(missing)
        return asdict(found), [f"Discarded: {_line(found)}"]

    def _sure(self, found: DeadLetter) -> bool:
        self.stderr.write(_line(found))
        self.stderr.write("Discard it? The lake never learns of this change. [yes/no] ", ending="")
        try:
            return input().strip().lower() in {"y", "yes"}
        except EOFError:
            return False


def _line(letter: DeadLetter) -> str:
    return "  ".join(part for part in (letter.id, letter.since, letter.about, letter.reason) if part)
