"""A write-ahead journal with numbered generations and snapshots: one JSON value a line.

``journal.<n>`` holds the entries since ``snapshot.<n>``. A compaction starts journal n+1 and copies the state in one
moment, writes that state to ``snapshot.<n+1>`` (temporary file, fsync, rename) and only then removes the older
generation. A crash leaves either snapshot n with journals n and n+1, or snapshot n+1 with journal n+1: no entry is lost
or replayed twice.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Entry = Any
END = {"end": True}


def dumps(entry: Entry) -> bytes:
    """Return one journal line, newline included."""
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class CorruptJournalError(RuntimeError):
    """A line in the middle of a file cannot be read; a crash can only damage the last one."""


class Journal:
    """The journal in a directory. Not thread safe: its owner serialises access."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.generation = max([0, *self._generations("snapshot"), *self._generations("journal")])
        self.size = 0
        self._file: Any = None

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, oldest first: the newest snapshot, then the journals since."""
        snapshots = self._generations("snapshot")
        base = max(snapshots, default=0)
        if snapshots:
            yield from _read_snapshot(self._path("snapshot", base))
        for generation in (n for n in self._generations("journal") if n >= base):
            yield from _read_journal(self._path("journal", generation))

    def open(self) -> None:
        """Open the journal for appending; call it after reading the entries."""
        self._drop_leftovers()
        self._open(self.generation)

    def append(self, line: bytes) -> None:
        """Hand a line to the operating system; on failure restore the file and raise OSError."""
        try:
            written = self._file.write(line)
        except OSError:
            written = -1
        if written != len(line):
            self._file.truncate(self.size)
            raise OSError("the journal could not be written; is the disk full?")
        self.size += len(line)

    def rotate(self) -> int:
        """Start the next generation; its snapshot must hold the state of this moment."""
        self.close()
        self.generation += 1
        self._open(self.generation)
        return self.generation

    def write_snapshot(self, generation: int, lines: Iterable[bytes]) -> None:
        """Write the snapshot of a generation durably, then remove the files that it replaces."""
        target = self._path("snapshot", generation)
        temporary = target.with_suffix(f".{generation}.tmp")
        with temporary.open("wb", buffering=1 << 20) as file:
            file.writelines(lines)
            file.write(dumps(END))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        self._drop_leftovers()

    @property
    def snapshot_size(self) -> int:
        """Bytes of the newest snapshot, 0 without one."""
        newest = max(self._generations("snapshot"), default=0)
        return self._path("snapshot", newest).stat().st_size if newest else 0

    def sync(self) -> None:
        """Flush the operating system's cache to disk, against power loss; a killed process loses nothing without."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Sync and close the open file. Idempotent."""
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

    def _open(self, generation: int) -> None:
        path = self._path("journal", generation)
        keep = _readable_length(path)
        self._file = path.open("ab", buffering=0)
        self._file.truncate(keep)
        self.size = keep

    def _path(self, kind: str, generation: int) -> Path:
        return self.directory / f"{kind}.{generation}"

    def _generations(self, kind: str) -> list[int]:
        suffixes = (path.suffix[1:] for path in self.directory.glob(f"{kind}.*"))
        return sorted(int(text) for text in suffixes if text.isdigit())

    def _drop_leftovers(self) -> None:
        base = max(self._generations("snapshot"), default=0)
        for temporary in self.directory.glob("*.tmp"):
            temporary.unlink()
        for kind in ("snapshot", "journal"):
            for generation in self._generations(kind):
                if generation < base:
                    self._path(kind, generation).unlink()


def _read_snapshot(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        for line in file:
            entry = json.loads(line)
            if entry == END:
                return
            yield entry
    raise CorruptJournalError(f"{path} has no end mark")


def _read_journal(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return  # cut off by a crash before it was acknowledged
            try:
                yield json.loads(line)
            except ValueError as error:
                raise CorruptJournalError(f"{path} line {number}: {error}") from error


def _readable_length(path: Path) -> int:
    """Return the position after the last complete line."""
    if not path.exists():
        return 0
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0
