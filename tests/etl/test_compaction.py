"""Small files of Bronze become few: nothing changes for any reader, wherever a run dies."""

from datetime import UTC, datetime, timedelta

import pytest

from etl.jobs import job_requests
from etl.lake import consumed_files
from etl.upkeep import compact, retention
from etl.upkeep.compact import JOURNAL, Compaction
from etl.upkeep.erase import Erasure
from etl.upkeep.restore import Restore
from tests.etl.checks import all_equal, silver_equals_table
from tests.etl.harness import NOW, Harness
from tests.etl.memory import put_bronze, rows_of
from tests.etl.world import World

LATER = datetime(2027, 1, 1, tzinfo=UTC)


class Death(BaseException):
    """The process ends here."""


@pytest.fixture
def world():
    world = World()
    for user in ("ann", "ben"):
        world.create_user(user)
    for number in range(12):
        for user in ("ann", "ben"):
            task = world.create_task(user, title=f"{user} {number}", due_date="2026-04-01")
            world.tick(3000)
            if number % 3 == 0:
                world.change_task(user, task, status="completed")
            if number % 4 == 0:
                world.delete_task(user, task)
    return world


@pytest.fixture
def small(lake, world):
    """A lake whose Bronze came in many small deliveries, Silver and Gold up to date."""
    deliver(lake, world)
    return lake


def deliver(lake, world):
    """In many small files, which nobody has merged yet."""
    lake.lake.next_tidy = LATER
    for start in range(0, len(world.history), 3):
        lake.deliver(world.history[start : start + 3])
    lake.lake.run(NOW)


def files(lake):
    return sorted(key for key in lake.s3.buckets["bronze"] if key.startswith("cdc/"))


def rows(lake):
    return sorted(map(str, rows_of(lake.s3, "s3://bronze/cdc/")))


def restored(lake):
    return sorted(map(str, Restore(lake.config, lake.s3, LATER).items()))


def test_merges_small_files_and_loses_nothing(small, world):
    before, had, table = rows(small), files(small), restored(small)
    commit = small.manifest().commit
    done = Compaction(small.config, small.s3).run(LATER)
    assert done.merged > done.into > 0
    assert len(files(small)) == len(had) - done.merged + done.into
    assert rows(small) == before
    assert restored(small) == table
    assert JOURNAL not in small.s3.buckets["silver"]
    assert small.lake.silver.run() is None, "nothing is news"
    assert small.new_lake("other").silver.run() is None
    assert small.manifest().commit == commit
    listed = consumed_files.listing(small.lake.silver.bronze, "")
    assert {day: mark.digest for day, mark in small.manifest().days.items()} == {
        day: consumed_files.digest(names) for day, names in listed.items()
    }
    assert Compaction(small.config, small.s3).run(LATER).merged == 0, "and nothing is left to do"
    all_equal(small, world, NOW)


def test_open_days_unread_files_and_what_is_not_parquet_are_left_alone(small, world):
    had = files(small)
    first_day = min(small.manifest().days)
    assert Compaction(small.config, small.s3).run(datetime.fromisoformat(f"{first_day}T12:00Z")).merged == 0
    partition = max({key.rpartition("/")[0] for key in had}, key=lambda name: sum(name in key for key in had))
    small.s3.buckets["bronze"][f"{partition}/broken.parquet"] = b"not parquet"
    small.lake.silver.run()
    late = [put_bronze(small.s3, partition.removeprefix("cdc/"), [], number) for number in range(700, 706)]
    Compaction(small.config, small.s3).run(LATER)
    left = files(small)
    assert {*late, f"{partition}/broken.parquet"} <= set(left)
    assert small.lake.silver.run() is not None, "the late files are still news"


def calls(small):
    """How many calls of S3 a whole run makes that could be its last."""
    counted = []
    small.s3.before = lambda operation, key: counted.append(operation)
    Compaction(small.config, small.s3).run(LATER)
    small.s3.before = lambda operation, key: None
    return len(counted)


