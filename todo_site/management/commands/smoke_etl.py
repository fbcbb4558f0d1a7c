"""``manage.py smoke_etl``: work through the API, then wait until the figures say exactly that."""

from __future__ import annotations

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
    """Create people and tasks, wait until Gold counts them, delete them, wait until Gold has forgotten them."""

    help = "Work through the API, then wait until the lake's figures are exactly right. Cleans up."

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
        """Run the whole test; CommandError says what was wrong."""
        started = time.perf_counter()
        try:
            with smoke_api.working(options) as journeys:
                smoke_api.work(journeys, options)
                took = wait_for(figures(journeys), journeys, options)
                self.stdout.write(f"smoke_etl: the figures are right {took:.1f} s after the last change")
            if not options["keep"]:
                took = wait_for({}, journeys, options)
                self.stdout.write(f"smoke_etl: nothing is left of them {took:.1f} s after their removal")
        except (SmokeError, athena.AthenaError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"smoke_etl: as it should be, in {time.perf_counter() - started:.1f} s")


def figures(journeys: list[Journey]) -> dict[str, tuple[int, ...]]:
    """Return what Gold must say: by user id, all tasks and those of each status."""
    found = {}
    for journey in journeys:
        counts = journey.statuses()
        if journey.tasks:
            found[journey.person.id] = (len(journey.tasks), *(counts[status] for status in STATUSES))
    return found


def wait_for(wanted: dict[str, tuple[int, ...]], journeys: list[Journey], options: dict[str, Any]) -> float:
    """Look at Gold until it says what is wanted of these people; return the seconds that took.

    Raises
    ------
    SmokeError
        When the time is over; it says what Gold said last.
    """
    started = time.monotonic()
    lake = Lake(options["machine"])
    ids = [journey.person.id for journey in journeys]
    while (found := _looked_at(ids)) != wanted:
        if time.monotonic() - started > options["timeout"]:
            raise SmokeError(f"Gold says {found}, not {wanted}, after {options['timeout']:g} s")
        lake.keep_running()
        time.sleep(PAUSE_SECONDS)
    return time.monotonic() - started


def _looked_at(ids: list[str]) -> dict[str, tuple[int, ...]] | None:
    """Return what Gold says of these people, None when Athena took too long to say: it is asked again."""
    try:
        return published(ids)
    except athena.QueryTimeout:
        return None


def published(ids: list[str]) -> dict[str, tuple[int, ...]]:
    """Return what Gold says of these people, through Athena, as `figures` does; empty before the first snapshot."""
    if athena.current_snapshot() is None:
        return {}
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT {', '.join(COLUMNS)} FROM task_analytics_user_metrics WHERE user_id IN ({marks})"  # noqa: S608
    rows = athena.run(sql, tuple(ids)).rows
    return {row["user_id"]: tuple(int(row[name]) for name in COLUMNS[1:]) for row in rows}


class Lake:
    """The state machine `arn`, run on demand; with an empty ARN somebody else runs the lake."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client: Any = boto3.client("stepfunctions", region_name=settings.AWS_DEFAULT_REGION)
        self._execution = ""

    def keep_running(self) -> None:
        """Start a run, unless the last one still runs. SmokeError when that failed."""
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
