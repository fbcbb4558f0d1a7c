"""A person's preferences in the places where pages look for them: cookies and the session."""

from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from identity import preferences, profiles, today, week, weekly_goal, workspace
from identity.fields import PROFILE_CHANGES
from identity.items import UserItem
from identity.sign_in import context
from identity.users import Person
from store import time_zones, validation
from store.errors import ValidationFailed, VersionConflict, WriteContention
from web.context_processors import THEMES

KEPT_SECONDS = 365 * 24 * 3600


def set_cookie(request: HttpRequest, answer: HttpResponse, name: str, value: str) -> None:
    """Store ``value`` in a cookie for a year; scripts of the page may read it."""
    answer.set_cookie(name, value, max_age=KEPT_SECONDS, samesite="Lax", secure=request.is_secure())


def apply(request: HttpRequest, person: Person, answer: HttpResponse) -> HttpResponse:
    """Copy the preferences of a person who has just signed in to cookies and session.

    Two requests to DynamoDB; the first sign-in also gives the profile a zone.
    """
    chosen = preferences.get(person.id)
    if chosen.theme in THEMES:
        set_cookie(request, answer, "theme", chosen.theme)
    if chosen.language in dict(workspace.current().offered):
        set_cookie(request, answer, settings.LANGUAGE_COOKIE_NAME, chosen.language)
    weekly_goal.copy_to_session(request, chosen)
    profile = profiles.get_profile(person.id)
    request.session["timezone"] = _zone(request, profile) if profile else ""
    request.session[week.SESSION_KEY] = (profile.first_day_of_week if profile else None) or ""
    return answer


def _zone(request: HttpRequest, profile: UserItem) -> str:
    """Return the zone of a profile; one without gets the workspace's, or else the browser's.

    Unless it is being changed at this moment.
    """
    here = time_zones.named(workspace.current().timezone) or today.reported_zone(request)
    if profile.timezone or here is None:
        return profile.timezone or ""
    with suppress(ValidationFailed, VersionConflict, WriteContention):
        zone = validation.clean(PROFILE_CHANGES, {"timezone": str(here)})
        profiles.save_profile(context(request), zone, read=[profile], if_version={profile.version})
        return str(here)
    return ""
