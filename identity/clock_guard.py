"""A cache for processes that may be frozen between requests.

Lambda freezes a function after its answer. When it goes on, its threads have refreshed nothing meanwhile, and its
monotonic clock may stand where it stood. So the age of a value is measured by the monotonic and by the wall clock, and
the larger one counts.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar, cast

from identity.errors import IdentityError, IdentityUnavailable

MAX_KEYS = 1000
WAIT_SECONDS = 5  # for a read that another thread has begun
LONGEST_READ_SECONDS = 10  # no read takes longer: the process was frozen in the middle of it
READS = 3
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.05, 1
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Moment(NamedTuple):
    """A time by both clocks."""

    monotonic: float
    wall: float

    @classmethod
    def now(cls) -> "Moment":
        """Return the current time."""
        return cls(time.monotonic(), time.time())

    def age(self) -> float:
        """Return the seconds that have passed since, by the clock that says more."""
        return max(time.monotonic() - self.monotonic, time.time() - self.wall)


NEVER = Moment(float("-inf"), float("-inf"))


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T | None = None
    read_at: Moment = NEVER  # when the read began that returned the value
    forgotten_at: Moment = NEVER
    asked_at: Moment = NEVER
    reading: threading.Lock = field(default_factory=threading.Lock)

    def is_fresh(self, max_age: float) -> bool:
        # A read that began before the value was forgotten may have missed what it was forgotten for.
        return self.read_at.age() <= max_age and self.read_at.monotonic >= self.forgotten_at.monotonic


class ClockGuard(Generic[T]):
    """Values by key (or a single one, under the default key), at most ``max_age`` old for readers that may wait.

    A reader waits only for a value that is missing, forgotten or too old: it reads the value itself, or waits for the
    thread that is reading it. A value whose read was interrupted by a freeze is read again. A background thread reads
    the values again that are older than half of ``max_age``, as long as somebody asks for them.

    Parameters
    ----------
    name
        Name of the background thread.
    read
        Function from the key and the last value (None at first) to the current value. Raises IdentityError.
    max_age
        Function that returns how old a value may be (seconds).
    idle_seconds
        How long a value is read ahead after it was last asked for.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[str, T | None], T],
        max_age: Callable[[], float],
        idle_seconds: float,
    ) -> None:
        self._name, self._read, self._max_age, self._idle_seconds = name, read, max_age, idle_seconds
        self._entries: dict[str, _Entry[T]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def get(self, key: str = "") -> T:
        """Return a value that is at most ``max_age`` old, or was read just now. Raises IdentityError."""
        entry = self._asked_for(key)
        if not entry.is_fresh(self._max_age()):
            self._refresh(key, entry, self._max_age())
        self._start_thread()
        return cast("T", entry.value)

    def peek(self, key: str = "") -> T | None:
        """Return the last value however old, or None, without waiting; the background thread reads the next one."""
        entry = self._asked_for(key)
        if not entry.is_fresh(self._max_age()):
            self._wake.set()
        self._start_thread()
        return entry.value

    def forget(self, key: str = "") -> None:
        """Make the next ``get`` wait for a read that begins after this call."""
        if entry := self._entries.get(key):
            entry.forgotten_at = Moment.now()

    def clear(self) -> None:
        """Drop every value; nothing is read ahead until somebody asks again."""
        with self._lock:
            self._entries.clear()
        self._wake.set()  # the background thread ends at once

    def _asked_for(self, key: str) -> _Entry[T]:
        entry = self._entries.get(key)
        if entry is None:
            with self._lock:
                entry = self._entries.setdefault(key, _Entry())
                if len(self._entries) > MAX_KEYS:
                    del self._entries[next(iter(self._entries))]
        entry.asked_at = Moment.now()
        return entry

    def _refresh(self, key: str, entry: _Entry[T], max_age: float) -> None:
        """Read a value, unless it is fresh once no other thread reads it any more."""
        if not entry.reading.acquire(timeout=WAIT_SECONDS):
            raise IdentityUnavailable
        try:
            if not entry.is_fresh(max_age):
                self._read_whole(key, entry, max_age)
        finally:
            entry.reading.release()

    def _read_whole(self, key: str, entry: _Entry[T], max_age: float) -> None:
        """Read a value; again if the process was frozen meanwhile, since the answer may be from before the freeze."""
        for _ in range(READS):
            began = Moment.now()
            entry.value = self._read(key, entry.value)
            entry.read_at = began
            if began.age() <= max(max_age, LONGEST_READ_SECONDS):
                return
        raise IdentityUnavailable

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._keep_fresh, name=self._name, daemon=True)
                self._thread.start()

    def _keep_fresh(self) -> None:
        while entries := self._wanted():
            self._wake.clear()
            for key, entry in entries:
                try:
                    self._refresh(key, entry, self._max_age() / 2)
                except IdentityError:
                    _log.warning("a value cannot be read ahead: %s", self._name)
            self._wake.wait(min(max(self._max_age() / 4, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS))

    def _wanted(self) -> list[tuple[str, _Entry[T]]]:
        """Return the entries to keep fresh; if there are none, the background thread is about to end."""
        with self._lock:
            wanted = [
                (key, entry)
                for key, entry in self._entries.items()
                if entry.asked_at.age() <= self._idle_seconds
            ]
            if not wanted:
                self._thread = None
            return wanted
