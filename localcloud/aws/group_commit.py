"""One sync of the journal for all requests that wait for one.

A sync takes milliseconds, and many requests append meanwhile: the next one serves all of these. Answers leave in any
order, but each only after everything that was appended before it is on the disk, so that nobody knows of a write that a
loss of power would undo.
"""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

from localcloud.aws.journal import Journal
from localcloud.files import durable, sync


class GroupCommit:
    """Syncs a journal, whose owner holds ``lock`` while it appends; without DURABLE=1 nobody waits."""

    def __init__(self, journal: Journal, lock: threading.RLock) -> None:
        self._journal, self._lock, self._durable = journal, lock, durable()
        self._synced = 0  # of the bytes that were ever appended
        self._thread = ThreadPoolExecutor(1, "sync")

    async def wait(self) -> None:
        """Return once everything that has been appended by now is on the disk."""
        appended = self._journal.appended
        if self._durable and self._synced < appended:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._sync, appended)

    def _sync(self, appended: int) -> None:
        if self._synced >= appended:
            return  # the sync that this one waited for reached it
        with self._lock:
            appended, descriptor = self._journal.end()
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)
        with self._lock:
            self._synced = appended
            self._journal.reached_disk(appended)
