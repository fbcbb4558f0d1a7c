"""Plays the storyline through the product's own services: each event at its own time, by its own person."""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import astuple, replace
from datetime import datetime
from pathlib import Path

from store.context import RequestContext
from tasks import services
from tasks.demo.accounts import Accounts
from tasks.demo.progress import Output, Progress
from tasks.demo.recovery import written
from tasks.demo.state import Journal, Manifest
from tasks.demo.storyline import Event, storyline
from tasks.errors import TaskNotFound

NAMES = ("email", "name", "given_name", "family_name")


class StoryChanged(Exception):  # noqa: N818
    """An interrupted load was begun by a program that told another story."""


def load(state: Path, wanted: Manifest, accounts: Accounts, *, workers: int, output: Output) -> int:
    """Load the demo workspace, or finish an interrupted load; progress goes to ``output``.

    Returns how many events were left out, because the owner of their task has deleted it meanwhile.

    Parameters
    ----------
    state
        File for the manifest; the journal lies beside it until the load is complete.
    wanted
        What to load where. An interrupted load into the same table goes on with its own seed, time and size.

    Raises
    ------
    LoadInProgress, StoryChanged, and whatever the services raise; run again to continue.
    """
    state.parent.mkdir(parents=True, exist_ok=True)
    with Journal(state.with_suffix(".journal")) as journal:
        begun = Manifest.read(state)
        if begun is None or not begun.is_for(wanted.table, wanted.user_pool):
            journal.clear()
            begun = None
        elif begun.loaded:
            return 0  # by another process, between our first look and our turn
        manifest = begun or wanted
        events = _tell(manifest)
        manifest = _agreed(manifest, events, begun)
        manifest.write(state)
        progress = Progress("Demo workspace", len(events), output)
        loader = _Loader(journal, accounts, progress, resumed=begun is not None)
        loader.run(events, workers)
        progress.close()
        manifest.finished().write(state)
        journal.discard()
        return loader.left_out


def _tell(manifest: Manifest) -> list[Event]:
    now = datetime.fromisoformat(manifest.now)
    return storyline(manifest.seed, now, people=manifest.people, tasks=manifest.tasks, months=manifest.months)


def _agreed(manifest: Manifest, events: list[Event], begun: Manifest | None) -> Manifest:
    """The manifest with the story's digest; StoryChanged when it was begun with another one."""
    digest = hashlib.sha256(repr([astuple(event) for event in events]).encode()).hexdigest()
    if begun and begun.digest != digest:
        raise StoryChanged
    return replace(manifest, digest=digest)


class _Loader:
    """One run over the events: people in parallel, the events of a person in order."""

    def __init__(self, journal: Journal, accounts: Accounts, progress: Progress, *, resumed: bool) -> None:
        self._journal = journal
        self._accounts = accounts
        self._progress = progress
        self._resumed = resumed
        self._stopped = threading.Event()
        self.left_out = 0

    def run(self, events: list[Event], workers: int) -> None:
        """Play everything; the first error stops everybody after the event they are at."""
        people: dict[str, list[Event]] = defaultdict(list)
        for event in events:
            people[event.email].append(event)
        # The longest first: nobody is left alone with a long story at the end.
        queue = sorted(people.values(), key=len, reverse=True)
        with ThreadPoolExecutor(workers, thread_name_prefix="demo") as pool:
            try:
                running = [pool.submit(self._play_or_stop, own) for own in queue]
                for done in wait(running, return_when=FIRST_EXCEPTION).done:
                    done.result()
            finally:
                self._stopped.set()

    def _play_or_stop(self, events: list[Event]) -> None:
        try:
            if not self._stopped.is_set():
                self._play(events)
        except BaseException:
            self._stopped.set()
            raise

    def _play(self, events: list[Event]) -> None:
        joining = events[0].fields
        user_id = self._accounts.ensure(joining["username"], {name: joining[name] for name in NAMES})
        ids: dict[str, str] = {}
        in_doubt = self._resumed
        for event in events:
            if self._stopped.is_set():
                return
            known = event.id in self._journal.done
            if known:
                ids[event.task] = self._journal.done[event.id]
            else:
                found = written(event, user_id, ids.get(event.task, "")) if in_doubt else None
                in_doubt = found is not None
                ids[event.task] = (
                    self._perform(event, user_id, ids.get(event.task, "")) if found is None else found
                )
                self._journal.append(event.id, ids[event.task])
            self._progress.step(skipped=known)

    def _perform(self, event: Event, user_id: str, task_id: str) -> str:
        """Do it through the services, and return the id of the task."""
        context = RequestContext(user_id=user_id, updated_by=user_id, request_id=event.id, now=event.at)
        try:
            return PERFORM[event.verb](context, event, task_id)
        except TaskNotFound:
            # Its owner, who may use the app already, has deleted it meanwhile: they have the last word.
            self.left_out += 1
            return task_id


def _join(context: RequestContext, event: Event, _: str) -> str:
    services.create_profile(context, **event.fields)
    return ""


def _profile(context: RequestContext, event: Event, _: str) -> str:
    services.update_profile(context, event.fields)
    return ""


def _create(context: RequestContext, event: Event, _: str) -> str:
    return str(services.create_task(context, event.fields).task.id)


def _update(context: RequestContext, event: Event, task_id: str) -> str:
    services.update_task(context, task_id, event.fields)
    return task_id


def _delete(context: RequestContext, _: Event, task_id: str) -> str:
    services.delete_task(context, task_id)
    return task_id


def _restore(context: RequestContext, _: Event, task_id: str) -> str:
    services.restore_task(context, task_id)
    return task_id


PERFORM: dict[str, Callable[[RequestContext, Event, str], str]] = {
    "join": _join,
    "profile": _profile,
    "create": _create,
    "update": _update,
    "delete": _delete,
    "restore": _restore,
}
