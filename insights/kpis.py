"""Key performance indicators (KPIs): definitions, and the tiles with value, change and sparkline."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from insights import formats
from insights.findings import Change, finding
from insights.model import Column, Drawing, Query, Row, Table, filled
from insights.periods import Period

Tone = Literal["good", "bad", "neutral"]
Series = dict[str, dict[str, float]]  # metric -> day (ISO) -> value


@dataclass(frozen=True, slots=True)
class Kpi:
    """How a KPI is computed from the daily metrics.

    ``kind``: ``flow`` sums ``metric`` over a period, ``level`` takes its value at the end of the period, ``mean``
    divides the sum of ``metric`` by the sum of ``per``. ``better`` is the direction of an improvement. ``drill_down``
    holds the query parameters of a predicate; {start}, {end} and {recent} in them stand for days.
    """

    label: Promise
    definition: Promise
    metric: str
    kind: Literal["flow", "level", "mean"]
    text: Callable[[float | None], str] = formats.count
    better: Literal["up", "down", "neither"] = "neither"
    per: str = ""
    points: bool = False  # a rate changes by percentage points, not by per cent of itself
    drill_down: Query = field(default_factory=dict)
    personal: bool = True  # makes sense for one person


DEFINITIONS = (
    Kpi(
        _("All tasks"),
        _("Tasks that exist at the end of the period, whatever their status."),
        "total_tasks",
        "level",
        drill_down={"standing": "any", "on": "{end}"},
    ),
    Kpi(
        _("Created"),
        _("Tasks created in the period."),
        "tasks_created",
        "flow",
        drill_down={"event": "created", "from": "{start}", "to": "{end}"},
    ),
    Kpi(
        _("Completed"),
        _("Completions in the period."),
        "tasks_completed",
        "flow",
        better="up",
        drill_down={"event": "completed", "from": "{start}", "to": "{end}"},
    ),
    Kpi(
        _("Completion rate"),
        _("Completed tasks among all tasks that exist at the end of the period."),
        "completion_rate",
        "level",
        formats.percent,
        "up",
        points=True,
        drill_down={"standing": "completed", "on": "{end}"},
    ),
    Kpi(
        _("Open"),
        _("Tasks pending or in progress at the end of the period."),
        "open_tasks",
        "level",
        better="down",
        drill_down={"standing": "open", "on": "{end}"},
    ),
    Kpi(
        _("Overdue"),
        _("Open tasks whose due date has passed at the end of the period."),
        "overdue_tasks",
        "level",
        better="down",
        drill_down={"standing": "overdue", "on": "{end}"},
    ),
    Kpi(
        _("Active people"),
        _(
            "People who changed a task or their profile in the 30 days up to the end of the period; with a filter for "
            "tasks, only changes to those tasks count."
        ),
        "active_users",
        "level",
        better="up",
        drill_down={"event": "changed", "from": "{recent}", "to": "{end}"},
        personal=False,
    ),
    Kpi(
        _("Average lead time"),
        _("Mean time from creation to completion of the tasks completed in the period."),
        "lead_hours",
        "mean",
        formats.hours,
        "down",
        per="finished",
        drill_down={"time": "lead", "from": "{start}", "to": "{end}"},
    ),
)

# Names of the KPIs that count tasks, for the start of a sentence.
_SENTENCE_NAMES = {
    "total_tasks": _("All tasks"),
    "tasks_created": _("Created tasks"),
    "tasks_completed": _("Completed tasks"),
    "open_tasks": _("Open tasks"),
    "overdue_tasks": _("Overdue tasks"),
}


@dataclass(frozen=True, slots=True)
class Tile:
    """A KPI as the page shows it. ``sparkline`` has one value a day, None before the first one."""

    label: str
    definition: str
    value: str
    previous: str
    change: str
    tone: Tone
    sparkline: list[float | None]
    link: str


def tiles(rows: list[Row], period: Period, personal: bool = False) -> list[Tile]:
    """Return the tiles for the rows of the ``kpis`` question; ``personal`` omits KPIs about many people."""
    series = _series(rows)
    return [_tile(kpi, series, period) for kpi in DEFINITIONS if kpi.personal or not personal]


def _series(rows: list[Row]) -> Series:
    series: Series = {}
    for row in rows:
        series.setdefault(row["metric"], {})[row["day"]] = float(row["value"] or 0)
    return series


def draw(rows: list[Row], period: Period) -> Drawing:
    """The KPIs as a table."""
    shown = tiles(rows, period)
    columns = tuple(
        Column(n, t, "text")
        for n, t in (("label", _("Figure")), ("value", _("Value")), ("previous", _("Before")))
    )
    table = [{"label": tile.label, "value": tile.value, "previous": tile.previous} for tile in shown]
    summary = "; ".join(f"{tile.label}: {tile.value}" for tile in shown)
    return Drawing(summary, Table(columns, table), finding=_finding(_series(rows), period))


def _finding(series: Series, period: Period) -> str:
    """Compare only the KPIs that count tasks: rates and durations have other units."""
    spans = period.dates(), period.previous_dates()
    tasks = [kpi for kpi in DEFINITIONS if kpi.text is formats.count and kpi.personal]
    names = [str(_SENTENCE_NAMES[kpi.metric]) for kpi in tasks]
    return finding(
        period,
        [
            Change(name, *(_value(kpi, series, span) for span in spans))
            for name, kpi in zip(names, tasks, strict=True)
        ],
    )


def _tile(kpi: Kpi, series: Series, period: Period) -> Tile:
    now = _value(kpi, series, period.dates())
    before = _value(kpi, series, period.previous_dates()) if period.compared else None
    change, tone = _change(kpi, now, before)
    return Tile(
        label=str(kpi.label),
        definition=str(kpi.definition),
        value=kpi.text(now),
        previous=kpi.text(before),
        change=change,
        tone=tone,
        sparkline=_sparkline(kpi, series, period.dates()),
        link=_link(kpi, now, period),
    )


def _link(kpi: Kpi, value: float | None, period: Period) -> str:
    if not value:
        return ""
    days = {"start": period.start, "end": period.end, "recent": period.end - timedelta(days=29)}
    return filled(kpi.drill_down, days)


def _value(kpi: Kpi, series: Series, days: list[date]) -> float | None:
    """The KPI over ``days``; None where there are no values."""
    keys = [day.isoformat() for day in days]
    values = series.get(kpi.metric, {})
    if kpi.kind == "level":
        return next((values[key] for key in reversed(keys) if key in values), None)
    total = sum(values.get(key, 0) for key in keys)
    if kpi.kind == "flow":
        return total if values else None
    count = sum(series.get(kpi.per, {}).get(key, 0) for key in keys)
    return total / count if count else None


def _change(kpi: Kpi, now: float | None, before: float | None) -> tuple[str, Tone]:
    if now is None or before is None or (not before and not kpi.points):
        return "", "neutral"
    change = (now - before) if kpi.points else (now - before) / before
    rounded = round(change * 100, 1 if kpi.points else 0)
    if not rounded:
        return _now("no change"), "neutral"
    text = _now("%(number)s points") if kpi.points else _now("%(number)s%%")
    good = kpi.better == ("up" if rounded > 0 else "down")
    tone: Tone = "neutral" if kpi.better == "neither" else "good" if good else "bad"
    size = text % {"number": formats.short(abs(rounded))}
    return f"{'▲' if rounded > 0 else '▼'} {size}", tone


def _sparkline(kpi: Kpi, series: Series, days: list[date]) -> list[float | None]:
    keys = [day.isoformat() for day in days]
    values = series.get(kpi.metric, {})
    if kpi.kind == "flow":
        return [values.get(key, 0) for key in keys]
    if kpi.kind == "mean":
        counts = series.get(kpi.per, {})
        steps = [values[key] / counts[key] if counts.get(key) else None for key in keys]
    else:
        steps = [values.get(key) for key in keys]
    return _filled_forward(steps)


def _filled_forward(steps: list[float | None]) -> list[float | None]:
    """Days without a value repeat the value of the day before."""
    values: list[float | None] = []
    for step in steps:
        values.append(values[-1] if step is None and values else step)
    return values
