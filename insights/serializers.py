"""Serializes questions and their answers for ``/api/v1/insights``."""

from typing import Any

from django.http import QueryDict

from insights import filters, pages
from insights.dashboards import EVERYBODY
from insights.errors import NothingPublished, QuestionNotFound, WarehouseUnavailable
from insights.model import Question
from web.athena import AthenaError, Snapshot


def questions() -> list[dict[str, Any]]:
    """Return every question of the dashboard about everybody."""
    return [_question(question) for question in EVERYBODY.by_slug.values()]


def answer(slug: str, parameters: QueryDict) -> dict[str, Any]:
    """Return a question with its answer. Raises QuestionNotFound, NothingPublished, WarehouseUnavailable."""
    question = EVERYBODY.by_slug.get(slug)
    if question is None:
        raise QuestionNotFound
    try:
        found = pages.card(EVERYBODY, question, filters.state_from(parameters))
    except AthenaError:
        raise WarehouseUnavailable from None
    if found is None:
        raise NothingPublished
    card, snapshot = found
    if card.drawing is None:
        raise WarehouseUnavailable
    return _answer(card, snapshot)


def _question(question: Question) -> dict[str, Any]:
    return {
        "slug": question.slug,
        "title": str(question.title),
        "definition": str(question.definition),
        "grain": str(question.grain),
        "columns": [{"name": c.name, "title": str(c.title), "kind": c.kind} for c in question.columns],
    }


def _answer(card: pages.Card, snapshot: Snapshot) -> dict[str, Any]:
    answer, drawing, period = card.outcome.answer, card.drawing, card.period
    names = [column.name for column in card.question.columns]
    rows = card.question.exported(answer.rows, period) if answer else []
    return {
        **_question(card.question),
        "summary": drawing.summary if drawing else "",
        "finding": drawing.finding if drawing else "",
        "first_day": period.start.isoformat(),
        "last_day": period.end.isoformat(),
        "as_of": snapshot.as_of.isoformat(),
        "snapshot": snapshot.id,
        "bytes_scanned": answer.bytes_scanned if answer else 0,
        "cached": card.outcome.cached,
        "rows": [{name: row.get(name) for name in names} for row in rows],
    }
