"""A progress line for a long job."""

import threading
import time
from typing import Protocol

TERMINAL_SECONDS, LOG_SECONDS = 0.1, 5.0


class Output(Protocol):
    """A text stream, or Django's wrapper of one."""

    def write(self, text: str, /) -> object:
        """Write text."""

    def flush(self) -> object:
        """Flush the written text."""

    def isatty(self) -> bool:
        """Return whether it is a terminal."""


class Progress:
    """Counts steps up to ``total``: on one line of a terminal, elsewhere on a new line every few seconds."""

    def __init__(self, label: str, total: int, stream: Output) -> None:
        self._label = label
        self._total = total
        self._stream = stream
        self._terminal = stream.isatty()
        self._interval = TERMINAL_SECONDS if self._terminal else LOG_SECONDS
        self._lock = threading.Lock()
        self._count = 0
        self._started = self._shown = time.monotonic()
        self._skipped = 0

    def step(self, *, skipped: bool = False) -> None:
        """Count a step; skipped steps do not count for the speed. Thread-safe."""
        with self._lock:
            self._count += 1
            self._skipped += skipped
            now = time.monotonic()
            if now - self._shown >= self._interval:
                self._shown = now
                self._show(now)

    def close(self) -> None:
        """Finish the line, with the time that passed."""
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
