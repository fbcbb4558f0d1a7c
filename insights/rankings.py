"""Rankings of categories and people: the largest by name, all others summed up in one row."""

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from insights import formats
from insights.charts import total, values
from insights.figures import COMPLETED, CREATED, Figure, bars, counts, figure
from insights.findings import Change, finding
from insights.model import Column, Drawing, Fact, Row, Table
from insights.periods import Period
from insights.predicates import EVENTS, SEPARATOR, category_digests

TOP_CATEGORIES = 8
TABLE_CATEGORIES = 50
_FLOWS_IN = {
    "created": _("Tasks created in %(category)s"),
    "completed": _("Tasks completed in %(category)s"),
}


def categories(rows: list[Row], period: Period) -> Drawing:
    """Pairs of bars for the largest categories, and one pair for all others."""
    named = [
        row | {"label": _category(row["category"])} for row in rows if row["created"] or row["completed"]
    ]
    query = {**period.query(), "in": "{category}", "beyond": "{beyond}"}
    columns = (
        Column("label", _("Category"), "text", filters_by=("category", "category")),
        *(
            Column(name, EVENTS[name], drill_down={"event": name, **query})
            for name in ("created", "completed")
        ),
    )
    if not named:
        return Drawing(_now("No task was created or completed in this period."), Table(columns, []))
    largest = named[0]
    return Drawing(
        summary=_now("%(category)s had the most new tasks: %(created)s created, %(completed)s completed.")
        % {
            "category": largest["label"],
            "created": formats.count(largest["created"]),
            "completed": formats.count(largest["completed"]),
        },
        finding=finding(period, _changes(rows)),
        facts=(
            Fact(_now("Created"), formats.count(total(named, "created")), CREATED),
            Fact(_now("Completed"), formats.count(total(named, "completed")), COMPLETED),
        ),
        table=Table(columns, _top(named, TABLE_CATEGORIES)),
        figure=_figure(_top(named, TOP_CATEGORIES), period),
    )


def _changes(rows: list[Row]) -> list[Change]:
    return [
        Change(str(text) % {"category": _category(row["category"])}, row[name], row[f"{name}_before"])
        for row in rows
        for name, text in _FLOWS_IN.items()
    ]


def _category(name: str) -> str:
    return _now("No category") if name in {"", "(none)"} else name


def _top(rows: list[Row], number: int) -> list[Row]:
    """The first rows, and one for all others, whose ``beyond`` lists the categories that it leaves out."""
    shown = [row | {"beyond": ""} for row in rows[: number + 1]]
    if len(rows) <= number + 1:
        return shown
    rest = rows[number:]
    beyond = category_digests(values(rows[:number], "category"))
    others = {name: total(rest, name) for name in ("created", "completed")}
    label = formats.others(len(rest))
    return [*shown[:number], {"label": label, "category": "", "beyond": beyond, **others}]


def _figure(rows: list[Row], period: Period) -> Figure:
    names = _distinct_labels(values(rows, "label"))
    query = {**period.query(), "in": "{0}", "beyond": "{1}"}
    horizontal = {"orientation": "h", "customdata": [[row["category"], row["beyond"]] for row in rows]}
    return figure(
        [
            bars(str(EVENTS[name]), values(rows, name), names, colour, {"event": name, **query}, **horizontal)
            for name, colour in (("created", CREATED), ("completed", COMPLETED))
        ],
        xaxis=counts(
            values(rows, "created"), values(rows, "completed"), showgrid=True, nticks=6, rangemode="tozero"
        ),
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False, "nticks": 0},
        hovermode="y unified",
    )


def _distinct_labels(names: list[str]) -> list[str]:
    """Labels as short as they can be and still differ: Plotly would draw the bars of equal labels over each other."""
    for width in (18, 60, 200):
        short = [formats.label(name, width) for name in names]
        if len(set(short)) == len(short):
            return short
    return [f"{name} ({n})" for n, name in enumerate(short, start=1)]


def top_users(rows: list[Row], period: Period) -> Drawing:
    """A table instead of a figure; everybody after the first ten is summed up in one row."""
    who = {"by": "{user_id}", "besides": "{besides}"}
    events, as_of = {**period.query(), **who}, {"on": period.end.isoformat(), **who}
    columns = (
        Column("person", _("Person"), "text", filters_by=("user", "user_id")),
        Column("completed", _("Done"), drill_down={"event": "completed", **events}),
        Column("created", _("New"), drill_down={"event": "created", **events}),
        Column("open_tasks", _("Open"), drill_down={"standing": "open", **as_of}),
        Column("overdue_tasks", _("Overdue"), drill_down={"standing": "overdue", **as_of}),
        Column("p50_hours", _("Median"), "hours"),
    )
    besides = SEPARATOR.join(["", *(row["user_id"] for row in rows if row["user_id"]), ""])
    named = [row | {"person": _person(row), "besides": "" if row["user_id"] else besides} for row in rows]
    if not named:
        return Drawing(_now("Nobody has tasks in this period."), Table(columns, []))
    first = named[0]
    return Drawing(
        summary=ngettext(
            "%(person)s completed the most: %(number)s task of %(all)s.",
            "%(person)s completed the most: %(number)s tasks of %(all)s.",
            first["completed"],
        )
        % {
            "person": first["person"],
            "number": formats.count(first["completed"]),
            "all": formats.count(total(named, "completed")),
        },
        finding=finding(
            period,
            [
                Change(
                    _now("Completions of %(person)s") % {"person": row["person"]},
                    row["completed"],
                    row["completed_before"],
                )
                for row in named
            ],
        ),
        table=Table(columns, named),
    )


def _person(row: Row) -> str:
    if not row["user_id"]:
        return formats.others(row["people"])
    return row["person"] or formats.user(row["user_id"])
