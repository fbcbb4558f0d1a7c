"""Mounts the file system that forgets, for a test and its programs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 20


class CannotMountError(RuntimeError):
    """This machine does not let the tests mount a file system; the message says why."""


class PowerLossDisk:
    """A file system in ``directory``, empty at first; leaving ``with`` unmounts it, and so does the tests' end."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if sys.platform != "linux" or not Path("/dev/fuse").exists():
            raise CannotMountError("there is no /dev/fuse here")
        if not shutil.which("fusermount3"):
            raise CannotMountError("there is no fusermount3 here (Debian: fuse3)")
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory.with_name(f"{self.directory.name}.mount.log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.power_loss.filesystem", str(self.directory)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        deadline = time.monotonic() + SECONDS
        while not os.path.ismount(self.directory):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise CannotMountError(f"mounting failed: {self.log.read_text().strip()[-500:]}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        unmount = ["fusermount3", "-u", "-z", "-q", str(self.directory)]
        subprocess.run(unmount, check=False, stderr=subprocess.DEVNULL)  # if the process could not

    def cut(self, seed: int | None = None, *, fail: bool = False) -> list[str]:
        """Lose power now: nothing more is read or written; return the paths of what was not synced.

        Without a ``seed`` nothing survives that was not synced; with one, chance decides. Programs that use the disk
        wait until they are killed; ``fail`` lets their calls fail, for those that cannot be killed.
        """
        return list(self._command("cut", seed, fail))

    def restore(self) -> None:
        """Give power again, once the programs that used the disk have been killed."""
        self._command("restore")

    def fail_after(self, operations: int) -> None:
        """Let the power fail after so many more operations; then ``cut`` decides what stays."""
        self._command("fail_after", operations)

    def has_power(self) -> bool:
        """Return whether the power is on."""
        return bool(self._command("has_power"))

    def never_sync(self, pattern: str) -> None:
        """Let syncs of paths that the regular expression matches do nothing; "" ends it."""
        self._command("never_sync", pattern)

    def hold_syncs(self, pattern: str) -> None:
        """Let syncs of paths that the regular expression matches wait until the power is lost."""
        self._command("hold_syncs", pattern)

    def syncs(self) -> int:
        """Return how many syncs there were."""
        return int(self._command("count"))

    def _command(self, *words: Any) -> Any:
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(words), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())
