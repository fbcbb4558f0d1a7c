"""The runner: one run, the watch loop, its errors and its end."""

import json
import threading
from datetime import UTC, datetime

import pytest

from etl import run
from tests.etl.checks import silver_equals_table
from tests.etl.harness import NOW
from tests.etl.world import World

ENVIRONMENT = {
    "BRONZE_BUCKET": "bronze",
    "SILVER_BUCKET": "silver",
    "GOLD_BUCKET": "gold",
    "GLUE_DATABASE": "todo_analytics",
    "REPORTING_TIMEZONE": "UTC",
}


@pytest.fixture
def command(lake, monkeypatch):
    """Runs the command line on the lake in memory; signal handlers stay those of the test run."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(run, "client", lambda service: {"s3": lake.s3, "glue": lake.glue}[service])
    monkeypatch.setattr(run.signal, "signal", lambda number, action: None)
    return run.main


@pytest.fixture
def world():
    world = World(arrival=datetime.now(UTC))
    world.create_user("ann")
    world.create_task("ann")
    return world


def printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_once_brings_both_layers_up_to_date(lake, world, command, capsys):
    lake.deliver(world.history)
    assert command(["--once"]) == 0
    silver_equals_table(lake, world)
    lines = {line["operation"]: line for line in printed(capsys)}
    assert lines["silver"]["metadata"]["rows"]["task_events"] == 2
    assert lines["gold"]["metadata"]["rows"]["user_analytics"] == 1
    assert {"timestamp", "level", "component", "duration_ms", "status", "message"} <= lines["gold"].keys()


def test_once_again_says_that_nothing_is_new(lake, world, command, capsys):
    lake.deliver(world.history)
    command(["--once"])
    assert command(["--once"]) == 0
    assert printed(capsys)[-1]["message"] == "nothing new"


def test_once_reports_failure(lake, command, monkeypatch, capsys):
    def broken(operation, key):
        raise OSError("no network")

    lake.s3.before = broken
    assert command(["--once"]) == 1
    assert "no network" in printed(capsys)[-1]["metadata"]["error"]


def test_missing_settings_are_named(command, monkeypatch, capsys):
    monkeypatch.delenv("SILVER_BUCKET")
    assert command(["--once"]) == 2
    assert "SILVER_BUCKET" in printed(capsys)[-1]["message"]


def test_one_of_the_modes_is_required(command):
    with pytest.raises(SystemExit) as error:
        command([])
    assert error.value.code == 2


class Stop(threading.Event):
    """Ends the loop after so many rounds; what happens between two rounds is `between`."""

    def __init__(self, rounds, between=lambda number: None):
        super().__init__()
        self.pauses = []
        self.rounds = rounds
        self.between = between

    def wait(self, timeout=None):
        self.pauses.append(timeout)
        self.between(len(self.pauses))
        if len(self.pauses) == self.rounds:
            self.set()
        return self.is_set()


def test_watching_follows_changes_and_is_cheap_without(lake, world):
    calls = []

    def between(number):
        calls.append(sum(lake.s3.calls.values()))
        if number == 3:
            lake.deliver(world.history)

    run.watch(lake.lake, 0.5, Stop(5, between))
    silver_equals_table(lake, world)
    assert calls[2] - calls[1] <= 2, "an idle round is a look at Bronze and one at what admins have ordered"


def test_watching_survives_errors_and_waits_longer_each_time(lake, world):
    lake.deliver(world.history)
    failures = iter([True] * 4)

    def broken(operation, key):
        if next(failures, False):
            raise OSError("no network")

    lake.s3.before = broken
    stop = Stop(6)
    run.watch(lake.lake, 0.5, stop)
    assert stop.pauses == [1, 2, 4, 8, 0.5, 0.5]
    silver_equals_table(lake, world)


def test_watching_publishes_the_new_day(lake, monkeypatch):
    lake.lake.run(NOW)
    published = []
    monkeypatch.setattr(lake.lake.gold, "is_past", lambda now: not published)
    monkeypatch.setattr(lake.lake, "run", lambda: published.append("run"))
    monkeypatch.setattr(run, "FULL_RUN_SECONDS", 1e9)
    lake.lake.seen = {}
    run.watch(lake.lake, 0.5, Stop(3))
    assert len(published) >= 1


def test_the_function_runs_one_layer(lake, world, monkeypatch):
    monkeypatch.setattr(run, "_warm_lake", lambda: lake.lake)
    lake.deliver(world.history)
    assert run.handler({"layer": "silver"}, None) == {"layer": "silver", "published": True}
    assert run.handler({"layer": "silver"}, None) == {"layer": "silver", "published": False}
    assert run.handler({"layer": "gold"}, None) == {"layer": "gold", "published": True}
    silver_equals_table(lake, world)


def test_the_function_refuses_an_unknown_layer(lake, monkeypatch):
    monkeypatch.setattr(run, "_warm_lake", lambda: lake.lake)
    with pytest.raises(ValueError, match="'bronze'"):
        run.handler({"layer": "bronze"}, None)
