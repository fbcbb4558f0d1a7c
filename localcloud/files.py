"""Writes to LOCAL_DIR: a crash leaves a file old or new, never in part, and with DURABLE=1 a loss of power does too.

A new content is on the disk once its file is synced, a name that appeared, moved or went once its directory is. Both
happen here before a function returns, with DURABLE=1 only: they take milliseconds, and a killed process loses nothing
without them.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".tmp"
_named: set[Path] = set()  # directories whose own name is on the disk


def durable() -> bool:
    """Whether DURABLE=1: an acknowledged write must survive a loss of power."""
    return os.environ.get("DURABLE") == "1"


def write_atomically(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Replace the content of ``path``; the file is created with the permissions ``mode``."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    temporary.unlink(missing_ok=True)
    write(temporary, content, mode)
    temporary.replace(path)
    keep_names(path.parent)


def write(path: Path, content: str | bytes, mode: int = 0o600) -> None:
    """Write a file whose name may still be lost; ``keep_names`` keeps that."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        if durable():
            sync(file.fileno())


def keep_names(directory: Path) -> None:
    """Keep what was created, renamed and removed in ``directory``, and the names of it and of those above it."""
    if not durable():
        return
    sync_directory(directory)
    for each in (directory, *directory.parents):
        if each in _named:
            return
        with suppress(PermissionError):  # another user's, which was there before
            sync_directory(each.parent)
        _named.add(each)


def keep(path: Path) -> None:
    """Keep a file that others wrote, and its name."""
    if durable():
        with _opened(path) as descriptor:
            sync(descriptor)
        keep_names(path.parent)


def forget_names(directory: Path) -> None:
    """Note that ``directory`` was removed with all in it: created again, their names are to be kept again."""
    _named.difference_update([each for each in _named if each.is_relative_to(directory)])
    keep_names(directory.parent)


def sync_tree(directory: Path) -> None:
    """Write everything in ``directory`` to the disk: earlier runs may not have."""
    for folder, _, names in os.walk(directory):
        for path in (Path(folder) / name for name in names):
            if path.is_file():
                with suppress(FileNotFoundError), _opened(path) as descriptor:
                    sync(descriptor)
        sync_directory(Path(folder))


def sync_directory(directory: Path) -> None:
    """Write a directory's names to the disk, whether or not DURABLE is set."""
    with _opened(directory) as descriptor:
        sync(descriptor)


def sync(descriptor: int) -> None:
    """Write a file to the disk, whether or not DURABLE is set; end the process if that fails.

    After a failed sync the kernel may have dropped what was to be written, and a second one succeeds nevertheless: only
    reading the files again tells what is there.
    """
    try:
        _sync(descriptor)
    except OSError as error:
        print(f"A write did not reach the disk ({error}); starting again.", file=sys.stderr, flush=True)
        os._exit(1)


def _sync(descriptor: int) -> None:
    full_sync = getattr(fcntl, "F_FULLFSYNC", None)
    if full_sync is None:
        os.fdatasync(descriptor)
        return
    try:
        fcntl.fcntl(descriptor, full_sync)  # macOS: its fsync stops at the drive's own memory
    except OSError:  # a file system that cannot
        os.fsync(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
