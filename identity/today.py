"""Which zone a person lives in, and so which day it is for them: the one place that decides it.

It is the zone of their profile, which is the browser's of the first sign-in until they choose another. In a browser
whose person has none, it is the zone the browser reports, in a cookie of ``static/js/app.js``. The lake has a day of
its own: figures about many people are counted by one calendar, in ``REPORTING_TIMEZONE``.
"""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest

from identity.items import UserItem
from store import time_zones
from store.request_context import RequestContext

UTC = ZoneInfo("UTC")
REFUSED = "tz_refused"  # the cookie with the zone that is not to be offered again


def name_of(zone: object) -> str:
    """Return the IANA name of a zone as people read it: "America/New York"."""
    return str(zone).replace("_", " ")


def zone_of_browser(request: HttpRequest) -> ZoneInfo | None:
    """Return the zone of the person at a browser: of their profile, as the session knows it, else the browser's own."""
    return _chosen(request) or reported_zone(request)


def reported_zone(request: HttpRequest) -> ZoneInfo | None:
    """Return the zone that the browser reports, None if it reports none that there is."""
    name = request.COOKIES.get("tz")
    return time_zones.named(name) if name else None


def zone_to_offer(request: HttpRequest) -> ZoneInfo | None:
    """Return the zone where the person seems to be, if its clock is not theirs now and they have not refused it."""
    chosen, here = _chosen(request), reported_zone(request)
    if chosen is None or here is None or request.COOKIES.get(REFUSED) == str(here):
        return None
    now = datetime.now(UTC)
    return here if now.astimezone(here).utcoffset() != now.astimezone(chosen).utcoffset() else None


def _chosen(request: HttpRequest) -> ZoneInfo | None:
    session: Any = getattr(request, "session", {})
    name = session.get("timezone")
    return time_zones.named(name) if name else None


def zone_of(ctx: RequestContext, profile: UserItem | None = None) -> ZoneInfo:
    """Return the zone of the person a request is about; where the request does not know it, their profile's, or UTC."""
    return ctx.zone or time_zones.named(profile.timezone if profile else None) or UTC


def local_now(ctx: RequestContext, profile: UserItem | None = None) -> datetime:
    """Return the moment of a request in the person's zone. Its date is their today."""
    return ctx.now.astimezone(zone_of(ctx, profile))


def today(ctx: RequestContext, profile: UserItem | None = None) -> date:
    """Return the day it is for the person."""
    return local_now(ctx, profile).date()
