"""Runs that die, overlap, meet or find broken files: the published result ends the same, no reader sees a mixture."""

import threading
from collections import defaultdict
from dataclasses import replace
from itertools import count
from random import Random

import pytest

from etl.lake import layout
from etl.lake.tables import GOLD, SILVER
from tests.etl.checks import all_equal
from tests.etl.deaths import DECISIVE, FIRST_STEPS, STEPS, Watch
from tests.etl.harness import NOW, Harness
from tests.etl.memory import CONFIG, rows_of
from tests.etl.world import World, play


class Stage:
    """A lake whose every write can be watched, and which can be put back to where it began."""

    def __init__(self, folder):
        self.lake = Harness(folder, replace(CONFIG, keep_seconds=0, keep_snapshots=2))
        self.watch, self.numbers = Watch(self.lake.s3, self.lake.glue), count()
        self.contents = {}

    def process(self):
        """Another process on the lake as it is, with nothing of its own."""
        return self.lake.new_lake(f"process {next(self.numbers)}")

    def killed(self, hit):
        """A run that dies at the first write where ``hit(moment, step)``."""
        self.watch.killed(lambda: self.process().run(NOW), hit)

    def keep(self):
        """Remember what there is now."""
        s3, glue = self.lake.s3, self.lake.glue
        self.kept = (
            {name: dict(objects) for name, objects in s3.buckets.items()},
            dict(glue.tables),
            {table: dict(parts) for table, parts in glue.partitions.items()},
        )

    def put_back(self):
        """Make it what was kept."""
        buckets, tables, partitions = self.kept
        self.lake.s3.buckets = defaultdict(dict, {name: dict(objects) for name, objects in buckets.items()})
        self.lake.glue.tables = dict(tables)
        self.lake.glue.partitions = defaultdict(
            dict, {name: dict(parts) for name, parts in partitions.items()}
        )

    def read(self, location):
        """Rows at a location, in one order; what is written there never changes, so it is read once."""
        if location not in self.contents:
            self.contents[location] = sorted(
                repr(tuple(row.values())) for row in rows_of(self.lake.s3, location)
            )
        return self.contents[location]

    def silver(self):
        """Every Silver table as a query through the catalogue sees it."""
        parts = self.lake.glue.partitions
        return {
            table.name: sorted(row for place in parts[table.name].values() for row in self.read(place))
            for table in SILVER
        }

    def gold(self):
        """Every Gold table as a query through the catalogue sees it."""
        return {table.name: self.read(self.lake.glue.location(table.name)) for table in GOLD}

    def published(self):
        """Every Gold table of the snapshot that the pointer names."""
        found = self.lake.lake.gold.gold.get_json(layout.GOLD_CURRENT)[0]["tables"]
        return {name: self.read(table["location"]) for name, table in found.items()}


def staged(folder):
    """A lake with two thirds published and the last waiting, and what readers may see before and after."""
    stage, world = Stage(folder), World()
    play(world, Random(11), 25)
    third = len(world.history) // 3
    for start in (0, third):
        stage.lake.deliver(world.history[start : start + third])
        stage.lake.lake.run(NOW)
    stage.before = (stage.silver(), stage.gold())
    stage.lake.deliver([*world.history[2 * third :], world.history[0]])
    stage.world = world
    stage.keep()
    stage.watch.begin()
    stage.process().run(NOW)
    all_equal(stage.lake, world, NOW)
    stage.writes, stage.after = stage.watch.made, (stage.silver(), stage.gold())
    return stage


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return staged(tmp_path_factory.mktemp("stage"))


@pytest.fixture
def stage(shared):
    shared.put_back()
    shared.watch.begin()
    return shared


def look(stage):
    """What a reader checks: each table is the old one or the new one, all tables of a snapshot are of one."""
    for layer, tables in enumerate((stage.silver(), stage.gold())):
        for name, rows in tables.items():
            assert rows in (stage.before[layer][name], stage.after[layer][name]), name
    assert stage.published() in (stage.before[1], stage.after[1])


def test_an_undisturbed_run_writes_in_the_known_order(stage):
    assert stage.before[1] != stage.after[1]
    stage.watch.begin(lambda moment, step: look(stage))
    stage.process().run(NOW)
    ends_as_undisturbed(stage)
    assert tuple(dict.fromkeys(stage.watch.made)) == STEPS, "in this order, and none that is not tried below"


def ends_as_undisturbed(stage):
    assert (stage.silver(), stage.gold()) == stage.after
    assert stage.published() == stage.after[1]


@pytest.mark.sliced
@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_at_any_step_is_made_good_by_the_next(stage, step):
    """Before the step's first write, and in its midst where it has several: after its last is before the next."""
    for made in sorted({0, stage.writes[step] // 2}):
        stage.put_back()
        die_and_recover(stage, lambda what, at=(step, made): (what, stage.watch.made[step]) == at)


def die_and_recover(stage, hit):
    """Kill a run before the first write where ``hit(step)``, look as a reader, and let the next run finish."""
    stage.killed(lambda moment, step: moment == "before" and hit(step))
    look(stage)
    stage.process().run(NOW)
    ends_as_undisturbed(stage)


@pytest.mark.sliced
@pytest.mark.parametrize("step", FIRST_STEPS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_first_run_of_all_may_die_too(tmp_path, step, moment):
    stage, world = Stage(tmp_path), World()
    play(world, Random(12), 10)
    stage.lake.deliver(world.history)
    stage.killed(lambda when, what: (when, what) == (moment, step))
    stage.process().run(NOW)
    all_equal(stage.lake, world, NOW)


def test_one_death_after_another(stage):
    """Each run gets a step further than the one before and repeats no commit: less and less is left to do."""
    for step in DECISIVE:
        stage.killed(lambda when, what, at=step: (when, what) == ("before", at))
        look(stage)
        assert not stage.watch.made.keys() & set(DECISIVE[DECISIVE.index(step) :])
    stage.process().run(NOW)
    ends_as_undisturbed(stage)


def test_two_at_once_end_as_one_would(stage):
    """Both from the start, whatever the threads make of it; a third thread reads all the time."""
    errors, done = [], threading.Event()

    def watched(work):
        try:
            work()
        except Exception as error:  # noqa: BLE001  the main thread raises it
            errors.append(error)

    def read_on():
        while not done.wait(0.001):
            look(stage)

    runs = [stage.process(), stage.process()]
    workers = [threading.Thread(target=watched, args=[lambda lake=lake: lake.run(NOW)]) for lake in runs]
    reader = threading.Thread(target=watched, args=[read_on])
    for thread in (reader, *workers):
        thread.start()
    for worker in workers:
        worker.join()
    done.set()
    reader.join()
    assert not errors
    stage.process().run(NOW)
    ends_as_undisturbed(stage)


def test_a_broken_file_changes_nothing_once_a_whole_copy_is_there(stage):
    bronze = stage.lake.s3.buckets["bronze"]
    fresh = max(bronze)
    whole, bronze[fresh] = bronze[fresh], bronze[fresh][:-30]
    stage.process().run(NOW)
    bronze[fresh.replace("stream", "again")] = whole
    stage.process().run(NOW)
    all_equal(stage.lake, stage.world, NOW)
    assert stage.gold() == stage.after[1]


def test_a_file_broken_after_it_was_read_is_not_missed(stage):
    stage.process().run(NOW)
    for key in stage.lake.s3.buckets["bronze"]:
        stage.lake.s3.buckets["bronze"][key] = b"PAR1"
    assert stage.process().run(NOW) is False
    assert (stage.silver(), stage.gold()) == stage.after
