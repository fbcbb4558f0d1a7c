"""Gold as a sum on Spark 3.5.6 and 4.1.1 beside DuckDB: what each run adds, to the last row and type.

Left out of `make test` by its name, for it needs both Sparks: `make test-parity`. Longer histories than those of
`test_tallies.py`, too.
"""

import json
import subprocess
from collections import Counter
from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import duckdb
import pytest

from etl.jobs import tallies
from tests.etl.crowd import ODD
from tests.etl.harness import NOW, Harness
from tests.etl.ledger import COLUMNS, Ledger, silver_of
from tests.etl.memory import CONFIG
from tests.etl.spark import PATIENCE, PYTHON, PYTHON4, ROOT, environment
from tests.etl.test_history import BULK_LOAD, ZONES
from tests.etl.test_tallies import check, same
from tests.etl.world import START, World, play

ZONE = "America/Los_Angeles"
RUNS, LENGTH = 3, 120


@pytest.mark.parametrize(("python", "version"), [(PYTHON, "3.5.6"), (PYTHON4, "4.1.1")])
def test_spark_adds_the_same_in_each_run(tmp_path, python, version):
    world = World()
    play(world, Random(7), LENGTH)
    for number, item in enumerate(ODD):
        world.put("TASK#odd", f"TASK#odd-{number}", item)
    lake = Harness(tmp_path / "lake", replace(CONFIG, timezone=ZoneInfo(ZONE)))
    files = silver_of(lake, world.history, tmp_path / "out")
    today = lake.config.today(NOW)
    with Ledger(tmp_path, files, today, ZONE) as ledger:
        events = ledger.events
        Random(8).shuffle(events)
        runs = [events[number::RUNS] for number in range(RUNS)]
        plan = {
            "files": list(map(str, files)),
            "runs": runs,
            "erased": "ben",
            "today": today.isoformat(),
            "timezone": ZONE,
        }
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        command = [python, "-m", "tests.etl.spark_tallies", tmp_path / "plan.json", tmp_path / "spark"]
        subprocess.run(command, cwd=ROOT, env=environment(python), check=True, timeout=PATIENCE)
        for number in range(RUNS + 1):
            if number < RUNS:
                ledger.post(runs[number])
            else:
                ledger.erase("ben")
            for name in tallies.MADE:
                theirs = f"read_parquet('{tmp_path}/spark/{number}/{name}/*.parquet')"
                names = ", ".join((*COLUMNS[name], "n"))
                found = duckdb.sql(f"SELECT {names} FROM {theirs}").fetchall()
                assert found or number == RUNS
                same(Counter(found), Counter(ledger.engine.rows(name, names)), f"{name}, run {number}")
                kinds = [row[:2] for row in duckdb.sql(f"DESCRIBE SELECT {names} FROM {theirs}").fetchall()]
                assert kinds == [
                    row[:2] for row in ledger.sql(f"DESCRIBE SELECT {names} FROM {name}").fetchall()
                ]
    assert json.loads((tmp_path / "spark" / "done.json").read_text())["spark"] == version


@pytest.mark.parametrize("seed", range(10))
def test_long_histories_add_up(tmp_path, seed):
    arrival = BULK_LOAD if seed % 2 else START
    check(tmp_path, seed, 250, ZONES[seed % len(ZONES)], arrival, 7)
