"""Assembles the dashboard: outcomes become tiles and cards, and the footer's account of freshness and cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from insights import answers, warehouse
from insights.answers import Outcome
from insights.model import Drawing, Question
from insights.periods import Period
from insights.questions import CHARTS, KPIS
from insights.tiles import Tile, tiles
from insights.warehouse import Snapshot


@dataclass(frozen=True, slots=True)
class Card:
    """One question on the page: its drawing where it was answered, else why it was not."""

    question: Question
    outcome: Outcome
    drawing: Drawing | None
    period: Period

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
        return tiles(answer.rows, self.period) if answer and self.question is KPIS else []

    @property
    def span(self) -> str:
        """The time the card is about, in words."""
        return {"period": f"Last {self.period.days} days", "now": "Now", "all time": "All time"}[
            self.question.span
        ]


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
class Dashboard:
    """Everything the page's template needs."""

    period: Period
    kpis: Card
    cards: list[Card]
    freshness: Freshness


def dashboard(days: int) -> Dashboard | None:
    """Answer every question of the page.

    Parameters
    ----------
    days
        Length of the period, which ends with the last day of the published data.

    Returns
    -------
    Dashboard or None
        None while nothing has been published.

    Raises
    ------
    insights.warehouse.WarehouseError
        It cannot even be read which snapshot is published.
    """
    snapshot = warehouse.current_snapshot()
    if snapshot is None:
        return None
    period = _period(days, snapshot)
    outcomes = answers.gather([KPIS, *CHARTS], period, snapshot)
    return Dashboard(
        period=period,
        kpis=_card(KPIS, outcomes[KPIS.slug], period),
        cards=[_card(question, outcomes[question.slug], period) for question in CHARTS],
        freshness=_freshness(snapshot, outcomes.values()),
    )


def card(question: Question, days: int) -> Card | None:
    """Answer one question, waiting for it as long as its query may take; None while nothing has been published."""
    snapshot = warehouse.current_snapshot()
    if snapshot is None:
        return None
    period = _period(days, snapshot)
    outcomes = answers.gather([question], period, snapshot, budget=answers.query_budget() + 2)
    return _card(question, outcomes[question.slug], period)


def _card(question: Question, outcome: Outcome, period: Period) -> Card:
    drawing = question.draw(outcome.answer.rows, period) if outcome.answer else None
    return Card(question, outcome, drawing, period)


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.REPORTING_TIMEZONE)


def _period(days: int, snapshot: Snapshot) -> Period:
    last = max(snapshot.published_at, snapshot.as_of)
    return Period(days, last.astimezone(_zone()).date())


def _freshness(snapshot: Snapshot, outcomes: Iterable[Outcome]) -> Freshness:
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


def failed(question: Question, days: int) -> Card:
    """The card of a question that could not even be asked."""
    return Card(question, Outcome("failed"), None, Period(days, datetime.now(_zone()).date()))
