"""Pages of the admin site beside those of its models."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

REFRESH_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the admin site.

    ``make`` returns the template's context for a request, or a response. While the context has a true ``busy``, the
    page refreshes itself.
    """

    name: str
    title: Any  # str or lazy translation
    template: str
    make: Callable[[HttpRequest], dict[str, Any] | HttpResponse]

    def view_for(self, site: Any) -> Callable[[HttpRequest], HttpResponse]:
        """Return the view of the page on an admin site."""

        def view(request: HttpRequest) -> HttpResponse:
            made = self.make(request)
            if isinstance(made, HttpResponse):
                return made
            request.current_app = site.name
            context = {**site.each_context(request), "title": self.title, **made}
            answer = TemplateResponse(request, self.template, context)
            if context.get("busy"):
                answer["Refresh"] = str(REFRESH_SECONDS)
            return answer

        return view
