"""Assembles the dashboards: KPI tiles, cards, filter options, and the footer with freshness and cost."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from insights import answers, formats
from insights.answers import Outcome
from insights.cache import Key
from insights.dashboards import Dashboard
from insights.filters import State
from insights.kpis import Tile, tiles
from insights.model import Drawing, Question, Row
from insights.periods import Period
from insights.questions import CHOICES, KPIS
from web import athena
from web.athena import Snapshot


@dataclass(frozen=True, slots=True)
class Card:
    """One question on the page: its drawing, or the reason why there is none (yet)."""

    question: Question
    outcome: Outcome
    drawing: Drawing | None
    period: Period
    dashboard: Dashboard

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
        """The KPI tiles, for the answer to the ``kpis`` question."""
        answer = self.outcome.answer
        return (
            tiles(answer.rows, self.period, self.dashboard.personal)
            if answer and self.question is KPIS
            else []
        )

    @property
    def span(self) -> str:
        """The time that the card covers, in words."""
        days = self.period.days
        return {
            "period": ngettext("Last %(days)d day", "Last %(days)d days", days) % {"days": days},
            "end": _("Now"),
            "weeks": _("Last 12 weeks"),
        }[self.question.span]


@dataclass(frozen=True, slots=True)
class Freshness:
    """The age of the data and the cost of showing it; times are in the reporting timezone."""

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
    """The options of the filters, as pairs of value and label, and the first day of the data (None: unknown)."""

    categories: list[tuple[str, str]] = field(default_factory=list)
    people: list[tuple[str, str]] = field(default_factory=list)
    since: date | None = None


@dataclass(frozen=True, slots=True)
class DashboardPage:
    """Everything that the template of the page needs."""

    period: Period
    kpis: Card
    cards: list[Card]
    choices: Choices
    freshness: Freshness

    @property
    def blank(self) -> bool:
        """Whether every question was answered and there is nothing to draw."""
        return all(card.drawing is not None and card.drawing.empty for card in self.cards)


def dashboard_page(dashboard: Dashboard, state: State) -> DashboardPage | None:
    """Answer every question of a dashboard.

    Returns
    -------
    DashboardPage or None
        None before the first snapshot is published.

    Raises
    ------
    web.athena.AthenaError
        The pointer to the published snapshot could not be read.
    """
    snapshot = athena.current_snapshot()
    return None if snapshot is None else _dashboard_page(dashboard, state, snapshot)


def _dashboard_page(dashboard: Dashboard, state: State, snapshot: Snapshot) -> DashboardPage:
    keys = page_keys(dashboard, state, snapshot)
    outcomes = answers.gather(keys, snapshot)
    choices = _choices(outcomes[CHOICES.slug])
    period = compared(period_of(state, snapshot), state, choices.since)
    return DashboardPage(
        period=period,
        kpis=_card(KPIS, outcomes[KPIS.slug], period, dashboard),
        cards=[_card(question, outcomes[question.slug], period, dashboard) for question in dashboard.charts],
        choices=choices,
        freshness=freshness(snapshot, outcomes.values()),
    )


def page_keys(dashboard: Dashboard, state: State, snapshot: Snapshot) -> list[Key]:
    """The cache keys of all questions of a page."""
    return [key_of(question, state, snapshot) for question in (CHOICES, KPIS, *dashboard.charts)]


def key_of(question: Question, state: State, snapshot: Snapshot) -> Key:
    """The cache key of one question."""
    filters = state.effective_filters.parameters()
    values = {**period_of(state, snapshot).parameters(), **filters, "owner": state.person}
    return Key(snapshot.id, question.slug, question.bound(values), question.sql)


def card(dashboard: Dashboard, question: Question, state: State) -> tuple[Card, Snapshot] | None:
    """Answer one question and wait until its query times out; None before the first snapshot is published."""
    snapshot = athena.current_snapshot()
    if snapshot is None:
        return None
    keys = [key_of(asked, state, snapshot) for asked in (CHOICES, question)]
    outcomes = answers.gather(keys, snapshot, budget=answers.query_budget() + 2)
    period = compared(period_of(state, snapshot), state, _choices(outcomes[CHOICES.slug]).since)
    return _card(question, outcomes[question.slug], period, dashboard), snapshot


def _card(question: Question, outcome: Outcome, period: Period, dashboard: Dashboard) -> Card:
    drawing = question.draw(outcome.answer.rows, period) if outcome.answer else None
    return Card(question, outcome, drawing, period, dashboard)


def _choices(outcome: Outcome) -> Choices:
    rows = outcome.answer.rows if outcome.answer else []
    since = next((row["value"] for row in rows if row["kind"] == "since"), None)
    return Choices(
        categories=[
            (r["value"], _("No category") if r["value"] == "(none)" else r["label"])
            for r in _of_kind(rows, "category")
        ],
        people=[(r["value"], r["label"] or formats.user(r["value"])) for r in _of_kind(rows, "user")],
        since=date.fromisoformat(since) if since else None,
    )


def _of_kind(rows: list[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def compared(period: Period, state: State, since: date | None) -> Period:
    """Set ``compared``: ``state`` asks for it, and the data reach back to the first day of the previous period."""
    return replace(period, compared=state.compare and since is not None and since <= period.previous_start)


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.REPORTING_TIMEZONE)


def period_of(state: State, snapshot: Snapshot) -> Period:
    """The period of a page; it ends on the last day of the published data."""
    last = max(snapshot.published_at, snapshot.as_of)
    return Period(state.days, last.astimezone(_zone()).date())


def freshness(snapshot: Snapshot, outcomes: Iterable[Outcome]) -> Freshness:
    """Sum up the age and the cost of the answers on a page."""
    asked = list(outcomes)
    return Freshness(
        as_of=snapshot.as_of.astimezone(_zone()),
        published_at=snapshot.published_at.astimezone(_zone()),
        lag_seconds=snapshot.lag_seconds,
        snapshot=snapshot.id,
        timezone=settings.REPORTING_TIMEZONE,
        bytes_scanned=sum(outcome.answer.bytes_scanned for outcome in asked if outcome.answer),
        asked=len(asked),
        cached=sum(outcome.cached for outcome in asked),
    )


def failed(dashboard: Dashboard, question: Question, state: State) -> Card:
    """The card of a question that could not be asked, because no snapshot could be read."""
    return Card(
        question, Outcome("failed"), None, Period(state.days, datetime.now(_zone()).date()), dashboard
    )
