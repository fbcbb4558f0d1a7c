"""Drawings in which colour is the quantity: activity by weekday and hour, and who comes back after how many weeks."""

from __future__ import annotations

from typing import Any

from insights import formats
from insights.figures import COMPLETED, Figure, figure, marked
from insights.findings import Change, finding
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
HOURS = [f"{hour:02}" for hour in range(24)]
COMPARED_COHORTS = 4


def activity(rows: list[Row], period: Period) -> Drawing:
    """A grid of weekday by hour, coloured by the number of changes."""
    grid, before = _grid(rows, "events"), _grid(rows, "events_before")
    columns = (
        Column("weekday", "Weekday", "text"),
        *(_hour_column(n, hour, period) for n, hour in enumerate(HOURS)),
    )
    most, total = max(map(max, grid)), sum(map(sum, grid))
    if not total:
        return Drawing("No task was changed in this period.", Table(columns, []))
    weekday, hour = next((d, h) for d in range(7) for h in range(24) if grid[d][h] == most)
    return Drawing(
        summary=f"Most changes are made on {WEEKDAYS[weekday]} between {hour:02}:00 and {hour + 1:02}:00: "
        f"{formats.count(most)} of {formats.count(total)}.",
        finding=finding(
            period, [Change(f"Changes on {DAY_NAMES[d]}", sum(grid[d]), sum(before[d])) for d in range(7)]
        ),
        facts=(Fact("Changes", formats.count(total)), Fact("In the busiest hour", formats.count(most))),
        scale=("0", formats.count(most)),
        table=Table(columns, [_grid_row(n, grid[n]) for n in range(7)]),
        figure=_activity_figure(grid, period),
    )


def _grid(rows: list[Row], name: str) -> list[list[int]]:
    grid = [[0] * 24 for _ in WEEKDAYS]
    for row in rows:
        grid[row["weekday"] - 1][row["hour"]] = row[name]
    return grid


def _changed(period: Period) -> tuple[tuple[str, str], ...]:
    return (("event", "changed"), ("from", period.start.isoformat()), ("to", period.end.isoformat()))


def _hour_column(hour: int, title: str, period: Period) -> Column:
    return Column(f"h{title}", title, mark=(*_changed(period), ("weekday", "{number}"), ("hour", str(hour))))


def _grid_row(n: int, events: list[int]) -> Row:
    hours = {f"h{hour}": number for hour, number in zip(HOURS, events, strict=True)}
    return {"weekday": WEEKDAYS[n], "number": n + 1, **hours}


def _activity_figure(grid: list[list[int]], period: Period) -> Figure:
    heatmap = _heatmap(
        HOURS,
        list(WEEKDAYS),
        grid,
        hovertemplate="%{y} %{x}:00: %{z:,d} changes<extra></extra>",
        customdata=[[[d + 1, h] for h in range(24)] for d in range(7)],
    )
    span = {"from_": period.start, "to": period.end}
    return _grid_figure(
        marked(heatmap, event="changed", **span, weekday="{0}", hour="{1}"), {"tickvals": HOURS[::3]}
    )


def _heatmap(x: list[str], y: list[str], z: list[list[Any]], **more: Any) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "x": x,
        "y": y,
        "z": z,
        "zmin": 0,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
        "colorscale": [[0, "var(--surface-2)"], [1, COMPLETED]],
        **more,
    }


def _grid_figure(trace: dict[str, Any], xaxis: dict[str, Any]) -> Figure:
    return figure(
        [trace],
        xaxis={"type": "category", **xaxis},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "nticks": 0},
        hovermode="closest",
    )


def retention(rows: list[Row], period: Period) -> Drawing:
    """A triangle: a row for the people of each week, a column for each week since."""
    cohorts = sorted({row["cohort_week"] for row in rows})
    rates = {(row["cohort_week"], row["week_number"]): row for row in rows}
    weeks = range(max((row["week_number"] for row in rows), default=0) + 1)
    columns = (
        Column("cohort_week", "First week", "date"),
        Column("cohort_size", "People"),
        *(_week_column(week) for week in weeks),
    )
    returning = [row for row in rows if row["week_number"] == 1 and row["complete"]]
    if not rows:
        return Drawing("Nobody has started yet.", Table(columns, []))
    people = sum(rates[cohort, 0]["cohort_size"] for cohort in cohorts)
    return Drawing(
        summary=f"{formats.plural(people, 'person', 'people')} began in the last "
        f"{formats.plural(len(cohorts), 'week')} in which somebody began; {_came_back(returning)}",
        finding=_return_finding(period, returning),
        scale=("0%", "100%"),
        table=Table(columns, [_cohort_row(cohort, rates, weeks) for cohort in reversed(cohorts)]),
        figure=_retention_figure(cohorts, weeks, rates) if len(weeks) > 1 else None,
    )


def _week_column(week: int) -> Column:
    return Column(f"w{week}", str(week), "percent", (("cohort", "{cohort_week}"), ("week", str(week))))


def _rate(returning: list[Row]) -> float | None:
    size = sum(row["cohort_size"] for row in returning)
    return sum(row["active_users"] for row in returning) / size if size else None


def _came_back(returning: list[Row]) -> str:
    rate = _rate(returning)
    if rate is None:
        return "none of these weeks is long enough ago to say who came back."
    return f"{formats.percent(rate)} came back the week after their first."


def _return_finding(period: Period, returning: list[Row]) -> str:
    """Compare the newcomers of the latest weeks with those of as many weeks before, whatever the page's period."""
    latest = sorted(returning, key=lambda row: str(row["cohort_week"]), reverse=True)
    now, before = _rate(latest[:COMPARED_COHORTS]), _rate(latest[COMPARED_COHORTS : 2 * COMPARED_COHORTS])
    if not period.compared:
        return ""
    if now is None or before is None:
        return "There are no earlier newcomers to compare with."
    verb = "as" if formats.percent(now) == formats.percent(before) else "after"
    return (
        f"Of the newcomers of the latest {formats.plural(len(latest[:COMPARED_COHORTS]), 'week')}, "
        f"{formats.percent(now)} came back the week after, {verb} {formats.percent(before)} of those before."
    )


def _cohort_row(cohort: str, rates: dict[tuple[str, int], Row], weeks: range) -> Row:
    known = {f"w{week}": rates[cohort, week]["rate"] for week in weeks if (cohort, week) in rates}
    return {"cohort_week": cohort, "cohort_size": rates[cohort, 0]["cohort_size"], **known}


def _retention_figure(cohorts: list[str], weeks: range, rates: dict[tuple[str, int], Row]) -> Figure:
    def cell(cohort: str, week: int, name: str) -> Any:
        row = rates.get((cohort, week))
        return row[name] if row else None

    z = [[cell(cohort, week, "rate") for week in weeks] for cohort in cohorts]
    people = [
        [[cell(c, week, "active_users"), cell(c, week, "cohort_size"), c] for week in weeks] for c in cohorts
    ]
    heatmap = _heatmap(
        [str(week) for week in weeks],
        [formats.day(cohort)[:-5] for cohort in cohorts],
        z,
        zmax=1,
        customdata=people,
        hoverongaps=False,
        hovertemplate="Began %{y}, week %{x}: %{z:.0%} (%{customdata[0]:,d} of %{customdata[1]:,d})<extra></extra>",
    )
    return _grid_figure(
        marked(heatmap, cohort="{2}", week="{x}"), {"title": {"text": "Weeks since", "font": {"size": 12}}}
    )
