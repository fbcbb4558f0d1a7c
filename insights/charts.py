"""Drawing functions: the rows of one question become a figure, sentences and a table.

Figures are plain data in Plotly's schema (the tests have ``plotly.graph_objects`` validate each), so that no request
imports plotly. ``figures`` holds what they have in common. Every mark and every number leads to the tasks behind it.
"""

from __future__ import annotations

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
    marked,
)
from insights.findings import Change, finding
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period

MOST_BARS = 100
FLOWS = ("created", "completed", "reopened", "deleted")
STATUS_NAMES = {
    "completed": _("Completed"),
    "cancelled": _("Cancelled"),
    "in_progress": _("In progress"),
    "pending": _("Pending"),
}
# Sentences and columns name what flows; a language needs each of these whole.
FLOW_NAMES = {
    "created": _("Created"),
    "completed": _("Completed"),
    "reopened": _("Reopened"),
    "deleted": _("Deleted"),
}
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
# The brackets of ages, as the question spells them.
AGES = {
    "today": _("today"),
    "1-6 days": _("1-6 days"),
    "1-2 weeks": _("1-2 weeks"),
    "2-4 weeks": _("2-4 weeks"),
    "1-3 months": _("1-3 months"),
    "over 3 months": _("over 3 months"),
}
# The same by their order, short enough for six of them side by side on a phone.
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
    """Bars of completions and a line of creations, a day each; a fine line of the completions of the period before."""
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
    return Column(name, FLOW_NAMES[name], mark=(("event", name), ("from", "{day}"), ("to", "{day}")))


def _days(rows: list[Row], days: list[Any]) -> list[Row]:
    """A row for each of ``days``; days that are not in ``rows`` are zeros."""
    by_day = {row["day"]: row for row in rows}
    texts = [day.isoformat() for day in days]
    return [{"day": day} | {n: by_day.get(day, {}).get(n) or 0 for n in FLOWS} for day in texts]


def _throughput_figure(now: list[Row], before: list[Row]) -> Figure:
    """A bar a day, or every seven days where days would be too many to tell apart."""
    size = 7 if len(now) > MOST_BARS else 1
    spans, earlier = _grouped(now, size), _grouped(before, size)
    days = values(spans, "day")
    mark = {"from_": "{0}", "to": "{1}"}

    def of(rows: list[Row], name: str, **more: Any) -> Any:
        return {
            "x": days,
            "y": values(rows, name),
            "customdata": [[r["day"], r["last"]] for r in rows],
            **more,
        }

    traces = [
        marked(
            bars(_now("Completed"), [], [], COMPLETED) | of(spans, "completed"), event="completed", **mark
        ),
        marked(line(_now("Created"), [], [], CREATED) | of(spans, "created"), event="created", **mark),
    ]
    if before:
        dots = {"color": BEFORE, "width": 1, "dash": "dot"}
        ghost = line(_now("Completed before"), [], [], BEFORE) | of(earlier, "completed", line=dots)
        traces.append(marked(ghost, event="completed", **mark))
    weeks = {
        "title": {"text": _now("A bar is seven days"), "font": {"size": 12}},
        "hoverformat": _now("7 days from %(day)s") % {"day": "%-d %b %Y"},
    }
    xaxis = DAYS if size == 1 else DAYS | weeks
    return figure(traces, xaxis=xaxis, yaxis=counts(*(trace["y"] for trace in traces)))


def _grouped(rows: list[Row], size: int) -> list[Row]:
    """Sums of every ``size`` days, counted back from the last one, so that only the first may have fewer."""
    first = len(rows) % size
    parts = [rows[:first], *(rows[n : n + size] for n in range(first, len(rows), size))]
    return [
        {"day": part[0]["day"], "last": part[-1]["day"], **{name: total(part, name) for name in FLOWS}}
        for part in parts
        if part
    ]


def cumulative_flow(rows: list[Row], period: Period) -> Drawing:
    """Stacked areas of the number of tasks in each status at the end of each day."""
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
        summary=_moved(first, last)
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
    return Column(status, name, mark=(("standing", status), ("on", "{day}")))


def _status_changes(rows: list[Row], last: Row, period: Period) -> list[Change]:
    day = period.previous_end.isoformat()
    before = {row["status"]: row["tasks"] for row in rows if row["day"] == day}
    return [Change(str(name), last[status], before.get(status, 0)) for status, name in STATUS_TASKS.items()]


def _levels(rows: list[Row], status: str, period: Period) -> list[int]:
    """A status's number on each day of the period; a day without a row has the number of the day before."""
    known: dict[str, int] = {row["day"]: row["tasks"] for row in rows if row["status"] == status}
    level = max(
        ((day, tasks) for day, tasks in known.items() if day < period.start.isoformat()), default=("", 0)
    )[1]
    levels = []
    for day in period.dates():
        level = known.get(day.isoformat(), level)
        levels.append(level)
    return levels


def _moved(first: int, last: int) -> str:
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
    """The band of the status that comes first in STATUS_COLOURS is at the bottom."""
    bands = [
        marked(
            line(
                str(STATUS_NAMES[status]), days, levels[status], colour, stackgroup="tasks", fillcolor=colour
            )
            | {"line": {"width": 0, "color": colour}},
            standing=status,
            on="{x}",
        )
        for status, colour in STATUS_COLOURS.items()
    ]
    tops = [sum(day) for day in zip(*levels.values(), strict=True)]
    return figure(bands, xaxis=DAYS, yaxis=_cropped(levels["completed"], tops))


def _cropped(lowest: list[int], top: list[int]) -> dict[str, Any]:
    """An axis that leaves out most of the bottom band where it dwarfs the others; their widths stay true."""
    low, high = min(lowest), max(top)
    if low < high / 4:
        return counts(top)
    room = high - low
    return counts(top, range=[max(0, low - 0.3 * room), high + 0.08 * room], rangemode="normal")


def ageing(rows: list[Row], period: Period) -> Drawing:
    """Stacked bars of open tasks by age, the overdue ones set off."""
    on, ages = ("on", period.end.isoformat()), (("oldest", "{oldest}"), ("youngest", "{youngest}"))
    columns = (
        Column("age_bucket", _("Age"), "text"),
        Column("tasks", _("Open tasks"), mark=(("standing", "open"), on, *ages)),
        Column("overdue", _("Of these overdue"), mark=(("standing", "overdue"), on, *ages)),
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
    mark = {"on": period.end, "youngest": "{0}", "oldest": "{1}"}
    return figure(
        [
            marked(bars(_now("Not overdue"), ages, in_time, CREATED, **bounds), standing="in_time", **mark),
            marked(
                bars(_now("Overdue"), ages, values(rows, "overdue"), OVERDUE, **bounds),
                standing="overdue",
                **mark,
            ),
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
