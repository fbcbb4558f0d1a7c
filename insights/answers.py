"""Answers to questions: from the cache, or from Athena in parallel within a time budget.

The only reader of the warehouse for pages. A question that fails or takes too long is one outcome among the others;
it neither raises nor holds up the rest.
"""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache as call_once
from typing import Literal

from django.conf import settings

from insights import cache
from insights.cache import Key
from web import athena
from web.athena import Answer, AthenaError, QueryTimeout, Snapshot

WORKERS = 8
_log = logging.getLogger(__name__)
_running: dict[Key, Future[Answer]] = {}
_running_lock = threading.RLock()  # a query may end, and be forgotten, while _ask still holds it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question: an answer, or why there is none (yet)."""

    state: Literal["answered", "pending", "failed", "slow"]
    answer: Answer | None = None
    cached: bool = False
    query_id: str | None = None


def page_budget() -> float:
    """Seconds that a page waits for answers before it is sent with the rest still to come."""
    return float(settings.INSIGHTS_PAGE_SECONDS)


def query_budget() -> float:
    """Seconds after which a running query is cancelled."""
    return float(settings.INSIGHTS_QUERY_SECONDS)


def gather(keys: list[Key], snapshot: Snapshot, budget: float | None = None) -> dict[str, Outcome]:
    """Answer what ``keys`` ask on ``snapshot``.

    Parameters
    ----------
    keys
        What to ask; together they are one page, and are cached as one.
    budget
        Seconds to wait at most, by default ``page_budget()``; what is not answered then is ``pending`` and goes on.

    Returns
    -------
    dict
        An outcome for each key, by slug.
    """
    known = _known(keys)
    asked = {key: _ask(key, snapshot) for key in keys if key not in known}
    if not asked:
        return {key.slug: Outcome("answered", known[key], cached=True) for key in keys}
    wait(asked.values(), timeout=page_budget() if budget is None else budget)
    _store_whole_page(keys)
    return {
        key.slug: Outcome("answered", known[key], cached=True)
        if key in known
        else _outcome(key.slug, asked[key])
        for key in keys
    }


def _known(keys: list[Key]) -> dict[Key, Answer]:
    """The answers in memory; when that is not all of them, also those of the page's object in S3."""
    known = {key: answer for key in keys if (answer := cache.memory.get(key))}
    if len(known) < len(keys):
        for key, answer in cache.load(keys).items():
            cache.memory.put(key, answer)
            known.setdefault(key, answer)
    return known


def _store_whole_page(keys: list[Key]) -> None:
    answers = {key: answer for key in keys if (answer := cache.memory.get(key))}
    if len(answers) == len(keys):
        cache.store(answers)


def _ask(key: Key, snapshot: Snapshot) -> Future[Answer]:
    """Start the query, or join the one that is already running for the same key."""
    with _running_lock:
        future = _running.get(key)
        if future is None:
            future = _running[key] = _pool().submit(_answer, key, snapshot)
            future.add_done_callback(lambda _: _forget(key))
        return future


def _forget(key: Key) -> None:
    with _running_lock:
        _running.pop(key, None)


def _answer(key: Key, snapshot: Snapshot) -> Answer:
    answer = athena.run(key.sql, key.values, timeout=query_budget())
    if athena.is_current(snapshot):
        cache.memory.put(key, answer)
    else:
        _log.info("answer not cached: a newer snapshot is being published", extra={"question": key.slug})
    return answer


def _outcome(slug: str, future: Future[Answer]) -> Outcome:
    if not future.done():
        return Outcome("pending")
    error = future.exception()
    if error is None:
        return Outcome("answered", future.result())
    query_id = error.query_id if isinstance(error, AthenaError) else None
    _log.error("question not answered: %s", error, extra={"question": slug, "query_id": query_id})
    return Outcome("slow" if isinstance(error, QueryTimeout) else "failed", query_id=query_id)


@call_once
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="insights")
