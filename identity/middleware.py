"""Middleware that sets the person of a request, counts their requests for pages, and refuses API requests without
credentials."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from identity.users import Anonymous, Person
from web import error_pages, logging, problems

GetResponse = Callable[[HttpRequest], HttpResponse]


def _look_up(request: HttpRequest) -> Person | Anonymous:
    from identity.sign_in import person_in_session  # imported here: many first requests need no person

    person = person_in_session(request)
    logging.user_id.set(person.id)
    return person


class PersonMiddleware:
    """Sets ``request.user`` to a Person or Anonymous, read from the session when first used.

    After a sign-out the browser drops the pages that it keeps: its *Back* shows none of them. Cookies stay, since those
    that are left say nothing about what somebody wrote.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        request.user = SimpleLazyObject(lambda: _look_up(request))  # type: ignore[assignment]
        answer = self.get_response(request)
        if getattr(request, "signed_out", False):
            answer["Clear-Site-Data"] = '"cache", "storage"'
        return answer


class PageAllowanceMiddleware:
    """Counts the pages that a signed-in person asks for, as the API counts its requests."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        limit = settings.PAGE_LIMIT_PER_MINUTE
        session = settings.SESSION_COOKIE_NAME in request.COOKIES
        if limit and session and not problems.is_for_api(request) and request.user.is_authenticated:
            from identity import allowance  # here: many first requests need none
            from identity.errors import TooManyRequests

            person: Any = request.user
            try:
                allowance.begin(request, allowance.page_principal(person.id), limit)
            except TooManyRequests as error:
                return error_pages.refused(request, error)
        return self.get_response(request)


class ApiCredentialsMiddleware:
    """Refuses API requests without credentials before any API code is imported.

    Below ``/api/v1/`` only the calendar feeds are public, whose address is the secret. Strangers therefore do not learn
    which addresses and methods exist.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        path = request.path_info
        credentials = "HTTP_AUTHORIZATION" in request.META or settings.SESSION_COOKIE_NAME in request.COOKIES
        if path.startswith("/api/v1/") and not path.endswith(".ics") and not credentials:
            return problems.sign_in_first(request)
        return self.get_response(request)
