"""The output of ``make run``: one line per step, updated in place on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

QUIET_SECONDS = 1.0  # shorter steps are shown only when they are done
PLAIN_INTERVAL = 5.0
NAME_WIDTH = 18


class Step:
    """A step in progress; call ``tick`` while waiting."""

    def __init__(self, console: "Console", name: str) -> None:
        self.console, self.name = console, name
        self.begun = time.monotonic()
        self.shown_at = self.begun - PLAIN_INTERVAL + QUIET_SECONDS

    @property
    def seconds(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.begun

    def tick(self, detail: str = "") -> None:
        """Show that the step is still running, with a detail; call it often."""
        interval = 0.1 if self.console.live else PLAIN_INTERVAL
        if time.monotonic() - self.shown_at >= interval:
            self.shown_at = time.monotonic()
            self.console.progress(f"  {self.name:{NAME_WIDTH}}{detail or 'starting'}, {self.seconds:.0f} s")


class Console:
    """Writes to ``stream``; rewrites its last line only when that is a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()

    def say(self, line: str = "") -> None:
        """Print a line that stays."""
        self._write(("\r\033[K" if self.live else "") + line + "\n")

    def progress(self, line: str) -> None:
        """Print a line that the next one replaces on a terminal."""
        self._write(f"\r\033[K{line}" if self.live else f"{line}\n")

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            self.stream = open("/dev/null", "w")  # noqa: PTH123, SIM115  the terminal is gone; go on

    @contextmanager
    def step(self, name: str, done: str = "ready") -> Iterator[Step]:
        """Show a step while the block runs; if it raises, no line stays."""
        step = Step(self, name)
        yield step
        self.say(f"  {name:{NAME_WIDTH}}{done} in {step.seconds:.1f} s")
