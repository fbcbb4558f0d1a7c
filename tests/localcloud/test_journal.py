"""The journal's files after a crash at each step of a compaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localcloud import files
from localcloud.aws import group_commit
from localcloud.aws.group_commit import GroupCommit
from localcloud.aws.journal import CorruptJournalError, Journal, dumps

Opener = Callable[[Path], Journal]


@pytest.fixture
def opened() -> Iterator[Callable[[Path], Journal]]:
    made: list[Journal] = []

    def open_journal(directory: Path) -> Journal:
        journal = Journal(directory)
        journal.open()
        made.append(journal)
        return journal

    yield open_journal
    for journal in made:
        journal.close()


def entries(directory: Path) -> list[int]:
    return list(Journal(directory).entries())


@pytest.fixture
def journal(opened: Opener, tmp_path: Path) -> Journal:
    made = opened(tmp_path)
    for number in (1, 2):
        made.append(dumps(number))
    return made


def test_appended_entries_are_read_in_order(journal: Journal, tmp_path: Path) -> None:
    assert entries(tmp_path) == [1, 2]


def test_rotated_but_no_snapshot_yet(journal: Journal, opened: Opener, tmp_path: Path) -> None:
    journal.rotate()
    journal.append(dumps(3))
    (tmp_path / "snapshot.1.tmp").write_bytes(dumps(1))
    assert entries(tmp_path) == [1, 2, 3]
    again = opened(tmp_path)
    again.append(dumps(4))
    assert entries(tmp_path) == [1, 2, 3, 4]
    assert not list(tmp_path.glob("*.tmp"))


def test_snapshot_written_but_old_journal_still_there(
    journal: Journal, opened: Opener, tmp_path: Path
) -> None:
    old = (tmp_path / "journal.0").read_bytes()
    generation = journal.rotate()
    journal.append(dumps(3))
    journal.write_snapshot(generation, [dumps(12)])
    (tmp_path / "journal.0").write_bytes(old)
    assert entries(tmp_path) == [12, 3]
    opened(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.1", "snapshot.1"]


def test_a_torn_tail_is_dropped_and_overwritten(journal: Journal, opened: Opener, tmp_path: Path) -> None:
    with (tmp_path / "journal.0").open("ab") as file:
        file.write(b"[3, 3, ")
    assert entries(tmp_path) == [1, 2]
    opened(tmp_path).append(dumps(4))
    assert entries(tmp_path) == [1, 2, 4]


def test_a_long_torn_tail(journal: Journal, opened: Opener, tmp_path: Path) -> None:
    with (tmp_path / "journal.0").open("ab") as file:
        file.write(b"9" * 200_000)
    opened(tmp_path).append(dumps(4))
    assert entries(tmp_path) == [1, 2, 4]


def test_damage_in_the_middle_is_not_passed_over(journal: Journal, tmp_path: Path) -> None:
    with (tmp_path / "journal.0").open("ab") as file:
        file.write(b"{damaged\n")
    journal.append(dumps(3))
    with pytest.raises(CorruptJournalError, match="line 3"):
        entries(tmp_path)


def test_a_snapshot_without_its_end_is_refused(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "snapshot.5").write_bytes(dumps(1))
    with pytest.raises(CorruptJournalError, match="no end mark"):
        entries(tmp_path)


@pytest.fixture
def durable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE", "1")


def append_synced(journal: Journal, entry: int) -> None:
    journal.append(dumps(entry))
    journal.reached_disk(journal.appended)


@pytest.mark.usefixtures("durable")
@pytest.mark.parametrize("hole", [b"\0" * 30, b"\0" * 30 + b"\n", b"[3, 3,\0\0\0\n", b"[3, 3\n"])
def test_lines_after_a_hole_that_were_not_acknowledged_are_dropped(
    hole: bytes, opened: Opener, tmp_path: Path
) -> None:
    written = opened(tmp_path)
    append_synced(written, 1)
    written.append(dumps(2))
    with (tmp_path / "journal.0").open("ab") as file:
        file.write(hole + dumps(4))
    assert entries(tmp_path) == [1, 2]
    opened(tmp_path).append(dumps(5))
    assert entries(tmp_path) == [1, 2, 5]


@pytest.mark.usefixtures("durable")
def test_damage_to_what_was_acknowledged_is_not_passed_over(opened: Opener, tmp_path: Path) -> None:
    written = opened(tmp_path)
    for number in (11111, 22222, 33333):
        append_synced(written, number)
    path = tmp_path / "journal.0"
    path.write_bytes(path.read_bytes().replace(b"11111\n", b"11{11\n"))
    with pytest.raises(CorruptJournalError, match="line 2"):
        entries(tmp_path)


@pytest.mark.usefixtures("durable")
def test_promises_of_an_old_journal_are_none_of_the_next(opened: Opener, tmp_path: Path) -> None:
    written = opened(tmp_path)
    for number in range(50):
        append_synced(written, number)
    generation = written.rotate()
    written.append(dumps(50))
    with (tmp_path / "journal.1").open("ab") as file:
        file.write(b"[3, 3\n" + dumps(52))
    assert entries(tmp_path) == list(range(51))
    written.write_snapshot(generation, [dumps(12)])
    assert entries(tmp_path) == [12, 50]


def syncs_of_sixty(written: Journal, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let sixty requests append and wait, the first sync lasting until all have; return how many syncs that took."""
    commit, all_appended = GroupCommit(written, threading.RLock()), threading.Event()
    syncs: list[int] = []

    def sync(descriptor: int) -> None:
        syncs.append(descriptor)
        assert all_appended.wait(60)

    monkeypatch.setattr(group_commit, "sync", sync)

    async def request(number: int) -> None:
        await asyncio.sleep(0)
        written.append(dumps(number))
        if number == 59:
            all_appended.set()
        await commit.wait()

    async def requests() -> None:
        await asyncio.gather(*(request(number) for number in range(60)))

    # In a thread of its own: a browser test that ran before leaves its loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, requests()).result()
    return len(syncs)


@pytest.mark.usefixtures("durable")
def test_requests_that_wait_share_a_sync(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 1 <= syncs_of_sixty(opened(tmp_path), monkeypatch) <= 2


def test_nobody_waits_unless_asked_to(
    opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert syncs_of_sixty(opened(tmp_path), monkeypatch) == 0


def test_a_failed_sync_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError("the disk is gone")

    def leave(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr("os.fdatasync", fail)
    monkeypatch.setattr("os._exit", leave)
    monkeypatch.setenv("DURABLE", "1")
    with pytest.raises(SystemExit):
        files.write_atomically(tmp_path / "file", "content")
    assert not (tmp_path / "file").exists()
