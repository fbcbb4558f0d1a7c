"""The key figures: their value, their change against the period before, and their course."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from insights import formats
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

    label: str
    definition: str
    metric: str
    kind: Literal["flow", "level", "mean"]
    text: Callable[[float | None], str] = formats.count
    better: Literal["up", "down", "neither"] = "neither"
    per: str = ""
    points: bool = False  # a rate changes by percentage points, not by per cent of itself


FIGURES = (
    Figure(
        "All tasks",
        "Tasks that exist at the end of the period, whatever their status.",
        "total_tasks",
        "level",
    ),
    Figure("Created", "Tasks created in the period.", "tasks_created", "flow"),
    Figure("Completed", "Completions in the period.", "tasks_completed", "flow", better="up"),
    Figure(
        "Completion rate",
        "Completed tasks among all tasks that exist at the end of the period.",
        "completion_rate",
        "level",
        formats.percent,
        "up",
        points=True,
    ),
    Figure(
        "Open", "Tasks pending or in progress at the end of the period.", "open_tasks", "level", better="down"
    ),
    Figure(
        "Overdue",
        "Open tasks whose due date has passed at the end of the period.",
        "overdue_tasks",
        "level",
        better="down",
    ),
    Figure(
        "Active people",
        "People who changed a task in the 30 days up to the end of the period.",
        "active_users",
        "level",
        better="up",
    ),
    Figure(
        "Average lead time",
        "Mean time from creation to completion of the tasks completed in the period.",
        "lead_hours",
        "mean",
        formats.hours,
        "down",
        per="finished",
    ),
)


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


def tiles(rows: list[Row], period: Period) -> list[Tile]:
    """Make every tile from the rows of the ``kpis`` question."""
    series: Series = {}
    for row in rows:
        series.setdefault(row["metric"], {})[row["day"]] = float(row["value"] or 0)
    return [_tile(figure, series, period) for figure in FIGURES]


def draw(rows: list[Row], period: Period) -> Drawing:
    """The key figures as a table."""
    made = tiles(rows, period)
    columns = tuple(
        Column(n, t, "text") for n, t in (("label", "Figure"), ("value", "Value"), ("previous", "Before"))
    )
    table = [{"label": tile.label, "value": tile.value, "previous": tile.previous} for tile in made]
    return Drawing("; ".join(f"{tile.label}: {tile.value}" for tile in made), Table(columns, table))


def _tile(figure: Figure, series: Series, period: Period) -> Tile:
    now = _value(figure, series, period.dates())
    comparable = figure.kind == "level" or _known_throughout(series, period.previous_dates())
    before = _value(figure, series, period.previous_dates()) if comparable else None
    change, tone = _change(figure, now, before)
    return Tile(
        label=figure.label,
        definition=figure.definition,
        value=figure.text(now),
        previous=figure.text(before),
        change=change,
        tone=tone,
        course=_course(figure, series, period.dates()),
    )


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


def _known_throughout(series: Series, days: list[date]) -> bool:
    """Whether the data reaches back to the first of ``days``: sums over part of a period compare with nothing."""
    first = min((day for values in series.values() for day in values), default=None)
    return first is not None and first <= days[0].isoformat()


def _change(figure: Figure, now: float | None, before: float | None) -> tuple[str, Tone]:
    if now is None or before is None or (not before and not figure.points):
        return "", "neutral"
    change = (now - before) if figure.points else (now - before) / before
    rounded = round(change * 100, 1 if figure.points else 0)
    if not rounded:
        return "no change", "neutral"
    unit = " points" if figure.points else "%"
    good = figure.better == ("up" if rounded > 0 else "down")
    tone: Tone = "neutral" if figure.better == "neither" else "good" if good else "bad"
    return f"{'▲' if rounded > 0 else '▼'} {abs(rounded):g}{unit}", tone


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
