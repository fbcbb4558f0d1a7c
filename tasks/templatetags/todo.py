"""Small helpers of the task templates."""

from datetime import datetime
from typing import Any

from django import template
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from tasks.language import repeats as words

register = template.Library()


@register.filter
def undo_url(tags: str) -> str:
    """Return the address in a message's tags, which are the address to undo at and, after a space, a token."""
    return (tags or "").partition(" ")[0]


@register.filter
def undo_token(tags: str) -> str:
    """Return the token in a message's tags."""
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
def repeats(rule: str) -> str:
    """Return a recurrence rule in words."""
    return words.in_words(rule)


@register.filter
def done_of(checklist: list[dict[str, Any]]) -> str:
    """Return how much of a checklist is done: "1/3"."""
    return f"{sum(bool(entry['done']) for entry in checklist)}/{len(checklist)}"


@register.simple_tag(takes_context=True)
def query_with(context: Any, **changes: Any) -> str:
    """Return the page's query string with ``changes``; None takes a parameter out. Starts with ``?`` if not empty."""
    query = context["request"].GET.copy()
    query.pop("cursor", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None and value != "":
            query[name] = str(value)
    return f"?{query.urlencode()}" if query else "?"
