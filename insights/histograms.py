"""Histograms of lead and cycle times, with lines at their percentiles."""

import math

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from insights import formats
from insights.figures import COMPLETED, OTHERS, Figure, bars, counts, figure, marker_line
from insights.findings import Change, finding
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period
from insights.predicates import UNBOUNDED

BIN_HOURS = (1, 2, 4, 8, 12, 24, 48, 96, 168, 336, 672, 1344, 2688)
MOST_BINS = 36
PERCENTILES = ("p50", "p85", "p95")
_NAMES = {"lead": _("Lead time"), "cycle": _("Cycle time")}
_IN_UNITS = {
    ("lead", "days"): _("Lead time in days"),
    ("lead", "hours"): _("Lead time in hours"),
    ("cycle", "days"): _("Cycle time in days"),
    ("cycle", "hours"): _("Cycle time in hours"),
}
_PERCENTILES_OF = {
    "lead": _("Lead time at %(percentile)s"),
    "cycle": _("Cycle time at %(percentile)s"),
}


class Histogram:
    """Tasks by duration in bars of equal width; the last bar may be open-ended.

    Parameters
    ----------
    rows
        Tasks by whole hours (``whole_hours``, ``tasks``), at least one.
    p95
        The 95th percentile in hours; the bars reach a little beyond it.
    """

    def __init__(self, rows: list[Row], p95: float) -> None:
        slowest = max(row["whole_hours"] for row in rows) + 1
        shown = min(p95 * 1.25 + 1, slowest)
        self.width = next((width for width in BIN_HOURS if shown / width <= MOST_BINS), BIN_HOURS[-1])
        self.bins = [0] * math.ceil(shown / self.width)
        for row in rows:
            self.bins[min(row["whole_hours"] // self.width, len(self.bins) - 1)] += row["tasks"]
        self.open_ended = slowest > self.width * len(self.bins)
        self.unit = "days" if self.width * len(self.bins) >= 72 else "hours"

    def scaled(self, hours: float) -> float:
        """``hours`` in the unit of the axis."""
        return hours / 24 if self.unit == "days" else hours

    def label(self, n: int) -> str:
        """The range of durations of bar ``n``, in the unit of the axis."""
        start, end = (_plain(self.scaled(edge * self.width)) for edge in (n, n + 1))
        if self.open_ended and n == len(self.bins) - 1:
            return _now("%(start)s or more") % {"start": start}
        return _now("%(start)s to %(end)s") % {"start": start, "end": end}

    def bounds(self, n: int) -> tuple[int, int]:
        """The range of bar ``n`` in whole hours: start (inclusive) and end (exclusive)."""
        last = self.open_ended and n == len(self.bins) - 1
        return n * self.width, UNBOUNDED if last else (n + 1) * self.width


def _plain(value: float) -> str:
    text = f"{value:g}"
    return formats.decimal(value, len(text.partition(".")[2]))


def lead_time(rows: list[Row], period: Period) -> Drawing:
    """A histogram of the time from creation to completion."""
    return _durations(rows, period, "lead")


def cycle_time(rows: list[Row], period: Period) -> Drawing:
    """A histogram of the time from start to completion."""
    return _durations(rows, period, "cycle")


def _durations(rows: list[Row], period: Period, measure: str) -> Drawing:
    now = [row for row in rows if row["span"] == "period"]
    before = [row for row in rows if row["span"] == "before"]
    if not now:
        return Drawing(
            _now("No such task was completed in this period."),
            Table((Column("label", _NAMES[measure], "text"),), []),
        )
    percentiles = {name: float(now[0][name]) for name in PERCENTILES}
    histogram = Histogram(now, percentiles["p95"])
    query = {"time": measure, **period.query()}
    p50, p85, p95 = (formats.hours(value) for value in percentiles.values())
    return Drawing(
        summary=ngettext(
            "%(number)s completed task: half took at most %(p50)s, 85%% at most %(p85)s and 95%% at most %(p95)s.",
            "%(number)s completed tasks: half took at most %(p50)s, 85%% at most %(p85)s and 95%% at most %(p95)s.",
            sum(histogram.bins),
        )
        % {"number": formats.count(sum(histogram.bins)), "p50": p50, "p85": p85, "p95": p95},
        finding=finding(
            period,
            [
                Change(
                    str(_PERCENTILES_OF[measure]) % {"percentile": p},
                    now[0][p],
                    before[0][p] if before else None,
                )
                for p in PERCENTILES
            ],
            formats.hours,
        ),
        facts=tuple(Fact(name, formats.hours(value)) for name, value in percentiles.items()),
        table=_table(histogram, _IN_UNITS[measure, histogram.unit], query),
        figure=_figure(histogram, percentiles, str(_IN_UNITS[measure, histogram.unit]), query),
    )


def _table(histogram: Histogram, name: Promise, query: dict[str, str]) -> Table:
    columns = (
        Column("label", name, "text"),
        Column("tasks", _("Tasks"), drill_down={**query, "low": "{low}", "high": "{high}"}),
        Column("share", _("Share"), "percent"),
    )
    total = sum(histogram.bins)
    rows = []
    for n, tasks in enumerate(histogram.bins):
        low, high = histogram.bounds(n)
        rows.append(
            {"label": histogram.label(n), "tasks": tasks, "share": tasks / total, "low": low, "high": high}
        )
    return Table(columns, rows)


def _tooltip(unit: str) -> str:
    # Translators: Plotly replaces the expressions in braces.
    return (
        _now("%{customdata[0]} days: %{y:,d} tasks")
        if unit == "days"
        else _now("%{customdata[0]} hours: %{y:,d} tasks")
    )


def _figure(histogram: Histogram, percentiles: dict[str, float], name: str, query: dict[str, str]) -> Figure:
    numbers = range(len(histogram.bins))
    lines = [marker_line(histogram.scaled(value), p, n) for n, (p, value) in enumerate(percentiles.items())]
    tasks = bars(
        _now("Tasks"),
        [histogram.scaled((n + 0.5) * histogram.width) for n in numbers],
        histogram.bins,
        COMPLETED,
        {**query, "low": "{1}", "high": "{2}"},
        customdata=[[histogram.label(n), *histogram.bounds(n)] for n in numbers],
        hovertemplate=_tooltip(histogram.unit) + "<extra></extra>",
    )
    if histogram.open_ended:
        tasks["marker"] = {"color": [COMPLETED] * (len(histogram.bins) - 1) + [OTHERS]}
    return figure(
        [tasks],
        xaxis={"title": {"text": name, "font": {"size": 12}}, "nticks": 9},
        yaxis=counts(histogram.bins),
        hovermode="closest",
        bargap=0.08,
        shapes=[shape for shape, _ in lines],
        annotations=[label for _, label in lines],
    )
