"""Gold as a sum: what runs add, in any order of events, is what is made at once and what a plain count finds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.jobs import steps, tallies
from tests.etl.crowd import Crowd
from tests.etl.harness import NOW, Harness
from tests.etl.ledger import COLUMNS, Ledger, silver_of
from tests.etl.memory import CONFIG
from tests.etl.oracle import OPEN, Oracle
from tests.etl.oracle_tallies import CAME, EPOCH, WENT, Tallies, added, minutes
from tests.etl.test_history import BULK_LOAD, ZONES
from tests.etl.world import START, World, play
from tests.slices import examples

# What does not add up over tasks: a person counts once in every cell.
PEOPLE = {"active", "cohort", "opening_active"}


def ledger(folder: Path, world: World, zone: str = "UTC", now: datetime = NOW) -> Ledger:
    lake = Harness(folder / "lake", replace(CONFIG, timezone=ZoneInfo(zone)))
    files = silver_of(lake, world.history, folder / "out")
    return Ledger(folder, files, lake.config.today(now), zone)


def same(found: Counter, wanted: Counter, what: str) -> None:
    """Compare rows and their n, to the last row."""
    different = [(row, wanted[row], found[row]) for row in {*found, *wanted} if wanted[row] != found[row]]
    assert not different, f"{what}: row, wanted, found: {different[:4]}"


def without(rows: Counter, columns: int) -> Counter:
    """Rows without their last columns, which say where they lie."""
    return Counter({row[:-columns]: n for row, n in rows.items()})


def equals_brute_force(made: Ledger, world: World, zone: str) -> None:
    oracle = Oracle(world.history, date.fromisoformat(made.values["today"]), zone)
    wanted = Tallies(oracle)
    told, cells = wanted.told(), wanted.steps()
    same(without(made.rows["people"], 1), told, "people")
    same(without(made.rows["tallies"], 2), added([cells, wanted.openings(cells)]), "tallies")
    same(made.rows["task_entries"], Counter(wanted.task_entries()), "task_entries")
    same(made.rows["change_entries"], Counter(wanted.change_entries()), "change_entries")


def check(folder: Path, seed: int, length: int, zone: str, arrival: datetime, runs: int) -> None:
    world, random_ = World(arrival=arrival), Random(seed)
    play(world, random_, length)
    with ledger(folder / "once", world, zone) as at_once:
        events = at_once.events
        at_once.post(events)
        equals_brute_force(at_once, world, zone)
    random_.shuffle(events)
    with ledger(folder / "runs", world, zone) as in_runs:
        for number in range(runs):
            in_runs.post(events[number::runs])
        for name in COLUMNS:
            same(in_runs.rows[name], at_once.rows[name], name)


def test_runs_add_up_to_what_is_made_at_once_and_counted_by_hand(tmp_path):
    check(tmp_path, 4, 120, "UTC", START, 4)


@pytest.mark.sliced
@settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    length=st.integers(0, 80),
    zone=st.sampled_from(ZONES),
    arrival=st.sampled_from((START, BULK_LOAD)),
    runs=st.integers(1, 6),
)
def test_any_history_in_any_number_of_runs(tmp_path_factory, seed, length, zone, arrival, runs):
    check(tmp_path_factory.mktemp("tallies"), seed, length, zone, arrival, runs)


def test_a_person_erased_between_two_runs_was_never_there(tmp_path):
    world, random_ = World(), Random(9)
    play(world, random_, 160)
    with ledger(tmp_path / "erased", world) as made:
        events = made.events
        random_.shuffle(events)
        made.post(events[::2])
        made.erase("ann")
        left = set(made.events)
        made.post([event for event in events[1::2] if event in left])
        erased = made.rows
    world.history = [change for change in world.history if not change.pk.endswith("#ann")]
    with ledger(tmp_path / "without", world) as other:
        other.post(other.events)
        for name in COLUMNS:
            same(erased[name], other.rows[name], name)
    assert not [row for rows in erased.values() for row in rows if "ann" in row]


def test_a_month_opens_with_what_the_last_one_leaves(tmp_path):
    world = World()
    play(world, Random(3), 90)
    before, after = NOW.replace(month=4), NOW
    with ledger(tmp_path / "april", world, now=before) as made:
        made.post(made.events[::2])
        for month in (5, 6):
            made.begin_month(date(2026, month, 1))
        made.post(made.events[1::2])
        grown = made.rows["tallies"]
    with ledger(tmp_path / "june", world, now=after) as other:
        other.post(other.events)
        same(grown, other.rows["tallies"], "tallies")
    assert {row[3] for row in grown if row[4].startswith("opening_") and row[3] >= date(2026, 4, 1)} == {
        date(2026, month, 1) for month in (4, 5, 6)
    }


def level(rows: Counter, name: str, day: date) -> int:
    """A level of everybody's cell at the end of a day: the opening of its month, and the steps since."""
    month = day.replace(day=1)
    return sum(
        n
        for (*cell, at, measure, _), n in rows.items()
        if cell == ["", "", ""]
        and ((measure == name and month <= at <= day) or (measure == f"opening_{name}" and at == month))
    )


