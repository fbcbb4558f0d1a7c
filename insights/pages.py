"""Assembles the dashboards: outcomes become tiles and cards, and the footer's account of freshness and cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from insights import answers, formats
from insights.answers import Outcome
from insights.boards import Board
from insights.cache import Key
from insights.filters import State
from insights.model import Drawing, Question, Row
from insights.periods import Period
from insights.questions import CHOICES, KPIS
from insights.tiles import Tile, tiles
from web import athena
from web.athena import Snapshot


@dataclass(frozen=True, slots=True)
class Card:
    """One question on the page: its drawing where it was answered, else why it was not."""

    question: Question
    outcome: Outcome
    drawing: Drawing | None
    period: Period
    board: Board

    @property
    def anchor(self) -> str:
        """The id of the card's element."""
        return f"card-{self.question.slug}"

    @property
    def figure_id(self) -> str:
        """The id of the element that holds the figure's data."""
        return f"figure-{self.question.slug}"

    @property
    def tiles(self) -> list[Tile]:
        """The key figures, if that is what was asked and answered."""
        answer = self.outcome.answer
        return tiles(answer.rows, self.period, self.board.own) if answer and self.question is KPIS else []

    @property
    def span(self) -> str:
        """The time the card is about, in words."""
        days = self.period.days
        return {
            "period": ngettext("Last %(days)d day", "Last %(days)d days", days) % {"days": days},
            "end": _("Now"),
            "weeks": _("Last 12 weeks"),
        }[self.question.span]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the data is and what showing it cost; times are in the reporting timezone."""

    as_of: datetime
    published_at: datetime
    lag_seconds: float
    snapshot: str
    timezone: str
    bytes_scanned: int
    asked: int
    cached: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer, as pairs of value and label; and the first day of the data, where it is known."""

    categories: list[tuple[str, str]] = field(default_factory=list)
    people: list[tuple[str, str]] = field(default_factory=list)
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything the page's template needs."""

    period: Period
    kpis: Card
    cards: list[Card]
    choices: Choices
    freshness: Freshness

    @property
    def blank(self) -> bool:
        """Whether every question was answered and there is nothing to draw."""
        return all(card.drawing is not None and card.drawing.empty for card in self.cards)


def dashboard(board: Board, state: State) -> Dashboard | None:
    """Answer every question of a board.

    Returns
    -------
    Dashboard or None
        None while nothing has been published.

    Raises
    ------
    web.athena.AthenaError
        It cannot even be read which snapshot is published.
    """
    snapshot = athena.current_snapshot()
    return None if snapshot is None else _dashboard(board, state, snapshot)


def _dashboard(board: Board, state: State, snapshot: Snapshot) -> Dashboard:
    keys = page_keys(board, state, snapshot)
    outcomes = answers.gather(keys, snapshot)
    choices = _choices(outcomes[CHOICES.slug])
    period = compared(period_of(state, snapshot), state, choices.since)
    return Dashboard(
        period=period,
        kpis=_card(KPIS, outcomes[KPIS.slug], period, board),
        cards=[_card(question, outcomes[question.slug], period, board) for question in board.charts],
        choices=choices,
        freshness=freshness(snapshot, outcomes.values()),
    )


def page_keys(board: Board, state: State, snapshot: Snapshot) -> list[Key]:
    """What a whole page asks."""
    return [key_of(question, state, snapshot) for question in (CHOICES, KPIS, *board.charts)]


def key_of(question: Question, state: State, snapshot: Snapshot) -> Key:
    """What one question asks in this state of the page."""
    offered = {**period_of(state, snapshot).parameters(), **state.chosen.parameters(), "owner": state.person}
    return Key(snapshot.id, question.slug, question.bound(offered), question.sql)


def card(board: Board, question: Question, state: State) -> tuple[Card, Snapshot] | None:
    """Answer one question, waiting for it as long as its query may take; None while nothing has been published."""
    snapshot = athena.current_snapshot()
    if snapshot is None:
        return None
    keys = [key_of(asked, state, snapshot) for asked in (CHOICES, question)]
    outcomes = answers.gather(keys, snapshot, budget=answers.query_budget() + 2)
    period = compared(period_of(state, snapshot), state, _choices(outcomes[CHOICES.slug]).since)
    return _card(question, outcomes[question.slug], period, board), snapshot


def _card(question: Question, outcome: Outcome, period: Period, board: Board) -> Card:
    drawing = question.draw(outcome.answer.rows, period) if outcome.answer else None
    return Card(question, outcome, drawing, period, board)


def _choices(outcome: Outcome) -> Choices:
    rows = outcome.answer.rows if outcome.answer else []
    since = next((row["value"] for row in rows if row["kind"] == "since"), None)
    return Choices(
        categories=[
            (r["value"], _("No category") if r["value"] == "(none)" else r["label"])
            for r in _of(rows, "category")
        ],
        people=[(r["value"], r["label"] or formats.user(r["value"])) for r in _of(rows, "user")],
        since=date.fromisoformat(since) if since else None,
    )


def _of(rows: list[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def compared(period: Period, state: State, since: date | None) -> Period:
    """Say whether ``period`` is compared: wanted, and the data reach back to the first day of the one before."""
    return replace(period, compared=state.compare and since is not None and since <= period.previous_start)


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.REPORTING_TIMEZONE)


def period_of(state: State, snapshot: Snapshot) -> Period:
    """The period of a page, which ends with the last day of the published data."""
    last = max(snapshot.published_at, snapshot.as_of)
    return Period(state.days, last.astimezone(_zone()).date())


def freshness(snapshot: Snapshot, outcomes: Iterable[Outcome]) -> Freshness:
    """Account for the answers of a page."""
    made = list(outcomes)
    return Freshness(
        as_of=snapshot.as_of.astimezone(_zone()),
        published_at=snapshot.published_at.astimezone(_zone()),
        lag_seconds=snapshot.lag_seconds,
        snapshot=snapshot.id,
        timezone=settings.REPORTING_TIMEZONE,
        bytes_scanned=sum(outcome.answer.bytes_scanned for outcome in made if outcome.answer),
        asked=len(made),
        cached=sum(outcome.cached for outcome in made),
    )


def failed(board: Board, question: Question, state: State) -> Card:
    """The card of a question that could not even be asked."""
    return Card(question, Outcome("failed"), None, Period(state.days, datetime.now(_zone()).date()), board)
