"""What drawing functions make of awkward rows, without asking anybody."""

from __future__ import annotations

import re
from datetime import date, timedelta

import plotly.graph_objects as go
import pytest
from django.template import Context, Template

from insights import charts, formats, habits, heatmaps, histograms, kpis, rankings
from insights.exports import to_csv
from insights.model import Column
from insights.periods import CHOICES, Period, days_from
from insights.predicates import category_digests

END = date(2026, 11, 22)
PERIOD = Period(30, END)
ALONE = Period(30, END, compared=False)


def category_rows(*names):
    return [
        {"category": name, "created": 100 - n, "completed": n, "created_before": 90, "completed_before": n}
        for n, name in enumerate(names)
    ]


def test_throughput_is_drawn_as_bars_and_two_lines():
    drawing = charts.throughput([{"day": "2026-11-20", "created": 3, "completed": 2}], PERIOD)
    bars, line, before = go.Figure(drawing.figure).data
    assert (len(bars.x), sum(bars.y), sum(line.y)) == (30, 2, 3)
    assert drawing.summary == (
        "3 tasks were created and 2 completed; most completions in a day: 2, on 20 Nov 2026."
    )
    assert [fact.value for fact in drawing.facts] == ["3", "2", "+1"]
    assert drawing.finding == (
        "Tasks created rose from 0 to 3, the largest change against the 30 days before."
    )
    assert sum(before.y) == 0


def test_no_figure_asks_for_what_the_content_security_policy_forbids():
    rows = category_rows("<b>bold</b>", "a & b", '<a href="javascript:alert(1)">x</a>')
    figure = rankings.categories(rows, PERIOD).figure
    assert figure["data"][0]["y"] == ["&lt;b&gt;bold&lt;/b&gt;", "a &amp; b", '&lt;a href="javascri…']


def test_the_rest_of_many_categories_is_summed_up():
    names = [f"Category {n}" for n in range(40)]
    drawing = rankings.categories(category_rows(*names), PERIOD)
    created = drawing.figure["data"][0]
    assert created["y"][-1] == "32 others"
    assert sum(created["x"]) == sum(100 - n for n in range(40))
    assert len(drawing.table.rows) == 40


def test_names_that_begin_alike_keep_bars_of_their_own():
    names = ["A category with a long name, one", "A category with a long name, two"]
    assert len(set(rankings.categories(category_rows(*names), PERIOD).figure["data"][0]["y"])) == 2


def test_days_without_a_row_hold_the_level_of_the_day_before():
    known = {"2026-10-01": 4, "2026-11-21": 6}
    rows = [{"day": day, "status": "pending", "tasks": tasks} for day, tasks in known.items()]
    table = charts.cumulative_flow(rows, PERIOD).table.rows
    assert [row["pending"] for row in table] == [6, 6] + [4] * 28


def test_the_flow_axis_is_cropped_only_where_completed_work_dwarfs_the_rest():
    def axis(completed):
        rows = [
            {"day": d.isoformat(), "status": s, "tasks": n}
            for d in PERIOD.dates()
            for s, n in (("pending", 50), ("completed", completed))
        ]
        return charts.cumulative_flow(rows, PERIOD).figure["layout"]["yaxis"]

    assert "range" not in axis(10)
    low, high = axis(5000)["range"]
    assert 0 < low < 5000 < 5050 < high


@pytest.mark.parametrize(
    ("hours", "p95", "unit", "last"),
    [
        ([0], 0.5, "hours", "0 to 1"),
        ([1, 2, 5], 5.2, "hours", "5 to 6"),
        ([5] * 99 + [5000], 5.0, "hours", "7 or more"),
    ],
)
def test_lead_time_bars_suit_the_data(hours, p95, unit, last):
    rows = [
        {"span": "period", "whole_hours": h, "tasks": hours.count(h), "p50": 0.4, "p85": 0.5, "p95": p95}
        for h in sorted(set(hours))
    ]
    drawing = histograms.lead_time(rows, PERIOD)
    assert drawing.table.columns[0].title == f"Lead time in {unit}"
    assert drawing.table.rows[-1]["label"] == last
    assert sum(drawing.figure["data"][0]["y"]) == len(hours)


def kpi_rows(metric, values, end=END):
    return [
        {"day": (end - timedelta(days=n)).isoformat(), "metric": metric, "value": value}
        for n, value in enumerate(reversed(values))
    ]


def tile(label, rows):
    return next(tile for tile in kpis.tiles(rows, PERIOD) if tile.label == label)


def test_a_flow_is_summed_and_compared():
    made = tile("Completed", kpi_rows("tasks_completed", [1] * 30 + [2] * 30))
    assert (made.value, made.previous, made.change, made.tone) == ("60", "30", "▲ 100%", "good")
    assert made.sparkline == [2] * 30


def test_a_level_is_its_last_value():
    made = tile("Overdue", kpi_rows("overdue_tasks", [4] * 30 + [4] * 29 + [5]))
    assert (made.value, made.previous, made.change, made.tone) == ("5", "4", "▲ 25%", "bad")


def test_a_rate_changes_by_points():
    made = tile("Completion rate", kpi_rows("completion_rate", [0.5] * 30 + [0.475] * 30))
    assert (made.value, made.change, made.tone) == ("48%", "▼ 2.5 points", "bad")


def test_a_mean_weighs_days_by_their_tasks():
    rows = kpi_rows("lead_hours", [10.0, 90.0]) + kpi_rows("finished", [1, 3])
    assert tile("Average lead time", rows).value == "1.0 days"


