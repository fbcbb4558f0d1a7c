"""A long history through DuckDB, through Spark, and by brute force: `make test-parity`.

Left out of `make test` by its name, for it takes minutes. PARITY_EVENTS is how long the history is.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from etl.lake.tables import GOLD, QUARANTINE, SILVER, TASK_EVENTS, TASKS, USERS, Table
from tests.etl import oracle_silver
from tests.etl.checks import same_rows
from tests.etl.crowd import Crowd, bad_rows, broken_file, deliveries, row_of
from tests.etl.harness import Harness
from tests.etl.memory import CONFIG
from tests.etl.oracle import Oracle, flaw
from tests.etl.spark import SparkRun, same_files
from tests.etl.world import World

EVENTS = int(os.environ.get("PARITY_EVENTS", "200000"))
DAYS, PARTS = 60, 2
ZONE = "America/Los_Angeles"
# What depends on the run and its engine: the name of a merged file, its words for a broken one, its day.
BY_RUN = ("source_file", "error", "arrived_on")


class Made:
    """A history; the lake that DuckDB made of it, part by part; Spark at work on the same."""

    def __init__(self, folder: Path) -> None:
        self.world, self.folder = World(), folder
        Crowd(self.world, Random(41), EVENTS // 400).work(EVENTS, DAYS)
        self.now = self.world.now + timedelta(hours=30)
        self.lake = Harness(folder / "work", replace(CONFIG, timezone=ZoneInfo(ZONE)))
        held: set[str] = set()
        for number, _ in enumerate(deliveries(self.lake, self.world.history, Random(42), PARTS)):
            fresh = self.lake.s3.buckets["bronze"].keys() - held
            held |= fresh
            self.lake.s3.write_out("bronze", folder / "deliveries" / str(number), fresh)
            self.lake.lake.run_silver()
        self.spark = SparkRun(folder / "deliveries", folder / "spark", ZONE, self.now)
        self.lake.lake.run_gold(self.now)
        self.lake.write_out(folder)
        self.oracle = Oracle(self.world.history, self.lake.config.today(self.now), ZONE).tables()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("parity"))


def spelled(lake: Harness, table: Table) -> Iterator[tuple]:
    """Rows of a Silver table as the oracle spells them: an image's JSON is compared by what it says."""
    for row in lake.silver(table.name):
        yield tuple((row | {"image": oracle_silver.same_image(row["image"])}).values())


def test_the_history_is_long_and_has_numbers_of_both_lengths(made):
    assert len(made.world.history) >= EVENTS
    digits = {len(str(change.sequence)) for change in made.world.history}
    assert digits == {39, 40}, "numbers that text and decimal(38) would put in another order"


def test_history_equals_brute_force(made):
    wanted = list(oracle_silver.task_events(made.world.history))
    same_rows(list(spelled(made.lake, TASK_EVENTS)), wanted, "task_events")


@pytest.mark.parametrize("table", [TASKS, USERS], ids=lambda table: table.name)
def test_current_state_equals_brute_force(made, table):
    wanted = list(getattr(oracle_silver, table.name)(made.world.history))
    same_rows(list(spelled(made.lake, table)), wanted, table.name)


def test_quarantine_holds_every_bad_row_once_and_no_other(made):
    names = [name for name in QUARANTINE.names if name not in BY_RUN]
    history = made.world.history
    bad = [row | {"reason": reason} for reason, row in bad_rows(history[0])]
    bad += [row_of(change) | {"reason": reason} for change in history if (reason := flaw(change))]
    firsts = [row_of(history[len(history) * number // PARTS]) for number in range(PARTS)]
    lost = [{"reason": "unreadable_file", "table_name": "todo-app-data"}] * PARTS
    wanted = [tuple(row.get(name) for name in names) for row in bad + lost]
    found = made.lake.silver("quarantine")
    same_rows([tuple(row[name] for name in names) for row in found], wanted, "quarantine")
    files = {row["source_file"] for row in found if row["reason"] == "unreadable_file"}
    assert files == {broken_file(row, number) for number, row in enumerate(firsts)}


@pytest.mark.parametrize("table", GOLD, ids=lambda table: table.name)
def test_figures_equal_brute_force(made, table):
    same_rows(made.lake.gold(table.name), made.oracle[table.name], table.name)


@pytest.mark.parametrize("table", [*SILVER, *GOLD], ids=lambda table: table.name)
def test_spark_makes_the_same(made, table):
    assert made.spark.done["spark"] == "3.5.6"
    # Days have passed in the first lake, which merged its files; Spark reads what they became.
    but = BY_RUN if table is QUARANTINE else ()
    same_files(table, made.lake.files(table, made.folder), made.spark.files(table), but)
