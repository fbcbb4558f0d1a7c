"""Middleware for a site behind CloudFront: nobody reaches it around CloudFront, and its address is the public one."""

import hashlib
import hmac
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from web import problems
from web.client_address import VIEWER

SECRET_HEADER = "HTTP_X_ORIGIN_SECRET"  # noqa: S105  a name: CloudFront sends the header
VIEWER_HEADER = "HTTP_X_VIEWER_ADDRESS"  # a function at the edge writes it over the viewer's own


class EdgeMiddleware:
    """Refuses requests without CloudFront's secret; the others get the public host, because CloudFront sends its own.

    They also get the viewer's address, which ``web.client_address`` reads.

    The site knows the secret's digests only: the current one's, and the previous one's while it is being replaced.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.EDGE_DIGESTS:
            raise MiddlewareNotUsed
        self.get_response = get_response
        self.digests = settings.EDGE_DIGESTS
        self.host = urlsplit(settings.APP_URL).netloc

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        given = request.META.pop(SECRET_HEADER, "").encode()
        digest = hashlib.sha256(given).hexdigest()
        if not any(hmac.compare_digest(digest, known) for known in self.digests):
            return _refuse(request)
        request.META["HTTP_HOST"] = self.host
        request.META[VIEWER] = request.META.pop(VIEWER_HEADER, "")
        return self.get_response(request)


def _refuse(request: HttpRequest) -> HttpResponse:
    detail = f"The site is at {settings.APP_URL}."
    if problems.is_for_api(request):
        return problems.response(request, 403, detail=detail, kind="wrong-address")
    return HttpResponse(detail, status=403, content_type="text/plain; charset=utf-8")
