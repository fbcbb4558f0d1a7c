"""``manage.py load_demo``: fill the workspace with fictitious people and half a year of their tasks."""

import os
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from store.errors import DomainError
from tasks.demo.state import LoadInProgress, Manifest

SEED = 20_260_101
FEWEST_PEOPLE = 3
LOCAL_DIR = ".local"


class Command(BaseCommand):
    """Loads the demo workspace once, and continues an interrupted load."""

    help = (
        "Load the demo workspace through the product's own services. A loaded table is left as it is, and an "
        "interrupted load continues. Needs DEMO_PASSWORD, the password of all demo accounts."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        state = Path(os.environ.get("LOCAL_DIR") or LOCAL_DIR) / "demo.json"
        parser.add_argument(
            "--state", type=Path, default=state, help="file with the state of the load (%(default)s)"
        )
        parser.add_argument(
            "--seed", type=int, default=SEED, help="each seed gives another history (%(default)s)"
        )
        parser.add_argument(
            "--people", type=int, default=40, help="at least 3, the demo accounts first (%(default)s)"
        )
        parser.add_argument("--tasks", type=int, default=2000, help="number of tasks to create (%(default)s)")
        parser.add_argument("--months", type=int, default=6, help="length of the history (%(default)s)")
        parser.add_argument("--now", type=_moment, help="end of the history, ISO 8601 (the current hour)")
        parser.add_argument("--workers", type=int, default=6, help="threads (%(default)s)")

    def handle(self, *, state: Path, workers: int, **options: Any) -> None:
        """Run the load. Raises CommandError if it could not be completed."""
        self.stdout.ending = ""  # the progress stays on one line
        begun = Manifest.read(state)
        if begun and begun.loaded and begun.is_for(settings.TABLE_NAME, settings.USER_POOL_ID):
            self.stdout.write(
                f"The demo workspace is loaded: {begun.people} people, {begun.tasks:,} tasks.\n"
            )
            return
        self._load(state, _manifest(options), workers)

    def _load(self, state: Path, wanted: Manifest, workers: int) -> None:
        # Imported here, as a run that finds everything loaded needs no AWS client.
        from botocore.exceptions import BotoCoreError, ClientError

        from tasks.demo.accounts import Accounts
        from tasks.demo.loader import StoryChanged, load

        accounts = Accounts(wanted.user_pool, _password())
        try:
            skipped = load(state, wanted, accounts, workers=workers, output=self.stdout)
        except LoadInProgress:
            raise CommandError(f"Another process is loading the demo workspace ({state}).") from None
        except StoryChanged:
            raise CommandError(
                f"An interrupted load of another version of the demo is in this table. Start again with an empty "
                f"table (remove the directory of the local AWS), or remove {state} to load a second history."
            ) from None
        except (BotoCoreError, ClientError, DomainError) as error:
            raise CommandError(
                f"The demo workspace is incomplete: {error} Run it again to continue."
            ) from error
        if skipped:
            self.stdout.write(f"{skipped} changes were skipped: their task has been deleted since.\n")


def _manifest(options: dict[str, Any]) -> Manifest:
    if options["people"] < FEWEST_PEOPLE or options["tasks"] < options["people"] or options["months"] < 1:
        raise CommandError("The workspace needs at least 3 people, as many tasks as people, and one month.")
    now = options["now"] or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Manifest(
        table=settings.TABLE_NAME,
        user_pool=settings.USER_POOL_ID,
        seed=options["seed"],
        now=now.isoformat(),
        people=options["people"],
        tasks=options["tasks"],
        months=options["months"],
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _password() -> str:
    password = os.environ.get("DEMO_PASSWORD", "")
    if not password:
        raise CommandError(
            "Set DEMO_PASSWORD, the password of the demo accounts. `make run` writes one to its env file."
        )
    return password