def test_without_a_comparison_there_is_no_change():
    (made,) = (t for t in kpis.tiles(kpi_rows("tasks_completed", [2] * 60), ALONE) if t.label == "Completed")
    assert (made.value, made.previous, made.change) == ("60", formats.NOTHING, "")
    assert tile("Completed", kpi_rows("tasks_completed", [2] * 60)).change == "no change"


def test_a_zero_before_makes_no_percentage():
    made = tile("Overdue", kpi_rows("overdue_tasks", [0] * 30 + [5] * 30))
    assert (made.value, made.previous, made.change) == ("5", "0", "")


def sparkline(values):
    return Template("{% load insights_tags %}{% sparkline values %}").render(Context({"values": values}))


def test_a_sparkline_stays_in_its_box():
    svg = sparkline([None, 3, 3.5, 100, None, -2])
    points = re.findall(r"([\d.-]+),([\d.-]+)", re.search(r'<polyline points="([^"]+)"', svg)[1])
    assert len(points) == 4
    assert all(0 <= float(x) <= 120 and 0 <= float(y) <= 32 for x, y in points)
    assert "style" not in svg


@pytest.mark.parametrize("values", [[], [1], [None, None, 4]])
def test_too_few_points_draw_no_sparkline(values):
    assert sparkline(values) == ""


def test_a_flat_sparkline_is_in_the_middle():
    assert "0.0,16.0 120.0,16.0" in sparkline([7, 7])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 min"), (0.5, "30 min"), (1, "1.0 h"), (23.96, "24.0 h"), (24, "1.0 days"), (2400, "100.0 days")],
)
def test_durations_choose_their_unit(value, text):
    assert formats.hours(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0%"), (0.004, "0.4%"), (0.56, "56%"), (1, "100%"), (None, formats.NOTHING)]
)
def test_small_rates_are_not_hidden(value, text):
    assert formats.percent(value) == text


@pytest.mark.parametrize("value", ["30", "90", "180"])
def test_offered_periods_are_accepted(value):
    assert days_from(value) == int(value)


@pytest.mark.parametrize("value", [None, "", "7", "-30", "30 ", "٣٠", "1e9", "90;DROP TABLE"])
def test_any_other_period_is_the_default(value):
    assert days_from(value) == CHOICES[0]


def test_a_period_and_the_one_before_meet():
    assert (PERIOD.start, PERIOD.previous_start) == (date(2026, 10, 24), date(2026, 9, 24))
    assert PERIOD.previous_dates()[-1] + timedelta(days=1) == PERIOD.dates()[0]
    assert PERIOD.dates()[-1] == END


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t'=1", "\r'=1", "|x", "%x"])
def test_a_spreadsheet_runs_nothing(text):
    given = text.replace("'", "")
    csv = to_csv((Column("category", "Category", "text"), Column("n", "N")), [{"category": given, "n": -5}])
    assert csv.startswith("\ufeffcategory,n\r\n")
    assert f"'{text}" in csv
    assert csv.endswith(",-5\r\n")


def test_the_finding_is_the_largest_change():
    rows = category_rows("Legal", "Support")
    rows[1] |= {"completed": 80, "completed_before": 20}
    assert rankings.categories(rows, PERIOD).finding == (
        "Tasks completed in Support rose from 20 to 80 (+300%), the largest change against the 30 days before."
    )
    assert rankings.categories(rows, ALONE).finding == ""


def test_nothing_changed_is_a_finding_too():
    rows = [row | {"created_before": row["created"]} for row in category_rows("Legal")]
    assert rankings.categories(rows, PERIOD).finding == "No change against the 30 days before."


def test_without_a_comparison_no_line_of_the_period_before_is_drawn():
    rows = [{"day": "2026-11-20", "created": 3, "completed": 2}]
    assert len(charts.throughput(rows, ALONE).figure["data"]) == 2


def test_the_drill_down_of_the_others_leaves_out_the_named_categories():
    names = [f"Category {n}" for n in range(40)]
    drawing = rankings.categories(category_rows(*names), PERIOD)
    assert drawing.figure["data"][0]["customdata"][-1] == ["", category_digests(names[:8])]


def cohort_rows(*rates):
    return [
        {
            "cohort_week": (END - timedelta(weeks=n)).isoformat(),
            "week_number": week,
            "cohort_size": 10,
            "active_users": round(10 * (rate if week else 1)),
            "rate": rate if week else 1.0,
            "complete": 1,
        }
        for n, rate in enumerate(rates)
        for week in (0, 1)
    ]


def test_newcomers_are_compared_with_those_before():
    drawing = heatmaps.retention(cohort_rows(*[0.8] * 4, *[0.5] * 4), PERIOD)
    assert drawing.finding == (
        "80% of the newcomers of the latest 4 weeks came back the week after, compared with 50% before."
    )
    assert len(drawing.figure["data"][0]["z"]) == 8


@pytest.mark.parametrize(("last_day", "current"), [("2026-11-22", 3), ("2026-11-21", 3), ("2026-11-20", 0)])
def test_a_streak_goes_on_until_a_day_has_passed_without(last_day, current):
    first = date.fromisoformat(last_day) - timedelta(days=2)
    rows = [{"first_day": first.isoformat(), "last_day": last_day, "days": 3, "completed": 4}]
    assert habits.run(rows, END) == habits.Run(current, 3)
