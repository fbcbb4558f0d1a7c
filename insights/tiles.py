"""The key figures: their value, their change against the period before, and their course."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from insights import formats
from insights.findings import Change, finding
from insights.model import Column, Drawing, Row, Table
from insights.periods import Period

Tone = Literal["good", "bad", "neutral"]
Series = dict[str, dict[str, float]]  # metric -> day (ISO) -> value


@dataclass(frozen=True, slots=True)
class Figure:
    """How one key figure is made of the daily metrics.

    ``kind``: ``flow`` sums its metric over a period, ``level`` takes the value at the end of it, ``mean`` divides the
    sum of ``metric`` by the sum of ``per``. ``better`` says which direction is good news.
    """

    label: Promise
    definition: Promise
    metric: str
    kind: Literal["flow", "level", "mean"]
    text: Callable[[float | None], str] = formats.count
    better: Literal["up", "down", "neither"] = "neither"
    per: str = ""
    points: bool = False  # a rate changes by percentage points, not by per cent of itself
    mark: tuple[tuple[str, str], ...] = ()  # leads to the tasks behind it; {start}, {end}, {recent} are days
    own: bool = True  # means something for one person, too


FIGURES = (
    Figure(
        _("All tasks"),
        _("Tasks that exist at the end of the period, whatever their status."),
        "total_tasks",
        "level",
        mark=(("standing", "any"), ("on", "{end}")),
    ),
    Figure(
        _("Created"),
        _("Tasks created in the period."),
        "tasks_created",
        "flow",
        mark=(("event", "created"), ("from", "{start}"), ("to", "{end}")),
    ),
    Figure(
        _("Completed"),
        _("Completions in the period."),
        "tasks_completed",
        "flow",
        better="up",
        mark=(("event", "completed"), ("from", "{start}"), ("to", "{end}")),
    ),
    Figure(
        _("Completion rate"),
        _("Completed tasks among all tasks that exist at the end of the period."),
        "completion_rate",
        "level",
        formats.percent,
        "up",
        points=True,
        mark=(("standing", "completed"), ("on", "{end}")),
    ),
    Figure(
        _("Open"),
        _("Tasks pending or in progress at the end of the period."),
        "open_tasks",
        "level",
        better="down",
        mark=(("standing", "open"), ("on", "{end}")),
    ),
    Figure(
        _("Overdue"),
        _("Open tasks whose due date has passed at the end of the period."),
        "overdue_tasks",
        "level",
        better="down",
        mark=(("standing", "overdue"), ("on", "{end}")),
    ),
    Figure(
        _("Active people"),
        _(
            "People who changed a task or their profile in the 30 days up to the end of the period; with a filter for "
            "tasks, only changes to those tasks count."
        ),
        "active_users",
        "level",
        better="up",
        mark=(("event", "changed"), ("from", "{recent}"), ("to", "{end}")),
        own=False,
    ),
    Figure(
        _("Average lead time"),
        _("Mean time from creation to completion of the tasks completed in the period."),
        "lead_hours",
        "mean",
        formats.hours,
        "down",
        per="finished",
        mark=(("time", "lead"), ("from", "{start}"), ("to", "{end}")),
    ),
)

# The figures that count tasks, as a sentence begins with them.
_TASKS = {
    "total_tasks": _("All tasks"),
    "tasks_created": _("Created tasks"),
    "tasks_completed": _("Completed tasks"),
    "open_tasks": _("Open tasks"),
    "overdue_tasks": _("Overdue tasks"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure as the page shows it; ``course`` has a value a day, None where there is none."""

    label: str
    definition: str
    value: str
    previous: str
    change: str
    tone: Tone
    course: list[float | None]
    link: str


def tiles(rows: list[Row], period: Period, own: bool = False) -> list[Tile]:
    """Make every tile from the rows of the ``kpis`` question; ``own`` leaves out what says nothing of one person."""
    series = _series(rows)
    return [_tile(figure, series, period) for figure in FIGURES if figure.own or not own]


