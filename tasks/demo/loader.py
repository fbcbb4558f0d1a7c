"""Writes the storyline through the product's own services, each event at its own time and by its own person."""

import hashlib
import threading
from collections import defaultdict
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import astuple, replace
from datetime import datetime
from pathlib import Path

from identity import profiles
from store.request_context import RequestContext
from tasks import services
from tasks.demo.accounts import Accounts
from tasks.demo.progress import Output, Progress
from tasks.demo.recovery import find_written
from tasks.demo.state import Journal, Manifest
from tasks.demo.storyline import Event, storyline
from tasks.errors import TaskNotFound

NAMES = ("email", "name", "given_name", "family_name")


class StoryChanged(Exception):  # noqa: N818
    """An interrupted load was started by a version of the program with another storyline."""


def load(state: Path, wanted: Manifest, accounts: Accounts, *, workers: int, output: Output) -> int:
    """Load the demo workspace, or finish an interrupted load; progress goes to ``output``.

    Returns the number of events that were skipped because the owner had deleted their task.

    Parameters
    ----------
    state
        Path of the manifest; the journal is beside it until the load is complete.
    wanted
        What to load. An interrupted load into the same table continues with its own seed, time and size.

    Raises
    ------
    LoadInProgress, StoryChanged, and what the services raise; run again to continue.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    with Journal(state.with_suffix(".journal")) as journal:
        begun = Manifest.read(state)
        if begun is None or not begun.is_for(wanted.table, wanted.user_pool):
            journal.clear()
            begun = None
        elif begun.loaded:
            return 0  # by another process, before this one got the lock
        manifest = begun or wanted
        events = _events(manifest)
        manifest = _with_digest(manifest, events, begun)
        manifest.write(state)
        progress = Progress("Demo workspace", len(events), output)
        loader = _Loader(journal, accounts, progress, resumed=begun is not None)
        loader.run(events, workers)
        progress.close()
        manifest.finished().write(state)
        journal.discard()
        return loader.skipped


def _events(manifest: Manifest) -> list[Event]:
    now = datetime.fromisoformat(manifest.now)
    return storyline(manifest.seed, now, people=manifest.people, tasks=manifest.tasks, months=manifest.months)


def _with_digest(manifest: Manifest, events: list[Event], begun: Manifest | None) -> Manifest:
    """Return the manifest with the storyline's digest. Raises StoryChanged if the load began with another one."""
    digest = hashlib.sha256(repr([astuple(event) for event in events]).encode()).hexdigest()
    if begun and begun.digest != digest:
        raise StoryChanged
    return replace(manifest, digest=digest)


class _Loader:
    """Writes the events: people in parallel, the events of each person in order."""

    def __init__(self, journal: Journal, accounts: Accounts, progress: Progress, *, resumed: bool) -> None:
        self._journal = journal
        self._accounts = accounts
        self._progress = progress
        self._resumed = resumed
        self._stopped = threading.Event()
        self.skipped = 0

    def run(self, events: list[Event], workers: int) -> None:
        """Write all events; the first error stops every thread after its current event."""
        people: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            people[event.email].append(event)
        # The longest first, so that no thread is left with a long one at the end.
        queue = sorted(people.values(), key=len, reverse=True)
        with ThreadPoolExecutor(workers, thread_name_prefix="demo") as pool:
            try:
                running = [pool.submit(self._write_or_stop, own) for own in queue]
                for future in wait(running, return_when=FIRST_EXCEPTION).done:
                    future.result()
            finally:
                self._stopped.set()

    def _write_or_stop(self, events: list[Event]) -> None:
        try:
            if not self._stopped.is_set():
                self._write_all(events)
        except BaseException:
            self._stopped.set()
            raise

    def _write_all(self, events: list[Event]) -> None:
        joining = events[0].fields
        user_id = self._accounts.ensure(joining["username"], {name: joining[name] for name in NAMES})
        ids: dict[str, str] = {}
        in_doubt = self._resumed
        for event in events:
            if self._stopped.is_set():
                return
            done = event.id in self._journal.done
            if done:
                ids[event.task] = self._journal.done[event.id]
            else:
                found = find_written(event, user_id, ids.get(event.task, "")) if in_doubt else None
                in_doubt = found is not None
                ids[event.task] = (
                    self._perform(event, user_id, ids.get(event.task, "")) if found is None else found
                )
                self._journal.append(event.id, ids[event.task])
            self._progress.step(skipped=done)

    def _perform(self, event: Event, user_id: str, task_id: str) -> str:
        context = RequestContext(user_id=user_id, updated_by=user_id, request_id=event.id, now=event.at)
        try:
            return _write(context, event, task_id)
        except TaskNotFound:
            # Its owner, who may already be using the app, has deleted it in the meantime.
            self.skipped += 1
            return task_id


def _write(context: RequestContext, event: Event, task_id: str) -> str:
    """Write an event through the services, and return the id of its task, blank for a profile."""
    match event.verb:
        case "join":
            profiles.ensure_profile(context, event.fields)
        case "profile":
            profiles.update_profile(context, event.fields)
        case "create":
            return str(services.create_task(context, event.fields).task.id)
        case "update":
            services.update_task(context, task_id, event.fields)
        case "delete":
            services.delete_task(context, task_id)
        case "restore":
            services.restore_task(context, task_id)
    return task_id
