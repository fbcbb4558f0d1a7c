"""What templates know of the person besides the user, and of the workspace."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from identity import today, workspace
from identity.users import Anonymous


def zone(request: HttpRequest) -> dict[str, Any]:
    """Return the zone to offer the person, None or worked out where a template asks for it."""
    return {"offered_zone": SimpleLazyObject(lambda: today.zone_to_offer(request))}


def of_workspace(request: HttpRequest) -> dict[str, Any]:
    """Return the settings of the workspace, and the announcements for this person and browser."""
    return {
        "workspace": SimpleLazyObject(workspace.current),
        "announcements": SimpleLazyObject(lambda: _announcements(request)),
    }


def _announcements(request: HttpRequest) -> list[workspace.Announcement]:
    found = workspace.current()
    if not found.announcements:
        return []
    user: Any = getattr(request, "user", Anonymous())
    return found.shown_to(user, workspace.now(), request.COOKIES.get(workspace.DISMISSED, ""))
