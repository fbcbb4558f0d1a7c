"""The variables that every template has."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEMES = ("light", "dark")


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the user, the chosen theme (``""`` follows the system), the environment and the version."""
    theme = request.COOKIES.get("theme", "")
    return {
        "user": getattr(request, "user", None),
        "theme": theme if theme in THEMES else "",
        "environment": settings.ENVIRONMENT,
        "app_version": settings.APP_VERSION,
    }
