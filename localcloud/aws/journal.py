"""A write-ahead journal with numbered generations and snapshots: one JSON value a line.

``journal.<n>`` holds the entries since ``snapshot.<n>``. A compaction starts journal n+1 and copies the state in one
moment, writes that state to ``snapshot.<n+1>`` (temporary file, fsync, rename) and only then removes the older
generation. A crash leaves either snapshot n with journals n and n+1, or snapshot n+1 with journal n+1: no entry is lost
or replayed twice.

After a loss of power, any of what was not synced may be missing or damaged, also in front of lines that are whole. With
DURABLE=1 a line therefore follows each sync that says how far it reached: what cannot be read beyond every such promise
was not acknowledged and is dropped, and anything else that cannot be read stops the start.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from localcloud.files import TEMPORARY, durable, keep_names, sync, sync_directory

Entry = Any
END = {"end": True}
SYNCED = "synced"  # the key of a line that says how many bytes of its journal had been synced before it was written
NO_PROMISE = -1


def dumps(entry: Entry) -> bytes:
    """Return one journal line, newline included."""
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class CorruptJournalError(RuntimeError):
    """A line that was acknowledged cannot be read."""


class Journal:
    """The journal in a directory. Not thread safe: its owner serialises access."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.generation = max([0, *self._generations("snapshot"), *self._generations("journal")])
        self.size = self.appended = 0
        self._file: Any = None
        self._synced = self._promised = 0  # bytes of the open file: on the disk, and said to be in the file
        self._ends: dict[int, int] = {}

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, oldest first: the newest snapshot, then the journals since."""
        snapshots = self._generations("snapshot")
        base = max(snapshots, default=0)
        if snapshots:
            yield from _read_snapshot(self._path("snapshot", base))
        for generation in (n for n in self._generations("journal") if n >= base):
            yield from self._read(generation)

    def _read(self, generation: int) -> Iterator[Entry]:
        promised, self._ends[generation] = NO_PROMISE, 0
        path = self._path("journal", generation)
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                entry = _parsed(line)
                if entry is None:
                    promised = max([promised, *(_promise(_parsed(later)) for later in file)])
                    torn = promised != NO_PROMISE or not line.endswith(b"\n")
                    if not torn or promised > self._ends[generation]:
                        raise CorruptJournalError(f"{path} line {number}: it cannot be read")
                    return  # cut off or damaged before it was acknowledged
                self._ends[generation] += len(line)
                if _promise(entry) == NO_PROMISE:
                    yield entry
                promised = max(promised, _promise(entry))

    def open(self) -> None:
        """Open the journal for appending after what can be read of it."""
        if not self._ends:
            for _ in self.entries():
                pass
        self._drop_leftovers()
        self._open(self.generation)

    def append(self, line: bytes) -> None:
        """Hand a line to the operating system; on failure restore the file and raise OSError."""
        if durable() and self._synced > self._promised:
            line = dumps({SYNCED: self._synced}) + line
            self._promised = self._synced
        try:
            written = self._file.write(line)
        except OSError:
            written = -1
        if written != len(line):
            self._file.truncate(self.size)
            raise OSError("the journal could not be written; is the disk full?")
        self.size += len(line)
        self.appended += len(line)

    def end(self) -> tuple[int, int]:
        """Return how many bytes were ever appended, and a descriptor of the open file, which the caller closes."""
        return self.appended, os.dup(self._file.fileno())

    def reached_disk(self, appended: int) -> None:
        """Note that the first ``appended`` bytes that were ever appended are on the disk."""
        self._synced = max(self._synced, appended - (self.appended - self.size))

    def rotate(self) -> int:
        """Start the next generation; its snapshot must hold the state of this moment."""
        self.close()
        self.generation += 1
        self._open(self.generation)
        return self.generation

    def write_snapshot(self, generation: int, lines: Iterable[bytes]) -> None:
        """Write the snapshot of a generation durably, then remove the files that it replaces."""
        target = self._path("snapshot", generation)
        temporary = target.with_suffix(f".{generation}{TEMPORARY}")
        with temporary.open("wb", buffering=1 << 20) as file:
            file.writelines(lines)
            file.write(dumps(END))
            file.flush()
            sync(file.fileno())
        temporary.replace(target)
        sync_directory(self.directory)  # before the files that it replaces go
        self._drop_leftovers()

    @property
    def snapshot_size(self) -> int:
        """Bytes of the newest snapshot, 0 without one."""
        newest = max(self._generations("snapshot"), default=0)
        return self._path("snapshot", newest).stat().st_size if newest else 0

    def close(self) -> None:
        """Sync and close the open file. Idempotent."""
        if self._file is not None:
            sync(self._file.fileno())
            self._file.close()
            self._file = None

    def _open(self, generation: int) -> None:
        path = self._path("journal", generation)
        keep = self._ends.get(generation, 0) if path.exists() else 0
        self._file = path.open("ab", buffering=0)
        self._file.truncate(keep)
        self.size, self._synced, self._promised = keep, 0, 0
        if durable():
            self.append(dumps({SYNCED: keep}))
            sync(self._file.fileno())
            keep_names(self.directory)
            self._synced = self._promised = self.size

    def _path(self, kind: str, generation: int) -> Path:
        return self.directory / f"{kind}.{generation}"

    def _generations(self, kind: str) -> list[int]:
        suffixes = (path.suffix[1:] for path in self.directory.glob(f"{kind}.*"))
        return sorted(int(text) for text in suffixes if text.isdigit())

    def _drop_leftovers(self) -> None:
        base = max(self._generations("snapshot"), default=0)
        for temporary in self.directory.glob(f"*{TEMPORARY}"):
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


def _parsed(line: bytes) -> Entry | None:
    """Return a line's entry, None if the line is torn or damaged."""
    try:
        return json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None


def _promise(entry: Entry | None) -> int:
    return int(entry[SYNCED]) if isinstance(entry, dict) and SYNCED in entry else NO_PROMISE
