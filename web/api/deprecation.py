"""Marks operations that another one replaces: in the OpenAPI document, and in the headers of their answers.

``docs/api.md`` has the policy. An operation is marked so::

    @router.put("", ..., deprecated=True)
    @decorate_view(deprecated("2026-12-01", "/api/v1/users/me"))
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.http import http_date

Run = Callable[..., HttpResponse]

NOTICE = timedelta(days=365)  # at least so long a deprecated operation goes on
HEADERS = ("Deprecation", "Sunset", "Link")


def deprecated(since: str, successor: str) -> Callable[[Run], Run]:
    """Return a decorator that adds ``Deprecation``, ``Sunset`` (RFC 9745, RFC 8594) and ``Link`` to each answer.

    Parameters
    ----------
    since
        The day from which on the operation is deprecated (ISO 8601).
    successor
        The path of the resource to use instead, which may be the same: then with another method.
    """
    begins = datetime.fromisoformat(since).replace(tzinfo=UTC)
    headers = {
        "Deprecation": f"@{begins.timestamp():.0f}",
        "Sunset": http_date((begins + NOTICE).timestamp()),
    }

    def decorate(run: Run) -> Run:
        @wraps(run)
        def announced(*arguments: Any, **named: Any) -> HttpResponse:
            answer = run(*arguments, **named)
            for name, value in headers.items():
                answer[name] = value
            links = (
                f'<{settings.APP_URL}{successor.format(**named)}>; rel="successor-version"',
                f'<{settings.APP_URL}/api/docs>; rel="deprecation"; type="text/html"',
            )
            answer["Link"] = ", ".join(links)
            return answer

        return announced

    return decorate
