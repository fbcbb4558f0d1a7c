"""Pages and CSV files of the dashboards. ``manager_required`` guards the dashboard about everybody.

The personal dashboard takes the person from the session only, so no URL gives access to another person's data.
"""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from identity.decorators import manager_required, person_required
from insights import drill_down, exports, filters, formats, goals, pages, periods, predicates
from insights.dashboards import EVERYBODY, ME, Dashboard
from insights.filters import State
from insights.model import Question
from insights.predicates import ListTooLong, Predicate
from insights.questions import KPIS
from web.athena import AthenaError

View = Callable[..., HttpResponse]
private = cache_control(private=True, no_cache=True)


def _state(request: HttpRequest, dashboard: Dashboard) -> State:
    return filters.state_from(request.GET, str(request.user.id) if dashboard.personal else "")


def _context(dashboard: Dashboard, state: State) -> dict[str, Any]:
    return {
        "dashboard": dashboard,
        "state": state,
        "days": state.days,
        "ranges": periods.CHOICES,
        "priorities": [(priority, formats.word(priority)) for priority in filters.PRIORITIES],
        "statuses": [(status, formats.word(status)) for status in filters.STATUSES],
        "home": reverse(dashboard.name),
        "drill_down_url": reverse(f"{dashboard.name}-tasks"),
    }


def _dashboard(request: HttpRequest, dashboard: Dashboard) -> HttpResponse:
    """The whole page. A question that is not answered in time becomes a card that loads itself."""
    state = _state(request, dashboard)
    context = _context(dashboard, state)
    try:
        context["page"] = page = pages.dashboard_page(dashboard, state)
    except AthenaError:
        return render(request, "insights/unavailable.html", context, status=503)
    if dashboard.personal and page:
        context["goal"] = goals.progress(request, page, state.filters.any)
    return render(request, "insights/dashboard.html", context)


def _card(request: HttpRequest, dashboard: Dashboard, slug: str) -> HttpResponse:
    """One card: for answers that were too slow for the page, and to try again."""
    question, state = _question(dashboard, slug), _state(request, dashboard)
    answered = _answered_card(dashboard, question, state)
    template = "insights/kpis.html" if question is KPIS else "insights/card.html"
    context = {**_context(dashboard, state), "card": answered}
    return render(request, template, context, status=200 if answered.drawing else 503)


def _export(request: HttpRequest, dashboard: Dashboard, slug: str) -> HttpResponse:
    """The rows of one question as CSV, for the state in the query string."""
    question, state = _question(dashboard, slug), _state(request, dashboard)
    answered = _answered_card(dashboard, question, state)
    if answered.outcome.answer is None:
        return _unavailable()
    rows = question.exported(answered.outcome.answer.rows, answered.period)
    return _csv(exports.to_csv(question.columns, rows), f"{slug}-{state.days}-days")


def _tasks(request: HttpRequest, dashboard: Dashboard) -> HttpResponse:
    """Drill-down: the tasks that a value of a chart stands for."""
    predicate, state = _predicate(request), _state(request, dashboard)
    number = max(_number(request, "page"), 1)
    context = _context(dashboard, state)
    try:
        found = drill_down.drill_down(predicate, state, number)
    except AthenaError:
        return render(request, "insights/unavailable.html", context, status=503)
    if found is None:
        return redirect(dashboard.name)
    context |= {"found": found, "query": f"{state.query}&{found.predicate.query}"}
    return render(request, "insights/drill_down.html", context, status=200 if found.outcome.answer else 503)


def _export_tasks(request: HttpRequest, dashboard: Dashboard) -> HttpResponse:
    """The same tasks as CSV. What one answer cannot hold follows at the address in ``Link``."""
    predicate, state = _predicate(request), _state(request, dashboard)
    try:
        found = drill_down.exported(predicate, state, _number(request, "after"))
    except AthenaError:
        found = None
    if not found:
        return _unavailable()
    text, following = found
    answer = _csv(text, "tasks")
    if following:
        query = urlencode(request.GET.dict() | {"after": following})
        answer["Link"] = f'<{request.build_absolute_uri(request.path)}?{query}>; rel="next"'
    return answer


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _predicate(request: HttpRequest) -> Predicate:
    predicate = predicates.from_query(request.GET)
    if predicate is None:
        raise Http404
    return predicate


def _unavailable() -> HttpResponse:
    text = _("This answer is not available at the moment. Try again.")
    return HttpResponse(f"{text}\n", status=503, content_type="text/plain; charset=utf-8")


def _csv(body: str, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _question(dashboard: Dashboard, slug: str) -> Question:
    if slug not in dashboard.by_slug:
        raise Http404
    return dashboard.by_slug[slug]


def _answered_card(dashboard: Dashboard, question: Question, state: State) -> pages.Card:
    try:
        found = pages.card(dashboard, question, state)
    except AthenaError:
        return pages.failed(dashboard, question, state)
    if found is None:
        raise Http404
    return found[0]


def _for(view: View, dashboard: Dashboard) -> View:
    required = person_required if dashboard.personal else manager_required

    def bound(request: HttpRequest, **arguments: str) -> HttpResponse:
        try:
            return view(request, dashboard, **arguments)
        except ListTooLong:
            detail = _(
                "This link lists more categories or people than one question takes. Choose a filter instead."
            )
            return render(request, "422.html", {"detail": detail}, status=422)

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
    """Set the weekly goal of the signed-in person."""
    goals.save(request, request.POST.get("goal", ""))
    return redirect("insights-me")