@pytest.mark.long
def test_a_run_that_dies_anywhere_is_taken_back_or_finished(tmp_path, world):
    def made(name):
        lake = Harness(tmp_path / name)
        deliver(lake, world)
        return lake

    model = made("model")
    wanted, table = rows(model), restored(model)
    saved = {name: dict(objects) for name, objects in model.s3.buckets.items()}
    steps = calls(model)
    assert steps > 20
    # Of the many alike steps in the middle some, of the beginning and the end each.
    for last in sorted({*range(6), *range(6, steps, max(1, steps // 8)), *range(steps - 9, steps)}):
        for name, objects in saved.items():
            model.s3.buckets[name] = dict(objects)
        die_after(model, last)
        with pytest.raises(Death):
            Compaction(model.config, model.s3).run(LATER)
        model.s3.before = lambda operation, key: None
        assert set(rows(model)) == set(wanted), "at no time less than everything, nor anything else"
        model.new_lake(f"between-{last}").silver.run()
        Compaction(model.config, model.s3).run(LATER + timedelta(hours=1))
        assert rows(model) == wanted
        assert restored(model) == table
        assert JOURNAL not in model.s3.buckets["silver"]
        assert model.new_lake(f"after-{last}").silver.run() is None
    silver_equals_table(model, world)


def die_after(lake, last):
    made = []

    def before(operation, key):
        if len(made) == last:
            raise Death
        made.append(operation)

    lake.s3.before = before


def test_two_at_once(small):
    wanted, seen = rows(small), []

    def before(operation, key):
        if operation == "put_object" and "compacted-" in key and not seen:
            seen.append(Compaction(small.config, small.s3).run(LATER).merged)

    small.s3.before = before
    assert Compaction(small.config, small.s3).run(LATER).merged
    assert seen == [0], "the other sees the journal and leaves"
    assert rows(small) == wanted


def test_a_file_that_an_erasure_rewrites_meanwhile_is_not_merged(small, world, monkeypatch):
    erased = []

    def before(operation, key):
        if operation == "put_object" and "compacted-" in key and not erased:
            erased.append(key)
            Erasure(small.config, small.s3, small.glue, "ann").run()

    small.s3.before = before
    Compaction(small.config, small.s3).run(LATER)
    small.s3.before = lambda operation, key: None
    assert erased
    assert Erasure(small.config, small.s3, small.glue, "ann").traces() == []
    Compaction(small.config, small.s3).run(LATER)
    assert "ann@example.com" not in str(rows(small))


def test_an_erasure_after_a_compaction_finds_the_merged_files(small):
    Compaction(small.config, small.s3).run(LATER)
    job = Erasure(small.config, small.s3, small.glue, "ann")
    job.run()
    assert job.traces() == []
    assert small.lake.silver.run() is None


def test_a_replay_after_a_compaction_changes_nothing(small, world):
    Compaction(small.config, small.s3).run(LATER)
    days = sorted(small.manifest().days)
    job_requests.submit(small.lake.silver.silver, "replay", "root", "r", days[0], days[-1])
    small.lake.carry_out_requests()
    assert job_requests.recent(small.lake.silver.silver)[0].message == f"read {len(days)} days again"
    silver_equals_table(small, world)


def test_groups_stay_within_the_target():
    sources = [compact.Source(f"{number:03}", 30 * 1024 * 1024, "") for number in range(11)]
    assert [len(group) for group in compact._groups(sources)] == [4, 4]


# --- Retention --------------------------------------------------------------------------------------------------


def test_a_partition_with_a_broken_file_is_merged_without_it(small):
    partition = max(
        {key.rpartition("/")[0] for key in files(small)},
        key=lambda name: sum(name in key for key in files(small)),
    )
    broken = f"{partition}/broken.parquet"
    small.s3.buckets["bronze"][broken] = b"not parquet"
    small.lake.silver.run()
    Compaction(small.config, small.s3).run(LATER)
    assert [key for key in files(small) if key.startswith(partition) and "compacted-" not in key] == [broken]
    assert small.lake.silver.run() is None


def test_quarantined_rows_are_given_up_after_a_year_and_come_back_with_a_replay(small):
    bad = {"event_id": "bad", "user_bucket": "00", "sequence_number": "x", "user_id": "zoe"}
    put_bronze(small.s3, "year=2025/month=01/day=21/user_bucket=00", [bad], 900)
    small.lake.run_silver()
    (row,) = small.silver("quarantine")
    arrived = datetime.fromisoformat(row["arrived_on"]).replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - arrived) < timedelta(days=2), (
        "by its arrival, whatever the day of its event"
    )
    assert small.lake.tidy(arrived + timedelta(days=365)).quarantine == 0
    assert small.lake.tidy(arrived + timedelta(days=366)).quarantine == 1
    assert small.silver("quarantine") == []
    assert small.lake.silver.run() is None
    job_requests.submit(small.lake.silver.silver, "replay", "root", "r", "2025-01-21", "2025-01-21")
    small.lake.carry_out_requests()
    assert [row["event_id"] for row in small.silver("quarantine")] == ["bad"]


def test_what_is_kept_no_longer_is_deleted(small):
    aged = {
        "bronze": ["cdc-errors/x", "requests/year=2026/month=01/day=01/x.parquet", "requests-errors/x"],
        "silver": ["silver/_orders/20260101T000000000000-abcdef.json"],
        "gold": ["athena-results/x.csv", "cache/x.json"],
    }
    for bucket, keys in aged.items():
        small.s3.buckets[bucket] |= dict.fromkeys(keys, b"{}")
    rest = {name: set(objects) - set(aged.get(name, ())) for name, objects in small.s3.buckets.items()}
    assert retention.delete_expired(small.config, small.s3, NOW) == 0
    small.s3.modified = NOW - timedelta(days=366)
    assert retention.delete_expired(small.config, small.s3, NOW) == 6
    assert {name: set(objects) for name, objects in small.s3.buckets.items()} == rest
