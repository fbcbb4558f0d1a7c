"""Heat maps: activity by weekday and hour, and the share of people who come back week after week (retention)."""

from typing import Any

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from insights import formats
from insights.figures import COMPLETED, Figure, drill_down, figure
from insights.findings import Change, finding
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period

_CHANGES_ON = (
    _("Changes on Mondays"),
    _("Changes on Tuesdays"),
    _("Changes on Wednesdays"),
    _("Changes on Thursdays"),
    _("Changes on Fridays"),
    _("Changes on Saturdays"),
    _("Changes on Sundays"),
)
HOURS = [f"{hour:02}" for hour in range(24)]
COMPARED_COHORTS = 4


def _weekdays() -> list[str]:
    return [str(WEEKDAYS_ABBR[number]) for number in range(7)]


def activity(rows: list[Row], period: Period) -> Drawing:
    """A heat map of the number of changes by weekday and hour."""
    grid, before = _grid(rows, "events"), _grid(rows, "events_before")
    columns = (
        Column("weekday", _("Weekday"), "text"),
        *(_hour_column(n, hour, period) for n, hour in enumerate(HOURS)),
    )
    most, total = max(map(max, grid)), sum(map(sum, grid))
    if not total:
        return Drawing(_now("No task was changed in this period."), Table(columns, []))
    weekday, hour = next((d, h) for d in range(7) for h in range(24) if grid[d][h] == most)
    return Drawing(
        summary=_now("Most changes are made on %(day)s between %(from)s and %(to)s: %(most)s of %(all)s.")
        % {
            "day": _weekdays()[weekday],
            "from": f"{hour:02}:00",
            "to": f"{hour + 1:02}:00",
            "most": formats.count(most),
            "all": formats.count(total),
        },
        finding=finding(
            period, [Change(str(_CHANGES_ON[d]), sum(grid[d]), sum(before[d])) for d in range(7)]
        ),
        facts=(
            Fact(_now("Changes"), formats.count(total)),
            Fact(_now("In the busiest hour"), formats.count(most)),
        ),
        scale=("0", formats.count(most)),
        table=Table(columns, [_grid_row(n, grid[n]) for n in range(7)]),
        figure=_activity_figure(grid, period),
    )


def _grid(rows: list[Row], name: str) -> list[list[int]]:
    grid = [[0] * 24 for _day in range(7)]
    for row in rows:
        grid[row["weekday"] - 1][row["hour"]] = row[name]
    return grid


def _hour_column(hour: int, title: str, period: Period) -> Column:
    return Column(
        f"h{title}",
        title,
        drill_down={"event": "changed", **period.query(), "weekday": "{number}", "hour": str(hour)},
    )


def _grid_row(n: int, events: list[int]) -> Row:
    hours = {f"h{hour}": number for hour, number in zip(HOURS, events, strict=True)}
    return {"weekday": _weekdays()[n], "number": n + 1, **hours}


def _activity_figure(grid: list[list[int]], period: Period) -> Figure:
    heatmap = _heatmap(
        HOURS,
        _weekdays(),
        grid,
        {"event": "changed", **period.query(), "weekday": "{0}", "hour": "{1}"},
        hovertemplate=_now("%{y} %{x}:00: %{z:,d} changes") + "<extra></extra>",
        customdata=[[[d + 1, h] for h in range(24)] for d in range(7)],
    )
    return _grid_figure(heatmap, {"tickvals": HOURS[::3]})


def _heatmap(
    x: list[str], y: list[str], z: list[list[Any]], query: dict[str, str], **more: Any
) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "meta": drill_down(query),
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
    """A cohort triangle: one row for the people who began in a week, one column for each week since."""
    cohorts = sorted({row["cohort_week"] for row in rows})
    rates = {(row["cohort_week"], row["week_number"]): row for row in rows}
    weeks = range(max((row["week_number"] for row in rows), default=0) + 1)
    columns = (
        Column("cohort_week", _("First week"), "date"),
        Column("cohort_size", _("People")),
        *(_week_column(week) for week in weeks),
    )
    returning = [row for row in rows if row["week_number"] == 1 and row["complete"]]
    if not rows:
        return Drawing(_now("Nobody has started yet."), Table(columns, []))
    people = sum(rates[cohort, 0]["cohort_size"] for cohort in cohorts)
    return Drawing(
        summary=ngettext(
            "%(people)s person began in the last %(weeks)s in which somebody began; %(back)s",
            "%(people)s people began in the last %(weeks)s in which somebody began; %(back)s",
            people,
        )
        % {
            "people": formats.count(people),
            "weeks": formats.weeks(len(cohorts)),
            "back": _came_back(returning),
        },
        finding=_return_finding(period, returning),
        scale=(formats.percent(0), formats.percent(1)),
        table=Table(columns, [_cohort_row(cohort, rates, weeks) for cohort in reversed(cohorts)]),
        figure=_retention_figure(cohorts, weeks, rates) if len(weeks) > 1 else None,
    )


def _week_column(week: int) -> Column:
    return Column(f"w{week}", str(week), "percent", {"cohort": "{cohort_week}", "week": str(week)})


def _rate(returning: list[Row]) -> float | None:
    size = sum(row["cohort_size"] for row in returning)
    return sum(row["active_users"] for row in returning) / size if size else None


def _came_back(returning: list[Row]) -> str:
    rate = _rate(returning)
    if rate is None:
        return _now("none of these weeks is long enough ago to say who came back.")
    return _now("%(share)s came back the week after their first.") % {"share": formats.percent(rate)}


def _return_finding(period: Period, returning: list[Row]) -> str:
    """Compare the latest cohorts with as many before them; the period of the page makes no difference."""
    latest = sorted(returning, key=lambda row: str(row["cohort_week"]), reverse=True)
    now, before = _rate(latest[:COMPARED_COHORTS]), _rate(latest[COMPARED_COHORTS : 2 * COMPARED_COHORTS])
    if not period.compared:
        return ""
    if now is None or before is None:
        return _now("There are no earlier newcomers to compare with.")
    text = _now(
        "%(now)s of the newcomers of the latest %(weeks)s came back the week after, compared with %(before)s before."
    )
    if formats.percent(now) == formats.percent(before):
        text = _now(
            "%(now)s of the newcomers of the latest %(weeks)s came back the week after, the same as before."
        )
    weeks = formats.weeks(len(latest[:COMPARED_COHORTS]))
    return text % {"weeks": weeks, "now": formats.percent(now), "before": formats.percent(before)}


def _cohort_row(cohort: str, rates: dict[tuple[str, int], Row], weeks: range) -> Row:
    shares = {f"w{week}": rates[cohort, week]["rate"] for week in weeks if (cohort, week) in rates}
    return {"cohort_week": cohort, "cohort_size": rates[cohort, 0]["cohort_size"], **shares}


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
        [formats.short_day(cohort) for cohort in cohorts],
        z,
        {"cohort": "{2}", "week": "{x}"},
        zmax=1,
        customdata=people,
        hoverongaps=False,
        hovertemplate=_now("Began %{y}, week %{x}: %{z:.0%} (%{customdata[0]:,d} of %{customdata[1]:,d})")
        + "<extra></extra>",
    )
    return _grid_figure(
        heatmap,
        {"title": {"text": _now("Weeks since"), "font": {"size": 12}}},
    )
