"""``manage.py smoke_site``: use the pages of a deployed site as a stranger, a person, a manager and an admin."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from todo_site.management.commands.smoke_api import people
from todo_site.smoke import walks
from todo_site.smoke.browser import Browser
from todo_site.smoke.client import SmokeError


class Command(BaseCommand):
    """Create a person of each role, walk through the pages that they see, clean up."""

    help = "Use the deployed pages as each role does, clean up. Stops at the first failure."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the options."""
        parser.add_argument("--url", default=settings.APP_URL, help="address of the site (default: APP_URL)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the test; CommandError says what is wrong."""
        started = time.perf_counter()
        registry = people()
        try:
            counts = walks.stranger(Browser(options["url"]))
            for group, walk in walks.WALKS.items():
                person = registry.create(group)
                try:
                    counts += walk(Browser(options["url"]), person)
                finally:
                    registry.remove(person)
        except SmokeError as error:
            raise CommandError(str(error)) from error
        seen = ", ".join(f"{count} {what}" for count, what in counts)
        self.stdout.write(f"smoke_site: {seen}: passed in {time.perf_counter() - started:.1f} s")
