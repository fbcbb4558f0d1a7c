"""Reads configuration from environment variables; a missing or malformed value stops the process at start."""

import os
import re

from django.core.exceptions import ImproperlyConfigured

from store import time_zones

_ORIGIN = re.compile(r"https?://([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


def required(name: str, meaning: str) -> str:
    """Return variable ``name``; raise ImproperlyConfigured with its ``meaning`` when unset, empty or a placeholder."""
    value = os.environ.get(name, "")
    if not value or value.startswith("<"):
        raise ImproperlyConfigured(
            f"The environment variable {name} is not set. Set it to {meaning}. "
            "Locally, `make run` sets it and writes a file `env` to source; deployed, it comes from the CDK outputs."
        )
    return value


def optional(name: str, default: str) -> str:
    """Return the value of ``name``, or ``default`` when it is unset or empty."""
    return os.environ.get(name) or default


def flag(name: str, *, default: bool) -> bool:
    """Return ``name`` as a boolean (1/true/yes/on, 0/false/no/off); anything else raises ImproperlyConfigured."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    if raw.lower() in _TRUE:
        return True
    if raw.lower() in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is neither true nor false.")


def number(name: str, default: int) -> int:
    """Return ``name`` as a non-negative whole number; anything else raises ImproperlyConfigured."""
    raw = optional(name, str(default))
    if not (raw.isascii() and raw.isdigit()):
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number.")
    return int(raw)


def seconds(name: str, default: float) -> float:
    """Return ``name`` as a number of seconds, not negative; anything else raises ImproperlyConfigured."""
    raw = optional(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        value = -1
    if not 0 <= value < float("inf"):
        raise ImproperlyConfigured(f"{name}={raw!r} is not a number of seconds.")
    return value


def time_zone(name: str, default: str) -> str:
    """Return ``name`` as the name of an IANA time zone; anything else raises ImproperlyConfigured."""
    raw = optional(name, default)
    if raw not in time_zones.names():
        raise ImproperlyConfigured(f"{name}={raw!r} is not a time zone of the IANA database.")
    return raw


def listing(name: str, default: str) -> list[str]:
    """Return the comma-separated ``name`` as a list of stripped, non-empty strings."""
    return [part.strip() for part in optional(name, default).split(",") if part.strip()]


def origins(name: str) -> frozenset[str]:
    """Return the comma-separated ``name`` as a set of origins, as browsers send them in ``Origin``; empty by default.

    Anything else, such as ``*`` or an address with a path, raises ImproperlyConfigured.
    """
    given = listing(name, "")
    for origin in given:
        has_default_port = origin.endswith(":443" if origin.startswith("https:") else ":80")
        if not _ORIGIN.fullmatch(origin) or has_default_port:
            raise ImproperlyConfigured(
                f"{name}: {origin!r} is not an origin. Write scheme and host in lower case, and the port if it is not "
                "the scheme's own, without a path: https://app.example.com, http://localhost:5173. `*` is not accepted."
            )
    return frozenset(given)
