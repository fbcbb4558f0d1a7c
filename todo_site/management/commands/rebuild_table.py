"""``manage.py rebuild_table --to NAME [--until TIME]``: restore the table as it was at a point in time, from Bronze."""

import time
from argparse import ArgumentParser
from typing import Any

from botocore.exceptions import ClientError
from django.core.management.base import BaseCommand, CommandError
from pynamodb.exceptions import AttributeNullError

from etl.aws import client
from etl.lake.config import LakeConfig
from etl.upkeep import rebuilt_tables, restore
from identity.items import UserItem
from store.attributes import WrongType
from store.model import TTL_ATTRIBUTE, Item, table, table_definition
from tasks.items import TaskItem
from todo_site.management.lake import ProgressLine, lake

SHOWN = 20  # of the items that were left out


class Command(BaseCommand):
    """Restores tasks, the trash and profiles. Sessions, tokens, preferences and the audit trail are not in the lake."""

    help = "Write the table as it was at a point in time into a table of that name, created if necessary."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the options."""
        parser.add_argument("--to", required=True, metavar="NAME", help="table to write; it must be empty")
        parser.add_argument(
            "--until", metavar="TIME", help="ISO 8601 (UTC if it has no offset); now by default"
        )
        parser.add_argument("--dry-run", action="store_true", help="read and count, write nothing")
        parser.add_argument("--resume", action="store_true", help="write into a table that is not empty")

    def handle(self, *, to: str, until: str | None, dry_run: bool, resume: bool, **_: Any) -> None:
        """Restore the table; CommandError says why it could not be done."""
        started = time.perf_counter()
        try:
            with lake() as config:
                done = self._run(config, to, until, dry_run, resume)
        except restore.RestoreError as error:
            raise CommandError(str(error)) from error
        took = time.perf_counter() - started
        if not dry_run and not to.startswith(f"{table().table_name}-rebuilt"):
            self.stdout.write(
                f"While {to} exists, erase people with manage.py erase_user: the lake's runner may only use tables "
                f"whose names begin with {table().table_name}-rebuilt."
            )
        self.stdout.write(f"{'Would write' if dry_run else 'Wrote'} to {to}: {restore.describe(done)}")
        self.stdout.write(f"Latest change: {done.latest or 'none'}. Took {took:.1f} s.")
        if done.cut:
            self.stdout.write(
                f"The lake has only a part of {len(done.cut):,} items, which were too long for it. They were left out; "
                "copy them from the table or a backup:"
            )
            self.stdout.write("\n".join(f"  {pk} {sk}" for pk, sk in done.cut[:SHOWN]))
        if done.unusable:
            self.stdout.write(f"{done.unusable:,} rows of Bronze are incomplete and were left out.")

    def _run(
        self, config: LakeConfig, to: str, until: str | None, dry_run: bool, resume: bool
    ) -> restore.Restored:
        reading = restore.Restore(config, client("s3"), restore.point_in_time(until))
        show = ProgressLine(self.stderr.write)
        self.stderr.ending = ""

        def report(progress: restore.Restored) -> None:
            show(restore.describe(progress))

        if dry_run:
            return restore.dry_run(reading, _index_keys, report)
        _prepare(to, resume)
        if to != table().table_name:
            rebuilt_tables.note(reading.bronze, to)
        return restore.rebuild(reading, client("dynamodb"), to, _index_keys, report)


def _index_keys(item: restore.Item) -> restore.Item:
    """Return the index keys of a task, also in the trash, or profile; none if it lacks what they are made of."""
    try:
        found = Item.from_raw_data({name: dict(value) for name, value in item.items()})
        if not isinstance(found, TaskItem | UserItem):
            return {}
        found.serialize()
    except (WrongType, AttributeNullError):
        return {}
    return {name: {"S": value} for name, value in found.index_keys().items()}


def _prepare(name: str, resume: bool) -> None:
    """Create the table if it does not exist; refuse one that is not empty."""
    dynamodb = client("dynamodb")
    try:
        dynamodb.describe_table(TableName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        dynamodb.create_table(**table_definition(name))
        dynamodb.get_waiter("table_exists").wait(TableName=name)
        ttl = {"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
        recovery = {"PointInTimeRecoveryEnabled": True}
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
        return
    if not resume and not restore.is_empty(dynamodb, name):
        raise CommandError(
            f"The table {name} is not empty. Restore into a new one, or continue with --resume."
        )
