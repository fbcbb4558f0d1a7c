"""What ``make run`` shows: one calm line per step, kept up to date on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

QUIET_SECONDS = 1.0  # a step shorter than this is shown once, when it is done
PLAIN_INTERVAL = 5.0
NAME_WIDTH = 18


class Step:
    """One step under way; ``tick`` while waiting, with what is known of the progress."""

    def __init__(self, console: Console, name: str) -> None:
        self.console, self.name = console, name
        self.begun = time.monotonic()
        self.shown_at = self.begun - PLAIN_INTERVAL + QUIET_SECONDS

    @property
    def seconds(self) -> float:
        """How long the step has taken so far."""
        return time.monotonic() - self.begun

    def tick(self, detail: str = "") -> None:
        """Show that the step goes on; call it often."""
        interval = 0.1 if self.console.live else PLAIN_INTERVAL
        if time.monotonic() - self.shown_at >= interval:
            self.shown_at = time.monotonic()
            self.console.passing(f"  {self.name:{NAME_WIDTH}}{detail or 'starting'}, {self.seconds:.0f} s")


class Console:
    """Writes to ``stream``; rewrites its last line only when that is a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.live = self.stream.isatty()

    def say(self, line: str = "") -> None:
        """Print a lasting line."""
        self._write(("\r\033[K" if self.live else "") + line + "\n")

    def passing(self, line: str) -> None:
        """Print a line that the next one replaces, where the terminal can."""
        self._write(f"\r\033[K{line}" if self.live else f"{line}\n")

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            self.stream = open("/dev/null", "w")  # noqa: PTH123, SIM115  the terminal is gone; go on

    @contextmanager
    def step(self, name: str, done: str = "ready") -> Iterator[Step]:
        """Show a step from its start to its end; a step that raises leaves no line behind."""
        step = Step(self, name)
        yield step
        self.say(f"  {name:{NAME_WIDTH}}{done} in {step.seconds:.1f} s")
