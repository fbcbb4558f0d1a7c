"""The drawing of lead times: a histogram whose bars suit the data, with its percentiles marked."""

from __future__ import annotations

import math

from insights import formats
from insights.figures import COMPLETED, OTHERS, Figure, bars, counts, figure, marker_line
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period

BIN_HOURS = (1, 2, 4, 8, 12, 24, 48, 96, 168, 336, 672, 1344, 2688)
MOST_BINS = 36
PERCENTILES = ("p50", "p85", "p95")


class Histogram:
    """Tasks by lead time in bars of equal width; the last bar takes everything from its start on.

    Parameters
    ----------
    rows
        Tasks by whole hours of lead time (``lead_hour``, ``tasks``), at least one.
    p95
        The 95th percentile in hours: it decides how far the bars reach.
    """

    def __init__(self, rows: list[Row], p95: float) -> None:
        slowest = max(row["lead_hour"] for row in rows) + 1
        shown = min(p95 * 1.25 + 1, slowest)
        self.width = next((width for width in BIN_HOURS if shown / width <= MOST_BINS), BIN_HOURS[-1])
        self.bins = [0] * math.ceil(shown / self.width)
        for row in rows:
            self.bins[min(row["lead_hour"] // self.width, len(self.bins) - 1)] += row["tasks"]
        self.open_ended = slowest > self.width * len(self.bins)
        self.unit = "days" if self.width * len(self.bins) >= 72 else "hours"

    def scaled(self, hours: float) -> float:
        """Hours in the unit of the axis."""
        return hours / 24 if self.unit == "days" else hours

    def label(self, n: int) -> str:
        """The lead times that bar ``n`` holds, in the unit of the axis."""
        start, end = (f"{self.scaled(edge * self.width):g}" for edge in (n, n + 1))
        return f"{start} or more" if self.open_ended and n == len(self.bins) - 1 else f"{start} to {end}"


def lead_time(rows: list[Row], period: Period) -> Drawing:
    """A histogram of lead times with p50, p85 and p95 marked."""
    if not rows:
        return Drawing(
            "No task was completed in this period.", Table((Column("label", "Lead time", "text"),), [])
        )
    percentiles = {name: float(rows[0][name]) for name in PERCENTILES}
    histogram = Histogram(rows, percentiles["p95"])
    p50, p85, p95 = (formats.hours(value) for value in percentiles.values())
    return Drawing(
        summary=f"Of {formats.plural(sum(histogram.bins), 'completed task')}, half took at most {p50}, 85% at most "
        f"{p85} and 95% at most {p95}.",
        facts=tuple(Fact(name, formats.hours(value)) for name, value in percentiles.items()),
        table=_table(histogram),
        figure=_figure(histogram, percentiles),
    )


def _table(histogram: Histogram) -> Table:
    columns = (
        Column("label", f"Lead time in {histogram.unit}", "text"),
        Column("tasks", "Tasks"),
        Column("share", "Share", "percent"),
    )
    total = sum(histogram.bins)
    rows = [
        {"label": histogram.label(n), "tasks": tasks, "share": tasks / total}
        for n, tasks in enumerate(histogram.bins)
    ]
    return Table(columns, rows)


def _figure(histogram: Histogram, percentiles: dict[str, float]) -> Figure:
    places = range(len(histogram.bins))
    lines = [
        marker_line(histogram.scaled(value), name, n) for n, (name, value) in enumerate(percentiles.items())
    ]
    tasks = bars(
        "Tasks",
        [histogram.scaled((n + 0.5) * histogram.width) for n in places],
        histogram.bins,
        COMPLETED,
        customdata=[histogram.label(n) for n in places],
        hovertemplate=f"%{{customdata}} {histogram.unit}: %{{y:,d}} tasks<extra></extra>",
    )
    if histogram.open_ended:
        tasks["marker"] = {"color": [COMPLETED] * (len(histogram.bins) - 1) + [OTHERS]}
    return figure(
        [tasks],
        xaxis={"title": {"text": f"Lead time in {histogram.unit}", "font": {"size": 12}}, "nticks": 9},
        yaxis=counts(histogram.bins),
        hovermode="closest",
        bargap=0.08,
        shapes=[shape for shape, _ in lines],
        annotations=[label for _, label in lines],
    )
