"""Charts of the flow of work: throughput, cumulative flow and the age of open tasks.

Each function turns the rows of one question into a ``Drawing``, as those of ``histograms``, ``heatmaps``, ``rankings``
and ``habits`` do. Figures are plain data in Plotly's schema, so no request imports plotly; the tests validate them with
``plotly.graph_objects``. Every point and every number of a table leads to its tasks.
"""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from insights import formats
from insights.figures import (
    BEFORE,
    COMPLETED,
    CREATED,
    DAYS,
    OVERDUE,
    STATUS_COLOURS,
    Figure,
    bars,
    counts,
    figure,
    line,
)
from insights.findings import Change, finding
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period
from insights.predicates import EVENTS

MOST_BARS = 100
FLOWS = ("created", "completed", "reopened", "deleted")
STATUS_NAMES = {status: formats.NAMES[status] for status in STATUS_COLOURS}
# Each phrase is translated whole, because languages differ in how they inflect its parts.
FLOW_TASKS = {
    "created": _("Tasks created"),
    "completed": _("Tasks completed"),
    "reopened": _("Tasks reopened"),
    "deleted": _("Tasks deleted"),
}
STATUS_TASKS = {
    "completed": _("Completed tasks at the end of the period"),
    "cancelled": _("Cancelled tasks at the end of the period"),
    "in_progress": _("In progress tasks at the end of the period"),
    "pending": _("Pending tasks at the end of the period"),
}
# Names of the age brackets, by the value in the answer.
AGES = {
    "today": _("today"),
    "1-6 days": _("1-6 days"),
    "1-2 weeks": _("1-2 weeks"),
    "2-4 weeks": _("2-4 weeks"),
    "1-3 months": _("1-3 months"),
    "over 3 months": _("over 3 months"),
}
# Short names by bracket number: six fit side by side on a phone.
BRIEF_AGES = {
    1: _("today"),
    2: _("1-6 d"),
    3: _("1-2 wk"),
    4: _("2-4 wk"),
    5: _("1-3 mo"),
    6: _(">3 mo"),
}


def values(rows: list[Row], name: str) -> list[Any]:
    """One column of ``rows``."""
    return [row[name] for row in rows]


def total(rows: list[Row], name: str) -> int:
    """The sum of one column of ``rows``."""
    return sum(values(rows, name))


def throughput(rows: list[Row], period: Period) -> Drawing:
    """Bars of completions and a line of creations by day; a dotted line for completions in the previous period."""
    now, before = _days(rows, period.dates()), _days(rows, period.previous_dates())
    columns = (Column("day", _("Day"), "date"), *(_flow_column(name) for name in FLOWS))
    created, completed = total(now, "created"), total(now, "completed")
    if not any(total(now, name) for name in FLOWS):
        return Drawing(_now("No task was created or completed in this period."), Table(columns, []))
    best = max(now, key=lambda row: row["completed"])
    return Drawing(
        summary=ngettext(
            "%(created)s task was created and %(completed)s completed; most completions in a day: %(most)s, on "
            "%(day)s.",
            "%(created)s tasks were created and %(completed)s completed; most completions in a day: %(most)s, on "
            "%(day)s.",
            created,
        )
        % {
            "created": formats.count(created),
            "completed": formats.count(completed),
            "most": formats.count(best["completed"]),
            "day": formats.day(best["day"]),
        },
        finding=finding(
            period, [Change(str(FLOW_TASKS[name]), total(now, name), total(before, name)) for name in FLOWS]
        ),
        facts=(
            Fact(_now("Created"), formats.count(created), CREATED),
            Fact(_now("Completed"), formats.count(completed), COMPLETED),
            Fact(_now("Net"), _signed(created - completed)),
        ),
        table=Table(columns, now[::-1]),
        figure=_throughput_figure(now, before if period.compared else []),
    )


def _signed(number: int) -> str:
    return ("+" if number >= 0 else "-") + formats.count(abs(number))


def _flow_column(name: str) -> Column:
    return Column(name, EVENTS[name], drill_down={"event": name, "from": "{day}", "to": "{day}"})


def _days(rows: list[Row], days: list[Any]) -> list[Row]:
    """One row for each of ``days``, with zeros for days that are not in ``rows``."""
    by_day = {row["day"]: row for row in rows}
    texts = [day.isoformat() for day in days]
    return [{"day": day} | {n: by_day.get(day, {}).get(n) or 0 for n in FLOWS} for day in texts]