def _series(rows: list[Row]) -> Series:
    series: Series = {}
    for row in rows:
        series.setdefault(row["metric"], {})[row["day"]] = float(row["value"] or 0)
    return series


def draw(rows: list[Row], period: Period) -> Drawing:
    """The key figures as a table."""
    made = tiles(rows, period)
    columns = tuple(
        Column(n, t, "text")
        for n, t in (("label", _("Figure")), ("value", _("Value")), ("previous", _("Before")))
    )
    table = [{"label": tile.label, "value": tile.value, "previous": tile.previous} for tile in made]
    summary = "; ".join(f"{tile.label}: {tile.value}" for tile in made)
    return Drawing(summary, Table(columns, table), finding=_finding(_series(rows), period))


def _finding(series: Series, period: Period) -> str:
    """Of the numbers of tasks; rates and durations have other units."""
    spans = period.dates(), period.previous_dates()
    tasks = [figure for figure in FIGURES if figure.text is formats.count and figure.own]
    names = [str(_TASKS[figure.metric]) for figure in tasks]
    return finding(
        period,
        [
            Change(name, *(_value(figure, series, span) for span in spans))
            for name, figure in zip(names, tasks, strict=True)
        ],
    )


def _tile(figure: Figure, series: Series, period: Period) -> Tile:
    now = _value(figure, series, period.dates())
    before = _value(figure, series, period.previous_dates()) if period.compared else None
    change, tone = _change(figure, now, before)
    return Tile(
        label=str(figure.label),
        definition=str(figure.definition),
        value=figure.text(now),
        previous=figure.text(before),
        change=change,
        tone=tone,
        course=_course(figure, series, period.dates()),
        link=_link(figure, now, period),
    )


def _link(figure: Figure, value: float | None, period: Period) -> str:
    if not value:
        return ""
    days = {"start": period.start, "end": period.end, "recent": period.end - timedelta(days=29)}
    return urlencode([(name, text.format_map(days)) for name, text in figure.mark])


def _value(figure: Figure, series: Series, days: list[date]) -> float | None:
    """The figure over ``days``; None where there is nothing to make it of."""
    keys = [day.isoformat() for day in days]
    values = series.get(figure.metric, {})
    if figure.kind == "level":
        return next((values[key] for key in reversed(keys) if key in values), None)
    total = sum(values.get(key, 0) for key in keys)
    if figure.kind == "flow":
        return total if values else None
    count = sum(series.get(figure.per, {}).get(key, 0) for key in keys)
    return total / count if count else None


def _change(figure: Figure, now: float | None, before: float | None) -> tuple[str, Tone]:
    if now is None or before is None or (not before and not figure.points):
        return "", "neutral"
    change = (now - before) if figure.points else (now - before) / before
    rounded = round(change * 100, 1 if figure.points else 0)
    if not rounded:
        return _now("no change"), "neutral"
    text = _now("%(number)s points") if figure.points else _now("%(number)s%%")
    good = figure.better == ("up" if rounded > 0 else "down")
    tone: Tone = "neutral" if figure.better == "neither" else "good" if good else "bad"
    size = text % {"number": formats.short(abs(rounded))}
    return f"{'▲' if rounded > 0 else '▼'} {size}", tone


def _course(figure: Figure, series: Series, days: list[date]) -> list[float | None]:
    keys = [day.isoformat() for day in days]
    values = series.get(figure.metric, {})
    if figure.kind == "flow":
        return [values.get(key, 0) for key in keys]
    if figure.kind == "mean":
        counts = series.get(figure.per, {})
        steps = [values[key] / counts[key] if counts.get(key) else None for key in keys]
    else:
        steps = [values.get(key) for key in keys]
    return _held(steps)


def _held(steps: list[float | None]) -> list[float | None]:
    """Days without a value have the value of the day before."""
    held: list[float | None] = []
    for step in steps:
        held.append(held[-1] if step is None and held else step)
    return held
