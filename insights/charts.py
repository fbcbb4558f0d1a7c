"""Drawing functions: the rows of one question become a figure, a sentence and a table.

Figures are plain data in Plotly's schema (the tests have ``plotly.graph_objects`` validate each), so that no request
imports plotly. ``figures`` holds what they have in common.
"""

from __future__ import annotations

from typing import Any

from insights import formats
from insights.figures import (
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
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period

TOP_CATEGORIES = 8
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS = [f"{hour:02}" for hour in range(24)]
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


def throughput(rows: list[Row], period: Period) -> Drawing:
    """Bars of completions and a line of creations, a day each; days without a row are zeros."""
    by_day = {row["day"]: row for row in rows}
    days = [day.isoformat() for day in period.dates()]
    filled: list[Row] = [{"day": day} | {n: by_day.get(day, {}).get(n) or 0 for n in FLOWS} for day in days]
    columns = (Column("day", "Day", "date"), *(Column(name, name.capitalize()) for name in FLOWS))
    created, completed = sum(values(filled, "created")), sum(values(filled, "completed"))
    if not created + completed:
        return Drawing("No task was created or completed in this period.", Table(columns, []))
    best = max(filled, key=lambda row: row["completed"])
    return Drawing(
        summary=(
            f"{formats.plural(created, 'task was', 'tasks were')} created and {formats.count(completed)} completed; "
            f"most completions in a day: {formats.count(best['completed'])}, on {formats.day(best['day'])}."
        ),
        facts=(
            Fact("Created", formats.count(created), CREATED),
            Fact("Completed", formats.count(completed), COMPLETED),
            Fact("Net", f"{created - completed:+,}"),
        ),
        table=Table(columns, filled[::-1]),
        figure=_throughput_figure(days, values(filled, "created"), values(filled, "completed")),
    )


def _throughput_figure(days: list[str], created: list[int], completed: list[int]) -> Figure:
    return figure(
        [bars("Completed", days, completed, COMPLETED), line("Created", days, created, CREATED)],
        xaxis=DAYS,
        yaxis=counts(created, completed),
    )


def cumulative_flow(rows: list[Row], period: Period) -> Drawing:
    """Stacked areas of the number of tasks in each status at the end of each day."""
    levels = {status: _levels(rows, status, period) for status in STATUS_NAMES}
    days = [day.isoformat() for day in period.dates()]
    columns = (Column("day", "Day", "date"), *(Column(s, name) for s, name in STATUS_NAMES.items()))
    table: list[Row] = [{"day": day} | {s: levels[s][n] for s in STATUS_NAMES} for n, day in enumerate(days)]
    if not any(map(any, levels.values())):
        return Drawing("There were no tasks in this period.", Table(columns, []))
    first, last = (table[n]["pending"] + table[n]["in_progress"] for n in (0, -1))
    return Drawing(
        summary=f"Open work {_moved(first, last)} over the period; {formats.count(table[-1]['in_progress'])} of the "
        f"{formats.count(last)} open tasks are in progress.",
        facts=tuple(
            Fact(name, formats.count(levels[status][-1]), STATUS_COLOURS[status])
            for status, name in reversed(STATUS_NAMES.items())
        ),
        table=Table(columns, table[::-1]),
        figure=_flow_figure(days, levels),
    )


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
        line(STATUS_NAMES[status], days, levels[status], colour, stackgroup="tasks", fillcolor=colour)
        | {"line": {"width": 0, "color": colour}}
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
    columns = (
        Column("age_bucket", "Age", "text"),
        Column("tasks", "Open tasks"),
        Column("overdue", "Of these overdue"),
    )
    total, overdue = sum(values(rows, "tasks")), sum(values(rows, "overdue"))
    if not total:
        return Drawing("No task is open now.", Table(columns, []))
    largest = max(rows, key=lambda row: row["tasks"])
    return Drawing(
        summary=f"{formats.plural(total, 'task is', 'tasks are')} open, {formats.count(overdue)} of them overdue; the "
        f"largest group ({formats.count(largest['tasks'])}) has this age: {largest['age_bucket']}.",
        facts=(
            Fact("Not overdue", formats.count(total - overdue), CREATED),
            Fact("Overdue", formats.count(overdue), OVERDUE),
        ),
        table=Table(columns, rows),
        figure=_ageing_figure(rows),
    )


def _ageing_figure(rows: list[Row]) -> Figure:
    ages = values(rows, "age_bucket")
    in_time = [row["tasks"] - row["overdue"] for row in rows]
    return figure(
        [
            bars("Not overdue", ages, in_time, CREATED),
            bars("Overdue", ages, values(rows, "overdue"), OVERDUE),
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


def categories(rows: list[Row], period: Period) -> Drawing:
    """Pairs of bars for the largest categories; the rest is summed up as one."""
    named = [row | {"category": _category(row["category"])} for row in rows]
    columns = (
        Column("category", "Category", "text"),
        Column("created", "Created"),
        Column("completed", "Completed"),
    )
    if not named:
        return Drawing("No task was created or completed in this period.", Table(columns, []))
    largest = named[0]
    return Drawing(
        summary=f"{largest['category']} had the most new tasks: {formats.count(largest['created'])} created, "
        f"{formats.count(largest['completed'])} completed.",
        facts=(
            Fact("Created", formats.count(sum(values(named, "created"))), CREATED),
            Fact("Completed", formats.count(sum(values(named, "completed"))), COMPLETED),
        ),
        table=Table(columns, named),
        figure=_categories_figure(_top(named)),
    )


def _category(name: str) -> str:
    return "No category" if name in {"", "(none)"} else name


def _top(rows: list[Row]) -> list[Row]:
    if len(rows) <= TOP_CATEGORIES + 1:
        return rows
    rest = rows[TOP_CATEGORIES:]
    others = {name: sum(values(rest, name)) for name in ("created", "completed")}
    return [*rows[:TOP_CATEGORIES], {"category": f"{len(rest)} others", **others}]


def _categories_figure(rows: list[Row]) -> Figure:
    names = _distinct_labels(values(rows, "category"))
    created, completed = values(rows, "created"), values(rows, "completed")
    return figure(
        [
            bars("Created", created, names, CREATED, orientation="h"),
            bars("Completed", completed, names, COMPLETED, orientation="h"),
        ],
        xaxis=counts(created, completed, showgrid=True, nticks=6, rangemode="tozero"),
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "nticks": 0},
        hovermode="y unified",
    )


def _distinct_labels(names: list[str]) -> list[str]:
    """Short labels, unless two were the same: Plotly would lay their bars on top of each other."""
    short = [formats.label(name, 18) for name in names]
    return short if len(set(short)) == len(short) else [formats.label(name, 60) for name in names]


def activity(rows: list[Row], period: Period) -> Drawing:
    """A grid of weekday by hour, coloured by the number of changes."""
    grid = [[0] * 24 for _ in WEEKDAYS]
    for row in rows:
        grid[row["weekday"] - 1][row["hour"]] = row["events"]
    columns = (Column("weekday", "Weekday", "text"), *(Column(f"h{hour}", hour) for hour in HOURS))
    most, total = max(map(max, grid)), sum(map(sum, grid))
    if not total:
        return Drawing("Nothing has happened yet.", Table(columns, []))
    weekday, hour = next((d, h) for d in range(7) for h in range(24) if grid[d][h] == most)
    return Drawing(
        summary=f"Most changes are made on {WEEKDAYS[weekday]} between {hour:02}:00 and {hour + 1:02}:00: "
        f"{formats.count(most)} of {formats.count(total)}.",
        facts=(Fact("Changes", formats.count(total)), Fact("In the busiest hour", formats.count(most))),
        scale=("0", formats.count(most)),
        table=Table(columns, [_grid_row(name, grid[n]) for n, name in enumerate(WEEKDAYS)]),
        figure=_activity_figure(grid),
    )


def _grid_row(weekday: str, events: list[int]) -> Row:
    return {"weekday": weekday} | {f"h{hour}": number for hour, number in zip(HOURS, events, strict=True)}


def _activity_figure(grid: list[list[int]]) -> Figure:
    heatmap = {
        "type": "heatmap",
        "x": HOURS,
        "y": list(WEEKDAYS),
        "z": grid,
        "zmin": 0,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
        "colorscale": [[0, "var(--surface-2)"], [1, COMPLETED]],
        "hovertemplate": "%{y} %{x}:00: %{z:,d} changes<extra></extra>",
    }
    return figure(
        [heatmap],
        xaxis={"type": "category", "tickvals": HOURS[::3]},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "nticks": 0},
        hovermode="closest",
    )


def top_users(rows: list[Row], period: Period) -> Drawing:
    """No figure: the table is what people read."""
    columns = (
        Column("person", "Person", "text"),
        Column("completed_tasks", "Done"),
        Column("open_tasks", "Open"),
        Column("overdue_tasks", "Overdue"),
        Column("completion_rate", "Rate", "percent"),
        Column("p50_hours", "Median", "hours"),
    )
    named = [row | {"person": row["person"] or f"User {row['user_id'][:8]}"} for row in rows]
    if not named:
        return Drawing("Nobody has tasks yet.", Table(columns, []))
    first = named[0]
    return Drawing(
        summary=f"{first['person']} has completed the most: {formats.plural(first['completed_tasks'], 'task')}.",
        table=Table(columns, named),
    )
