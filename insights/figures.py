"""The house style of every Plotly figure, as plain data.

Colours are the page's own custom properties, written ``var(--name)``: the browser puts in their values when it draws,
and again when the theme changes. Plotly reads markup in every text and then sets style attributes, which the content
security policy forbids, so no text here has any; for the same reason there is no colour bar.
Legends are the page's own.
"""

from __future__ import annotations

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
    """Put ``traces`` into a figure in the house style; ``layout`` overrides it."""
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


def bars(name: str, x: list[Any], y: list[Any], colour: str, **more: Any) -> dict[str, Any]:
    """A bar trace."""
    return {"type": "bar", "name": name, "x": x, "y": y, "marker": {"color": colour}, **more}


def line(name: str, x: list[Any], y: list[Any], colour: str, **more: Any) -> dict[str, Any]:
    """A line trace without markers."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": x,
        "y": y,
        "line": {"color": colour, "width": 2},
        **more,
    }


def marked(trace: dict[str, Any], **mark: object) -> dict[str, Any]:
    """Let every point of ``trace`` lead to the tasks behind it.

    ``mark`` are names and values of ``marks.Mark``; ``{x}``, ``{y}`` and ``{0}``, ``{1}`` … in a value stand for the
    point's coordinates and its ``customdata``.
    """
    return trace | {"meta": {"mark": {name.rstrip("_"): str(value) for name, value in mark.items()}}}


def counts(*series: list[int], **more: Any) -> dict[str, Any]:
    """An axis for numbers of things: whole numbers only; large ones short (``50k``), and whole where pointed at."""
    largest = max((value for values in series for value in values), default=0)
    steps = {"dtick": 1, "nticks": 0} if largest <= 6 else {}
    return {"tickformat": "~s" if largest >= SHORTENED else ",d", "hoverformat": ",d", **steps, **more}


def marker_line(x: float, text: str, level: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A vertical line at ``x`` and its label; labels of higher ``level`` sit lower, so that neighbours do not touch."""
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
