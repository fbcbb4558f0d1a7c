"""The dashboard's pages. Who may not see them gets a page that says why (``manager_required``)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from todo_site.identity.decorators import manager_required

from insights import exports, pages, periods
from insights.model import Question
from insights.questions import BY_SLUG, KPIS
from insights.warehouse import WarehouseError


@require_safe
@manager_required
@cache_control(private=True, no_cache=True)
def dashboard(request: HttpRequest) -> HttpResponse:
    """The whole page. What is not answered in time comes as a card that loads itself."""
    days = periods.days_from(request.GET.get("days"))
    context = {"days": days, "choices": periods.CHOICES}
    try:
        context["page"] = pages.dashboard(days)
    except WarehouseError:
        return render(request, "insights/unavailable.html", context, status=503)
    return render(request, "insights/dashboard.html", context)


@require_safe
@manager_required
@cache_control(private=True, no_cache=True)
def card(request: HttpRequest, slug: str) -> HttpResponse:
    """One card by itself: for those that were too slow for the page, and to try again."""
    question, days = _question(slug), periods.days_from(request.GET.get("days"))
    made = _ask(question, days)
    template = "insights/tiles.html" if question is KPIS else "insights/card.html"
    return render(request, template, {"card": made, "days": days}, status=200 if made.drawing else 503)


@require_safe
@manager_required
@cache_control(private=True, no_cache=True)
def export(request: HttpRequest, slug: str) -> HttpResponse:
    """The rows of one question as CSV, for the period in the query string."""
    question, days = _question(slug), periods.days_from(request.GET.get("days"))
    made = _ask(question, days)
    if made.outcome.answer is None:
        return HttpResponse(
            "This answer is not available at the moment. Try again.\n", status=503, content_type="text/plain"
        )
    body = exports.to_csv(question.columns, made.outcome.answer.rows)
    response = HttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-{days}-days.csv"'
    return response


def _question(slug: str) -> Question:
    if slug not in BY_SLUG:
        raise Http404
    return BY_SLUG[slug]


def _ask(question: Question, days: int) -> pages.Card:
    try:
        made = pages.card(question, days)
    except WarehouseError:
        made = pages.failed(question, days)
    if made is None:
        raise Http404
    return made
