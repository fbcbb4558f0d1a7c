"""Cross-origin requests to the API: from the scripts of the sites in ``settings.CORS_ORIGINS``, and of no others.

Cookies never take part: a script of another site sends a token. django-cors-headers answers a preflight with 200 and
has a dozen settings; what is needed here is one list of origins and one set of headers.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

GetResponse = Callable[[HttpRequest], HttpResponse]

PREFIX = "/api/v1/"
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
ACCEPTED = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
EXPOSED = (
    "Deprecation, ETag, Link, Location, RateLimit, RateLimit-Policy, Idempotency-Replayed, Retry-After, Sunset, "
    "Sync-Since, Sync-Reset, WWW-Authenticate, X-Request-Id"
)
PREFLIGHT_SECONDS = 7200  # the longest that Chrome remembers


class CorsMiddleware:
    """Answers preflights, and lets scripts of the allowed origins read answers of the API."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        if not settings.CORS_ORIGINS or not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        origin = request.META.get("HTTP_ORIGIN", "")
        allowed = origin in settings.CORS_ORIGINS
        if allowed and request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META:
            answer = HttpResponse(status=204)
            del answer["Content-Type"]
            answer["Access-Control-Allow-Methods"] = METHODS
            answer["Access-Control-Allow-Headers"] = ACCEPTED
            answer["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        else:
            answer = self.get_response(request)
            if allowed:
                answer["Access-Control-Expose-Headers"] = EXPOSED
        if allowed:
            answer["Access-Control-Allow-Origin"] = origin
        patch_vary_headers(answer, ("Origin",))
        return answer
