"""Silver's files: none is rewritten by a run, many become few, an erasure touches only those of its person."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pyarrow.parquet as pq
import pytest

from etl.capture.bronze_row import bronze_row
from etl.lake import manifest
from etl.lake.layout import user_bucket
from etl.lake.manifest import File
from etl.lake.tables import TASK_EVENTS, TASK_STATES
from etl.upkeep import merge_silver
from etl.upkeep.erase import Erasure
from tests.etl.checks import all_equal, history_is_whole, silver_equals_table
from tests.etl.deaths import Watch
from tests.etl.harness import NOW, Harness
from tests.etl.memory import CONFIG, put_bronze
from tests.etl.world import World, play

LATER = datetime(2031, 1, 1, tzinfo=UTC)


@pytest.fixture
def world():
    world = World()
    play(world, Random(31), 90)
    return world


def deliver(lake, world, parts=6):
    """Part by part, with a run of Silver after each; without the merges of a process that has just begun."""
    lake.lake.next_tidy = LATER
    size = len(world.history) // parts + 1
    for start in range(0, len(world.history), size):
        lake.deliver(world.history[start : start + size])
        lake.lake.silver.run()


def merge(lake, now, *, daily=True):
    return merge_silver.merge(
        lake.config, lake.lake.silver.silver, lake.glue, lake.lake.workspace, now, daily=daily
    )


def files(lake):
    return {
        (table, bucket): part.keys
        for table, parts in lake.manifest().tables.items()
        for bucket, part in parts.items()
    }


def test_a_run_rewrites_no_file(lake, world):
    lake.lake.next_tidy = LATER
    bodies: dict[str, bytes] = {}
    for change in world.history[:12]:
        lake.deliver([change])
        lake.lake.silver.run()
        held = lake.s3.buckets["silver"]
        assert bodies.items() <= held.items()
        live = list(lake.manifest().all_files())
        assert bodies.keys() <= set(live)
        bodies = {key: held[key] for key in live}


def test_what_a_run_writes_does_not_grow_with_the_history(tmp_path):
    written = []
    for size in (40, 400):
        lake, world = Harness(tmp_path / str(size)), World()
        lake.lake.next_tidy = LATER
        play(world, Random(32), size)
        lake.deliver(world.history)
        lake.lake.silver.run()
        world.create_task("ann")
        lake.deliver(world.history[-1:])
        held = set(lake.s3.buckets["silver"])
        lake.lake.silver.run()
        fresh = [key for key in lake.s3.buckets["silver"] if key not in held and key.endswith(".parquet")]
        written.append(
            [pq.read_metadata(io.BytesIO(lake.s3.buckets["silver"][key])).num_rows for key in fresh]
        )
    assert written == [[1, 1], [1, 1]]


def test_closed_days_and_months_become_one_file_each(lake, world):
    """By day while their month lasts, then by month; of states the latest are left."""
    deliver(lake, world)
    lake.lake.run_gold(NOW)
    last = max(change.at for change in world.history)
    before = lake.manifest()
    assert merge(lake, last + timedelta(days=1))
    month = f"{last + timedelta(days=1):%Y-%m}"
    for part in lake.manifest().parts("task_events").values():
        periods = [file.first[:7] if file.first[:7] < month else file.last for file in part.files]
        assert len(periods) == len(set(periods))
    assert lake.manifest().rows("task_events") == before.rows("task_events")
    assert merge(lake, last + timedelta(days=1)) == 0
    all_equal(lake, world, NOW)

    merge(lake, last + timedelta(days=40))
    merge(lake, LATER)
    current = lake.manifest()
    assert all(len(part.files) == 1 for part in current.parts("task_states").values())
    assert current.rows("task_states") < before.rows("task_states")
    for part in current.parts("task_events").values():
        assert len(part.files) == len({file.first[:7] for file in part.files})
    all_equal(lake, world, NOW)


def test_a_merge_is_no_news_for_gold(lake, world):
    deliver(lake, world)
    assert lake.lake.run_gold(NOW)
    assert merge(lake, LATER)
    assert lake.lake.run_gold(NOW) is False
    assert lake.new_lake("later").run_gold(NOW) is False


def test_many_small_files_do_not_wait_for_the_end_of_the_day(lake):
    world = World()
    world.create_user("ann")
    for _ in range(30):
        world.create_task("ann")
        lake.deliver(world.history[-1:])
        lake.lake.run_silver()
    most = max(len(keys) for keys in files(lake).values())
    assert most < 2 * merge_silver.AT_ONCE
    assert lake.manifest().rows("task_events") == 30


def test_a_removed_task_stays_removed_after_merges(lake):
    world = World()
    task = world.create_task("ann")
    world.change_task("ann", task, title="later")
    world.foreign_delete("TASK#ann", f"TASK#{task}")
    for change in world.history[:0:-1]:
        lake.deliver([change])
        lake.lake.silver.run()
    merge(lake, LATER)
    lake.deliver(world.history[:1])
    lake.lake.silver.run()
    merge(lake, LATER)
    assert lake.silver("tasks") == []
    history_is_whole(lake, world)


@pytest.mark.long
def test_everything_delivered_again_after_merges_changes_nothing(lake, world):
    deliver(lake, world)
    merge(lake, LATER)
    again = list(world.history)
    Random(33).shuffle(again)
    rows = lake.manifest().rows("task_events")
    for start in range(0, len(again), 20):
        lake.deliver(again[start : start + 20])
        lake.lake.silver.run()
        merge(lake, LATER, daily=start % 40 == 0)
    assert lake.manifest().rows("task_events") == rows
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)


def test_a_run_reads_the_history_of_the_days_of_its_events_only(tmp_path):
    """And of all days where it has a row that cannot be used: of that, only the event's id tells anything."""
    lake, world = Harness(tmp_path), World()
    lake.lake.next_tidy = LATER
    for _ in range(5):
        world.create_task("ann")
        lake.deliver(world.history[-1:])
        lake.lake.silver.run()
        world.tick(86_400)
    world.create_task("ann")
    lake.deliver([world.history[-1], world.history[1]])
    wanted = {
        file.key
        for file in lake.manifest().parts("task_events")[user_bucket("ann")].files
        if file.first == world.history[1].at.date().isoformat()
    }
    read = []
    lake.s3.before = lambda operation, key: read.append(key) if operation == "get_object" else None
    lake.new_lake("cold").silver.run()
    assert {key for key in read if "/task_events/" in key} == wanted
    assert len(wanted) == 1
    history_is_whole(lake, world)


