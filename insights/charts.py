"""Drawing functions: the rows of one question become a figure, sentences and a table.

Figures are plain data in Plotly's schema (the tests have ``plotly.graph_objects`` validate each), so that no request
imports plotly. ``figures`` holds what they have in common. Every mark and every number leads to the tasks behind it.
"""

from __future__ import annotations

from typing import Any

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

FLOWS = ("created", "completed", "reopened", "deleted")
STATUS_NAMES = {
    "completed": "Completed",
    "cancelled": "Cancelled",
    "in_progress": "In progress",
    "pending": "Pending",
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
    columns = (Column("day", "Day", "date"), *(_flow_column(name) for name in FLOWS))
    created, completed = total(now, "created"), total(now, "completed")
    if not any(total(now, name) for name in FLOWS):
        return Drawing("No task was created or completed in this period.", Table(columns, []))
    best = max(now, key=lambda row: row["completed"])
    return Drawing(
        summary=(
            f"{formats.plural(created, 'task was', 'tasks were')} created and {formats.count(completed)} completed; "
            f"most completions in a day: {formats.count(best['completed'])}, on {formats.day(best['day'])}."
        ),
        finding=finding(
            period, [Change(f"Tasks {name}", total(now, name), total(before, name)) for name in FLOWS]
        ),
        facts=(
            Fact("Created", formats.count(created), CREATED),
            Fact("Completed", formats.count(completed), COMPLETED),
            Fact("Net", f"{created - completed:+,}"),
        ),
        table=Table(columns, now[::-1]),
        figure=_throughput_figure(now, before if period.compared else []),
    )


def _flow_column(name: str) -> Column:
    return Column(name, name.capitalize(), mark=(("event", name), ("from", "{day}"), ("to", "{day}")))


def _days(rows: list[Row], days: list[Any]) -> list[Row]:
    """A row for each of ``days``; days that are not in ``rows`` are zeros."""
    by_day = {row["day"]: row for row in rows}
    texts = [day.isoformat() for day in days]
    return [{"day": day} | {n: by_day.get(day, {}).get(n) or 0 for n in FLOWS} for day in texts]


def _throughput_figure(now: list[Row], before: list[Row]) -> Figure:
    days, created, completed = (values(now, name) for name in ("day", "created", "completed"))
    earlier = values(before, "completed")
    traces = [
        marked(bars("Completed", days, completed, COMPLETED), event="completed", from_="{x}", to="{x}"),
        marked(line("Created", days, created, CREATED), event="created", from_="{x}", to="{x}"),
    ]
    if before:
        spec = {"line": {"color": BEFORE, "width": 1, "dash": "dot"}, "customdata": values(before, "day")}
        ghost = line("Completed before", days, earlier, BEFORE) | spec
        traces.append(marked(ghost, event="completed", from_="{0}", to="{0}"))
    return figure(traces, xaxis=DAYS, yaxis=counts(created, completed, earlier))


def cumulative_flow(rows: list[Row], period: Period) -> Drawing:
    """Stacked areas of the number of tasks in each status at the end of each day."""
    levels = {status: _levels(rows, status, period) for status in STATUS_NAMES}
    days = [day.isoformat() for day in period.dates()]
    columns = (Column("day", "Day", "date"), *(_status_column(s, name) for s, name in STATUS_NAMES.items()))
    table: list[Row] = [{"day": day} | {s: levels[s][n] for s in STATUS_NAMES} for n, day in enumerate(days)]
    if not any(map(any, levels.values())):
        return Drawing("There were no tasks in this period.", Table(columns, []))
    first, last = (table[n]["pending"] + table[n]["in_progress"] for n in (0, -1))
    return Drawing(
        summary=f"Open work {_moved(first, last)} over the period; {formats.count(table[-1]['in_progress'])} of the "
        f"{formats.count(last)} open tasks are in progress.",
        finding=finding(period, _status_changes(rows, table[-1], period)),
        facts=tuple(
            Fact(name, formats.count(levels[status][-1]), STATUS_COLOURS[status])
            for status, name in reversed(STATUS_NAMES.items())
        ),
        table=Table(columns, table[::-1]),
        figure=_flow_figure(days, levels),
    )


def _status_column(status: str, name: str) -> Column:
    return Column(status, name, mark=(("standing", status), ("on", "{day}")))


def _status_changes(rows: list[Row], last: Row, period: Period) -> list[Change]:
    day = period.previous_end.isoformat()
    before = {row["status"]: row["tasks"] for row in rows if row["day"] == day}
    return [
        Change(f"{name} tasks at the end of the period", last[status], before.get(status, 0))
        for status, name in STATUS_NAMES.items()
    ]


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
        return f"stayed at {formats.plural(last, 'task')}"
    return (
        f"{'grew' if last > first else 'fell'} from {formats.count(first)} to {formats.plural(last, 'task')}"
    )


def _flow_figure(days: list[str], levels: dict[str, list[int]]) -> Figure:
    """The band of the status that comes first in STATUS_COLOURS is at the bottom."""
    bands = [
        marked(
            line(STATUS_NAMES[status], days, levels[status], colour, stackgroup="tasks", fillcolor=colour)
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
        Column("age_bucket", "Age", "text"),
        Column("tasks", "Open tasks", mark=(("standing", "open"), on, *ages)),
        Column("overdue", "Of these overdue", mark=(("standing", "overdue"), on, *ages)),
    )
    tasks, overdue = total(rows, "tasks"), total(rows, "overdue")
    if not tasks:
        return Drawing("No task is open.", Table(columns, []))
    largest = max(rows, key=lambda row: row["tasks"])
    return Drawing(
        summary=f"{formats.plural(tasks, 'task is', 'tasks are')} open, {formats.count(overdue)} of them overdue; the "
        f"largest group ({formats.count(largest['tasks'])}) has this age: {largest['age_bucket']}.",
        finding=finding(
            period,
            [Change(f"Open tasks aged {r['age_bucket']}", r["tasks"], r["tasks_before"]) for r in rows],
        ),
        facts=(
            Fact("Not overdue", formats.count(tasks - overdue), CREATED),
            Fact("Overdue", formats.count(overdue), OVERDUE),
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
            marked(bars("Not overdue", ages, in_time, CREATED, **bounds), standing="in_time", **mark),
            marked(
                bars("Overdue", ages, values(rows, "overdue"), OVERDUE, **bounds), standing="overdue", **mark
            ),
        ],
        xaxis={
            "type": "category",
            "tickvals": ages,
            "ticktext": ["<br>".join(age.rsplit(" ", 1)) for age in ages],
            "tickangle": 0,
        },
        yaxis=counts(values(rows, "tasks")),
        barmode="stack",
    )