def _throughput_figure(now: list[Row], before: list[Row]) -> Figure:
    """One bar a day, or one every seven days if there are more than ``MOST_BARS`` days."""
    size = 7 if len(now) > MOST_BARS else 1
    spans, earlier = _grouped(now, size), _grouped(before, size)

    def trace(make: Any, name: str, rows: list[Row], flow: str, colour: str, **more: Any) -> Any:
        days = [[row["day"], row["last"]] for row in rows]
        query = {"event": flow, "from": "{0}", "to": "{1}"}
        return make(name, values(spans, "day"), values(rows, flow), colour, query, customdata=days, **more)

    traces = [
        trace(bars, _now("Completed"), spans, "completed", COMPLETED),
        trace(line, _now("Created"), spans, "created", CREATED),
    ]
    if before:
        dots = {"color": BEFORE, "width": 1, "dash": "dot"}
        traces.append(trace(line, _now("Completed before"), earlier, "completed", BEFORE, line=dots))
    weeks = {
        "title": {"text": _now("A bar is seven days"), "font": {"size": 12}},
        "hoverformat": _now("7 days from %(day)s") % {"day": "%-d %b %Y"},
    }
    xaxis = DAYS if size == 1 else DAYS | weeks
    return figure(traces, xaxis=xaxis, yaxis=counts(*(trace["y"] for trace in traces)))


def _grouped(rows: list[Row], size: int) -> list[Row]:
    """Sums of every ``size`` days, counted back from the last day: only the first group may be shorter."""
    first = len(rows) % size
    parts = [rows[:first], *(rows[n : n + size] for n in range(first, len(rows), size))]
    return [
        {"day": part[0]["day"], "last": part[-1]["day"], **{name: total(part, name) for name in FLOWS}}
        for part in parts
        if part
    ]


def cumulative_flow(rows: list[Row], period: Period) -> Drawing:
    """Stacked areas: the number of tasks in each status at the end of each day."""
    levels = {status: _levels(rows, status, period) for status in STATUS_NAMES}
    days = [day.isoformat() for day in period.dates()]
    columns = (
        Column("day", _("Day"), "date"),
        *(_status_column(s, name) for s, name in STATUS_NAMES.items()),
    )
    table: list[Row] = [{"day": day} | {s: levels[s][n] for s in STATUS_NAMES} for n, day in enumerate(days)]
    if not any(map(any, levels.values())):
        return Drawing(_now("There were no tasks in this period."), Table(columns, []))
    first, last = (table[n]["pending"] + table[n]["in_progress"] for n in (0, -1))
    return Drawing(
        summary=_summary(first, last)
        % {
            "first": formats.count(first),
            "last": formats.tasks(last),
            "open": formats.count(last),
            "started": formats.count(table[-1]["in_progress"]),
        },
        finding=finding(period, _status_changes(rows, table[-1], period)),
        facts=tuple(
            Fact(str(name), formats.count(levels[status][-1]), STATUS_COLOURS[status])
            for status, name in reversed(STATUS_NAMES.items())
        ),
        table=Table(columns, table[::-1]),
        figure=_flow_figure(days, levels),
    )


def _status_column(status: str, name: Promise) -> Column:
    return Column(status, name, drill_down={"standing": status, "on": "{day}"})


def _status_changes(rows: list[Row], last: Row, period: Period) -> list[Change]:
    day = period.previous_end.isoformat()
    before = {row["status"]: row["tasks"] for row in rows if row["day"] == day}
    return [Change(str(name), last[status], before.get(status, 0)) for status, name in STATUS_TASKS.items()]


def _levels(rows: list[Row], status: str, period: Period) -> list[int]:
    """The number of tasks in ``status`` on each day of the period; days without a row repeat the day before."""
    by_day: dict[str, int] = {row["day"]: row["tasks"] for row in rows if row["status"] == status}
    level = max(
        ((day, tasks) for day, tasks in by_day.items() if day < period.start.isoformat()), default=("", 0)
    )[1]
    levels = []
    for day in period.dates():
        level = by_day.get(day.isoformat(), level)
        levels.append(level)
    return levels


