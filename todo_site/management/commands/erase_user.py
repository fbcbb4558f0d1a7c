"""``manage.py erase_user ID``: remove a person from Cognito, the table and every layer of the lake, and prove it."""

import re
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from etl.aws import client
from etl.jobs import job_requests
from etl.lake.config import LakeConfig
from etl.lake.storage import Bucket
from etl.log import iso
from etl.upkeep import erasure_requests
from etl.upkeep.erase import Erasure
from identity import directory
from identity.administration import Refused
from store.request_context import RequestContext
from store.writing import remove
from todo_site.erasure import person, proof
from todo_site.management.lake import lake
from web.commands import at_least

_ID = re.compile(r"[A-Za-z0-9_:.@-]{3,128}")
CAPTURED = ("TASK#", "TRASH#", "USER#")


class Command(BaseCommand):
    """Can be run again at any time; it fails as long as anything of the person is found anywhere."""

    help = "Remove a person from the table and every layer of the lake, and prove that nothing is left."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("user_id", help="the person's id (the `sub` in Cognito)")
        parser.add_argument("--dry-run", action="store_true", help="look for the person, remove nothing")
        parser.add_argument(
            "--wait",
            type=at_least(0, float),
            default=600,
            help="seconds to wait for change capture to deliver the removals",
        )

    def handle(self, *, user_id: str, dry_run: bool, wait: float, **_: Any) -> None:
        """Run it; CommandError says what is left."""
        if not _ID.fullmatch(user_id):
            raise CommandError(f"{user_id!r} is no user id.")
        with lake() as config:
            if not config.failure_queue:
                raise CommandError(
                    "CDC_FAILURE_QUEUE_URL is not set, and messages there may be of this person."
                )
            if not dry_run:
                self._remove(config, user_id, wait)
            left = self._prove(config, user_id)
            order = job_requests.erasure_of(Bucket(config.silver_bucket, client("s3")), user_id)
        if left and not dry_run:
            raise CommandError("\n".join(["Still there; run this again:", *left]))
        self.stdout.write("\n".join(left) if left else _nothing_left(user_id, order))

    def _remove(self, config: LakeConfig, user_id: str, wait: float) -> None:
        began = datetime.now(UTC)
        request_id = f"erase-{time.time_ns()}"
        try:
            keys = person.erase(RequestContext(user_id, user_id, request_id, began))
        except Refused as error:
            raise CommandError(str(error)) from error
        for key in (unindexed := proof.search(user_id).own):
            remove(key)
        keys += unindexed
        self.stdout.write(f"Removed the account and {len(keys)} items of the table.")
        job = Erasure(config, client("s3"), client("glue"), user_id, client)
        # It looks again when the last log lines have arrived, and goes on if this command does not come to its end.
        later = iso(datetime.now(UTC) + erasure_requests.CHECK_AFTER[0])
        order = job_requests.request_erasure(job.silver, user_id, request_id, "manage.py erase_user", later)
        self.stdout.write(f"Left the order {order.id} for the lake's runner to look again.")
        captured = [key for key in keys if key[0].startswith(CAPTURED)]
        # Removals carry the old item into the lake: rewriting it before they are there would be in vain. Those of
        # somebody who has been erased before never get there.
        if captured and not job.is_listed() and not job.wait(captured, began, wait):
            raise CommandError(
                f"Change capture has not delivered the removals within {wait:g} s. The lake's runner goes on by the "
                f"order {order.id}; or run this again."
            )
        rewritten = job.run()
        if any(trace.own for trace in job.traces()):
            rewritten += job.run(everywhere=True)
        self.stdout.write(f"Rewrote {rewritten} objects of the lake.")

    def _prove(self, config: LakeConfig, user_id: str) -> list[str]:
        found = proof.search(user_id)
        traces = Erasure(config, client("s3"), client("glue"), user_id, client).traces()
        left = [f"  table: {pk} {sk}" for pk, sk in found.own]
        left += [f"  {trace.url}: {trace.own}" for trace in traces if trace.own]
        left += [f"  Cognito: {username}" for username in directory.accounts_of(user_id)]
        named = found.named + sum(trace.named for trace in traces)
        self.stdout.write(
            f"Searched {found.scanned} items of the table, every file of the lake, the on-failure queue and the tables "
            "restored from the lake."
        )
        if named:
            self.stdout.write(
                f"{named} items and rows of other people name {user_id}, as a writer for example."
            )
        return left


def _nothing_left(user_id: str, order: job_requests.JobRequest | None) -> str:
    """Say that nothing is left, and what is until the lake's runner has looked for the last time."""
    if order is None or not order.user_id:
        return f"Nothing of {user_id} is left."
    hours = erasure_requests.CHECK_AFTER[-1].total_seconds() / 3600
    return (
        f"Nothing of {user_id} is left, except the id in the order {order.id}: with it, the lake's runner looks again, "
        f"for the last time {hours:g} hours after the order, and then forgets it."
    )
