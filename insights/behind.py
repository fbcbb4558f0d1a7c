"""The page of the tasks behind a mark."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from insights import answers, pages
from insights.answers import Outcome
from insights.cache import Key
from insights.filters import State
from insights.marks import Mark
from insights.model import Column, Row, Table
from insights.pages import Freshness
from insights.questions.tasks import BEHIND, COLUMNS
from web import athena
from web.athena import Snapshot

PAGE_ROWS = 100
EXPORT_ROWS = 10_000
_EVERYBODYS = frozenset({"person", "user_id"})
_OF_TIMES = frozenset({"lead_hours", "cycle_hours"})


@dataclass(frozen=True, slots=True)
class Behind:
    """The tasks behind a mark: one page of them, how many there are, and the number that the mark shows."""

    mark: Mark
    outcome: Outcome
    table: Table
    tasks: int
    total: int
    page: int
    freshness: Freshness
    titles: bool

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.tasks // PAGE_ROWS))


def behind(mark: Mark, state: State, page: int = 1, rows: int = PAGE_ROWS) -> Behind | None:
    """Find the tasks behind ``mark`` among those that ``state`` chooses; None while nothing has been published.

    Raises AthenaError as ``pages.dashboard`` does.
    """
    snapshot = athena.current_snapshot()
    if snapshot is None:
        return None
    mark = mark.alone() if state.person else mark
    titles = bool(state.person) or settings.INSIGHTS_SHOW_TITLES
    key = _key(mark, state, snapshot, titles, ((page - 1) * rows + 1, page * rows))
    outcome = answers.gather([key], snapshot, budget=answers.query_budget() + 2)[key.slug]
    found = outcome.answer.rows if outcome.answer else []
    return Behind(
        mark=mark,
        outcome=outcome,
        table=Table(columns(mark, state, titles), found),
        tasks=int(found[0]["tasks"]) if found else 0,
        total=int(found[0]["total"]) if found else 0,
        page=page,
        freshness=pages.freshness(snapshot, [outcome]),
        titles=titles,
    )


def _key(mark: Mark, state: State, snapshot: Snapshot, titles: bool, span: tuple[int, int]) -> Key:
    page = {"titles": "yes" if titles else "no", "first_row": span[0], "last_row": span[1]}
    values = BEHIND.bound({**state.chosen.parameters(), **mark.parameters(), **page})
    return Key(snapshot.id, BEHIND.slug, values, BEHIND.sql)


def columns(mark: Mark, state: State, titles: bool) -> tuple[Column, ...]:
    """The columns to show: a title where it may be, people where it can be several, times where they matter."""
    hidden = set(_EVERYBODYS) if state.person else {"user_id"}
    hidden |= set() if mark.family == "time" else _OF_TIMES
    hidden |= {"times"} if mark.family in {"standing", "time"} else set()
    hidden |= set() if titles else {"title"}
    return tuple(column for column in COLUMNS if column.name not in hidden)


def exported(mark: Mark, state: State) -> tuple[tuple[Column, ...], list[Row]] | None:
    """All tasks behind ``mark`` for a CSV, ``EXPORT_ROWS`` at most; None when the answer is not to be had."""
    found = behind(mark, state, rows=EXPORT_ROWS)
    if found is None or found.outcome.answer is None:
        return None
    hidden = set() if found.titles else {"title"}
    return tuple(column for column in COLUMNS if column.name not in hidden), found.table.rows
