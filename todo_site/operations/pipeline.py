"""The Pipeline page: the state of the lake, and buttons that request its jobs."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from etl.aws import client
from etl.jobs import job_requests
from etl.lake.config import ConfigError, LakeConfig, lake_config
from etl.lake.storage import Bucket
from etl.status import run_log, status
from identity.admin_models import AuditEntry
from identity.audited_admin import admin_context, name_of
from store import audit
from store.writing import write
from todo_site.operations import aws, failure_queue, stream
from todo_site.operations.pages import Page

NAMES = {
    "run": _("Run now"),
    "replay": _("Replay days"),
    "quarantine": _("Retry quarantine"),
    "failures": _("Replay failures"),
    "erase": _("Erase a person"),
    "dismiss": _("Dismiss quarantined rows"),
    "reopen": _("Reopen quarantined rows"),
}
STATES = {"waiting": _("waiting"), "running": _("running"), "done": _("done"), "failed": _("failed")}
# What the lake checks, in its words.
CHECKS = {
    "All of task_events was read": _("All of task_events was read"),
    "All of task_states was read": _("All of task_states was read"),
    "All of user_states was read": _("All of user_states was read"),
    "Changes are counted once": _("Changes are counted once"),
    "Completed tasks each have a time": _("Completed tasks each have a time"),
    "Completed tasks equal Silver": _("Completed tasks equal Silver"),
    "Every change could be read": _("Every change could be read"),
    "Every day is there once": _("Every day is there once"),
    "Every event is there once": _("Every event is there once"),
    "Every metric is there once": _("Every metric is there once"),
    "Every profile has its event": _("Every profile has its event"),
    "Every profile is there once": _("Every profile is there once"),
    "Every task has its event": _("Every task has its event"),
    "Every task is there once": _("Every task is there once"),
    "Every user has one row of figures": _("Every user has one row of figures"),
    "Every user with tasks has figures": _("Every user with tasks has figures"),
    "Existing tasks equal Silver": _("Existing tasks equal Silver"),
    "Gold is made of the latest Silver": _("Gold is made of the latest Silver"),
    "No event is newer than Silver says": _("No event is newer than Silver says"),
    "Rates lie between 0 and 1": _("Rates lie between 0 and 1"),
    "Tasks by category add up": _("Tasks by category add up"),
    "Tasks by status add up at the end": _("Tasks by status add up at the end"),
    "Tasks by user add up": _("Tasks by user add up"),
    "The snapshot is as fresh as the last": _("The snapshot is as fresh as the last"),
    "Total tasks equal Silver": _("Total tasks equal Silver"),
    "Total users equal Silver": _("Total users equal Silver"),
}
for _kind, _name in NAMES.items():
    AuditEntry.NAMES["lake", _kind] = _name
SHOWN, SHOWN_ERROR = 10, 200
ASKED_DAYS = 31  # so many days are replayed without a question
T = TypeVar("T")
_log = logging.getLogger(__name__)


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
    silver, unread = Bucket(config.silver_bucket, client("s3")), list[str]()

    def part(name: Any, read: Callable[[], T], otherwise: T) -> T:
        """Return what ``read`` returns; whatever is stored, the other parts of the page are shown."""
        try:
            return read()
        except (ConfigError, BotoCoreError, ClientError):
            raise
        except Exception as error:  # noqa: BLE001
            _log.exception("A part of the Pipeline page cannot be read")
            unread.append(
                gettext("%(part)s cannot be read: %(error)s")
                % {"part": name, "error": f"{type(error).__name__}: {error}"[:SHOWN_ERROR]}
            )
            return otherwise

    found = part(_("The status of the lake"), lambda: _status(config), None)
    nothing = stream.Position(None, "")
    none: list[dict[str, Any]] = []
    ordered = part(
        _("Job requests"), lambda: [_shown(order) for order in job_requests.recent(silver)[:SHOWN]], none
    )
    return {
        "failures": part(_("The failure queue"), failure_queue.look, None),
        "status": found,
        "checks": [(CHECKS.get(check.name, check.name), check) for check in found.checks] if found else [],
        "layers": part(_("Layers"), lambda: _layers(found), none),
        "stream": part(_("Stream lag"), lambda: stream.position(found.last_delivery), nothing)
        if found
        else nothing,
        "runs": part(_("Last runs"), lambda: [_run(run) for run in run_log.latest(silver)[:SHOWN]], none),
        "orders": ordered,
        "unread": unread,
        # A request that waits for a later time needs no refreshing.
        "busy": any(
            order["state"] == "running" or (order["state"] == "waiting" and not order["due_at"])
            for order in ordered
        ),
        "today": datetime.now(UTC).date().isoformat(),
        "may_order": _may_order(request),
    }


def _status(config: LakeConfig) -> status.Status | None:
    return status.read(config, client("s3"))


def _run(run: dict[str, Any]) -> dict[str, Any]:
    return {**run, "at": _moment(run["finished_at"])}


def _layers(found: status.Status | None) -> list[dict[str, Any]]:
    return [_layer("Silver", found.silver), _layer("Gold", found.gold)] if found else []


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _shown(order: job_requests.JobRequest) -> dict[str, Any]:
    names = {
        "name": NAMES.get(order.kind, order.kind),
        "state_name": STATES.get(order.state, order.state),
        "at": _moment(order.ordered_at),
    }
    return asdict(order) | names


def _layer(name: str, layer: status.Layer) -> dict[str, Any]:
    return asdict(layer) | {
        "name": name,
        "at": _moment(layer.published_at),
        "total": sum(layer.rows.values()),
    }


def _may_order(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("tasks.change_pipeline"))


def _order(request: HttpRequest, config: LakeConfig) -> HttpResponse | dict[str, Any]:
    if not _may_order(request):
        raise PermissionDenied(gettext("Viewers can only look. Admins can run the lake."))
    kind = request.POST.get("kind", "")
    if kind == failure_queue.DISCARD:
        return failure_queue.discard_or_ask(request)
    days = (
        (request.POST.get("first_day", ""), request.POST.get("last_day", ""))
        if kind == "replay"
        else ("", "")
    )
    context = admin_context(request, "lake")
    try:
        job_requests.check(kind, *days)
        if "apply" not in request.POST and (question := _question(kind, days)):
            return question
        # It was checked before it is recorded, and is recorded before it has an effect.
        _record(request, context, kind, " to ".join(days) if days[0] else "")
        silver = Bucket(config.silver_bucket, client("s3"))
        order = job_requests.submit(silver, kind, name_of(request), context.request_id, *days)
        _begin(request, order)
    except ValueError as error:
        messages.error(request, gettext("Not requested: %(error)s.") % {"error": error})
    return redirect("admin:pipeline")


def order_closing(
    request: HttpRequest, kind: str, *, rows: Sequence[str] = (), files: Sequence[str] = ()
) -> HttpResponse:
    """Request that quarantined rows are dismissed or reopened, and show the progress."""
    context = admin_context(request, "lake")
    try:
        job_requests.check(kind, files=files, rows=rows)
        _record(request, context, kind, ", ".join(files or rows))
        silver = Bucket(lake_config().silver_bucket, client("s3"))
        _begin(
            request,
            job_requests.submit(silver, kind, name_of(request), context.request_id, files=files, rows=rows),
        )
    except (ValueError, ConfigError) as error:
        messages.error(request, gettext("Not requested: %(error)s.") % {"error": error})
    return redirect("admin:pipeline")


def _question(kind: str, days: tuple[str, str]) -> dict[str, Any] | None:
    """Return what is asked before a job is requested; None if it is requested at once."""
    if kind == "failures":
        note = gettext("What can be captured now leaves the queue; the rest stays, and the result says why.")
        return {
            "question": gettext("Replay what waits in the failure queue?"),
            "notes": (note,),
            "order": kind,
            "button": NAMES[kind],
        }
    if kind == "replay" and (number := _length(*days)) > ASKED_DAYS:
        asked = ngettext("Replay %(number)s day?", "Replay %(number)s days?", number)
        return {
            "question": asked % {"number": number},
            "notes": (gettext("From %(first)s to %(last)s.") % {"first": days[0], "last": days[1]},),
            "fields": {"first_day": days[0], "last_day": days[1]},
            "order": kind,
            "button": gettext("Replay these days"),
        }
    return None


def _length(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days + 1


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


def _record(request: HttpRequest, context: Any, kind: str, message: str) -> None:
    entry = audit.entry(
        context,
        actor=name_of(request),
        action="order",
        kind="lake",
        identifier=kind,
        name=str(NAMES[kind]),
        message=message,
    )
    write([entry])


PAGE = Page("pipeline", _("Pipeline"), "admin/pipeline.html", make)
