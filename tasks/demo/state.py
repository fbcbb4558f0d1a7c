"""The state of a load on disk: a manifest of what is loaded, and a journal of the written events."""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self


class LoadInProgress(Exception):  # noqa: N818
    """Another process is loading with the same state file."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is loaded into which table and user pool.

    ``now`` (ISO 8601) is set at the first start, so that a resumed load has the same storyline. ``digest`` is that of
    the storyline, so that a version of the program with another one does not continue the load.
    """

    table: str
    user_pool: str
    seed: int
    now: str
    people: int
    tasks: int
    months: int
    digest: str = ""
    loaded: bool = False

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the manifest at ``path``, None if there is none."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def write(self, path: Path) -> None:
        """Replace the manifest at ``path``, atomically and durably."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)  # or a loss of power could bring the old name back
        os.close(folder)

    def is_for(self, table: str, user_pool: str) -> bool:
        """Return whether it is for this table and pool; ids of pools are never reused."""
        return (self.table, self.user_pool) == (table, user_pool)

    def finished(self) -> Self:
        """Return the manifest, marked as loaded."""
        return replace(self, loaded=True)


class Journal:
    """The written events, one line each: the event's id and the id of its task.

    A line is appended after the write was acknowledged. A crash may lose the last lines or truncate one: a resumed
    load checks events without a line against the table until it finds one that was not written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise LoadInProgress from None
        self.done = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def append(self, event_id: str, task_id: str) -> None:
        """Record that an event was written. Thread-safe."""
        os.write(self._file, f"{event_id} {task_id}\n".encode())

    def clear(self) -> None:
        """Remove all lines, which belong to another load."""
        os.ftruncate(self._file, 0)
        self.done.clear()

    def discard(self) -> None:
        """Delete the journal of a completed load."""
        with suppress(FileNotFoundError):
            self._path.unlink()

    def _read(self) -> dict[str, str]:
        """Return event id -> task id; removes a truncated last line."""
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        os.ftruncate(self._file, len(whole))
        pairs = (line.split(" ", 1) for line in whole.decode().splitlines())
        return {event_id: task_id for event_id, task_id in pairs}  # noqa: C416 - two columns, not pairs