def test_arrivals_less_departures_are_the_change_of_open_work(tmp_path):
    world = World()
    play(world, Random(21), 200)
    with ledger(tmp_path, world, now=world.now) as made:
        made.post(made.events)
        rows = without(made.rows["tallies"], 2)
    seen = 0
    day = date(2026, 3, 20)
    before = level(rows, "is_pending", day) + level(rows, "is_in_progress", day)
    while day < world.now.date() + timedelta(days=1):
        day += timedelta(days=1)
        flow = Counter({row[4:]: n for row, n in rows.items() if row[:4] == ("", "", "", day)})
        came = (
            sum(flow[kind, 0] - flow["aside", key] for key, kind in enumerate(CAME, 1)) + flow["entered", 0]
        )
        went = sum(flow[kind, 0] - flow["aside", key] for key, kind in enumerate(WENT, 4)) + flow["left", 0]
        after = level(rows, "is_pending", day) + level(rows, "is_in_progress", day)
        assert after - before == came - went, day
        seen += came + went
        before = after
    assert seen > 50
    assert before == sum(item.get("status") in OPEN for item in world.live("TASK").values())


def test_any_is_the_sum_of_its_parts(tmp_path):
    world = World()
    play(world, Random(6), 150)
    with ledger(tmp_path, world) as made:
        made.post(made.events)
        rows = without(made.rows["tallies"], 2)
    for place in range(3):
        whole: Counter = Counter()
        parts: Counter = Counter()
        for row, n in rows.items():
            if row[4] in PEOPLE or row[4] in ("profile", "profiles", "opening_profiles"):
                continue
            if row[place]:
                parts[*row[:place], "", *row[place + 1 :]] += n
            else:
                whole[row] += n
        same(parts, whole, f"attribute {place}")


def told_of(tmp_path: Path, world: World) -> Counter:
    """What everybody's cell has, without openings."""
    with ledger(tmp_path, world) as made:
        made.post(made.events)
        return Counter(
            {
                row[3:6]: n
                for row, n in made.rows["tallies"].items()
                if row[:3] == ("", "", "") and not row[4].startswith("opening_")
            }
        )


def test_a_completion_that_is_undone_is_marked_on_its_day(tmp_path):
    world = World()
    task = world.create_task("ann")
    for status in ("completed", "pending", "completed"):
        world.tick(86400)
        world.change_task("ann", task, status=status)
    other = world.create_task("ann", status="completed")
    world.tick(86400)
    world.delete_task("ann", other)
    rows = told_of(tmp_path, world)
    marks = {
        name: {f"{day:%d}": n for (day, measure, _), n in rows.items() if measure == name}
        for name in ("completed", "undone")
    }
    assert marks == {"completed": {"21": 1, "23": 2}, "undone": {"21": 1}}


def test_changes_beside_open_work_are_told_apart(tmp_path):
    """Born completed, cancelled once completed, deleted once cancelled: three changes, and none of open work."""
    world = World()
    task = world.create_task("ann", status="completed")
    world.change_task("ann", task, status="cancelled")
    world.delete_task("ann", task)
    rows = told_of(tmp_path, world)
    day = START.date()
    flows = {(measure, key): n for (at, measure, key), n in rows.items() if at == day}
    assert {key: n for (measure, key), n in flows.items() if measure == "aside"} == {1: 1, 4: 1, 5: 1, 6: 1}
    assert [flows.get((kind, 0)) for kind in (*CAME, *WENT)] == [1, None, None, 1, 1, 1]


