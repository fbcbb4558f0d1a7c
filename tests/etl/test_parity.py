"""The same SQL files on real Spark and in DuckDB, over the same Bronze: the same tables, to the last row and type.

A short history in one go; `make test-parity` has the long one, in parts, and the brute-force count.
"""

from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import pytest

from etl.tables import GOLD, SILVER
from tests.etl.crowd import ODD, bad_rows, spoil
from tests.etl.harness import NOW, Harness
from tests.etl.memory import CONFIG
from tests.etl.spark import PYTHON, SparkRun, same_files
from tests.etl.world import World, play

ZONE = "America/Los_Angeles"
STEPS = 120

pytestmark = pytest.mark.slow


class Made:
    """A lake of all that can go wrong, made by DuckDB, and by Spark as the Glue job makes it."""

    def __init__(self, folder, python=PYTHON, *deadly):
        self.world, self.folder = World(), folder
        play(self.world, Random(7), STEPS)
        for number, item in enumerate(ODD):
            self.world.put("TASK#odd", f"TASK#odd-{number}", item)
        self.lake = Harness(folder / "work", replace(CONFIG, timezone=ZoneInfo(ZONE)))
        sent = [*self.world.history, *self.world.history[:40]]
        Random(8).shuffle(sent)
        self.lake.deliver(sent)
        spoil(self.lake.s3, self.world.history, bad_rows(self.world.history[0]), 0)
        self.lake.s3.write_out("bronze", folder / "deliveries" / "0")
        self.spark = SparkRun(folder / "deliveries", folder / "spark", ZONE, NOW, python, *deadly)
        self.lake.lake.run(NOW)
        self.lake.write_out(folder)

    def check(self, table):
        same_files(table, self.lake.files(table, self.folder), self.spark.files(table))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory.mktemp("wild"))


def test_it_works(made):
    assert made.spark.done["gold"]["tables"].keys() == {table.name for table in GOLD}
    assert made.lake.manifest().rows("task_events") == len(made.world.history)


@pytest.mark.parametrize("table", [*SILVER, *GOLD], ids=lambda table: table.name)
def test_every_table_is_the_same(made, table):
    made.check(table)


def test_the_same_checks_were_made(made):
    checks = made.lake.lake.gold.gold.get_json("gold/_current.json")[0]["checks"]
    assert made.spark.done["gold"]["checks"] == checks
