"""Pages of the admin site that are no lists of a model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

REFRESH_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its URL's name, its title, its template, and a function from the request to the context.

    The function may return a response instead. With ``busy`` in the context the page keeps itself up to date.
    """

    name: str
    title: Any  # text, perhaps translated later
    template: str
    make: Callable[[HttpRequest], dict[str, Any] | HttpResponse]

    def made_for(self, site: Any) -> Callable[[HttpRequest], HttpResponse]:
        """Return the view of this page on an admin site."""

        def view(request: HttpRequest) -> HttpResponse:
            made = self.make(request)
            if isinstance(made, HttpResponse):
                return made
            request.current_app = site.name
            context = {**site.each_context(request), "title": self.title, **made}
            answer = TemplateResponse(request, self.template, context)
            if context.get("busy"):
                answer["Refresh"] = str(REFRESH_SECONDS)  # the browser loads the page again by itself
            return answer

        return view
