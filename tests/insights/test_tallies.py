"""Gold as a sum gives the answers that today's questions give over today's Gold, whatever is filtered."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from insights import answers, pages
from insights.dashboards import EVERYBODY
from insights.filters import Filters, State
from tests.etl.harness import NOW, Harness
from tests.etl.ledger import Ledger, silver_of
from tests.etl.oracle_tallies import minutes
from tests.etl.world import World, play
from tests.insights.from_tallies import Board, percentile, within
from tests.insights.histories import gold
from tests.insights.lake import Lake
from web import athena

pytestmark = pytest.mark.slow
STATES = (
    State(),
    State(90, filters=Filters(category="work")),
    State(180, filters=Filters(priority="urgent", status="completed")),
    State(filters=Filters(category="(none)", priority="low", status="pending")),
    State(90, filters=Filters(status="cancelled")),
    State(filters=Filters(user="ann")),
    State(filters=Filters(user="eve", status="completed")),
    State(filters=Filters(category="no such category")),
)


@pytest.fixture(scope="module")
def world() -> World:
    """Everything that happens in tests, long ago and in the last days as well."""
    world = World()
    play(world, Random(11), 160)
    for day in (-3, 5, 20):
        task = world.import_task("ann", NOW - timedelta(days=20), category="work")
        world.now = min(NOW + timedelta(days=day - 25), NOW)
        world.change_task("ann", task, status="completed")
    return world


@pytest.fixture(scope="module")
def files(world) -> dict[str, bytes]:
    return gold(world.history, NOW)[0]


@pytest.fixture(scope="module")
def kept(files) -> str:
    return Lake().write_files(files)


@pytest.fixture(scope="module")
def ledger(world, tmp_path_factory):
    """The same history in three runs, events in any order."""
    folder = tmp_path_factory.mktemp("ledger")
    lake = Harness(folder / "lake")
    files = silver_of(lake, world.history, folder / "out")
    with Ledger(folder, files, NOW.date(), "UTC") as made:
        events = made.events
        Random(12).shuffle(events)
        for number in range(3):
            made.post(events[number::3])
        yield made


@pytest.fixture
def asked(lake, kept, settings):
    """Return a function that asks today's questions of today's Gold."""
    settings.INSIGHTS_PAGE_SECONDS = 60
    lake.switch(kept)
    lake.point(kept, NOW)
    snapshot = athena.current_snapshot()
    assert snapshot

    def ask(state: State):
        outcomes = answers.gather(pages.page_keys(EVERYBODY, state, snapshot), snapshot)
        return {slug: outcome.answer.rows for slug, outcome in outcomes.items()}, pages.period_of(
            state, snapshot
        )

    return ask


@pytest.mark.sliced
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.query)
def test_the_same_answers(asked, ledger, state):
    theirs, period = asked(state)
    ours = Board(ledger, period, state.filters)
    for slug, rows in (
        ("throughput", ours.throughput()),
        ("cumulative-flow", ours.cumulative_flow()),
        ("ageing", ours.ageing()),
        ("activity", ours.activity()),
        ("retention", ours.retention()),
        ("categories", ours.categories()),
    ):
        assert [
            {name: found[name] for name in row} for found, row in zip(theirs[slug], rows, strict=True)
        ] == rows, slug
    kpis, figures = {(row["day"], row["metric"]): row["value"] for row in theirs["kpis"]}, ours.kpis()
    assert kpis.keys() == figures.keys()
    assert [key for key in kpis if not math.isclose(kpis[key], figures[key], rel_tol=1e-12)] == []
    for found, row in zip(theirs["top-users"], ours.top_users(), strict=True):
        assert within(found["p50_hours"], row.pop("p50"))
        assert {name: found[name] for name in row} == row
    for slug, measure in (("lead-time", "lead"), ("cycle-time", "cycle")):
        same_times(theirs[slug], ours.times(measure))
    categories, people, first = ours.choices()
    offered = {
        kind: [row["value"] for row in theirs["choices"] if row["kind"] == kind]
        for kind in ("category", "user", "since")
    }
    assert offered == {"category": categories, "user": people, "since": [first.isoformat()]}


def same_times(theirs, ours):
    """The histogram by whole hours up to seven days and by days above; percentiles within the width of their key."""
    histograms = {}
    for row in theirs:
        histograms.setdefault(row["span"], Counter())[minutes(row["whole_hours"] * 3_600_000_000)] += row[
            "tasks"
        ]
        for name, share in (("p50", 50), ("p85", 85), ("p95", 95)):
            assert within(row[name], percentile(ours[row["span"]], share)), (row, name)
    coarse = {}
    for span, times in ours.items():
        coarse[span] = Counter()
        for key, n in times.items():
            coarse[span][key // 60 * 60] += n
    assert histograms == coarse