def _summary(first: int, last: int) -> str:
    if first == last:
        return _now(
            "Open work stayed at %(last)s over the period; %(started)s of the %(open)s open tasks are in progress."
        )
    if last > first:
        return _now(
            "Open work grew from %(first)s to %(last)s over the period; %(started)s of the %(open)s open tasks are in "
            "progress."
        )
    return _now(
        "Open work fell from %(first)s to %(last)s over the period; %(started)s of the %(open)s open tasks are in "
        "progress."
    )


def _flow_figure(days: list[str], levels: dict[str, list[int]]) -> Figure:
    """Bands in the order of STATUS_COLOURS, bottom to top."""
    bands = [
        line(
            str(STATUS_NAMES[status]),
            days,
            levels[status],
            colour,
            {"standing": status, "on": "{x}"},
            stackgroup="tasks",
            fillcolor=colour,
            line={"width": 0, "color": colour},
        )
        for status, colour in STATUS_COLOURS.items()
    ]
    tops = [sum(day) for day in zip(*levels.values(), strict=True)]
    return figure(bands, xaxis=DAYS, yaxis=_cropped(levels["completed"], tops))


def _cropped(lowest: list[int], top: list[int]) -> dict[str, Any]:
    """An axis that cuts off most of the bottom band where it dwarfs the others; the scale stays linear."""
    low, high = min(lowest), max(top)
    if low < high / 4:
        return counts(top)
    room = high - low
    return counts(top, range=[max(0, low - 0.3 * room), high + 0.08 * room], rangemode="normal")


def ageing(rows: list[Row], period: Period) -> Drawing:
    """Stacked bars of open tasks by age, overdue tasks in a colour of their own."""
    limits = {"on": period.end.isoformat(), "youngest": "{youngest}", "oldest": "{oldest}"}
    columns = (
        Column("age_bucket", _("Age"), "text"),
        Column("tasks", _("Open tasks"), drill_down={"standing": "open", **limits}),
        Column("overdue", _("Of these overdue"), drill_down={"standing": "overdue", **limits}),
    )
    rows = [row | {"age_bucket": str(AGES.get(row["age_bucket"], row["age_bucket"]))} for row in rows]
    tasks, overdue = total(rows, "tasks"), total(rows, "overdue")
    if not tasks:
        return Drawing(_now("No task is open."), Table(columns, []))
    largest = max(rows, key=lambda row: row["tasks"])
    return Drawing(
        summary=ngettext(
            "%(open)s task is open, %(overdue)s of them overdue; the largest group (%(most)s) has this age: %(age)s.",
            "%(open)s tasks are open, %(overdue)s of them overdue; the largest group (%(most)s) has this age: %(age)s.",
            tasks,
        )
        % {
            "open": formats.count(tasks),
            "overdue": formats.count(overdue),
            "most": formats.count(largest["tasks"]),
            "age": largest["age_bucket"],
        },
        finding=finding(
            period,
            [
                Change(
                    _now("Open tasks aged %(age)s") % {"age": r["age_bucket"]}, r["tasks"], r["tasks_before"]
                )
                for r in rows
            ],
        ),
        facts=(
            Fact(_now("Not overdue"), formats.count(tasks - overdue), CREATED),
            Fact(_now("Overdue"), formats.count(overdue), OVERDUE),
        ),
        table=Table(columns, rows),
        figure=_ageing_figure(rows, period),
    )


def _ageing_figure(rows: list[Row], period: Period) -> Figure:
    ages = values(rows, "age_bucket")
    in_time = [row["tasks"] - row["overdue"] for row in rows]
    bounds = {"customdata": [[row["youngest"], row["oldest"]] for row in rows]}
    where = {"on": period.end.isoformat(), "youngest": "{0}", "oldest": "{1}"}

    def tasks(name: str, numbers: list[int], colour: str, standing: str) -> dict[str, Any]:
        return bars(name, ages, numbers, colour, {"standing": standing, **where}, **bounds)

    return figure(
        [
            tasks(_now("Not overdue"), in_time, CREATED, "in_time"),
            tasks(_now("Overdue"), values(rows, "overdue"), OVERDUE, "overdue"),
        ],
        xaxis={
            "type": "category",
            "tickvals": ages,
            "ticktext": [str(BRIEF_AGES.get(row["bucket_order"], row["age_bucket"])) for row in rows],
            "tickangle": 0,
        },
        yaxis=counts(values(rows, "tasks")),
        barmode="stack",
    )
