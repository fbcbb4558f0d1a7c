"""Every question against the local Athena: its rows equal a brute-force pass over the workspace."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from datetime import timedelta

import plotly.graph_objects as go
import pytest
import sqlglot
from sqlglot import exp

from insights import tiles, warehouse
from insights.periods import Period
from insights.questions import BY_SLUG, CHARTS, KPIS
from tests.insights.lake import STATUSES, TODAY, Workspace, percentile

PERIOD = Period(30, TODAY)
DAYS = PERIOD.dates()


def ask(slug: str, period: Period = PERIOD) -> list[dict]:
    question = BY_SLUG[slug]
    rows = warehouse.run(question.sql, question.values(period)).rows
    assert all(set(row) >= {column.name for column in question.columns} for row in rows)
    return rows


def test_it_works(gold_lake, workspace):
    created = Counter(task.created.date() for task in workspace.tasks)
    completed = Counter(task.completed.date() for task in workspace.tasks if task.completed)
    assert [(row["day"], row["created"], row["completed"]) for row in ask("throughput")] == [
        (day.isoformat(), created[day], completed[day]) for day in DAYS
    ]


def test_cumulative_flow_counts_each_status_at_the_end_of_each_day(gold_lake, workspace):
    rows = {(row["day"], row["status"]): row["tasks"] for row in ask("cumulative-flow")}
    assert rows == {(d.isoformat(), s): n for d in DAYS for s, n in workspace.flow(d).items()}
    assert len(rows) == len(DAYS) * len(STATUSES)


def test_cumulative_flow_reaches_back_to_the_last_known_day(gold_lake, workspace):
    later = Period(30, TODAY + timedelta(days=60))
    rows = {row["status"]: row["tasks"] for row in ask("cumulative-flow", later)}
    assert rows == workspace.flow(TODAY)


def test_lead_time_has_exact_percentiles(gold_lake, workspace):
    leads = [t.lead_hours for t in workspace.tasks if t.completed and t.completed.date() in set(DAYS)]
    rows = ask("lead-time")
    assert {row["lead_hour"]: row["tasks"] for row in rows} == Counter(math.floor(lead) for lead in leads)
    expected = [percentile(leads, p) for p in (0.5, 0.85, 0.95)]
    assert {(row["p50"], row["p85"], row["p95"]) for row in rows} == {tuple(expected)}


@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_percentiles_of_few_tasks(lake, workspace, number):
    some = [t for t in workspace.tasks if t.completed and t.completed.date() in set(DAYS)][:number]
    lake.publish(Workspace(some, workspace.names))
    expected = [percentile([task.lead_hours for task in some], p) for p in (0.5, 0.85, 0.95)]
    row = ask("lead-time")[0]
    assert [row["p50"], row["p85"], row["p95"]] == expected


def test_categories_sum_up_the_period(gold_lake, workspace):
    created = Counter(t.category or "(none)" for t in workspace.tasks if t.created.date() in set(DAYS))
    done = Counter(
        t.category or "(none)" for t in workspace.tasks if t.completed and t.completed.date() in set(DAYS)
    )
    rows = ask("categories")
    assert {row["category"]: (row["created"], row["completed"]) for row in rows} == {
        category: (created[category], done[category]) for category in created | done
    }
    assert [row["created"] for row in rows] == sorted(created.values(), reverse=True)


def test_activity_counts_every_change_by_weekday_and_hour(gold_lake, workspace):
    moments = Counter((m.isoweekday(), m.hour) for task in workspace.tasks for m in task.moments())
    assert {(row["weekday"], row["hour"]): row["events"] for row in ask("activity")} == moments


def test_ageing_is_in_the_order_of_age(gold_lake, workspace):
    rows = ask("ageing")
    assert [(row["age_bucket"], row["tasks"], row["overdue"]) for row in rows] == [
        (name, tasks, overdue) for name, _, tasks, overdue in workspace.ages()
    ]
    assert sum(row["tasks"] for row in rows) == len(workspace.open())


def test_top_people_are_the_ten_who_completed_most(gold_lake, workspace):
    done = Counter(task.user_id for task in workspace.tasks if task.completed)
    rows = ask("top-users")
    assert [row["completed_tasks"] for row in rows] == sorted(done.values(), reverse=True)[:10]
    for row in rows:
        mine = [task for task in workspace.tasks if task.user_id == row["user_id"]]
        assert row["person"] == workspace.names[row["user_id"]]
        assert row["total_tasks"] == len(mine)
        assert row["open_tasks"] == sum(task in workspace.open() for task in mine)
        assert row["p50_hours"] == percentile([t.lead_hours for t in mine if t.completed], 0.5)


def test_key_figures_have_a_value_for_each_day_of_both_periods(gold_lake, workspace):
    rows = {(row["metric"], row["day"]): row["value"] for row in ask("kpis")}
    asked = {metric for metric, _ in rows} - {"finished", "lead_hours"}
    assert asked == {figure.metric for figure in tiles.FIGURES} - {"lead_hours"}
    for day in [*PERIOD.previous_dates(), *DAYS]:
        truth = workspace.kpis(day)
        assert {metric: rows[metric, day.isoformat()] for metric in asked} == {m: truth[m] for m in asked}
        finished = [t.lead_hours for t in workspace.tasks if t.completed and t.completed.date() == day]
        assert rows.get(("finished", day.isoformat()), 0) == len(finished)
        assert rows.get(("lead_hours", day.isoformat()), 0) == pytest.approx(sum(finished))


@pytest.mark.parametrize("question", BY_SLUG.values(), ids=BY_SLUG)
class TestEveryQuestion:
    def test_is_one_athena_select_with_its_parameters(self, question):
        (tree,) = sqlglot.parse(question.sql, read="athena", error_level=sqlglot.ErrorLevel.RAISE)
        assert isinstance(tree, exp.Query)
        assert len(list(tree.find_all(exp.Placeholder))) == len(question.parameters)

    def test_is_documented_and_tested(self, question):
        assert question.definition.endswith(".")
        assert question.grain.startswith("one row a")
        assert f'ask("{question.slug}"' in inspect.getsource(inspect.getmodule(type(self)))

    def test_draws_a_valid_figure_with_words_and_a_table(self, question, gold_lake):
        drawing = question.draw(ask(question.slug), PERIOD)
        assert drawing.summary.strip()
        assert drawing.table.cells()
        if drawing.figure:
            go.Figure(drawing.figure)  # raises for anything that is not in Plotly's schema

    def test_of_an_empty_lake_says_so(self, question, lake):
        lake.publish(Workspace([]))
        drawing = question.draw(ask(question.slug), PERIOD)
        assert drawing.summary
        assert drawing.figure is None
        assert drawing.empty or question is KPIS

    def test_of_one_task_draws(self, question, lake, workspace):
        task = next(t for t in workspace.tasks if t.completed and t.created.date() >= PERIOD.start)
        lake.publish(Workspace([task], workspace.names))
        drawing = question.draw(ask(question.slug), PERIOD)
        assert drawing.summary
        go.Figure(drawing.figure or {})


def test_slugs_are_unique():
    assert len(BY_SLUG) == len(CHARTS) + 1
