"""Puts the person of the browser session on the request, without loading the session until somebody looks."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from todo_site import logging
from todo_site.identity.users import Anonymous, Person


def _look_up(request: HttpRequest) -> Person | Anonymous:
    from todo_site.identity.services import person_in_session  # here: many first requests ask for nobody

    person = person_in_session(request)
    logging.user_id.set(person.id)
    return person


class PersonMiddleware:
    """Sets ``request.user`` to a Person or Anonymous."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        request.user = SimpleLazyObject(lambda: _look_up(request))  # type: ignore[assignment]
        return self.get_response(request)
