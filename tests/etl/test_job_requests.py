"""Job requests: what admins ask of the lake; and the log of its runs."""

from datetime import datetime, timedelta

import pytest

from etl.capture.bronze_row import bronze_row
from etl.capture.dead_letters import Replayed
from etl.jobs import job_requests, steps
from etl.status import run_log, status
from etl.upkeep import replay_failures
from tests.etl.checks import silver_equals_table
from tests.etl.harness import NOW
from tests.etl.memory import CONFIG, failure, put_bronze, rows_of
from tests.etl.world import World


@pytest.fixture
def world():
    world = World()
    world.create_user("ann")
    world.create_task("ann")
    return world


@pytest.fixture
def silver(lake):
    return lake.lake.silver.silver


def order(silver, kind, *days):
    return job_requests.submit(silver, kind, "root@example.com", "req-1", *days)


def test_a_run_request_is_carried_out(lake, silver, world):
    lake.deliver(world.history)
    order(silver, "run")
    assert [o.state for o in job_requests.recent(silver)] == ["waiting"]
    assert lake.lake.carry_out_requests()
    (done,) = job_requests.recent(silver)
    assert (done.state, done.message, done.ordered_by) == ("done", "up to date", "root@example.com")
    silver_equals_table(lake, world)


def test_a_replay_reads_the_days_again_and_changes_nothing(lake, silver, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    before = lake.silver("task_events")
    (day,) = lake.manifest().days
    commit = lake.manifest().commit
    order(silver, "replay", day, day)
    lake.lake.carry_out_requests()
    assert job_requests.recent(silver)[0].message == "read 1 day again"
    assert lake.manifest().commit != commit
    assert sorted(map(str, lake.silver("task_events"))) == sorted(map(str, before))
    assert lake.manifest().days[day].files


def test_days_outside_a_replay_are_left_alone(lake, silver, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    commit = lake.manifest().commit
    order(silver, "replay", "1999-01-01", "1999-12-31")
    lake.lake.carry_out_requests()
    assert lake.manifest().commit == commit


def test_only_days_with_rows_in_quarantine_are_tried_again(lake, silver, world):
    lake.deliver(world.history)
    for day in ("18", "19"):
        row = bronze_row(world.history[0].record()) | {"event_id": f"on-{day}"}
        put_bronze(
            lake.s3, f"year=2026/month=01/day={day}/user_bucket=03", [row | {"event_time": day}], int(day)
        )
    lake.lake.run(NOW)
    assert len(lake.manifest().days) == 3
    asked = order(silver, "quarantine")
    lake.new_lake("later").carry_out_requests()
    assert job_requests.recent(silver)[0].message == "read 2 days again, 2 left in quarantine"
    assert asked.id == job_requests.recent(silver)[0].id
    assert len(lake.silver("task_events")) == len(world.history)


def test_a_replay_of_the_quarantine_takes_in_what_has_been_repaired(lake, silver, world, monkeypatch):
    """A rule that was too strict, and a file that had arrived in part."""
    lake.deliver(world.history[:1])
    (broken,) = lake.s3.buckets["bronze"]
    whole = lake.s3.buckets["bronze"][broken]
    lake.s3.buckets["bronze"][broken] = whole[:-20]
    lake.deliver(world.history[1:])
    with monkeypatch.context() as strict:
        strict.setitem(steps.PATTERNS, "sequence_pattern", "^[0-9]{1,9}\\z")
        lake.lake.run(NOW)
    assert {row["reason"] for row in lake.silver("quarantine")} == {"bad_sequence_number", "unreadable_file"}
    order(silver, "quarantine")
    lake.new_lake("not repaired yet").carry_out_requests()
    assert {row["reason"] for row in lake.silver("quarantine")} == {"unreadable_file"}
    lake.s3.buckets["bronze"][broken] = whole
    order(silver, "quarantine")
    lake.new_lake("later").carry_out_requests()
    assert job_requests.recent(silver)[0].message == "read 1 day again, 0 left in quarantine"
    assert lake.silver("quarantine") == []
    silver_equals_table(lake, world)


def test_a_row_that_is_refused_for_another_reason_now_is_there_once(lake, silver, world, monkeypatch):
    lake.deliver(world.history)
    row = bronze_row(world.history[0].record()) | {"event_id": "bad", "event_time": "soon"}
    put_bronze(lake.s3, "year=2026/month=01/day=18/user_bucket=03", [row], 18)
    with monkeypatch.context() as strict:
        strict.setitem(steps.PATTERNS, "sequence_pattern", "^x\\z")
        lake.lake.run(NOW)
    order(silver, "quarantine")
    lake.lake.carry_out_requests()
    assert [row["reason"] for row in lake.silver("quarantine")] == ["bad_event_time"]
    silver_equals_table(lake, world)


def test_an_empty_quarantine_costs_no_run(lake, silver, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    commit = lake.manifest().commit
    order(silver, "quarantine")
    lake.lake.carry_out_requests()
    assert job_requests.recent(silver)[0].message == "nothing is in quarantine"
    assert lake.manifest().commit == commit


def test_an_order_is_carried_out_once(lake, silver):
    order(silver, "run")
    assert job_requests.carry_out(silver, lambda: None) == 1
    assert job_requests.carry_out(silver, lambda: None) == 0


def test_two_runners_do_not_share_an_order(silver):
    order(silver, "run")
    seen = []
    job_requests.carry_out(silver, lambda: seen.append(job_requests.carry_out(silver, lambda: None)))
    assert seen == [0]


def test_what_fails_says_why(silver):
    def broken():
        raise RuntimeError("the disk is full")

    order(silver, "run")
    job_requests.carry_out(silver, broken)
    (failed,) = job_requests.recent(silver)
    assert (failed.state, failed.message) == ("failed", "RuntimeError: the disk is full")


@pytest.mark.parametrize(
    "given", [("nonsense",), ("replay", "2026-02-01", "2026-01-01"), ("replay", "x", "y"), ("erase",)]
)
def test_senseless_orders(silver, given):
    with pytest.raises(ValueError):  # noqa: PT011
        order(silver, *given)
    assert not job_requests.recent(silver)


def test_runs_are_noted(lake, silver, world):
    lake.deliver(world.history)
    lake.lake.run(NOW)
    gold, made = run_log.latest(silver)
    assert (gold["layer"], made["layer"]) == ("gold", "silver")
    assert made["rows"]["task_events"] == 2
    assert gold["duration_ms"] >= 0


def test_status(lake, world):
    empty = status.read(CONFIG, lake.s3)
    assert (empty.files, empty.silver.published_at, empty.gold.rows) == (0, "", {})
    lake.deliver(world.history)
    lake.lake.run(NOW)
    found = status.read(CONFIG, lake.s3, world.arrival if hasattr(world, "arrival") else NOW)
    assert found.files >= 1
    assert found.silver.rows["task_events"] == 2
    assert found.gold.rows["user_analytics"] == 1
    assert [check.ok for check in found.checks][:2] == [True, True]


# --- Erasing a person -------------------------------------------------------------------------------------------


def later(order_, **after):
    """A moment so long after an order was left."""
    return datetime.fromisoformat(order_.ordered_at) + timedelta(**after)


def leave(world, user):
    """Remove everything of a person from the table; the removals."""
    begun = len(world.history)
    for key in [key for key in world.items if key[0].partition("#")[2] == user]:
        world.put(*key, None)
    return world.history[begun:]


def test_an_erasure_waits_for_the_removals_then_erases_and_forgets_who_it_was(lake, silver, world):
    world.create_user("ben")
    lake.deliver(world.history)
    asked = job_requests.request_erasure(silver, "ann", "req-9")
    assert job_requests.request_erasure(silver, "ann", "req-10") == asked
    lake.lake.carry_out_requests(later(asked, seconds=1))
    told = job_requests.erasure_of(silver, "ann")
    assert (told.state, told.message) == (
        "waiting",
        "waiting for the removal of 2 items to arrive from the table",
    )
    lake.deliver(leave(world, "ann"))
    assert not lake.lake.carry_out_requests(later(asked, seconds=1.5)), "it is not looked at all the time"
    lake.lake.carry_out_requests(later(asked, seconds=3))
    told = job_requests.erasure_of(silver, "ann")
    but = ", except the id in this request, which looks again and then forgets it."
    assert (told.state, told.message) == ("done", f"Nothing of the person is left in any layer{but}")
    assert "ann@example.com" not in everything(lake)
    assert "ben@example.com" in everything(lake)
    for again in (timedelta(minutes=16), timedelta(hours=26)):
        assert job_requests.erasure_of(silver, "ann").user_id == "ann"
        assert lake.lake.carry_out_requests(later(asked) + again)
    told = job_requests.erasure_of(silver, "ann")
    assert (told.user_id, told.message) == ("", "Nothing of the person is left in any layer.")
    assert not lake.new_lake("other").carry_out_requests(later(asked, days=3))


def everything(lake):
    """Every row and every other object of the lake, as text."""
    found = []
    for name, objects in lake.s3.buckets.items():
        for key, body in objects.items():
            if key.endswith(".parquet"):
                found.append(str(rows_of(lake.s3, f"s3://{name}/{key}")))
            else:
                found.append(body.decode(errors="replace"))
    return "".join(found)


def test_what_arrives_after_an_erasure_is_found_by_the_later_look(lake, silver, world):
    lake.capture([*world.history, *leave(world, "ann")])
    asked = job_requests.request_erasure(silver, "ann", "req-9")
    lake.lake.carry_out_requests(later(asked, seconds=1))
    assert job_requests.erasure_of(silver, "ann").state == "done"
    lake.firehose.flush()
    lake.lake.run(NOW)
    assert "ann@example.com" in everything(lake)
    assert [lake.silver(table) for table in ("task_events", "tasks", "users")] == [[], [], []]
    lake.lake.carry_out_requests(later(asked, minutes=16))
    assert "ann@example.com" not in everything(lake)


def test_somebody_whose_items_stay_in_the_table_is_not_erased(lake, silver, world):
    lake.deliver(world.history)
    asked = job_requests.request_erasure(silver, "ann", "req-9")
    lake.lake.carry_out_requests(later(asked, hours=25))
    told = job_requests.erasure_of(silver, "ann")
    assert (told.state, "removal of 2 items" in told.message) == ("failed", True)
    assert "ann@example.com" in everything(lake)


def test_an_erasure_that_breaks_is_tried_again(lake, silver, world, monkeypatch):
    lake.deliver([*world.history, *leave(world, "ann")])
    asked = job_requests.request_erasure(silver, "ann", "req-9")
    with monkeypatch.context() as patched:
        patched.setattr(lake.s3, "before", broken_s3(asked.key))
        lake.lake.carry_out_requests(later(asked, seconds=1))
    assert job_requests.erasure_of(silver, "ann").state == "waiting"
    lake.lake.carry_out_requests(later(asked, minutes=1))
    assert job_requests.erasure_of(silver, "ann").state == "done"
    assert "ann@example.com" not in everything(lake)


def broken_s3(but):
    def fail(operation, key):
        if operation == "put_object" and key != but:
            raise failure("InternalError", operation)

    return fail


def test_what_a_dead_runner_had_taken_is_taken_again(lake, silver, world):
    lake.deliver(world.history)
    asked = order(silver, "run")

    def die():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job_requests.carry_out(silver, die)
    assert job_requests.recent(silver)[0].state == "running"
    assert not lake.lake.carry_out_requests(later(asked, minutes=10))
    assert lake.lake.carry_out_requests(later(asked, minutes=30))
    assert job_requests.recent(silver)[0].state == "done"


def test_beside_spark_the_embedded_engine_erases_and_leaves_the_rest(lake, silver, world):
    lake.deliver([*world.history, *leave(world, "ann")])
    lake.lake.run(NOW)
    asked = job_requests.request_erasure(silver, "ann", "req-9")
    order(silver, "run")
    assert lake.lake.upkeep(later(asked, seconds=1))
    assert "ann@example.com" not in everything(lake)
    assert [(o.kind, o.state) for o in job_requests.recent(silver)] == [("run", "waiting"), ("erase", "done")]


def test_a_runner_that_cannot_erase_leaves_it(silver):
    job_requests.request_erasure(silver, "ann", "req-9")
    assert job_requests.carry_out(silver, lambda: None) == 0
    assert job_requests.erasure_of(silver, "ann").state == "waiting"


def test_a_replay_of_failures_is_left_to_a_runner_that_can_do_it(silver):
    order(silver, "failures")
    assert job_requests.carry_out(silver, lambda: None) == 0
    assert [found.state for found in job_requests.recent(silver)] == ["waiting"]
    outcome = job_requests.Outcome("failed", "1 left")
    assert job_requests.carry_out(silver, lambda: None, failures=lambda: outcome) == 1
    (done,) = job_requests.recent(silver)
    assert (done.state, done.message) == ("failed", "1 left")


def test_a_replay_of_failures_without_a_queue_says_what_is_missing(lake, silver, monkeypatch):
    monkeypatch.delenv("CDC_FAILURE_QUEUE_URL", raising=False)
    order(silver, "failures")
    assert lake.lake.carry_out_requests()
    (done,) = job_requests.recent(silver)
    assert (done.state, "CDC_FAILURE_QUEUE_URL" in done.message) == ("failed", True)


@pytest.mark.parametrize(
    ("done", "state", "words"),
    [
        (Replayed(), "done", "the failure queue is empty"),
        (Replayed(2, 7), "done", "delivered 7 records of 2 messages"),
        (Replayed(1, 1, ("a: why",)), "failed", "delivered 1 record of 1 message; 1 left: a: why"),
    ],
)
def test_a_replay_of_failures_in_words(done, state, words):
    outcome = replay_failures.outcome_of(done)
    assert (outcome.state, outcome.message) == (state, words)


def test_other_requests_forget_an_erased_person(lake, silver, world):
    """Those that the person asked for, an earlier failed erasure among them; what others asked for stays."""
    lake.deliver(world.history)
    for by in ("ann@example.com", "ann", "joann@example.com"):
        job_requests.submit(silver, "replay", by, f"ann-{by}", "1999-01-01", "1999-01-02")
    given_up = job_requests.request_erasure(silver, "ann", "req-1")
    lake.lake.carry_out_requests(later(given_up, hours=25))
    assert job_requests.erasure_of(silver, "ann").state == "failed"
    lake.deliver(leave(world, "ann"))
    asked = job_requests.request_erasure(silver, "ann", "req-9")
    lake.lake.carry_out_requests(later(asked, hours=26))
    found = job_requests.recent(silver)
    assert sorted(request.ordered_by for request in found if request.kind == "replay") == [
        "",
        "",
        "joann@example.com",
    ]
    assert [request.user_id for request in found if request.kind == "erase"] == ["", ""]
    assert job_requests.naming(silver, "ann") == []
