"""Template tags and filters of the dashboards."""

from dataclasses import replace
from typing import TYPE_CHECKING

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from insights import formats

if TYPE_CHECKING:  # the template engine imports this module for every page of the site
    from insights.dashboards import Dashboard
    from insights.filters import State
    from insights.model import Cell

register = template.Library()
register.filter("moment", formats.moment)
register.filter("data_size", formats.data_size)
register.filter("day", formats.day)
register.filter("tasks", formats.tasks)
register.filter("times", formats.times)

WIDTH, HEIGHT, INSET = 120, 32, 2
FILTERS = {
    "category": gettext_lazy("Category"),
    "priority": gettext_lazy("Priority"),
    "status": gettext_lazy("Status now"),
    "user": gettext_lazy("Person"),
}


@register.filter
def filter_name(name: str) -> str:
    """The page's name of a filter."""
    return str(FILTERS[name])


@register.filter
def in_words(value: str) -> str:
    """A filter's value: the name of a priority or status, anything else unchanged."""
    return str(formats.NAMES.get(value, value))


@register.simple_tag
def sparkline(values: list[float | None]) -> SafeString:
    """Return a small SVG line, stretched to its box; nothing for fewer than two values.

    It is hidden from assistive technology, because the tile states the same in words.
    """
    present = [value for value in values if value is not None]
    if len(present) < 2:
        return SafeString("")
    low, high, step = min(present), max(present), WIDTH / (len(values) - 1)
    points = [(n * step, _y(value, low, high)) for n, value in enumerate(values) if value is not None]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<polygon points="{},{} {} {},{}"/>'
        '<polyline points="{}" vector-effect="non-scaling-stroke"/></svg>',
        *(WIDTH, HEIGHT),
        *(f"{points[0][0]:.1f}", HEIGHT, line, f"{points[-1][0]:.1f}", HEIGHT),
        line,
    )


def _y(value: float, low: float, high: float) -> float:
    """The distance from the top: ``high`` and ``low`` touch the insets, a flat line is in the middle."""
    room = HEIGHT - 2 * INSET
    return HEIGHT / 2 if high == low else INSET + room * (1 - (value - low) / (high - low))


@register.simple_tag
def dashboard_url(dashboard: "Dashboard", page: str, *arguments: str) -> str:
    """The URL of a page of a dashboard: ``{% dashboard_url dashboard '-csv' 'throughput' %}``."""
    return reverse(f"{dashboard.name}{page}", args=arguments)


@register.simple_tag
def filtered_query(state: "State", cell: "Cell") -> str:
    """The query string of the same page, filtered by the value of ``cell``."""
    name = cell.column.filters_by[0] if cell.column.filters_by else ""
    return replace(state, filters=replace(state.filters, **{name: cell.filter_value})).query


@register.simple_tag
def options(name: str, chosen: str, everything: str, choices: list[tuple[str, str]]) -> SafeString:
    """A select element. ``everything`` labels the empty value; the chosen value is always among the options."""
    pairs = list(choices)
    if chosen and chosen not in dict(pairs):
        pairs = [(chosen, chosen), *pairs]
    pairs = [("", everything), *pairs]
    rows = ((value, SafeString(" selected") if value == chosen else "", label) for value, label in pairs)
    inner = format_html_join("", '<option value="{}"{}>{}</option>', rows)
    return format_html('<select class="input" name="{}">{}</select>', name, inner)


@register.filter
def lag(seconds: float) -> str:
    """A delay in words: ``1.2 s``, ``3 min``."""
    if seconds < 60:
        return _("%(number)s s") % {"number": formats.decimal(seconds, 1)}
    return formats.hours(seconds / 3600)
