"""Drill-down: the page of the tasks that a value of a chart stands for."""

from dataclasses import dataclass

from django.conf import settings

from insights import answers, exports, pages
from insights.answers import Outcome
from insights.cache import Key
from insights.filters import State
from insights.model import Column, Table
from insights.pages import Freshness
from insights.predicates import Predicate
from insights.questions.tasks import COLUMNS, DRILL_DOWN
from web import athena
from web.athena import Snapshot

PAGE_ROWS = 100
EXPORT_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class DrillDown:
    """One page of the tasks that match a predicate: ``tasks`` of them in all, which the chart counts as ``total``."""

    predicate: Predicate
    outcome: Outcome
    table: Table
    tasks: int
    total: int
    page: int
    freshness: Freshness
    titles: bool

    @property
    def pages(self) -> int:
        """The number of pages, at least one."""
        return max(1, -(-self.tasks // PAGE_ROWS))


def drill_down(
    predicate: Predicate, state: State, page: int = 1, rows: int = PAGE_ROWS, after: int = 0
) -> DrillDown | None:
    """Find the tasks that match ``predicate`` and the filters of ``state``, ``rows`` a page.

    The first ``after`` of them are left out.

    Returns None before the first snapshot is published; raises AthenaError as ``pages.dashboard_page`` does.
    """
    snapshot = athena.current_snapshot()
    if snapshot is None:
        return None
    predicate = predicate.for_any_person() if state.person else predicate
    titles = bool(state.person) or settings.INSIGHTS_SHOW_TITLES
    key = _key(predicate, state, snapshot, titles, (after + (page - 1) * rows + 1, after + page * rows))
    outcome = answers.gather([key], snapshot, budget=answers.query_budget() + 2)[key.slug]
    found = outcome.answer.rows if outcome.answer else []
    return DrillDown(
        predicate=predicate,
        outcome=outcome,
        table=Table(_columns(predicate, state, titles), found),
        tasks=int(found[0]["tasks"]) if found else 0,
        total=int(found[0]["total"]) if found else 0,
        page=page,
        freshness=pages.freshness(snapshot, [outcome]),
        titles=titles,
    )


def _key(predicate: Predicate, state: State, snapshot: Snapshot, titles: bool, span: tuple[int, int]) -> Key:
    page = {"titles": "yes" if titles else "no", "first_row": span[0], "last_row": span[1]}
    values = DRILL_DOWN.bound({**state.effective_filters.parameters(), **predicate.parameters(), **page})
    return Key(snapshot.id, DRILL_DOWN.slug, values, DRILL_DOWN.sql)


def _columns(predicate: Predicate, state: State, titles: bool) -> tuple[Column, ...]:
    hidden = predicate.hidden_columns | {"user_id", *(["person"] if state.person else [])}
    hidden |= set() if titles else {"title"}
    return tuple(column for column in COLUMNS if column.name not in hidden)


def exported(predicate: Predicate, state: State, after: int = 0) -> tuple[str, int] | None:
    """Return a CSV of the tasks behind the first ``after``: ``EXPORT_ROWS`` at most, and as many as an answer holds.

    With it comes the number of tasks after which the next CSV goes on, 0 at the end. None while there is no answer.
    """
    found = drill_down(predicate, state, rows=EXPORT_ROWS, after=after)
    if found is None or found.outcome.answer is None:
        return None
    columns = tuple(column for column in COLUMNS if found.titles or column.name != "title")
    text, count = exports.page_of_csv(columns, found.table.rows)
    last = after + count
    return text, last if count and last < found.tasks else 0
