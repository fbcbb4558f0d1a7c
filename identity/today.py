"""Which zone a person lives in, and so which day it is for them: the one place that decides it.

It is the zone of their profile. In a browser whose person has not chosen one, it is the zone the browser reports.
"""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from identity.items import UserItem
from store import time_zones
from store.request_context import RequestContext

UTC = ZoneInfo("UTC")


def zone_of_browser(request: HttpRequest) -> ZoneInfo | None:
    """Return the zone of the person at a browser: of their profile, as the session knows it, else the browser's own."""
    session: Any = getattr(request, "session", {})
    known = filter(None, (session.get("timezone"), request.COOKIES.get("tz")))
    return next(filter(None, map(time_zones.named, known)), None)


def zone_of(ctx: RequestContext, profile: UserItem | None = None) -> ZoneInfo:
    """Return the zone of the person a request is about; where the request does not know it, their profile's, or UTC."""
    return ctx.zone or time_zones.named(profile.timezone if profile else None) or UTC


def local_now(ctx: RequestContext, profile: UserItem | None = None) -> datetime:
    """Return the moment of a request in the person's zone. Its date is their today."""
    return ctx.now.astimezone(zone_of(ctx, profile))


def today(ctx: RequestContext, profile: UserItem | None = None) -> date:
    """Return the day it is for the person."""
    return local_now(ctx, profile).date()
