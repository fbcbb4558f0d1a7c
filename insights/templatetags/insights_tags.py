"""What the dashboard's templates draw and format by themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django import template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from insights import formats

if TYPE_CHECKING:  # every template's engine imports this module
    from insights.boards import Board
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
    """What a filter of the query string is called on the page."""
    return str(FILTERS[name])


@register.filter
def in_words(value: str) -> str:
    """A filter's value: a priority or status in words, anything else as it is."""
    return str(formats.WORDS.get(value, value))


@register.simple_tag
def sparkline(course: list[float | None]) -> SafeString:
    """Draw a course as a small SVG line, stretched to its box; too few points draw nothing.

    It repeats what the tile says in words and is therefore hidden from assistive technology.
    """
    known = [(n, value) for n, value in enumerate(course) if value is not None]
    if len(known) < 2:
        return SafeString("")
    low, high = min(value for _, value in known), max(value for _, value in known)
    points = [(n * WIDTH / (len(course) - 1), _height(value, low, high)) for n, value in known]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<polygon points="{},{} {} {},{}"/>'
        '<polyline points="{}" vector-effect="non-scaling-stroke"/></svg>',
        *(WIDTH, HEIGHT),
        *(f"{points[0][0]:.1f}", HEIGHT, line, f"{points[-1][0]:.1f}", HEIGHT),
        line,
    )


def _height(value: float, low: float, high: float) -> float:
    """From the top: the highest value at the inset, the lowest at the bottom inset, a flat line in the middle."""
    room = HEIGHT - 2 * INSET
    return HEIGHT / 2 if high == low else INSET + room * (1 - (value - low) / (high - low))


@register.simple_tag
def board_url(board: Board, page: str, *arguments: str) -> str:
    """The URL of a board's page: ``{% board_url board '-csv' 'throughput' %}``."""
    return reverse(f"{board.name}{page}", args=arguments)


@register.simple_tag
def choosing(state: State, cell: Cell) -> str:
    """The query string of the same page about what a cell names, and nothing else of its kind."""
    name = cell.column.chooses[0] if cell.column.chooses else ""
    return replace(state, filters=replace(state.filters, **{name: cell.choice})).query


@register.simple_tag
def options(name: str, chosen: str, everything: str, choices: list[tuple[str, str]]) -> SafeString:
    """A select element; ``everything`` is what its empty value is called. What is chosen is always offered."""
    pairs = list(choices)
    if chosen and chosen not in dict(pairs):
        pairs = [(chosen, chosen), *pairs]
    pairs = [("", everything), *pairs]
    marked = ((value, SafeString(" selected") if value == chosen else "", label) for value, label in pairs)
    inner = format_html_join("", '<option value="{}"{}>{}</option>', marked)
    return format_html('<select class="input" name="{}">{}</select>', name, inner)


@register.filter
def lag(seconds: float) -> str:
    """A delay in words: ``1.2 s``, ``3 min``."""
    if seconds < 60:
        return _("%(number)s s") % {"number": formats.decimal(seconds, 1)}
    return formats.hours(seconds / 3600)
