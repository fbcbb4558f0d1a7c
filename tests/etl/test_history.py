"""Any history, delivered in any way the cloud allows, ends in the same tables: those of a brute-force pass."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.etl.checks import all_equal
from tests.etl.harness import NOW, Harness, harness
from tests.etl.memory import CONFIG
from tests.etl.world import START, World, play
from tests.slices import examples

ZONES = ("UTC", "Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Apia")
BULK_LOAD = datetime(2026, 12, 1, tzinfo=UTC)


def deliver_badly(lake: Harness, world: World, random_: Random) -> None:
    """Slices out of order, some twice, Firehose refusing a third of its entries, runs in between."""
    refusals = Random(random_.randrange(1000))
    lake.firehose.refuse = lambda data: refusals.random() < 0.3
    cuts = sorted(random_.sample(range(len(world.history) + 1), k=min(4, len(world.history))))
    edges = [0, *cuts, len(world.history)]
    slices = [world.history[start:end] for start, end in pairwise(edges)]
    slices += random_.sample(slices, k=2)
    random_.shuffle(slices)
    for part in slices:
        lake.deliver(part)
        if random_.random() < 0.4:
            lake.lake.run(NOW)


def check(random_: Random, steps: int, zone: str, arrival: datetime, now: datetime) -> None:
    world = World(arrival=arrival)
    play(world, random_, steps, misfits=True)
    with harness(replace(CONFIG, timezone=ZoneInfo(zone))) as lake:
        deliver_badly(lake, world, random_)
        lake.lake.run(now)
        all_equal(lake, world, now)
        writes = lake.s3.calls["put_object"]
        assert lake.lake.run(now) is False
        assert lake.s3.calls["put_object"] == writes
        assert lake.new_lake("later").run(now) is False


def test_a_played_history_equals_brute_force():
    check(Random(4), 120, "UTC", START, NOW)


@pytest.mark.sliced
@settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    random_=st.randoms(use_true_random=False),
    steps=st.integers(0, 60),
    zone=st.sampled_from(ZONES),
    arrival=st.sampled_from((START, BULK_LOAD)),
    later=st.integers(0, 400),
)
def test_every_table_equals_brute_force(random_, steps, zone, arrival, later):
    check(random_, steps, zone, arrival, START + timedelta(hours=later * 5))


@pytest.mark.sliced
@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES[1:])
def test_in_every_zone_long_histories_equal_brute_force(zone):
    """`long_histories.py` has longer ones, and more of them."""
    number = ZONES.index(zone)
    check(Random(number), 120, zone, BULK_LOAD if number % 2 else START, NOW)
