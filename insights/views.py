"""The dashboards' pages. Who may not see everybody's gets a page that says why (``manager_required``).

One person's pages take the person from the session and nothing else, so no URL leads to another's data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from identity.decorators import manager_required, person_required
from insights import behind, exports, filters, formats, goals, marks, pages, periods
from insights.boards import EVERYBODY, ME, Board
from insights.filters import State
from insights.model import Question
from insights.questions import KPIS
from web.athena import AthenaError

View = Callable[..., HttpResponse]
private = cache_control(private=True, no_cache=True)
_UNAVAILABLE = _("This answer is not available at the moment. Try again.")


def _state(request: HttpRequest, board: Board) -> State:
    return filters.state_from(request.GET, str(request.user.id) if board.own else "")


def _context(board: Board, state: State) -> dict[str, Any]:
    return {
        "board": board,
        "state": state,
        "days": state.days,
        "ranges": periods.CHOICES,
        "priorities": [(priority, formats.word(priority)) for priority in filters.PRIORITIES],
        "statuses": [(status, formats.word(status)) for status in filters.STATUSES],
        "home": reverse(board.name),
        "behind": reverse(f"{board.name}-tasks"),
    }


def _dashboard(request: HttpRequest, board: Board) -> HttpResponse:
    """The whole page. What is not answered in time comes as a card that loads itself."""
    state = _state(request, board)
    context = _context(board, state)
    try:
        context["page"] = page = pages.dashboard(board, state)
    except AthenaError:
        return render(request, "insights/unavailable.html", context, status=503)
    if board.own and page:
        context["goal"] = goals.progress(request, page, state.filters.any)
    return render(request, "insights/dashboard.html", context)


def _card(request: HttpRequest, board: Board, slug: str) -> HttpResponse:
    """One card by itself: for those that were too slow for the page, and to try again."""
    question, state = _question(board, slug), _state(request, board)
    made = _ask(board, question, state)
    template = "insights/tiles.html" if question is KPIS else "insights/card.html"
    context = {**_context(board, state), "card": made}
    return render(request, template, context, status=200 if made.drawing else 503)


def _export(request: HttpRequest, board: Board, slug: str) -> HttpResponse:
    """The rows of one question as CSV, for the state in the query string."""
    question, state = _question(board, slug), _state(request, board)
    made = _ask(board, question, state)
    if made.outcome.answer is None:
        return HttpResponse(f"{_UNAVAILABLE}\n", status=503, content_type="text/plain; charset=utf-8")
    rows = question.exported(made.outcome.answer.rows, made.period)
    return _csv(exports.to_csv(question.columns, rows), f"{slug}-{state.days}-days")


def _tasks(request: HttpRequest, board: Board) -> HttpResponse:
    """The tasks behind a mark."""
    mark, state = marks.mark_from(request.GET), _state(request, board)
    if mark is None:
        raise Http404
    number = request.GET.get("page", "")
    context = _context(board, state)
    try:
        found = behind.behind(
            mark, state, max(int(number), 1) if number.isascii() and number.isdigit() else 1
        )
    except AthenaError:
        return render(request, "insights/unavailable.html", context, status=503)
    if found is None:
        return redirect(board.name)
    context |= {"found": found, "query": f"{state.query}&{found.mark.query}"}
    return render(request, "insights/tasks.html", context, status=200 if found.outcome.answer else 503)


def _export_tasks(request: HttpRequest, board: Board) -> HttpResponse:
    """The tasks behind a mark as CSV."""
    mark, state = marks.mark_from(request.GET), _state(request, board)
    if mark is None:
        raise Http404
    try:
        found = behind.exported(mark, state)
    except AthenaError:
        found = None
    if found is None:
        return HttpResponse(f"{_UNAVAILABLE}\n", status=503, content_type="text/plain; charset=utf-8")
    return _csv(exports.to_csv(*found), "tasks")


def _csv(body: str, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _question(board: Board, slug: str) -> Question:
    if slug not in board.by_slug:
        raise Http404
    return board.by_slug[slug]


def _ask(board: Board, question: Question, state: State) -> pages.Card:
    try:
        made = pages.card(board, question, state)
    except AthenaError:
        return pages.failed(board, question, state)
    if made is None:
        raise Http404
    return made[0]


def _for(view: View, board: Board) -> View:
    required = person_required if board.own else manager_required

    def bound(request: HttpRequest, **arguments: str) -> HttpResponse:
        return view(request, board, **arguments)

    bound.__doc__ = view.__doc__
    return require_safe(required(private(bound)))


dashboard, my_dashboard = _for(_dashboard, EVERYBODY), _for(_dashboard, ME)
card, my_card = _for(_card, EVERYBODY), _for(_card, ME)
export, my_export = _for(_export, EVERYBODY), _for(_export, ME)
tasks, my_tasks = _for(_tasks, EVERYBODY), _for(_tasks, ME)
export_tasks, my_export_tasks = _for(_export_tasks, EVERYBODY), _for(_export_tasks, ME)


@require_POST
@person_required
def my_goal(request: HttpRequest) -> HttpResponse:
    """Set the weekly goal of the person who asks."""
    goals.save(request, request.POST.get("goal", ""))
    return redirect("insights-me")
