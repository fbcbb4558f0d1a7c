"""Safe redirects after signing in or choosing a theme."""

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def safe_url(request: HttpRequest, url: str) -> str:
    """Return ``url`` if it is a page of this site, else the start page."""
    if not url.startswith("/"):
        return resolve_url(settings.LOGIN_REDIRECT_URL)
    allowed = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if allowed else resolve_url(settings.LOGIN_REDIRECT_URL)
