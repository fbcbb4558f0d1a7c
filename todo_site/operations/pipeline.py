"""The Pipeline page: the state of the lake, and buttons that request its jobs."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from etl.aws import client
from etl.jobs import job_requests
from etl.lake.config import ConfigError, LakeConfig, lake_config
from etl.lake.storage import Bucket
from etl.status import run_log, status
from identity.audited_admin import admin_context, name_of
from store import audit
from store.writing import write
from todo_site.operations import aws, stream
from todo_site.operations.pages import Page

NAMES = {
    "run": _("Run now"),
    "replay": _("Replay days"),
    "quarantine": _("Retry quarantine"),
    "erase": _("Erase a person"),
}
STATES = {"waiting": _("waiting"), "running": _("running"), "done": _("done"), "failed": _("failed")}
SHOWN = 10


def make(request: HttpRequest) -> dict[str, Any] | HttpResponse:
    """Return the context of the page; for a POST, request a job and redirect."""
    try:
        config = lake_config()
        if request.method == "POST":
            return _order(request, config)
        return _context(request, config)
    except ConfigError as error:
        return {
            "unavailable": gettext("The lake is not configured for this site: %(error)s.") % {"error": error}
        }
    except (BotoCoreError, ClientError) as error:
        return {"unavailable": gettext("The lake cannot be read: %(error)s") % {"error": error}}


def _context(request: HttpRequest, config: LakeConfig) -> dict[str, Any]:
    silver = Bucket(config.silver_bucket, client("s3"))
    ordered = [_shown(order) for order in job_requests.recent(silver)[:SHOWN]]
    found = status.read(config, client("s3"))
    return {
        "status": found,
        "layers": [_layer("Silver", found.silver), _layer("Gold", found.gold)],
        "stream": stream.position(found.last_delivery),
        "runs": [{**run, "at": _moment(run["finished_at"])} for run in run_log.latest(silver)[:SHOWN]],
        "orders": ordered,
        # A request that waits for a later time needs no refreshing.
        "busy": any(
            order["state"] == "running" or (order["state"] == "waiting" and not order["due_at"])
            for order in ordered
        ),
        "today": datetime.now(UTC).date().isoformat(),
        "may_order": _may_order(request),
    }


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _shown(order: job_requests.JobRequest) -> dict[str, Any]:
    names = {"name": NAMES[order.kind], "state_name": STATES[order.state], "at": _moment(order.ordered_at)}
    return asdict(order) | names


def _layer(name: str, layer: status.Layer) -> dict[str, Any]:
    return asdict(layer) | {
        "name": name,
        "at": _moment(layer.published_at),
        "total": sum(layer.rows.values()),
    }


def _may_order(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("tasks.change_pipeline"))


def _order(request: HttpRequest, config: LakeConfig) -> HttpResponse:
    if not _may_order(request):
        raise PermissionDenied(gettext("Viewers can only look. Admins can run the lake."))
    kind = request.POST.get("kind", "")
    days = (
        (request.POST.get("first_day", ""), request.POST.get("last_day", ""))
        if kind == "replay"
        else ("", "")
    )
    context = admin_context(request, "lake")
    try:
        # Check it before it is recorded, and record it before it has an effect.
        job_requests.check(kind, *days)
        _record(request, context, kind, days)
        silver = Bucket(config.silver_bucket, client("s3"))
        order = job_requests.submit(silver, kind, name_of(request), context.request_id, *days)
        _begin(request, order)
    except ValueError as error:
        messages.error(request, gettext("Not requested: %(error)s.") % {"error": error})
    return redirect("admin:pipeline")


def _begin(request: HttpRequest, order: job_requests.JobRequest) -> None:
    """Start the state machine, if there is one; it would not see the request before its next scheduled run."""
    name = {"name": NAMES[order.kind]}
    try:
        if settings.LAKE_MACHINE_ARN:
            aws.client("stepfunctions").start_execution(
                stateMachineArn=settings.LAKE_MACHINE_ARN, name=order.id
            )
    except (BotoCoreError, ClientError) as error:
        text = gettext(
            "%(name)s: requested, but the lake could not be started. Its next run does it. %(error)s"
        )
        messages.warning(request, text % {**name, "error": error})
    else:
        messages.success(request, gettext("%(name)s: requested. This page shows its progress.") % name)


def _record(request: HttpRequest, context: Any, kind: str, days: tuple[str, str]) -> None:
    entry = audit.entry(
        context,
        actor=name_of(request),
        action="order",
        kind="lake",
        identifier=kind,
        name=str(NAMES[kind]),
        message=" to ".join(days) if days[0] else "",
    )
    write([entry])


PAGE = Page("pipeline", _("Pipeline"), "admin/pipeline.html", make)