def test_a_step_of_an_old_task_has_the_last_age_that_is_told_apart(tmp_path):
    world = World()
    task = world.create_task("ann")
    world.tick(200 * 86400)
    world.change_task("ann", task, status="completed")
    rows = told_of(tmp_path, world)
    born, done = START.date(), START.date() + timedelta(days=200)
    steps = {row: n for row, n in rows.items() if row[1] == "is_pending"}
    assert steps == {
        (born, "is_pending", (born - EPOCH).days): 1,
        (done, "is_pending", (done - EPOCH).days - 90): -1,
    }


@pytest.mark.parametrize(
    ("seconds", "key"),
    [
        (0, 0),
        (59, 0),
        (60, 1),
        (3599, 59),
        (3600, 60),
        (7199, 60),
        (7 * 86400 - 1, 167 * 60),
        (7 * 86400, 7 * 1440),
        (20.5 * 86400, 20 * 1440),
    ],
)
def test_times_are_counted_by_minutes_then_hours_then_days(tmp_path, seconds, key):
    world = World()
    task = world.create_task("ann")
    world.tick(seconds)
    world.change_task("ann", task, status="completed")
    rows = told_of(tmp_path, world)
    assert [(row[2], n) for row, n in rows.items() if row[1] == "lead"] == [(key, 1)]
    assert minutes(int(seconds * 10**6)) == key


def test_an_empty_value_is_no_cell_of_its_own(tmp_path):
    """Any is the empty text: a task without a value counts under a word."""
    world = World()
    world.foreign_task("eve", "x1", title="no status")
    world.foreign_task("eve", "x2", status="", category="", priority="")
    with ledger(tmp_path, world) as made:
        made.post(made.events)
        cells = {row[:3] for row in made.rows["tallies"]}
        assert {row[1:4] for row in made.rows["people"]} == {("(none)", "(none)", "unknown")}
        assert level(without(made.rows["tallies"], 2), "is_other", NOW.date()) == 2
    assert cells == {(c, p, s) for c in ("", "(none)") for p in ("", "(none)") for s in ("", "unknown")}


def test_made_up_days_make_no_partitions(tmp_path):
    world = World()
    for created, limit in (("1003-01-01T00:00:00Z", "2998-01-01"), ("2000-01-01T00:00:00Z", "1900-01-01")):
        world.import_task("ann", datetime.fromisoformat(created).replace(tzinfo=UTC), due_date=limit)
    with ledger(tmp_path, world) as made:
        made.post(made.events)
        months = {row[-2] for row in made.rows["tallies"]}
        assert level(without(made.rows["tallies"], 2), "is_pending", NOW.date()) == 2
        equals_brute_force(made, world, "UTC")
    assert min(months) >= "2000-01"
    assert max(months) == "2099-12"
    assert len(months) < 400


def test_rows_of_a_run_are_few(tmp_path):
    """The bounds that the decision names: they depend on the lives that are touched, not on the history."""
    world = World()
    Crowd(world, Random(5), 30).work(2500, 100)
    with ledger(tmp_path, world, now=world.now) as made:
        events = made.events
        made.post(events[:-300])
        made.written.clear()
        made.post(events[-300:])
        rows = {name: number / 300 for name, number in made.written.items()}
    assert rows["tallies"] < 150, rows
    assert rows["people"] < 50, rows
    assert rows["change_entries"] < 5, rows
    assert rows["task_entries"] < 3, rows


def test_every_statement_is_run():
    files = {path.stem for path in (steps.SQL / "tallies").iterdir()}
    sides: Iterable[str] = [f"{step}_{side}" for step in ("events", "visits") for side in ("before", "after")]
    said = {step for layer, step in tallies.SAID if layer == "tallies"}
    assert files == {*said, *tallies.ENTRIES, *tallies.CELLS, *sides, "rolled", "attendance", "carried"}
