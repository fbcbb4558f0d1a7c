"""Long histories against brute force, and restores of more of them: `make test-parity`.

Left out of `make test` by its name: it takes minutes. `test_history.py` and `test_restore.py` there have short ones.
"""

from random import Random

import pytest

from tests.etl.harness import NOW
from tests.etl.test_history import BULK_LOAD, ZONES, check
from tests.etl.test_restore import any_history_at_any_point
from tests.etl.world import START


@pytest.mark.parametrize("seed", range(12))
def test_long_histories_equal_brute_force(seed):
    arrival = BULK_LOAD if seed % 2 else START
    check(Random(seed), 250, ZONES[seed % len(ZONES)], arrival, NOW)


@pytest.mark.parametrize("seed", range(2, 8))
def test_any_history_at_any_point(lake, seed):
    any_history_at_any_point(lake, seed)
