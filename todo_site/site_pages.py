"""Pages of the site as a whole: the web app manifest, the style guide and the errors of the API."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from identity import workspace
from todo_site.api_problems import PROBLEMS
from web import markdown

COLOUR, BACKGROUND = "#0b6b5d", "#f6f6f3"


@require_safe
@cache_control(max_age=3600, public=True)
def manifest(request: HttpRequest) -> JsonResponse:
    """Return the web app manifest, which makes the site installable. Icons carry the hashes of their content."""
    home = reverse("task-list")
    icons = [
        {
            "src": static(f"img/icon-{size}.png"),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    content = {
        "id": home,
        "name": workspace.current().name or "Todo with Insights",
        "short_name": workspace.current().name or "Todo",
        "start_url": home,
        "scope": home,
        "display": "standalone",
        "theme_color": COLOUR,
        "background_color": BACKGROUND,
        "icons": icons,
        "shortcuts": [
            {"name": _("Board"), "url": reverse("task-board")},
            {"name": _("Calendar"), "url": reverse("task-calendar")},
        ],
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the design tokens and components; only with DEBUG."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "styleguide.html", {"colours": _COLOURS, "sizes": _SIZES, "spaces": range(1, 7)})


@require_safe
@cache_control(max_age=3600, private=True)
def api_errors(request: HttpRequest) -> HttpResponse:
    """Explain the codes of the API's problems, each under its own anchor."""
    problems = [
        {
            "code": code,
            "statuses": ", ".join(map(str, problem.statuses)),
            "meaning": markdown.render(problem.meaning),
            "remedy": markdown.render(problem.remedy),
        }
        for code, problem in PROBLEMS.items()
    ]
    return render(request, "api/errors.html", {"problems": problems})


_COLOURS = (
    "bg", "surface", "surface-2", "surface-3", "text", "text-muted", "border", "border-strong", "accent",
    "accent-soft", "danger", "danger-soft", "warning", "warning-soft", "success", "success-soft", "priority-urgent",
    "priority-high", "priority-medium", "priority-low", "chart-1", "chart-2", "chart-3", "chart-4", "chart-5",
    "chart-6",
)  # fmt: skip
_SIZES = ("xs", "sm", "md", "lg", "xl", "2xl")