def test_copies_of_an_event_bear_one_time_however_it_was_read():
    """Silver looks for copies only in the history of the days that they bear."""
    world = World()
    world.create_task("ann")
    record = world.history[0].record()
    told = record["dynamodb"]["ApproximateCreationDateTime"]
    moment = datetime.fromtimestamp(float(told), UTC)
    days = set()
    for form in (told, float(told), moment, moment.astimezone(timezone(timedelta(hours=-11)))):
        change = {**record["dynamodb"], "ApproximateCreationDateTime": form}
        days.add(bronze_row({**record, "dynamodb": change})["event_time"])
    assert len(days) == 1


def test_a_bad_copy_of_a_known_event_is_not_set_aside(lake):
    """However old the event is: a row without a readable time may be a copy of any."""
    world = World()
    world.create_task("ann")
    world.tick(90 * 86_400)
    world.create_task("ann")
    for change in world.history:
        lake.deliver([change])
        lake.lake.silver.run()
    bad = bronze_row(world.history[0].record()) | {"event_time": "noon"}
    folder = f"year=2026/month=07/day=01/user_bucket={user_bucket('ann')}"
    put_bronze(lake.s3, folder, [bad, bad | {"event_id": "another"}], 99)
    lake.new_lake("cold").silver.run()
    assert [row["event_id"] for row in lake.silver("quarantine")] == ["another"]
    history_is_whole(lake, world)


@pytest.mark.long
def test_a_merge_killed_before_any_write_leaves_the_same_rows(tmp_path, world):
    """And what it wrote is deleted as any orphan is, once it is old."""
    lake = Harness(tmp_path, replace(CONFIG, keep_seconds=0))
    deliver(lake, world)
    lake.lake.run_gold(NOW)
    watch, number = Watch(lake.s3, lake.glue), 0
    while True:
        try:
            watch.killed(
                lambda: merge(lake, LATER),
                lambda moment, step, at=number: moment == "before" and watch.made.total() == at,
            )
        except pytest.fail.Exception:
            break
        silver_equals_table(lake, world)
        history_is_whole(lake, world)
        number += 7
    assert number > 14
    all_equal(lake, world, NOW)


