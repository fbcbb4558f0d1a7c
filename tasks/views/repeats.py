"""What the repeat builder of a task's page describes: in words, with the next three dates."""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateformat import format as format_day
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from store import time_zones
from tasks import recurrence, write_plans
from tasks.forms import RepeatForm
from tasks.language import rule_words
from tasks.views.responses import task_view
from tasks.views.viewer import now_of

SHOWN = 3


@task_view
@require_safe
def task_repeats(request: HttpRequest) -> HttpResponse:
    """Show what the fields of the builder describe, as they are now."""
    form = RepeatForm(request.GET, today=now_of(request).date())
    if not form.is_valid():
        errors = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return render(request, "tasks/partials/repeats.html", {"repeats": {"error": errors}})
    given = form.cleaned_data
    return render(request, "tasks/partials/repeats.html", {"repeats": described(given, now_of(request))})


def described(values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the words and the next dates of a rule, or what is wrong with it; nothing without a rule.

    Parameters
    ----------
    values
        Fields of a task: the rule, its start, and what it counts from.
    now
        The moment in the viewer's zone.
    """
    rule = values.get("recurrence")
    if not rule:
        return {}
    given = {**values, "due_date": _text(values.get("due_date")), "due_time": _text(values.get("due_time"))}
    start = write_plans.series_start(given, now)
    try:
        # A stored rule may end before the task's date, or have come to suit another one.
        rule = recurrence.refitted(recurrence.parse(rule), start)
    except recurrence.InvalidRule as error:
        return {
            "broken": True,
            "error": _(
                "How this task repeats cannot be read: %(why)s. Choose anew how it repeats, or that it does not. "
                "Completed as it is, it does not come again."
            )
            % {"why": error},
        }
    words = rule_words.in_words(
        rule, values.get("repeat_from"), time_zones.named(values.get("timezone")) or now.tzinfo
    )
    days = recurrence.first_days(rule, start, SHOWN + 1)
    later = [day for day in days if day > start.day or not values.get("due_date")]
    if values.get("repeat_from") == "done":
        return {"words": words, "dates": [], "note": _("The next date depends on the day you complete it.")}
    shown = [format_day(day, _("D j M Y")) for day in later[:SHOWN]]
    return {"words": words, "dates": shown, "note": "" if shown else _("It does not come again.")}


def _text(value: Any) -> str | None:
    if isinstance(value, time):
        return value.isoformat("minutes")
    return value.isoformat() if isinstance(value, date) else value
