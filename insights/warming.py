"""Answers ahead of the first reader: the pages without a filter, as soon as a snapshot is published."""

import logging
import threading

from insights import answers, cache, pages
from insights.dashboards import EVERYBODY
from insights.filters import State
from insights.periods import CHOICES
from web import athena
from web.athena import AthenaError, Snapshot

POLL_SECONDS = 1.0
# A snapshot that is replaced at once is not worth warming, and a busy pipeline publishes every few seconds.
SETTLED_SECONDS = 3.0
REST_SECONDS = 15.0
_log = logging.getLogger(__name__)


def warm(snapshot: Snapshot, ranges: tuple[int, ...] = CHOICES) -> dict[int, int]:
    """Ask what the dashboard's pages of ``ranges`` ask on ``snapshot``; what is known already is not asked again.

    Returns
    -------
    dict
        How many answers each page has now, by its number of days.
    """
    return {days: _warm_page(State(days), snapshot) for days in ranges}


def _warm_page(state: State, snapshot: Snapshot) -> int:
    keys = pages.page_keys(EVERYBODY, state, snapshot)
    outcomes = answers.gather(keys, snapshot, budget=answers.query_budget() + 2)
    return sum(outcome.state == "answered" for outcome in outcomes.values())


def watch(stop: threading.Event) -> None:
    """Warm each snapshot that stays for a while, until ``stop`` is set. Nothing that goes wrong ends it."""
    warmed, seen = "", ""
    while not stop.wait(POLL_SECONDS if seen == warmed else SETTLED_SECONDS):
        try:
            snapshot = athena.current_snapshot()
        except AthenaError as error:
            _log.warning("not warmed: %s", error)
            continue
        if snapshot is None or snapshot.id == warmed:
            continue
        if snapshot.id != seen:
            seen = snapshot.id
            continue
        warmed = snapshot.id
        cache.memory.clear()
        _log.info("warmed", extra={"metadata": {"snapshot": warmed, "answers": warm(snapshot, CHOICES[:1])}})
        stop.wait(REST_SECONDS)
