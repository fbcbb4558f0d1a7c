"""Gives requests for the admin their own URLs, so that no other page pays for importing the admin."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse

PREFIX = "/admin/"
URLS = "todo_site.operations.urls"


class AdminUrlsMiddleware:
    """Sets ``request.urlconf`` below ``/admin/``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        if request.path_info.startswith(PREFIX):
            request.urlconf = URLS
        return self.get_response(request)


def elsewhere(request: HttpRequest) -> HttpResponse:
    """Stand in for the admin in the URLs that lack it, so that pages can link there."""
    raise Http404
