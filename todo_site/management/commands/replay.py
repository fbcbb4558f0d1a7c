"""``manage.py replay``: process days of Bronze, the quarantine or the on-failure queue again."""

import tempfile
import time
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from etl.aws import client
from etl.capture import dead_letters
from etl.capture.handler import handler
from etl.jobs import job_requests
from etl.lake.config import LakeConfig
from etl.lake.storage import Bucket
from etl.run import local_lake
from todo_site.management.lake import lake, queue_url
from web.commands import ResultCommand, day

POLL_SECONDS = 1.0


class Command(ResultCommand):
    """Events are deduplicated by id, so replaying counts nothing twice."""

    help = "Process days of Bronze (--from, --to), quarantined rows, or failed captures again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the options."""
        super().add_arguments(parser)
        parser.add_argument(
            "--from", dest="first", type=day, metavar="DAY", help="first day of Bronze (UTC, YYYY-MM-DD)"
        )
        parser.add_argument(
            "--to", dest="last", type=day, metavar="DAY", help="last day of Bronze; today by default"
        )
        parser.add_argument(
            "--quarantine", action="store_true", help="the days that quarantined rows came from"
        )
        parser.add_argument("--failures", action="store_true", help="the records of CDC_FAILURE_QUEUE_URL")
        parser.add_argument(
            "--queue", action="store_true", help="leave it to the next run of the lake; do not wait"
        )

    def handle(self, **options: Any) -> None:
        """Replay; CommandError says why it could not be done."""
        if sum(bool(options[name]) for name in ("first", "quarantine", "failures")) != 1:
            raise CommandError("Give exactly one of --from DAY, --quarantine, --failures.")
        first, last = options["first"], options["last"] or datetime.now(UTC).date()
        if options["last"] and not first:
            raise CommandError("--to needs --from DAY.")
        if first and first > last:
            until = (
                f"--to {last}" if options["last"] else f"today, {last}, which is the last day without --to"
            )
            raise CommandError(f"--from {first} is after {until}.")
        with lake() as config:
            if options["failures"] and not options["queue"]:
                self._failures(options)
                return
            self._order(config, options)

    def _order(self, config: LakeConfig, options: dict[str, Any]) -> None:
        days = (options["first"], options["last"] or datetime.now(UTC).date()) if options["first"] else ()
        kind = next((name for name in ("quarantine", "failures") if options[name]), "replay")
        silver = Bucket(config.silver_bucket, client("s3"))
        try:
            name = f"order-{time.time_ns()}"
            order = job_requests.submit(silver, kind, "manage.py replay", name, *map(str, days))
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["queue"]:
            self.show(
                options["json"], asdict(order), [f"Requested: {order.id}. The next run of the lake does it."]
            )
            return
        with tempfile.TemporaryDirectory(prefix="lake-", dir=config.work_dir) as folder:
            lake = local_lake(config, client("s3"), client("glue"), Path(folder))
            job_requests.carry_out(silver, lake.run, quarantined=lake.silver.quarantined_days)
        done = _settled(silver, order)
        if done.state == "failed":
            raise CommandError(done.message)
        self.show(options["json"], asdict(done), [f"Done: {done.message}."])

    def _failures(self, options: dict[str, Any]) -> None:
        done = dead_letters.replay(queue_url(), client("sqs"), client("dynamodbstreams"), handler)
        lines = [f"{done.messages} messages with {done.records} records were delivered."]
        self.show(options["json"], asdict(done), lines)
        if done.left:
            raise CommandError("\n".join(["Left in the queue:", *done.left]))


def _settled(silver: Bucket, order: job_requests.JobRequest) -> job_requests.JobRequest:
    """Wait for a request that another runner may have taken first, and return it."""
    while True:
        found = silver.get_json(order.key)
        if found is None:
            raise CommandError(f"The order {order.id} is gone.")
        current = job_requests.JobRequest.from_json(found[0])
        if current.state in {"done", "failed"}:
            return current
        time.sleep(POLL_SECONDS)
