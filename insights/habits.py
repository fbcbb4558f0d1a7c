"""Charts of a person's own habits: completions by week, and streaks of days."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from insights import formats
from insights.figures import COMPLETED, Figure, bars, counts, figure
from insights.findings import Change, finding
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period

SHOWN_STREAKS = 5


@dataclass(frozen=True, slots=True)
class Run:
    """The length in days of the current streak, and of the longest one."""

    current: int
    longest: int


def run(rows: list[Row], today: date) -> Run:
    """Find both streaks; one that reached yesterday is still current, because today is not over."""
    going = {today.isoformat(), (today - timedelta(days=1)).isoformat()}
    current = next((row["days"] for row in rows if row["last_day"] in going), 0)
    return Run(current, max((row["days"] for row in rows), default=0))


def streaks(rows: list[Row], period: Period) -> Drawing:
    """Two numbers, and the longest streaks as a table instead of a figure."""
    columns = (
        Column("first_day", _("From"), "date"),
        Column("last_day", _("To"), "date"),
        Column("days", _("Days")),
        Column(
            "completed",
            _("Completed"),
            drill_down={"event": "completed", "from": "{first_day}", "to": "{last_day}"},
        ),
    )
    if not rows:
        return Drawing(_now("You have not completed a task yet."), Table(columns, []))
    days = run(rows, period.end)
    longest = sorted(rows, key=lambda row: (-row["days"], row["first_day"]))[:SHOWN_STREAKS]
    return Drawing(
        summary=_now("Your current streak is %(current)s; your longest was %(longest)s.")
        % {"current": formats.days(days.current), "longest": formats.days(days.longest)},
        finding=finding(
            period,
            [
                Change(
                    _now("The days of your longest streak"),
                    *(_longest(rows, *span) for span in _spans(period)),
                )
            ],
        ),
        facts=(
            Fact(_now("Current streak"), str(days.current)),
            Fact(_now("Longest streak"), str(days.longest)),
        ),
        table=Table(columns, longest),
    )


def _spans(period: Period) -> tuple[tuple[str, str], ...]:
    return (
        (period.start.isoformat(), period.end.isoformat()),
        (period.previous_start.isoformat(), period.previous_end.isoformat()),
    )


def _longest(rows: list[Row], first: str, last: str) -> int:
    """The length of the longest streak within a span of days."""

    def inside(row: Row) -> int:
        begin, end = max(row["first_day"], first), min(row["last_day"], last)
        return max((date.fromisoformat(end) - date.fromisoformat(begin)).days + 1, 0)

    return max(map(inside, rows), default=0)


def weeks(rows: list[Row], period: Period) -> Drawing:
    """Bars of completions by week."""
    columns = (
        Column("week", _("Week of"), "date"),
        Column(
            "completed",
            _("Completed"),
            drill_down={"event": "completed", "from": "{week}", "to": "{sunday}"},
        ),
    )
    if not any(row["completed"] for row in rows):
        return Drawing(_now("You have completed nothing in the last twelve weeks."), Table(columns, []))
    complete = [row | {"sunday": _sunday(row["week"])} for row in rows]
    now, before = complete[-1], complete[-2]
    return Drawing(
        summary=_now("You completed %(tasks)s this week; your best of the last twelve weeks had %(best)s.")
        % {
            "tasks": formats.tasks(now["completed"]),
            "best": formats.count(max(row["completed"] for row in complete)),
        },
        finding=_week_finding(period, now["completed"], before["completed"]),
        facts=(
            Fact(_now("This week"), formats.count(now["completed"]), COMPLETED),
            Fact(_now("Last week"), formats.count(before["completed"])),
        ),
        table=Table(columns, complete[::-1]),
        figure=_weeks_figure(complete),
    )


def _sunday(monday: str) -> str:
    return (date.fromisoformat(monday) + timedelta(days=6)).isoformat()


def _week_finding(period: Period, now: int, before: int) -> str:
    if not period.compared:
        return ""
    if now == before:
        return _now("No change against last week.")
    difference = abs(now - before)
    if now > before:
        text = ngettext(
            "%(number)s completion more than last week so far.",
            "%(number)s completions more than last week so far.",
            difference,
        )
    else:
        text = ngettext(
            "%(number)s completion fewer than last week so far.",
            "%(number)s completions fewer than last week so far.",
            difference,
        )
    return text % {"number": formats.count(difference)}


def _weeks_figure(rows: list[Row]) -> Figure:
    done = [row["completed"] for row in rows]
    names = [formats.short_day(row["week"]) for row in rows]
    spans = [[row["week"], row["sunday"]] for row in rows]
    query = {"event": "completed", "from": "{0}", "to": "{1}"}
    week = bars(_now("Completed"), names, done, COMPLETED, query, customdata=spans)
    return figure(
        [week],
        xaxis={"type": "category", "tickvals": names[::3]},
        yaxis=counts(done),
    )
