"""One line that says how far a long job is."""

import threading
import time
from typing import Protocol

A_TENTH_OF_A_SECOND = 0.1
SPARSE_SECONDS = 5.0


class Output(Protocol):
    """What progress is written to: a text stream, or Django's wrapper of one."""

    def write(self, text: str, /) -> object:
        """Write the text."""

    def flush(self) -> object:
        """Show what was written."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""


class Progress:
    """Counts steps up to ``total`` on one updating line of a terminal, or on a line every few seconds elsewhere."""

    def __init__(self, label: str, total: int, stream: Output) -> None:
        self._label = label
        self._total = total
        self._stream = stream
        self._terminal = stream.isatty()
        self._interval = A_TENTH_OF_A_SECOND if self._terminal else SPARSE_SECONDS
        self._lock = threading.Lock()
        self._count = 0
        self._started = self._shown = time.monotonic()
        self._skipped = 0

    def step(self, *, skipped: bool = False) -> None:
        """Count one step; a skipped one says nothing about the speed. Safe to call from several threads."""
        with self._lock:
            self._count += 1
            self._skipped += skipped
            now = time.monotonic()
            if now - self._shown >= self._interval:
                self._shown = now
                self._show(now)

    def close(self) -> None:
        """End the line, with the time it took."""
        seconds = time.monotonic() - self._started
        self._write(f"{self._label}: {self._count:,} of {self._total:,} in {seconds:.0f} s", last=True)

    def _show(self, now: float) -> None:
        done = self._count - self._skipped
        left = (self._total - self._count) * (now - self._started) / max(done, 1)
        percent = 100 * self._count // self._total
        self._write(f"{self._label}: {self._count:,} of {self._total:,} ({percent} %), {left:.0f} s left")

    def _write(self, text: str, *, last: bool = False) -> None:
        if self._terminal:
            self._stream.write(f"\r\x1b[K{text}" + ("\n" if last else ""))
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()
