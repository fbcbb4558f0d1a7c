"""``manage.py lake``: the state of the lake, the trail of a task, and tidying."""

import json
import tempfile
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from etl.aws import client
from etl.lake.storage import Bucket
from etl.run import local_lake
from etl.status import inventory, run_log, status
from todo_site.management.lake import lake
from web.commands import ResultCommand, add_json

# What `status` ends with; 1 is any other error, 2 a wrong argument.
QUARANTINED, FAILED = 3, 4


class Command(ResultCommand):
    """``status``: lag, files, snapshots, checks, runs; ``trail``: changes of a task; ``tidy``: merge small files."""

    help = "Show the state of the lake or the trail of a task, or tidy the lake."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the subcommands."""
        kinds = parser.add_subparsers(dest="what", required=True)
        about = kinds.add_parser("status", help="lag, files, snapshots, checks and last runs")
        add_json(about)
        trail = kinds.add_parser("trail", help="the changes of a task, and the requests that made them")
        trail.add_argument("id", help="of a task, or of a request: then the tasks that it changed")
        add_json(trail)
        tidy = kinds.add_parser("tidy", help="merge small files and delete expired ones; runs do it daily")
        add_json(tidy)
        tidy.add_argument("--dry-run", action="store_true", help="only show what would be merged")

    def handle(self, *, what: str, **options: Any) -> None:
        """Run the subcommand and write what it found."""
        found, lines = {"status": self._status, "trail": self._trail, "tidy": self._tidy}[what](options)
        self.show(options["json"], found, lines)
        if what == "status":
            _demand(found["status"])

    def _status(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        with lake() as config:
            found = status.read(config, client("s3"))
            held = inventory.read(config, client("s3"))
            last = run_log.latest(Bucket(config.silver_bucket, client("s3")))[:10]
        whole = {"status": asdict(found), "survey": asdict(held), "runs": last}
        return whole, [*_layers(found), *_held(held), *_checks(found), *_runs(last)]

    def _tidy(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        from etl.upkeep.compact import (
            Compaction,
        )  # imported here: it needs the engine, which the web package lacks

        now = datetime.now(UTC)
        with lake() as config, tempfile.TemporaryDirectory(prefix="lake-", dir=config.work_dir) as folder:
            if options["dry_run"]:
                merges = Compaction(config, client("s3")).plan(now)
                files = sum(map(len, merges.values()))
                found = {"would_merge": files, "into": len(merges)}
                return found, [f"Would merge {files:,} files of closed days into {len(merges):,}, at least."]
            done = local_lake(config, client("s3"), client("glue"), Path(folder)).tidy(now)
        return asdict(done), [
            f"Merged {done.merged:,} small files into {done.into:,}.",
            f"Deleted {done.orphans:,} orphan files and {done.expired:,} expired ones.",
            f"Dropped {done.quarantine:,} old quarantined rows; Bronze still has them.",
        ]

    def _trail(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        from todo_site.operations import request_trail
        from web.athena import AthenaError  # Athena's client: only this needs it

        try:
            tasks = request_trail.of(options["id"])
        except AthenaError as error:
            raise CommandError(f"Athena says: {error}") from error
        if not tasks:
            raise CommandError(
                f"The lake has no task, and no change by a request, with the id {options['id']}."
            )
        steps = [step for found in tasks.values() for step in found]
        if list(tasks) == [options["id"]]:
            return [asdict(step) for step in steps], [line for step in steps for line in _step(step)]
        found = {task: [asdict(step) for step in steps] for task, steps in tasks.items()}
        lines = [line for task, steps in tasks.items() for line in (f"task {task}", *_lines(steps))]
        return found, lines


def _demand(found: dict[str, Any]) -> None:
    """End with the exit code of what somebody must look at; the more serious one if there are two."""
    if found["failed"]:
        raise CommandError(
            f"The newest figures are not shown. Checks that they failed: {found['failed']:,}.",
            returncode=FAILED,
        )
    if found["quarantined"]:
        raise CommandError(
            f"Rows waiting in the quarantine: {found['quarantined']:,}.", returncode=QUARANTINED
        )


def _lines(steps: list[Any]) -> list[str]:
    return [f"  {line}" for step in steps for line in _step(step)]


def _step(step: Any) -> list[str]:
    lines = [f"{step.at}  version {step.version}  {step.kind} by {step.updated_by or 'unknown'}"]
    for request in step.requests:
        lines.append(
            f"    {request.at}  {request.operation}  {request.status}  {request.duration_ms:.0f} ms"
            f"  by {request.user_id or 'anonymous'}  request {step.request_id}"
        )
        lines.append(f"    {json.dumps(request.asked, ensure_ascii=False)}")
    if not step.requests:
        lines.append(
            f"    request {step.request_id} is not in the log" if step.request_id else "    no request"
        )
    return lines


def _layers(found: status.Status) -> list[str]:
    lines = []
    for name, layer in (("Silver", found.silver), ("Gold", found.gold)):
        if not layer.published_at:
            lines.append(f"{name:8}nothing published yet")
            continue
        lag = "" if layer.lag_seconds is None else f", {layer.lag_seconds:,.0f} s behind its latest event"
        lines.append(f"{name:8}published {layer.published_at}, as of {layer.as_of or 'no event'}{lag}")
    return lines


def _held(held: inventory.Inventory) -> list[str]:
    piles = {
        "bronze changes": held.bronze,
        "bronze requests": held.requests,
        "undeliverable": held.undeliverable,
    }
    piles |= {f"silver {table}": pile for table, pile in held.silver.items()}
    piles |= {f"gold ({held.snapshots} snapshots kept)": held.gold, "unreferenced": held.waste}
    return [f"  {name:30}{pile.files:>10,} files {pile.bytes:>16,} bytes" for name, pile in piles.items()]


def _checks(found: status.Status) -> list[str]:
    return [f"  {'ok    ' if check.ok else 'FAILED'} {check.name}: {check.found}" for check in found.checks]


def _runs(last: list[dict[str, Any]]) -> list[str]:
    return [f"  {run['layer']:8}{run['finished_at']}  {run['duration_ms']:>8,} ms" for run in last]
