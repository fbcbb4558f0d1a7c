"""The Pipeline page: how far the lake is, how it is doing, and what can be done about it."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from etl import orders, runs, status
from etl.aws import client
from etl.config import ConfigError, LakeConfig, lake_config
from etl.storage import Bucket
from tasks import audit, table
from tasks.admin.base import acting
from todo_site.operations import stream
from todo_site.operations.pages import Page

NAMES = {
    "run": "Run now",
    "replay": "Replay days",
    "quarantine": "Retry quarantine",
    "erase": "Erase a person",
}


def make(request: HttpRequest) -> dict[str, Any] | HttpResponse:
    """Show the page, or take an order."""
    try:
        config = lake_config()
        if request.method == "POST":
            return _order(request, config)
        return _context(request, config)
    except ConfigError as error:
        return {"unavailable": f"The lake is not configured for this site: {error}."}
    except (BotoCoreError, ClientError) as error:
        return {"unavailable": f"The lake cannot be read: {error}"}


def _context(request: HttpRequest, config: LakeConfig) -> dict[str, Any]:
    silver = Bucket(config.silver_bucket, client("s3"))
    ordered = [{**asdict(order), "name": NAMES[order.kind]} for order in orders.recent(silver)[:10]]
    return {
        "status": status.read(config, client("s3")),
        "stream": stream.position(),
        "runs": runs.latest(silver)[:10],
        "orders": ordered,
        "busy": any(order["state"] in {"waiting", "running"} for order in ordered),
        "today": datetime.now(UTC).date().isoformat(),
        "may_order": _may_order(request),
    }


def _name(request: HttpRequest) -> str:
    person: Any = request.user
    return str(person.email or person)


def _may_order(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("tasks.change_pipeline"))


def _order(request: HttpRequest, config: LakeConfig) -> HttpResponse:
    if not _may_order(request):
        raise PermissionDenied("Viewers look; admins run the lake.")
    kind = request.POST.get("kind", "")
    days = (
        (request.POST.get("first_day", ""), request.POST.get("last_day", ""))
        if kind == "replay"
        else ("", "")
    )
    context = acting(request, "lake")
    try:
        # Checked before it goes on the record; on the record before it can have an effect.
        orders.check(kind, *days)
        _record(request, context, kind, days)
        silver = Bucket(config.silver_bucket, client("s3"))
        order = orders.submit(silver, kind, _name(request), context.request_id, *days)
        messages.success(request, f"{NAMES[order.kind]}: ordered. This page shows how far it is.")
    except ValueError as error:
        messages.error(request, f"Not ordered: {error}.")
    return redirect("admin:pipeline")


def _record(request: HttpRequest, context: Any, kind: str, days: tuple[str, str]) -> None:
    entry = audit.entry(
        context,
        actor=_name(request),
        action="order",
        kind="lake",
        identifier=kind,
        name=NAMES[kind],
        message=" to ".join(days) if days[0] else "",
    )
    table.write([entry])


PAGE = Page("pipeline", "Pipeline", "admin/pipeline.html", make)
