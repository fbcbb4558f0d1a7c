"""``manage.py smoke_api``: use a deployed API as its clients do, and compare with the table."""

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from todo_site.smoke.client import Api, SmokeError
from todo_site.smoke.journey import Journey, expect
from todo_site.smoke.people import People


class Command(BaseCommand):
    """Create people in Cognito, work as them through the API, check the table, clean up."""

    help = "Use the deployed API as its clients do, check the table, clean up. Stops at the first failure."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the options."""
        parser.add_argument("--url", default=settings.APP_URL, help="address of the site (default: APP_URL)")
        parser.add_argument("--users", type=int, default=2)
        parser.add_argument("--tasks", type=int, default=5, help="for each user")
        parser.add_argument("--updates", type=int, default=3, help="of each task")
        parser.add_argument(
            "--patience", type=float, default=180, help="seconds to wait for a first answer (default: 180)"
        )
        parser.add_argument("--keep", action="store_true", help="do not clean up")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the test; CommandError says what is wrong."""
        started = time.perf_counter()
        try:
            health(options["url"], options["patience"])
            with journeys_of(options) as journeys:
                create_and_update(journeys, options)
                delete_one_each(journeys)
                for journey in journeys:
                    journey.read()
                    journey.check_table(people())
        except SmokeError as error:
            raise CommandError(str(error)) from error
        seconds = time.perf_counter() - started
        count = (
            f"{options['users']} users, {options['tasks']} tasks each, {options['updates']} updates a task"
        )
        self.stdout.write(f"smoke_api: {count}: passed in {seconds:.1f} s")


def people() -> People:
    """Return the accounts and items of the site in the settings."""
    return People(settings.USER_POOL_ID, settings.CLIENT_ID, settings.TABLE_NAME)


def health(url: str, patience: float) -> None:
    """Wait until the site answers; check that both health addresses are public, and tasks are not."""
    api = Api(url)
    api.wait("/health", patience)
    for path in ("/health", "/api/health"):
        answer = api.call("GET", path, expect=200).body
        expect(answer["status"], "healthy", f"the status at {path}")
    api.call("GET", "/api/v1/tasks", expect=401)
    api.close()


@contextmanager
def journeys_of(options: dict[str, Any]) -> Iterator[list[Journey]]:
    """Yield a journey for each of the new people; remove them and their items afterwards."""
    registry = people()
    journeys: list[Journey] = []
    try:
        for _ in range(options["users"]):
            person = registry.create()
            journeys.append(Journey(Api(options["url"], person.token), person))
        yield journeys
    finally:
        for journey in journeys:
            journey.api.close()
        if not options["keep"]:
            for journey in journeys:
                registry.remove(journey.person)


def create_and_update(journeys: list[Journey], options: dict[str, Any]) -> None:
    """Create and update every task, and try each person's access to the next person's tasks."""
    for journey in journeys:
        journey.begin()
        for number in range(options["tasks"]):
            journey.create(number)
        for position, task_id in enumerate(list(journey.tasks)):
            for number in range(options["updates"]):
                journey.update(task_id, position + number)
        journey.read()
    for journey, other in pairwise(journeys):
        journey.check_no_access(other)


def delete_one_each(journeys: list[Journey]) -> None:
    """Delete the first task of each person who has one."""
    for journey in journeys:
        for task_id in list(journey.tasks)[:1]:
            journey.delete(task_id)
