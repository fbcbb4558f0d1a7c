"""The drawing of lead and cycle times: a histogram whose bars suit the data, with its percentiles marked."""

from __future__ import annotations

import math

from insights import formats
from insights.figures import COMPLETED, OTHERS, Figure, bars, counts, figure, marked, marker_line
from insights.findings import Change, finding
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period

BIN_HOURS = (1, 2, 4, 8, 12, 24, 48, 96, 168, 336, 672, 1344, 2688)
MOST_BINS = 36
PERCENTILES = ("p50", "p85", "p95")
UNBOUNDED = 10**9


class Histogram:
    """Tasks by a duration in bars of equal width; the last bar takes everything from its start on.

    Parameters
    ----------
    rows
        Tasks by whole hours (``whole_hours``, ``tasks``), at least one.
    p95
        The 95th percentile in hours: it decides how far the bars reach.
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
        """Hours in the unit of the axis."""
        return hours / 24 if self.unit == "days" else hours

    def label(self, n: int) -> str:
        """The lead times that bar ``n`` holds, in the unit of the axis."""
        start, end = (f"{self.scaled(edge * self.width):g}" for edge in (n, n + 1))
        return f"{start} or more" if self.open_ended and n == len(self.bins) - 1 else f"{start} to {end}"

    def bounds(self, n: int) -> tuple[int, int]:
        """The whole hours that bar ``n`` holds: from the first (included) to the second (not included)."""
        last = self.open_ended and n == len(self.bins) - 1
        return n * self.width, UNBOUNDED if last else (n + 1) * self.width


def lead_time(rows: list[Row], period: Period) -> Drawing:
    """A histogram of the times from creation to completion."""
    return _durations(rows, period, "Lead time", "lead")


def cycle_time(rows: list[Row], period: Period) -> Drawing:
    """A histogram of the times from starting to completion."""
    return _durations(rows, period, "Cycle time", "cycle")


def _durations(rows: list[Row], period: Period, name: str, measure: str) -> Drawing:
    now = [row for row in rows if row["span"] == "period"]
    before = [row for row in rows if row["span"] == "before"]
    if not now:
        return Drawing(
            "No such task was completed in this period.", Table((Column("label", name, "text"),), [])
        )
    percentiles = {name: float(now[0][name]) for name in PERCENTILES}
    histogram = Histogram(now, percentiles["p95"])
    p50, p85, p95 = (formats.hours(value) for value in percentiles.values())
    return Drawing(
        summary=f"Of {formats.plural(sum(histogram.bins), 'completed task')}, half took at most {p50}, 85% at most "
        f"{p85} and 95% at most {p95}.",
        finding=finding(
            period,
            [
                Change(f"The {name.lower()} of {p}", now[0][p], before[0][p] if before else None)
                for p in PERCENTILES
            ],
            formats.hours,
        ),
        facts=tuple(Fact(name, formats.hours(value)) for name, value in percentiles.items()),
        table=_table(histogram, name, _mark(period, measure)),
        figure=_figure(histogram, percentiles, name, _mark(period, measure)),
    )


def _mark(period: Period, measure: str) -> dict[str, str]:
    return {"time": measure, "from": period.start.isoformat(), "to": period.end.isoformat()}


def _table(histogram: Histogram, name: str, mark: dict[str, str]) -> Table:
    columns = (
        Column("label", f"{name} in {histogram.unit}", "text"),
        Column("tasks", "Tasks", mark=(*mark.items(), ("low", "{low}"), ("high", "{high}"))),
        Column("share", "Share", "percent"),
    )
    total = sum(histogram.bins)
    rows = []
    for n, tasks in enumerate(histogram.bins):
        low, high = histogram.bounds(n)
        rows.append(
            {"label": histogram.label(n), "tasks": tasks, "share": tasks / total, "low": low, "high": high}
        )
    return Table(columns, rows)


def _figure(histogram: Histogram, percentiles: dict[str, float], name: str, mark: dict[str, str]) -> Figure:
    places = range(len(histogram.bins))
    lines = [marker_line(histogram.scaled(value), p, n) for n, (p, value) in enumerate(percentiles.items())]
    tasks = bars(
        "Tasks",
        [histogram.scaled((n + 0.5) * histogram.width) for n in places],
        histogram.bins,
        COMPLETED,
        customdata=[[histogram.label(n), *histogram.bounds(n)] for n in places],
        hovertemplate=f"%{{customdata[0]}} {histogram.unit}: %{{y:,d}} tasks<extra></extra>",
    )
    if histogram.open_ended:
        tasks["marker"] = {"color": [COMPLETED] * (len(histogram.bins) - 1) + [OTHERS]}
    return figure(
        [marked(tasks, **mark, low="{1}", high="{2}")],
        xaxis={"title": {"text": f"{name} in {histogram.unit}", "font": {"size": 12}}, "nticks": 9},
        yaxis=counts(histogram.bins),
        hovermode="closest",
        bargap=0.08,
        shapes=[shape for shape, _ in lines],
        annotations=[label for _, label in lines],
    )
