"""Runs that meet or find broken files: the published result ends the same, and no reader sees a mixture."""

import threading
from collections import defaultdict
from dataclasses import replace
from random import Random

import pytest

from etl import gold
from etl.tables import GOLD, SILVER
from tests.etl.checks import all_equal
from tests.etl.harness import NOW, Harness
from tests.etl.memory import CONFIG, rows_of
from tests.etl.world import World, play

GLUE_WRITES = ("create_table", "update_table", "batch_create_partition", "batch_update_partition")
# Calls by which a process can be told apart from one that died a call earlier or later.
S3_WRITES = {"put_object", "delete_objects"}


class Stage:
    """A lake whose every write can be watched, and which can be put back to where it began."""

    def __init__(self, folder):
        self.lake = Harness(folder, replace(CONFIG, keep_seconds=0))
        self.number, self.lock = 0, threading.Lock()
        self.at_write = lambda number: None
        self.lake.s3.before = lambda operation, key: operation in S3_WRITES and self._count()
        for name in GLUE_WRITES:
            setattr(self.lake.glue, name, self._counted(getattr(self.lake.glue, name)))
        self.contents = {}

    def _count(self):
        with self.lock:
            self.number += 1
            number = self.number
        self.at_write(number)

    def _counted(self, call):
        def counted(**arguments):
            self._count()
            return call(**arguments)

        return counted

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
        self.number = 0

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
        found = self.lake.lake.gold.gold.get_json(gold.CURRENT)[0]["tables"]
        return {name: self.read(table["location"]) for name, table in found.items()}


@pytest.fixture
def stage(tmp_path):
    """A lake with a first half published and a second half waiting, and what readers may see of either."""
    stage, world = Stage(tmp_path), World()
    play(world, Random(11), 25)
    half = len(world.history) // 2
    stage.lake.deliver(world.history[:half])
    stage.lake.lake.run(NOW)
    stage.before = (stage.silver(), stage.gold())
    stage.lake.deliver([*world.history[half:], world.history[0]])
    stage.world = world
    stage.keep()
    stage.lake.new_lake("clean").run(NOW)
    all_equal(stage.lake, world, NOW)
    stage.writes, stage.after = stage.number, (stage.silver(), stage.gold())
    stage.put_back()
    return stage


def look(stage):
    """What a reader checks: each table is the old one or the new one, all tables of a snapshot are of one."""
    for layer, tables in enumerate((stage.silver(), stage.gold())):
        for name, rows in tables.items():
            assert rows in (stage.before[layer][name], stage.after[layer][name]), name
    assert stage.published() in (stage.before[1], stage.after[1])


def test_it_works(stage):
    assert stage.before[1] != stage.after[1]
    stage.at_write = lambda number: look(stage)
    stage.lake.new_lake("watched").run(NOW)
    assert (stage.silver(), stage.gold()) == stage.after
    assert stage.published() == stage.after[1]


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

    runs = [stage.lake.new_lake(name) for name in ("one", "other")]
    workers = [threading.Thread(target=watched, args=[lambda lake=lake: lake.run(NOW)]) for lake in runs]
    reader = threading.Thread(target=watched, args=[read_on])
    for thread in (reader, *workers):
        thread.start()
    for worker in workers:
        worker.join()
    done.set()
    reader.join()
    assert not errors
    stage.lake.new_lake("last").run(NOW)
    assert (stage.silver(), stage.gold()) == stage.after
    assert stage.published() == stage.after[1]


def test_a_broken_file_changes_nothing_once_a_whole_copy_is_there(stage):
    bronze = stage.lake.s3.buckets["bronze"]
    fresh = max(bronze)
    whole, bronze[fresh] = bronze[fresh], bronze[fresh][:-30]
    stage.lake.new_lake("reads what it can").run(NOW)
    bronze[fresh.replace("stream", "again")] = whole
    stage.lake.new_lake("next").run(NOW)
    all_equal(stage.lake, stage.world, NOW)
    assert stage.gold() == stage.after[1]


def test_a_file_broken_after_it_was_read_is_not_missed(stage):
    stage.lake.new_lake("first").run(NOW)
    for key in stage.lake.s3.buckets["bronze"]:
        stage.lake.s3.buckets["bronze"][key] = b"PAR1"
    assert stage.lake.new_lake("next").run(NOW) is False
    assert (stage.silver(), stage.gold()) == stage.after
