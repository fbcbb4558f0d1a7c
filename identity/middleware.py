"""Middleware that sets the person of a request, and that refuses API requests without credentials."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from identity.users import Anonymous, Person
from web import logging, problems

GetResponse = Callable[[HttpRequest], HttpResponse]


def _look_up(request: HttpRequest) -> Person | Anonymous:
    from identity.sign_in import person_in_session  # imported here: many first requests need no person

    person = person_in_session(request)
    logging.user_id.set(person.id)
    return person


class PersonMiddleware:
    """Sets ``request.user`` to a Person or Anonymous, read from the session when first used."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        request.user = SimpleLazyObject(lambda: _look_up(request))  # type: ignore[assignment]
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
