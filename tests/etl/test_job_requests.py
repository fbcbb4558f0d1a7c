"""Job requests: what admins ask of the lake; and the log of its runs."""

import io
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from etl.capture.bronze_row import bronze_row
from etl.capture.dead_letters import Replayed
from etl.jobs import job_requests, steps
from etl.status import run_log, status
from etl.upkeep import replay_failures
from etl.upkeep.erase import Erasure
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
    job_requests.submit(silver, "dismiss", "ben", "req-2", rows=["|ann|cdc/file", "|joann|cdc/file"])
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
    assert [request.rows for request in found if request.kind == "dismiss"] == [
        ("||cdc/file", "|joann|cdc/file")
    ]
    assert job_requests.naming(silver, "ann") == []


def spoiled(lake, world):
    """A lake with two bad rows in one file and an unreadable file; the name of each."""
    lake.deliver(world.history)
    row = bronze_row(world.history[0].record()) | {"event_time": "soon"}
    rows = [row | {"event_id": "bad-1"}, row | {"event_id": "bad-2"}]
    file = put_bronze(lake.s3, "year=2026/month=01/day=18/user_bucket=03", rows, 18)
    broken = file.replace("000018", "000019")
    lake.s3.buckets["bronze"][broken] = b"PAR1 and no more"
    lake.lake.run(NOW)
    return file, broken


def close(lake, silver, kind, **what):
    job_requests.submit(silver, kind, "root@example.com", "req-1", **what)
    lake.lake.carry_out_requests(NOW)
    return job_requests.recent(silver)[0]


def closed(lake):
    return sorted(
        row["event_id"] or row["reason"] for row in lake.silver("quarantine") if row["dismissed_at"]
    )


def test_a_row_that_was_looked_at_is_closed_and_opened_again(lake, silver, world):
    file, _ = spoiled(lake, world)
    assert lake.manifest().quarantined() == 3
    done = close(lake, silver, "dismiss", rows=[f"soon|bad-1|{file}"])
    assert (done.state, done.message) == ("done", "2 left in quarantine")
    (row,) = [row for row in lake.silver("quarantine") if row["dismissed_at"]]
    assert (row["event_id"], row["dismissed_by"]) == ("bad-1", "root@example.com")
    assert row["dismissed_at"] == done.ordered_at
    assert lake.manifest().rows("quarantine") == 3, "it stays where it is"
    assert close(lake, silver, "reopen", rows=[f"soon|bad-1|{file}"]).message == "3 left in quarantine"
    assert closed(lake) == []
    assert [row["dismissed_by"] for row in lake.silver("quarantine")] == [None] * 3


def test_all_rows_of_a_file_are_closed_and_stay_so_when_it_is_read_again(lake, silver, world):
    file, broken = spoiled(lake, world)
    close(lake, silver, "dismiss", files=[file])
    assert close(lake, silver, "dismiss", files=[broken]).message == "0 left in quarantine"
    order(silver, "quarantine")
    lake.new_lake("later").carry_out_requests()
    assert closed(lake) == ["bad-1", "bad-2", "unreadable_file"]
    assert lake.manifest().quarantined() == 0
    found = status.read(CONFIG, lake.s3, NOW)
    assert (found.quarantined, found.dismissed) == (0, 3)
    assert found.checks[0].ok


def test_a_bad_file_that_is_gone_is_closed_and_another_bad_row_of_its_place_is_not(lake, silver, world):
    _, broken = spoiled(lake, world)
    del lake.s3.buckets["bronze"][broken]
    close(lake, silver, "dismiss", files=[broken])
    row = bronze_row(world.history[0].record()) | {"event_time": "later", "event_id": "bad-3"}
    put_bronze(lake.s3, "year=2026/month=01/day=18/user_bucket=03", [row], 20)
    lake.lake.run(NOW)
    assert closed(lake) == ["unreadable_file"]
    assert lake.manifest().quarantined() == 3


def test_an_erased_person_is_forgotten_as_the_one_who_closed_rows(lake, silver, world):
    world.create_user("ben")
    file, _ = spoiled(lake, world)
    job_requests.submit(silver, "dismiss", "ben@example.com", "req-1", files=[file])
    lake.lake.carry_out_requests(NOW)
    Erasure(lake.config, lake.s3, lake.glue, "ben").run()
    assert [row["dismissed_by"] for row in lake.silver("quarantine") if row["dismissed_at"]] == ["", ""]
    assert lake.manifest().quarantined() == 1
    assert not [
        key for key in lake.s3.buckets["silver"] if b"ben@example.com" in lake.s3.buckets["silver"][key]
    ]


def test_a_closed_row_that_is_repaired_leaves(lake, silver, world):
    file, broken = spoiled(lake, world)
    close(lake, silver, "dismiss", files=[file])
    good = [bronze_row(change.record()) for change in world.history]
    put_bronze(lake.s3, "year=2026/month=01/day=18/user_bucket=03", good, 18)
    order(silver, "quarantine")
    lake.lake.carry_out_requests()
    assert [row["source_file"] for row in lake.silver("quarantine")] == [broken]
    assert lake.manifest().quarantined() == 1


def test_rows_from_before_there_was_dismissal_are_closed(lake, silver, world):
    """Files of quarantine as they were written without its newer columns, and a manifest that counts none."""
    file, _ = spoiled(lake, world)
    (key,) = [key for key in lake.manifest().files("quarantine") if "user_bucket=03" in key]
    held = pq.read_table(io.BytesIO(lake.s3.buckets["silver"][key]))
    older = io.BytesIO()
    pq.write_table(held.drop_columns(["error", "arrived_on", "dismissed_at", "dismissed_by"]), older)
    lake.s3.buckets["silver"][key] = older.getvalue()
    lake = lake.new_lake("later")
    assert lake.tidy(datetime(2040, 1, 1, tzinfo=UTC)).quarantine == 0, "nobody knows when they arrived"
    job_requests.submit(silver, "dismiss", "root", "r", files=[file])
    lake.carry_out_requests(NOW)
    assert job_requests.recent(silver)[0].message == "1 left in quarantine"


@pytest.mark.parametrize(
    "what", [{}, {"files": ["f"], "rows": ["r"]}, {"rows": ["r"] * 201}, {"files": ["f"] * 201}]
)
def test_a_request_to_close_names_a_file_or_some_rows(silver, what):
    with pytest.raises(ValueError, match="name 1 to 200 files or rows"):
        job_requests.submit(silver, "dismiss", "root", "r", **what)


def test_spark_leaves_closing_to_the_engine_that_changes_files(lake, silver, world, monkeypatch):
    file, _ = spoiled(lake, world)
    job_requests.submit(silver, "dismiss", "root", "r", files=[file])
    monkeypatch.setattr(lake.lake.workspace, "edits_files", False)
    assert not lake.lake.carry_out_requests(NOW)
    assert lake.new_lake("upkeep").upkeep(NOW)
    assert lake.manifest().quarantined() == 1
