"""Building blocks of Plotly figures in the house style, as plain data.

Colours are CSS custom properties, written ``var(--name)``: the browser resolves them when it draws a figure, and again
when the theme changes. Plotly interprets markup in every text and then sets style attributes, which the content
security policy forbids, so texts contain no markup. For the same reason there is no colour bar. The page draws its own
legends.
"""

from collections.abc import Mapping
from typing import Any

INK = "var(--text)"
MUTED = "var(--text-muted)"
GRID = "var(--chart-grid)"
CLEAR = "rgba(0,0,0,0)"
CREATED = "var(--chart-3)"
COMPLETED = "var(--chart-1)"
OVERDUE = "var(--danger)"
OTHERS = "var(--border-strong)"
BEFORE = "var(--text-muted)"
STATUS_COLOURS = {
    "completed": COMPLETED,
    "cancelled": OTHERS,
    "in_progress": CREATED,
    "pending": "var(--chart-5)",
}

SHORTENED = 10_000

Figure = dict[str, Any]
DAYS: dict[str, Any] = {"type": "date", "tickformat": "%-d %b", "hoverformat": "%a %-d %b %Y", "nticks": 7}


def figure(
    traces: list[dict[str, Any]], *, xaxis: dict[str, Any], yaxis: dict[str, Any], **layout: Any
) -> Figure:
    """Return a figure of ``traces`` in the house style; ``layout`` overrides it."""
    hovered = layout.setdefault("hovermode", "x unified")[0]
    return {
        "data": traces,
        "layout": {
            "font": {"family": "var(--font)", "size": 12, "color": MUTED},
            "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "showlegend": False,
            "hoverlabel": _HOVER_LABEL,
            "dragmode": False,
            "bargap": 0.25,
            "xaxis": {**_AXIS, **_hover_line(hovered == "x"), "showgrid": False, **xaxis},
            "yaxis": {**_AXIS, **_hover_line(hovered == "y"), "rangemode": "tozero", "nticks": 6, **yaxis},
            **layout,
        },
    }


def bars(
    name: str, x: list[Any], y: list[Any], colour: str, query: Mapping[str, str], **more: Any
) -> dict[str, Any]:
    """A bar trace; ``query`` as in ``drill_down``."""
    trace = {"type": "bar", "name": name, "x": x, "y": y, "marker": {"color": colour}}
    return {**trace, "meta": drill_down(query), **more}


def line(
    name: str, x: list[Any], y: list[Any], colour: str, query: Mapping[str, str], **more: Any
) -> dict[str, Any]:
    """A line trace without markers; ``query`` as in ``drill_down``."""
    trace = {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y}
    return {**trace, "line": {"color": colour, "width": 2}, "meta": drill_down(query), **more}


def drill_down(query: Mapping[str, str]) -> dict[str, Any]:
    """The ``meta`` of a trace whose points lead to their tasks.

    ``query`` holds the query parameters of a predicate. In a value, ``{x}``, ``{y}`` and ``{0}``, ``{1}`` … stand for
    the point's coordinates and its ``customdata``.
    """
    return {"drill_down": query}


def counts(*series: list[int], **more: Any) -> dict[str, Any]:
    """An axis of whole numbers: ticks from 10,000 are abbreviated (``50k``), tooltips are not."""
    largest = max((value for values in series for value in values), default=0)
    steps = {"dtick": 1, "nticks": 0} if largest <= 6 else {}
    return {"tickformat": "~s" if largest >= SHORTENED else ",d", "hoverformat": ",d", **steps, **more}


def marker_line(x: float, text: str, level: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A vertical line at ``x`` and its label; each ``level`` lowers the label, so that neighbours do not overlap."""
    shape = {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1 - 0.1 * level,
        "yref": "paper",
        "line": {"color": INK, "width": 1, "dash": "dot"},
    }
    label = {
        "x": x,
        "y": 1 - 0.1 * level,
        "yref": "paper",
        "text": text,
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "top",
        "xshift": 3,
        "font": {"color": INK, "size": 11},
    }
    return shape, label


def _hover_line(shown: bool) -> dict[str, Any]:
    # Plotly draws the line as soon as an axis has any of its settings.
    return _HOVER_LINE if shown else {}


_AXIS = {
    "automargin": True,
    "fixedrange": True,
    "zeroline": False,
    "gridcolor": GRID,
    "linecolor": GRID,
    "tickcolor": CLEAR,
    "ticklen": 4,
    "ticks": "outside",
}
_HOVER_LINE = {"spikecolor": "var(--border-strong)", "spikethickness": 1, "spikedash": "solid"}
_HOVER_LABEL = {
    "bgcolor": "var(--surface)",
    "bordercolor": "var(--border-strong)",
    "font": {"color": INK, "size": 12},
}
