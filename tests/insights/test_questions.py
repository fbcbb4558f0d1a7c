"""Every question against the local Athena: its rows equal a brute-force pass over the workspace."""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from pathlib import Path

import plotly.graph_objects as go
import pytest
import sqlglot
from sqlglot import exp

from insights import questions
from insights.filters import Filters
from insights.periods import Period
from insights.questions import BY_SLUG, CHARTS, CHOICES, KPIS, OWN_CHARTS
from insights.questions.tasks import DRILL_DOWN
from tests.insights import test_truth
from tests.insights.lake import STATUSES, TODAY, Lake, Workspace, percentile
from tests.insights.truth import Truth
from web import athena

PERIOD = Period(30, TODAY)
OWN_FILTERS = {slug: Filters(user="user-07") for slug in ("streaks", "weeks")}
DAYS = PERIOD.dates()


def ask(slug: str, period: Period = PERIOD, filters: Filters = Filters()) -> list[dict]:  # noqa: B008
    question = BY_SLUG[slug]
    offered = {**period.parameters(), **filters.parameters(), "owner": filters.user}
    rows = athena.run(question.sql, question.bound(offered)).rows
    assert all(set(row) >= {column.name for column in question.columns} for row in rows)
    return rows


def test_throughput_counts_each_day(gold_lake, workspace):
    created = Counter(task.created.date() for task in workspace.tasks)
    completed = Counter(task.completed.date() for task in workspace.tasks if task.completed)
    assert [(row["day"], row["created"], row["completed"]) for row in ask("throughput")] == [
        (day.isoformat(), created[day], completed[day]) for day in [*PERIOD.previous_dates(), *DAYS]
    ]


def test_cumulative_flow_counts_each_status_at_the_end_of_each_day(gold_lake, workspace):
    rows = {(row["day"], row["status"]): row["tasks"] for row in ask("cumulative-flow")}
    days = [PERIOD.previous_end, *DAYS]
    assert rows == {(d.isoformat(), s): n for d in days for s, n in workspace.flow(d).items()}
    assert len(rows) == len(days) * len(STATUSES)


@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_percentiles_of_few_tasks(lake, workspace, number):
    some = [t for t in workspace.tasks if t.completed and t.completed.date() in set(DAYS)][:number]
    lake.publish(Workspace(some, workspace.names))
    for slug, hours in (("lead-time", "lead_hours"), ("cycle-time", "cycle_hours")):
        expected = [percentile([getattr(task, hours) for task in some], p) for p in (0.5, 0.85, 0.95)]
        row = ask(slug)[0]
        assert [row["p50"], row["p85"], row["p95"]] == expected


def test_a_filter_chooses_tasks_by_what_they_are_now(gold_lake, workspace):
    mine = [t for t in workspace.tasks if t.category == "Support" and t.now_status == "completed"]
    rows = ask("throughput", filters=Filters(category="Support", status="completed"))
    assert sum(row["created"] for row in rows if row["day"] >= PERIOD.start.isoformat()) == sum(
        task.created.date() in set(DAYS) for task in mine
    )


def test_a_value_of_a_url_is_never_sql(gold_lake):
    for nasty in ("' OR '1'='1", "'; DROP TABLE task_facts --", "\\", "?", "%"):
        assert ask("categories", filters=Filters(category=nasty, user=nasty)) == []


def test_choices_are_those_with_the_most_tasks(gold_lake, workspace):
    rows = ask("choices")
    tasks = Counter(task.category or "(none)" for task in workspace.tasks)
    assert {r["value"]: r["tasks"] for r in rows if r["kind"] == "category"} == tasks
    assert [r["value"] for r in rows if r["kind"] == "since"] == [min(workspace.days()).isoformat()]


ALL = {**BY_SLUG, DRILL_DOWN.slug: DRILL_DOWN}


@pytest.mark.parametrize("statement", ALL.values(), ids=ALL)
class TestEveryStatement:
    def test_is_one_athena_select_with_its_parameters(self, statement):
        (tree,) = sqlglot.parse(statement.sql, read="athena", error_level=sqlglot.ErrorLevel.RAISE)
        assert isinstance(tree, exp.Query)
        assert len(list(tree.find_all(exp.Placeholder))) == len(statement.parameters)

    def test_is_written_in_one_piece(self, statement):
        """The text of the module holds it as it is: it is not put together of anything."""
        sources = [path.read_text() for path in Path(questions.__file__).parent.glob("*.py")]
        assert sum(statement.sql in source for source in sources) == 1


def only(workspace):
    return next(t for t in workspace.tasks if t.completed and t.created.date() >= PERIOD.start)


@pytest.fixture(scope="module")
def snapshots(workspace) -> dict[str, str]:
    """Workspaces that several tests look at, by what they hold."""
    write = Lake().write
    return {"empty": write(Workspace([])), "one task": write(Workspace([only(workspace)], workspace.names))}


@pytest.mark.parametrize("question", BY_SLUG.values(), ids=BY_SLUG)
class TestEveryQuestion:
    def test_is_documented_and_tested(self, question):
        assert question.definition.endswith(".")
        assert question.grain.startswith("one row a")
        assert question.title
        assert question.columns
        truth = inspect.getsource(test_truth) + inspect.getsource(Truth)
        assert f'"{question.slug}"' in truth or f'"{question.slug}"' in inspect.getsource(
            sys.modules[__name__]
        )

    def test_draws_a_valid_figure_with_words_and_a_table(self, question, gold_lake):
        drawing = question.draw(ask(question.slug, filters=OWN_FILTERS.get(question.slug, Filters())), PERIOD)
        assert drawing.summary.strip()
        assert drawing.table.cells()
        assert drawing.finding.strip() or question is CHOICES
        assert go.Figure(drawing.figure or {})  # raises for anything that is not in Plotly's schema
        for trace in (drawing.figure or {}).get("data", []):
            assert trace["meta"]["drill_down"], "every point leads to its tasks"

    def test_of_an_empty_lake_says_so(self, question, lake, snapshots):
        lake.switch(snapshots["empty"])
        drawing = question.draw(ask(question.slug), PERIOD)
        assert drawing.summary
        assert drawing.figure is None
        assert drawing.empty or question in {KPIS, CHOICES}

    def test_of_one_task_draws(self, question, lake, workspace, snapshots):
        lake.switch(snapshots["one task"])
        drawing = question.draw(ask(question.slug, filters=Filters(user=only(workspace).user_id)), PERIOD)
        assert drawing.summary
        go.Figure(drawing.figure or {})


def test_slugs_are_unique():
    assert len(BY_SLUG) == len({*CHARTS, *OWN_CHARTS, KPIS, CHOICES})
