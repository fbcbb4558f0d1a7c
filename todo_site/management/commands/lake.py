"""``manage.py lake status``: how far the lake is and what it holds."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from etl import runs, status, survey
from etl.aws import client
from etl.storage import Bucket
from todo_site.lake import lake


class Command(BaseCommand):
    """Lag, files, bytes, snapshots, checks and the last runs."""

    help = "Show how far the lake is and what it holds."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("what", choices=["status"])
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, **options: Any) -> None:
        """Print it."""
        with lake() as config:
            found = status.read(config, client("s3"))
            held = survey.read(config, client("s3"))
            last = runs.latest(Bucket(config.silver_bucket, client("s3")))[:10]
        if options["json"]:
            whole = {"status": asdict(found), "survey": asdict(held), "runs": last}
            self.stdout.write(json.dumps(whole, default=str))
            return
        for line in [*_layers(found), *_held(held), *_checks(found), *_runs(last)]:
            self.stdout.write(line)


def _layers(found: status.Status) -> list[str]:
    lines = []
    for name, layer in (("Silver", found.silver), ("Gold", found.gold)):
        if not layer.published_at:
            lines.append(f"{name:8}nothing published yet")
            continue
        lag = "" if layer.lag_seconds is None else f", {layer.lag_seconds:,.0f} s behind its latest event"
        lines.append(f"{name:8}published {layer.published_at}, as of {layer.as_of or 'no event'}{lag}")
    return lines


def _held(held: survey.Survey) -> list[str]:
    piles = {"bronze": held.bronze, "undeliverable": held.undeliverable}
    piles |= {f"silver {table}": pile for table, pile in held.silver.items()}
    piles |= {f"gold ({held.snapshots} snapshots kept)": held.gold, "unreferenced": held.waste}
    return [f"  {name:30}{pile.files:>10,} files {pile.bytes:>16,} bytes" for name, pile in piles.items()]


def _checks(found: status.Status) -> list[str]:
    return [f"  {'ok    ' if check.ok else 'FAILED'} {check.name}: {check.found}" for check in found.checks]


def _runs(last: list[dict[str, Any]]) -> list[str]:
    return [f"  {run['layer']:8}{run['finished_at']}  {run['duration_ms']:>8,} ms" for run in last]
