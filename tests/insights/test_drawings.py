"""What drawing functions make of awkward rows, without asking anybody."""

from __future__ import annotations

import re
from datetime import date, timedelta

import plotly.graph_objects as go
import pytest
from django.template import Context, Template

from insights import charts, distributions, formats, tiles
from insights.exports import to_csv
from insights.model import Column
from insights.periods import CHOICES, Period, days_from

END = date(2026, 11, 22)
PERIOD = Period(30, END)


def category_rows(*names):
    return [{"category": name, "created": 100 - n, "completed": n} for n, name in enumerate(names)]


def test_it_works():
    drawing = charts.throughput([{"day": "2026-11-20", "created": 3, "completed": 2}], PERIOD)
    bars, line = go.Figure(drawing.figure).data
    assert (len(bars.x), sum(bars.y), sum(line.y)) == (30, 2, 3)
    assert drawing.summary == (
        "3 tasks were created and 2 completed; most completions in a day: 2, on 20 Nov 2026."
    )
    assert [fact.value for fact in drawing.facts] == ["3", "2", "+1"]


def test_no_figure_asks_for_what_the_content_security_policy_forbids():
    rows = category_rows("<b>bold</b>", "a & b", '<a href="javascript:alert(1)">x</a>')
    figure = charts.categories(rows, PERIOD).figure
    assert figure["data"][0]["y"] == ["&lt;b&gt;bold&lt;/b&gt;", "a &amp; b", '&lt;a href="javascri…']


def test_the_rest_of_many_categories_is_summed_up():
    names = [f"Category {n}" for n in range(40)]
    drawing = charts.categories(category_rows(*names), PERIOD)
    created = drawing.figure["data"][0]
    assert created["y"][-1] == "32 others"
    assert sum(created["x"]) == sum(100 - n for n in range(40))
    assert len(drawing.table.rows) == 40


def test_names_that_begin_alike_keep_bars_of_their_own():
    names = ["A category with a long name, one", "A category with a long name, two"]
    assert len(set(charts.categories(category_rows(*names), PERIOD).figure["data"][0]["y"])) == 2


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
        {"lead_hour": h, "tasks": hours.count(h), "p50": 0.4, "p85": 0.5, "p95": p95}
        for h in sorted(set(hours))
    ]
    drawing = distributions.lead_time(rows, PERIOD)
    assert drawing.table.columns[0].title == f"Lead time in {unit}"
    assert drawing.table.rows[-1]["label"] == last
    assert sum(drawing.figure["data"][0]["y"]) == len(hours)


def kpi_rows(metric, values, end=END):
    return [
        {"day": (end - timedelta(days=n)).isoformat(), "metric": metric, "value": value}
        for n, value in enumerate(reversed(values))
    ]


def tile(label, rows):
    return next(tile for tile in tiles.tiles(rows, PERIOD) if tile.label == label)


def test_a_flow_is_summed_and_compared():
    made = tile("Completed", kpi_rows("tasks_completed", [1] * 30 + [2] * 30))
    assert (made.value, made.previous, made.change, made.tone) == ("60", "30", "▲ 100%", "good")
    assert made.course == [2] * 30


def test_a_level_is_its_last_value():
    made = tile("Overdue", kpi_rows("overdue_tasks", [4] * 30 + [4] * 29 + [5]))
    assert (made.value, made.previous, made.change, made.tone) == ("5", "4", "▲ 25%", "bad")


def test_a_rate_changes_by_points():
    made = tile("Completion rate", kpi_rows("completion_rate", [0.5] * 30 + [0.475] * 30))
    assert (made.value, made.change, made.tone) == ("48%", "▼ 2.5 points", "bad")


def test_a_mean_weighs_days_by_their_tasks():
    rows = kpi_rows("lead_hours", [10.0, 90.0]) + kpi_rows("finished", [1, 3])
    assert tile("Average lead time", rows).value == "1.0 days"


def test_without_a_period_before_there_is_no_change():
    made = tile("Completed", kpi_rows("tasks_completed", [2] * 30))
    assert (made.value, made.previous, made.change) == ("60", formats.NOTHING, "")


def test_a_period_before_that_is_only_partly_known_is_not_compared():
    assert tile("Completed", kpi_rows("tasks_completed", [2] * 59)).change == ""
    assert tile("Completed", kpi_rows("tasks_completed", [2] * 60)).change == "no change"


def test_a_zero_before_makes_no_percentage():
    made = tile("Overdue", kpi_rows("overdue_tasks", [0] * 30 + [5] * 30))
    assert (made.value, made.previous, made.change) == ("5", "0", "")


def sparkline(course):
    return Template("{% load insights_tags %}{% sparkline course %}").render(Context({"course": course}))


def test_a_sparkline_stays_in_its_box():
    svg = sparkline([None, 3, 3.5, 100, None, -2])
    points = re.findall(r"([\d.-]+),([\d.-]+)", re.search(r'<polyline points="([^"]+)"', svg)[1])
    assert len(points) == 4
    assert all(0 <= float(x) <= 120 and 0 <= float(y) <= 32 for x, y in points)
    assert "style" not in svg


@pytest.mark.parametrize("course", [[], [1], [None, None, 4]])
def test_too_few_points_draw_no_sparkline(course):
    assert sparkline(course) == ""


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


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_runs_nothing(text):
    csv = to_csv((Column("category", "Category", "text"), Column("n", "N")), [{"category": text, "n": -5}])
    assert csv.startswith("category,n\r\n")
    assert f"'{text}" in csv
    assert csv.endswith(",-5\r\n")
