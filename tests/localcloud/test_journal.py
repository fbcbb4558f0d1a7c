"""The journal's files after a crash at each step of a compaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
