"""The Glue job on Spark 3.5.6 and 4.1.1 beside DuckDB, over the same Bronze: the same tables, to the last row and type.

A short history in one go, of all that can go wrong; `large_parity.py` has the long one. Run by `make test-parity`.
"""

from dataclasses import replace
from datetime import datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from etl.lake.tables import GOLD, QUARANTINE, SILVER
from tests.etl.crowd import ODD, bad_rows, spoil
from tests.etl.harness import NOW, Harness
from tests.etl.memory import CONFIG
from tests.etl.oracle import usable
from tests.etl.spark import PYTHON, PYTHON4, GlueRun, SparkRun, same_files
from tests.etl.world import World, play

ZONE = "America/Los_Angeles"
STEPS = 120

# The writes that decide: what is committed, which snapshot is the latest, which one readers see.
DEADLY = ("silver/_current.json", "gold/_commit.json", "gold/_current.json")


class Made:
    """A lake of all that can go wrong, made by DuckDB."""

    def __init__(self, folder):
        self.world, self.folder = World(), folder
        play(self.world, Random(7), STEPS, misfits=True)
        for number, item in enumerate(ODD):
            self.world.put("TASK#odd", f"TASK#odd-{number}", item)
        self.lake = Harness(folder / "work", replace(CONFIG, timezone=ZoneInfo(ZONE)))
        sent = [*self.world.history, *self.world.history[:40]]
        Random(8).shuffle(sent)
        self.lake.deliver(sent)
        spoil(self.lake.s3, self.world.history, bad_rows(self.world.history[0]), 0)
        self.bronze = folder / "deliveries" / "0"
        self.lake.s3.write_out("bronze", self.bronze)

    def run(self, now):
        """Have DuckDB make the tables as of `now`; the checks that were made."""
        self.lake.lake.run(now)
        self.lake.write_out(self.folder)
        return self.lake.lake.gold.gold.get_json("gold/_current.json")[0]["checks"]

    def same(self, theirs):
        for table in (*SILVER, *GOLD):
            but = ("error", "arrived_on") if table is QUARANTINE else ()  # each engine's words, its day
            same_files(table, self.lake.files(table, self.folder), theirs(table), but)


@pytest.mark.parametrize(("python", "version"), [(PYTHON, "3.5.6"), (PYTHON4, "4.1.1")])
def test_the_glue_job_makes_the_same(tmp_path, python, version):
    made = Made(tmp_path)
    job = GlueRun(made.bronze, tmp_path / "glue", ZONE, python)
    said = [job.run("silver"), job.run("gold")]
    assert [line["metadata"]["spark"] for line in said] == [version] * 2
    assert [line["message"] for line in said] == ["published"] * 2
    pointer = job.pointer()
    # The job goes by the clock: what it took for today is today for DuckDB, too.
    checks = made.run(datetime.fromisoformat(pointer["published_at"]))
    made.same(job.files)
    assert pointer["checks"] == checks
    assert {table["location"] for table in pointer["tables"].values()} == {
        f"s3://gold/{path.parent.relative_to(job.root / 'gold')}/"
        for table in GOLD
        for path in job.files(table)
    }
    assert made.lake.manifest().rows("task_events") == len(usable(made.world.history))


def test_spark_killed_before_its_decisive_writes_ends_the_same(tmp_path):
    made = Made(tmp_path)
    spark = SparkRun(made.bronze.parent, tmp_path / "spark", ZONE, NOW, PYTHON, *DEADLY)
    checks = made.run(NOW)
    made.same(spark.files)
    assert spark.done["gold"]["checks"] == checks
