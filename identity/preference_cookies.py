"""A person's preferences in the places where pages look for them: cookies and the session."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from identity import preferences, profiles, weekly_goal
from identity.users import Person
from web.context_processors import THEMES

KEPT_SECONDS = 365 * 24 * 3600


def set_cookie(request: HttpRequest, answer: HttpResponse, name: str, value: str) -> None:
    """Store ``value`` in a cookie for a year; scripts of the page may read it."""
    answer.set_cookie(name, value, max_age=KEPT_SECONDS, samesite="Lax", secure=request.is_secure())


def apply(request: HttpRequest, person: Person, answer: HttpResponse) -> HttpResponse:
    """Copy the preferences of a person who has just signed in to cookies and session. Two requests to DynamoDB."""
    chosen = preferences.get(person.id)
    if chosen.theme in THEMES:
        set_cookie(request, answer, "theme", chosen.theme)
    if chosen.language in dict(settings.LANGUAGES):
        set_cookie(request, answer, settings.LANGUAGE_COOKIE_NAME, chosen.language)
    weekly_goal.copy_to_session(request, chosen)
    profile = profiles.get_profile(person.id)
    request.session["timezone"] = (profile.timezone if profile else "") or ""
    return answer
