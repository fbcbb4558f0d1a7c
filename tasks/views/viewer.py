"""Who views a page, and the date and time where they are."""

from datetime import date, datetime
from typing import cast
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from identity import today
from identity.users import Person


def person_id(request: HttpRequest) -> str:
    """Return the id of the signed-in person."""
    return cast("Person", request.user).id


def zone_of(request: HttpRequest) -> ZoneInfo:
    """Return the viewer's time zone: the one they chose, else the one their browser reported, else UTC."""
    return today.zone_of_browser(request) or today.UTC


def now_of(request: HttpRequest) -> datetime:
    """Return the current time in the viewer's time zone."""
    return datetime.now(zone_of(request))


def today_of(request: HttpRequest) -> date:
    """Return the current date in the viewer's time zone."""
    return now_of(request).date()


def local_time(request: HttpRequest, timestamp: str | None) -> datetime | None:
    """Return a stored ISO timestamp as the viewer's local time."""
    return datetime.fromisoformat(timestamp).astimezone(zone_of(request)) if timestamp else None
