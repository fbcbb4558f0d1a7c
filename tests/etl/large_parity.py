"""Longer histories on Spark, against DuckDB and the brute-force oracle: `pytest tests/etl/large_parity.py`, for CI.

Left out of `make test` by its name. PARITY_STEPS sets the length.
"""

import os
from random import Random

import pytest

from etl.tables import GOLD
from tests.etl.checks import all_equal, same_rows
from tests.etl.harness import NOW
from tests.etl.oracle import Oracle
from tests.etl.test_parity import CONFIG_HERE, ZONE, Made, deliveries, lay_out, make, run_spark
from tests.etl.test_parity import test_gold_is_the_same as test_gold_is_the_same
from tests.etl.test_parity import test_silver_is_the_same as test_silver_is_the_same

STEPS = int(os.environ.get("PARITY_STEPS", "2000"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = make(tmp_path_factory.mktemp("wild"), 7, STEPS)
    lay_out(made.folder, deliveries(made.lake, made.world, Random(8)))
    run_spark(made.folder)
    return made


def test_a_history_of_the_product_equals_the_oracle(tmp_path):
    tame: Made = make(tmp_path, 3, STEPS // 4)
    tame.lake.deliver(tame.world.history)
    tame.lake.lake.run(NOW)
    all_equal(tame.lake, tame.world, NOW)
    lay_out(tmp_path, [dict(tame.lake.s3.buckets["bronze"])])
    run_spark(tmp_path)
    wanted = Oracle(tame.world.history, CONFIG_HERE.today(NOW), ZONE).tables()
    for table in GOLD:
        same_rows(tame.gold(table), wanted[table.name], table.name)
