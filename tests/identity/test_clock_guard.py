"""What a process caches, and how it notices that it was frozen."""

import threading
import time

import pytest

from identity import clock_guard
from identity.clock_guard import ClockGuard
from identity.errors import IdentityUnavailable

MAX_AGE, IDLE = 10.0, 30


class Clocks:
    """Both clocks of a process: frozen, only the one on the wall goes on."""

    def __init__(self):
        self._frozen = self._passed = 0.0

    def monotonic(self):
        return 1000 + self._passed

    def time(self):
        return 5000 + self._passed + self._frozen

    def pass_by(self, seconds):
        self._passed += seconds

    def freeze(self, seconds):
        self._frozen += seconds


class Source:
    """Counts up with each read; ``broken`` makes reads fail, and ``gate`` holds them up."""

    def __init__(self):
        self.reads, self.readers, self.broken = [], [], False
        self.gate = threading.Event()
        self.gate.set()

    def read(self, key, last):
        self.reads.append((key, last))
        self.readers.append(threading.current_thread().name)
        number = len(self.reads)
        assert self.gate.wait(20)
        if self.broken:
            raise IdentityUnavailable
        return number


@pytest.fixture
def clocks(monkeypatch):
    both = Clocks()
    monkeypatch.setattr(clock_guard, "time", both)
    return both


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def guard(source):
    made = ClockGuard("ahead", source.read, lambda: MAX_AGE, IDLE)
    yield made
    source.gate.set()
    made.clear()
    made._wake.set()


@pytest.fixture
def alone(guard, monkeypatch):
    """A guard whose background thread never runs."""
    monkeypatch.setattr(guard, "_start_thread", lambda: None)
    return guard


def eventually(holds):
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def started(call):
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_a_value_is_read_once_and_each_key_has_its_own(clocks, alone, source):
    assert [alone.get("a"), alone.get("a"), alone.get("b"), alone.get("a")] == [1, 1, 2, 1]
    assert source.reads == [("a", None), ("b", None)]


@pytest.mark.parametrize("clock", ["pass_by", "freeze"])
def test_a_reader_waits_for_a_value_too_old_by_either_clock(clocks, alone, source, clock):
    assert alone.get("a") == 1
    getattr(clocks, clock)(MAX_AGE)
    assert alone.get("a") == 1
    getattr(clocks, clock)(0.1)
    assert alone.get("a") == 2
    assert source.reads[-1] == ("a", 1)


def test_a_forgotten_value_is_read_again(clocks, alone, source):
    alone.get("a")
    alone.get("b")
    clocks.pass_by(1)
    alone.forget("a")
    alone.forget("unknown")
    assert [alone.get("a"), alone.get("b"), alone.get("a")] == [3, 2, 3]


def test_a_read_under_way_does_not_bring_back_a_forgotten_value(clocks, source):
    def read(key, last):
        value = source.read(key, last)
        if value == 1:
            clocks.pass_by(1)
            guard.forget(key)
        return value

    guard = ClockGuard("ahead", read, lambda: MAX_AGE, IDLE)
    guard._start_thread = lambda: None
    guard.get("a")
    assert guard.get("a") == 2


def test_a_value_whose_read_was_frozen_is_read_again(clocks, alone, source):
    found = []
    source.gate.clear()
    reader = started(lambda: found.append(alone.get("a")))
    eventually(lambda: source.reads)
    clocks.freeze(MAX_AGE + 1)
    source.gate.set()
    reader.join()
    assert found == [2]
    assert alone.get("a") == 2


def test_a_process_that_is_always_frozen_while_it_reads_has_no_value(clocks, source):
    def read(key, last):
        clocks.freeze(MAX_AGE + 1)
        return source.read(key, last)

    guard = ClockGuard("ahead", read, lambda: MAX_AGE, IDLE)
    guard._start_thread = lambda: None
    with pytest.raises(IdentityUnavailable):
        guard.get("a")
    assert len(source.reads) == clock_guard.READS


def test_readers_at_once_share_one_read(clocks, alone, source):
    source.gate.clear()
    found = []
    readers = [started(lambda: found.append(alone.get("a"))) for _ in range(5)]
    eventually(lambda: source.reads)
    source.gate.set()
    for reader in readers:
        reader.join()
    assert found == [1] * 5
    assert len(source.reads) == 1


def test_a_reader_does_not_wait_for_ever_for_another(clocks, alone, source, monkeypatch):
    monkeypatch.setattr(clock_guard, "WAIT_SECONDS", 0.1)
    source.gate.clear()
    started(lambda: alone.get("a"))
    eventually(lambda: source.reads)
    with pytest.raises(IdentityUnavailable):
        alone.get("a")


def test_a_reader_is_told_that_a_read_failed(clocks, alone, source):
    alone.get("a")
    clocks.pass_by(MAX_AGE + 1)
    source.broken = True
    with pytest.raises(IdentityUnavailable):
        alone.get("a")
    assert alone.peek("a") == 1
    source.broken = False
    assert alone.get("a") == 3


def test_looking_never_waits_and_the_thread_reads_for_it(clocks, guard, source):
    source.gate.clear()
    assert guard.peek("a") is None
    source.gate.set()
    eventually(lambda: guard.peek("a") == 1)
    clocks.freeze(MAX_AGE + 1)
    assert guard.peek("a") == 1
    eventually(lambda: guard.peek("a") == 2)
    assert set(source.readers) == {"ahead"}


def test_the_thread_reads_before_a_value_is_too_old(clocks, guard, source):
    assert guard.get("a") == 1
    clocks.pass_by(MAX_AGE / 2 + 0.1)
    eventually(lambda: guard.peek("a") == 2)
    assert source.readers == [threading.current_thread().name, "ahead"]


def test_the_thread_wakes_by_itself(monkeypatch, source):
    guard = ClockGuard("ahead", source.read, lambda: 0.1, IDLE)
    guard.get("a")
    eventually(lambda: len(source.reads) >= 3)
    guard.clear()


def test_the_thread_outlives_a_failed_read(clocks, guard, source):
    source.broken = True
    guard.peek("a")
    eventually(lambda: source.reads)
    source.broken = False
    eventually(lambda: guard.peek("a"))


@pytest.mark.parametrize("clock", ["pass_by", "freeze"])
def test_the_thread_ends_when_nobody_asks_any_more(clocks, guard, source, clock):
    guard.get("a")
    thread = guard._thread
    getattr(clocks, clock)(IDLE + 1)
    guard._wake.set()
    thread.join(20)
    assert not thread.is_alive()
    assert source.readers == [threading.current_thread().name]
    assert guard.get("a") == 2
    assert guard._thread.is_alive()


def test_only_so_many_keys_are_kept(clocks, alone, source, monkeypatch):
    monkeypatch.setattr(clock_guard, "MAX_KEYS", 2)
    for key in ("a", "b", "c"):
        alone.get(key)
    assert alone.get("c") == 3
    assert alone.get("a") == 4
