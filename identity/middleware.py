"""Middleware that sets language and person of a request, counts a person's pages, and refuses API requests without
credentials."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from identity.users import Anonymous, Person
from web import error_pages, logging, problems

GetResponse = Callable[[HttpRequest], HttpResponse]


def _look_up(request: HttpRequest) -> Person | Anonymous:
    from identity.sign_in import person_in_session  # imported here: many first requests need no person

    person = person_in_session(request)
    logging.user_id.set(getattr(request, "looked_by", person).id)
    return person


class LanguageMiddleware(LocaleMiddleware):
    """Chooses the visitor's language for pages, and English for the API, like its documentation."""

    def process_request(self, request: HttpRequest) -> None:
        """Activate the language of the request."""
        if problems.is_for_api(request):
            translation.activate(settings.LANGUAGE_CODE)
            return
        from identity import workspace  # here: the API's first request does not need it

        translation.activate(workspace.language_of(request))
        request.LANGUAGE_CODE = translation.get_language()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Name the language of the answer, and say of a page that it varies with the visitor's."""
        if problems.is_for_api(request):
            response.headers.setdefault("Content-Language", settings.LANGUAGE_CODE)
            return response
        return super().process_response(request, response)


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


class LookingMiddleware:
    """Refuses what an admin who looks as another person must not do or see (``identity.looking``)."""

    OPEN = ("/looking/end/", "/logout/")

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        if self._looks(request) and request.path_info not in self.OPEN:
            from identity import looking

            if why := looking.refused(request):
                if problems.is_for_api(request):
                    return problems.response(request, 403, detail=why, kind="read-only")
                return render(request, "403.html", {"detail": why}, status=403)
        return self.get_response(request)

    def _looks(self, request: HttpRequest) -> bool:
        """Whether the person of the session looks as another one; a token stands for its owner."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or "HTTP_AUTHORIZATION" in request.META:
            return False
        if request.path_info == "/health":  # which answers without the store
            return False
        return (
            "looking" in request.session and request.user.is_authenticated and hasattr(request, "looked_by")
        )


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

            person: Any = getattr(request, "looked_by", request.user)
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
