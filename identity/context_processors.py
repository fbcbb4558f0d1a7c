"""What templates know of the person besides the user."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from identity import today


def zone(request: HttpRequest) -> dict[str, Any]:
    """Return the zone to offer the person, None or worked out where a template asks for it."""
    return {"offered_zone": SimpleLazyObject(lambda: today.zone_to_offer(request))}
