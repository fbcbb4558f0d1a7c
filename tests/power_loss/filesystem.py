"""Serves a Disk through FUSE: ``python -m tests.power_loss.filesystem DIRECTORY``.

Commands come as lines of JSON on the standard input, and each is answered by one on the standard output. While the
power is off every request waits, so that no program answers anything any more; those that waited fail once it is back.
The end of the standard input ends all: however the tests end, no mount stays behind.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("FUSE_LIBRARY_NAME", "fuse3")

import mfusepy

from tests.power_loss.model import Disk, Node, Write

BLOCK = 4096
CAPACITY_BLOCKS = 1 << 20


def needs_power(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Let an operation wait while the power is off, and then fail."""

    @functools.wraps(operation)
    def powered(self: FileSystem, *arguments: Any) -> Any:
        self.operations_left -= 1
        if self.operations_left == 0:
            self.power.clear()
        if not self.power.is_set():
            self.failing.wait()
            raise mfusepy.FuseOSError(errno.EIO)
        with self.turn:
            return operation(self, *arguments)

    return powered


class FileSystem(mfusepy.Operations):
    """The operations that the kernel asks for; it keeps the locks itself."""

    use_ns = True  # times are whole nanoseconds

    def __init__(self) -> None:
        self.disk = Disk()
        self.turn = threading.Lock()
        self.power, self.failing, self.may_sync = threading.Event(), threading.Event(), threading.Event()
        self.power.set()
        self.may_sync.set()
        self.handles: dict[int, tuple[Node, str, int]] = {}
        self.last_handle = 0
        self.not_synced: re.Pattern[str] | None = None
        self.held: re.Pattern[str] | None = None
        self.synced = 0
        self.operations_left = -1

    def init_with_config(self, _connection: Any, config: Any) -> None:
        """Keep the kernel from remembering what a loss of power changes."""
        config.use_ino = 1
        config.hard_remove = 1
        config.entry_timeout = config.attr_timeout = config.negative_timeout = 0

    # --- Commands -----------------------------------------------------------------------------------------------

    def cut(self, seed: int | None, fail: bool) -> list[str]:
        """Lose power; return the paths of what was not synced. Operations wait, or fail at once."""
        self.power.clear()
        if fail:
            self.failing.set()
        self.may_sync.set()
        with self.turn:
            unsynced = self.disk.unsynced()
            self.disk.lose_power(seed)
            self.held = None
            self.handles.clear()
        return unsynced

    def fail_after(self, operations: int) -> None:
        """Let the power fail after so many more operations; ``cut`` decides what stays."""
        self.operations_left = operations + 1

    def has_power(self) -> bool:
        """Return whether the power is on."""
        return self.power.is_set()

    def restore(self) -> None:
        """Let the power come back; programs must be gone."""
        self.operations_left = -1
        self.power.set()
        self.failing.set()
        self.failing = threading.Event()

    def never_sync(self, pattern: str) -> None:
        """Answer syncs of paths that match, and do nothing, as if the program had forgotten them."""
        self.not_synced = re.compile(pattern) if pattern else None

    def hold_syncs(self, pattern: str) -> None:
        """Let syncs of paths that match wait until the power is lost."""
        self.held = re.compile(pattern)
        self.may_sync.clear()

    def count(self) -> int:
        """Return the number of syncs so far."""
        return self.synced

    # --- Finding ------------------------------------------------------------------------------------------------

    def _find(self, path: str) -> Node:
        node = self.disk.root
        for name in path.split("/"):
            if name:
                node = node.names.get(name) or self._fail(errno.ENOENT)
        return node

    def _parent(self, path: str) -> tuple[Node, str]:
        folder, _, name = path.rpartition("/")
        return self._find(folder), name

    def _handle(self, number: int) -> tuple[Node, str, int]:
        return self.handles.get(number) or self._fail(errno.EIO)

    def _open(self, node: Node, path: str, flags: int) -> int:
        self.last_handle += 1
        self.handles[self.last_handle] = (node, path, flags)
        return self.last_handle

    def _fail(self, number: int) -> Any:
        raise mfusepy.FuseOSError(number)

    # --- Names --------------------------------------------------------------------------------------------------

    @needs_power
    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        """Return what stat shows."""
        node = self._handle(fh)[0] if fh and fh in self.handles else self._find(path)
        return {
            "st_ino": node.number,
            "st_mode": node.mode,
            "st_nlink": 2 if node.is_directory else 1,
            "st_uid": node.owner[0],
            "st_gid": node.owner[1],
            "st_size": len(node.data),
            "st_blocks": -(-len(node.data) // 512),
            **dict.fromkeys(("st_atime", "st_mtime", "st_ctime"), node.modified),
        }

    @needs_power
    def readdir(self, path: str, _fh: int) -> list[Any]:
        """Return the names in a directory."""
        nodes = self._find(path).names.items()
        return [
            ".",
            "..",
            *((name, {"st_ino": node.number, "st_mode": node.mode}, 0) for name, node in nodes),
        ]

    def _make(self, path: str, mode: int) -> Node:
        parent, name = self._parent(path)
        if name in parent.names:
            self._fail(errno.EEXIST)
        node = Node(mode, owner=mfusepy.fuse_get_context()[:2])
        self.disk.rename((parent, name, node))
        return node

    @needs_power
    def mkdir(self, path: str, mode: int) -> int:
        """Make a directory."""
        self._make(path, stat.S_IFDIR | mode)
        return 0

    @needs_power
    def symlink(self, target: str, source: str) -> int:
        """Make a symbolic link at ``target`` to ``source``."""
        node = self._make(target, stat.S_IFLNK | 0o777)
        self.disk.write(node, (0, source.encode()))
        self.disk.sync(node)
        return 0

    @needs_power
    def readlink(self, path: str) -> str:
        """Return where a symbolic link points to."""
        return self._find(path).data.decode()

    @needs_power
    def unlink(self, path: str) -> int:
        """Remove a file's name."""
        parent, name = self._parent(path)
        if name not in parent.names:
            self._fail(errno.ENOENT)
        self.disk.rename((parent, name, None))
        return 0

    @needs_power
    def rmdir(self, path: str) -> int:
        """Remove an empty directory."""
        parent, name = self._parent(path)
        if self._find(path).names:
            self._fail(errno.ENOTEMPTY)
        self.disk.rename((parent, name, None))
        return 0

    @needs_power
    def rename(self, old: str, new: str) -> int:
        """Give a file or directory another name, which may have stood for another."""
        parent, name = self._parent(old)
        new_parent, new_name = self._parent(new)
        node = self._find(old)
        self.disk.rename((parent, name, None), (new_parent, new_name, node))
        return 0

    @needs_power
    def chmod(self, path: str, mode: int) -> int:
        """Change permissions."""
        node = self._find(path)
        node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        return 0

    @needs_power
    def chown(self, path: str, uid: int, gid: int) -> int:
        """Change the owner."""
        self._find(path).owner = (uid, gid)
        return 0

    @needs_power
    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        """Change the time of modification."""
        self._find(path).modified = times[1] if times else time.time_ns()
        return 0

    # --- Content ------------------------------------------------------------------------------------------------

    @needs_power
    def create(self, path: str, mode: int, _fi: Any = None) -> int:
        """Make a file and open it."""
        return self._open(self._make(path, stat.S_IFREG | mode), path, os.O_RDWR)

    @needs_power
    def open(self, path: str, flags: int) -> int:
        """Open a file."""
        node = self._find(path)
        if flags & os.O_TRUNC:
            self.disk.write(node, (0, None))
        return self._open(node, path, flags)

    @needs_power
    def opendir(self, path: str) -> int:
        """Open a directory."""
        return self._open(self._find(path), path, 0)

    @needs_power
    def read(self, _path: str, size: int, offset: int, fh: int) -> bytes:
        """Return a part of a file's content."""
        return bytes(self._handle(fh)[0].data[offset : offset + size])

    @needs_power
    def write(self, _path: str, data: bytes, offset: int, fh: int) -> int:
        """Write, at the end if the file was opened for appending."""
        node, _, flags = self._handle(fh)
        change: Write = (len(node.data) if flags & os.O_APPEND else offset, data)
        self.disk.write(node, change)
        return len(data)

    @needs_power
    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        """Cut or lengthen a file."""
        self.disk.write(self._handle(fh)[0] if fh else self._find(path), (length, None))
        return 0

    def fsync(self, path: str, _datasync: int, fh: int) -> int:
        """Let content or names reach the disk."""
        if self.held and self.held.search(path):
            self.may_sync.wait()
        return self._sync(path, fh)

    @needs_power
    def _sync(self, path: str, fh: int) -> int:
        node, opened_as, _ = self._handle(fh)
        self.synced += 1
        if not (self.not_synced and self.not_synced.search(path or opened_as)):
            self.disk.sync(node)
        return 0

    fsyncdir = fsync

    @needs_power
    def release(self, _path: str, fh: int) -> int:
        """Close."""
        self.handles.pop(fh, None)
        return 0

    releasedir = release

    def flush(self, _path: str, _fh: int) -> int:
        """Do nothing: closing a file keeps nothing."""
        return 0

    @needs_power
    def statfs(self, _path: str) -> dict[str, int]:
        """Return how much space there is."""
        names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_namemax")
        return dict(zip(names, (BLOCK, BLOCK, *[CAPACITY_BLOCKS] * 5, 255), strict=True))


def obey(served: FileSystem, mountpoint: str) -> None:
    """Do what the standard input says until it ends; then unmount."""
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(served, name)(*arguments)), flush=True)
    served.restore()
    subprocess.run(["fusermount3", "-u", "-z", mountpoint], check=False)
    os._exit(0)


def main() -> None:
    """Mount the file system and serve it until the standard input ends."""
    served, mountpoint = FileSystem(), sys.argv[1]
    threading.Thread(target=obey, args=[served, mountpoint], daemon=True).start()
    mfusepy.FUSE(served, mountpoint, foreground=True, nothreads=False, fsname="power-loss")


if __name__ == "__main__":
    main()
