"""Filters and tags of the pages: undo buttons, times and zones, recurrence, checklists, query strings."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from identity.today import name_of
from tasks.language.rule_words import of_task

register = template.Library()
register.filter("repeats", of_task)
register.filter("zone_name", name_of)


@register.filter
def undo_url(tags: str) -> str:
    """Return the undo URL in a message's tags, which are that URL and, after a space, its token."""
    return (tags or "").partition(" ")[0]


@register.filter
def undo_token(tags: str) -> str:
    """Return the undo token in a message's tags."""
    return (tags or "").partition(" ")[2]


@register.filter
def when(moment: datetime | None) -> str:
    """Return a moment as "22 Nov 2026, 17:20"."""
    return format_date(moment, _("j M Y, H:i")) if moment else ""


@register.filter
def when_exactly(moment: datetime) -> str:
    """Return a moment as "22 Nov 2026, 17:20:05"."""
    return format_date(moment, _("j M Y, H:i:s"))


@register.filter
def done_of(checklist: list[dict[str, Any]]) -> str:
    """Return the progress of a checklist: "1/3"."""
    return f"{sum(bool(entry['done']) for entry in checklist)}/{len(checklist)}"


@register.simple_tag(takes_context=True)
def query_with(context: Any, **changes: Any) -> str:
    """Return the page's query string, from the ``?`` on, with ``changes``; None removes a parameter."""
    query = context["request"].GET.copy()
    query.pop("cursor", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None and value != "":
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"