def test_a_run_that_commits_during_a_merge_loses_nothing(lake, world):
    half = len(world.history) // 2
    late, world.history[:] = world.history[half:], world.history[:half]
    deliver(lake, world)
    rival = lake.new_lake("rival")
    rival.next_tidy = LATER
    ran = []

    def overtake(operation, key):
        if operation == "put_object" and key == "silver/_current.json" and not ran:
            ran.append(key)
            world.history.extend(late)
            lake.deliver(late)
            rival.silver.run()

    lake.s3.before = overtake
    assert merge(lake, LATER)
    assert ran
    lake.lake.run(NOW)
    all_equal(lake, world, NOW)


def test_a_merge_of_files_that_an_erasure_replaced_is_dropped(lake, world):
    """Between the writing of the merged files and their commit."""
    deliver(lake, world)
    person = world.users()[0]
    erased = []

    def overtake(operation, key):
        if operation == "put_object" and key == "silver/_current.json" and not erased:
            erased.append(key)
            Erasure(lake.config, lake.s3, lake.glue, person).run()

    lake.s3.before = overtake
    merge(lake, LATER)
    assert erased
    assert [trace for trace in Erasure(lake.config, lake.s3, lake.glue, person).traces() if trace.own] == []


@pytest.mark.sliced
@pytest.mark.parametrize("merged", [False, True])
def test_an_erasure_replaces_only_the_files_of_its_person(lake, merged):
    """Merged or not, it leaves none of their rows."""
    world = World()
    mates = [name for name in (f"user-{number}" for number in range(400)) if user_bucket(name) == "03"][:3]
    for name in mates:
        world.create_user(name)
        task = world.create_task(name, title=f"of {name}")
        world.change_task(name, task, title="again")
        world.tick(40 * 86_400)
    for change in world.history:
        lake.deliver([change])
        lake.lake.silver.run()
    if merged:
        merge(lake, LATER)
    before = set(lake.manifest().all_files())
    held = dict(lake.s3.buckets["silver"])
    Erasure(lake.config, lake.s3, lake.glue, mates[0]).run()
    gone = before - set(lake.manifest().all_files())
    theirs = {key for key in before if mates[0] in str(pq.read_table(io.BytesIO(held[key])).to_pylist())}
    assert gone == theirs
    assert before - gone
    assert [trace for trace in Erasure(lake.config, lake.s3, lake.glue, mates[0]).traces() if trace.own] == []
    found = {row["user_id"] for table in ("task_events", "task_states") for row in lake.silver(table)}
    assert found == set(mates[1:])


def test_files_that_were_merged_stay_for_readers_and_then_go(tmp_path, world):
    lake = Harness(tmp_path, replace(CONFIG, keep_seconds=0))
    deliver(lake, world)
    before = {*lake.manifest().all_files(), *lake.manifest().all_lists()}
    merge(lake, LATER)
    replaced = before - {*lake.manifest().all_files(), *lake.manifest().all_lists()}
    assert replaced <= lake.s3.buckets["silver"].keys(), "somebody may be reading them"
    for _ in range(2):
        world.create_task("ann")
        lake.deliver(world.history[-1:])
        lake.lake.silver.run()
    assert not replaced & lake.s3.buckets["silver"].keys()


@pytest.mark.parametrize(
    ("names", "daily", "wanted"),
    [
        (["2026-03-01"] * 8, False, [8]),
        (["2026-03-01"] * 7, False, []),
        (["2026-03-01"] * 2, True, [2]),
        (["2026-03-01", "2026-03-02"], True, [2]),
        (["2026-04-01", "2026-04-02"], True, []),
        (["2026-04-01", "2026-04-01", "2026-04-02", "2026-04-02"], True, [2, 2]),
        (["2026-04-09", "2026-04-09"], True, []),
    ],
)
def test_what_is_due(names, daily, wanted):
    made = [File(f"{number}", 10, 1000, day, day) for number, day in enumerate(names)]
    current = manifest.Manifest().successor("c", NOW, {(TASK_EVENTS.name, "00"): made})
    due = merge_silver.plan(current, datetime(2026, 4, 9, 12, tzinfo=UTC), daily=daily)
    assert [len(one.sources) for one in due] == wanted


def test_files_of_other_sizes_are_not_merged_again_and_again():
    """A large file waits for others like it: otherwise every few runs would rewrite it."""
    sizes = [4000, *[1] * 7]
    made = [File(f"{number}", rows, 1000) for number, rows in enumerate(sizes)]
    current = manifest.Manifest().successor("c", NOW, {(TASK_STATES.name, "00"): made})
    assert merge_silver.plan(current, NOW, daily=False) == []
