"""``manage.py smoke_etl``: work through the API, then wait until the lake's figures match exactly."""

import os
import time
from argparse import ArgumentParser
from typing import Any

import boto3
from django.conf import settings
from django.core.management.base import CommandError

from todo_site.management.commands import smoke_api
from todo_site.smoke.client import SmokeError
from todo_site.smoke.journey import Journey
from web import athena

PAUSE_SECONDS = 2.0
STATUSES = ("completed", "pending", "in_progress", "cancelled")
COLUMNS = ("user_id", "total_tasks", *(f"{status}_tasks" for status in STATUSES))


class Command(smoke_api.Command):
    """Create people and tasks, wait until Gold counts them, delete them, wait until Gold no longer does."""

    help = "Work through the API, wait until the lake's figures match exactly, clean up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the options."""
        super().add_arguments(parser)
        parser.add_argument("--timeout", type=float, default=900, help="seconds to wait for the lake")
        parser.add_argument(
            "--machine",
            default=os.environ.get("LAKE_MACHINE_ARN", ""),
            help="state machine to start, instead of waiting for the schedule (default: LAKE_MACHINE_ARN)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the test; CommandError says what is wrong."""
        started = time.perf_counter()
        try:
            with smoke_api.journeys_of(options) as journeys:
                smoke_api.create_and_update(journeys, options)
                took = wait_for(figures(journeys), journeys, options)
                self.stdout.write(f"smoke_etl: the figures match {took:.1f} s after the last change")
            if not options["keep"]:
                took = wait_for({}, journeys, options)
                self.stdout.write(f"smoke_etl: they are gone {took:.1f} s after their removal")
        except (SmokeError, athena.AthenaError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"smoke_etl: passed in {time.perf_counter() - started:.1f} s")


def figures(journeys: list[Journey]) -> dict[str, tuple[int, ...]]:
    """Return the expected rows of Gold: by user id, the number of all tasks and of each status."""
    found = {}
    for journey in journeys:
        counts = journey.statuses()
        if journey.tasks:
            found[journey.person.id] = (len(journey.tasks), *(counts[status] for status in STATUSES))
    return found


def wait_for(wanted: dict[str, tuple[int, ...]], journeys: list[Journey], options: dict[str, Any]) -> float:
    """Query Gold until it has the ``wanted`` figures of these people; return the seconds that took.

    Raises
    ------
    SmokeError
        When the time is over; the message has the last figures.
    """
    started = time.monotonic()
    lake = Lake(options["machine"])
    ids = [journey.person.id for journey in journeys]
    while (found := _published_or_none(ids)) != wanted:
        if time.monotonic() - started > options["timeout"]:
            raise SmokeError(f"Gold has {found}, not {wanted}, after {options['timeout']:g} s")
        lake.keep_running()
        time.sleep(PAUSE_SECONDS)
    return time.monotonic() - started


def _published_or_none(ids: list[str]) -> dict[str, tuple[int, ...]] | None:
    """Return Gold's figures of these people, or None if Athena took too long."""
    try:
        return published(ids)
    except athena.QueryTimeout:
        return None


def published(ids: list[str]) -> dict[str, tuple[int, ...]]:
    """Return Gold's figures of these people in the shape of ``figures``; empty before the first snapshot."""
    if athena.current_snapshot() is None:
        return {}
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT {', '.join(COLUMNS)} FROM task_analytics_user_metrics WHERE user_id IN ({marks})"  # noqa: S608
    rows = athena.run(sql, tuple(ids)).rows
    return {row["user_id"]: tuple(int(row[name]) for name in COLUMNS[1:]) for row in rows}


class Lake:
    """The state machine of the lake, started on demand; without an ARN its schedule starts it."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client: Any = boto3.client("stepfunctions", region_name=settings.AWS_DEFAULT_REGION)
        self._execution = ""

    def keep_running(self) -> None:
        """Start a run unless one is going on. Raises SmokeError if the last one failed."""
        if not self._arn:
            return
        status = self._status()
        if status == "RUNNING":
            return
        if status not in {"", "SUCCEEDED"}:
            raise SmokeError(f"the run {self._execution} of the lake ended with {status}")
        self._execution = self._client.start_execution(stateMachineArn=self._arn)["executionArn"]

    def _status(self) -> str:
        if not self._execution:
            return ""
        return str(self._client.describe_execution(executionArn=self._execution)["status"])
