"""Time zones by their names in the IANA database: the one place that says which names there are (ADR 042)."""

import re
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

_LONGEST = 64


class UnknownZone(ValueError):  # noqa: N818
    """There is no zone of that name; ``str()`` of it says what to do."""


@cache
def names() -> frozenset[str]:
    """Return the names of all zones, the older ones that the database keeps included.

    They are those of the package tzdata. ``zoneinfo.available_timezones`` also finds what a machine keeps beside them,
    such as ``localtime``, and opens 600 files for it. "Factory" is the zone of a machine that nobody has set up.
    """
    return frozenset(files("tzdata").joinpath("zones").read_text().split()) - {"Factory"}


def checked(name: str) -> str:
    """Return the name as the database spells it. Case does not matter. Raises UnknownZone."""
    name = name.strip()
    if found := name if name in names() else _by_case().get(name.lower()):
        return found
    said = [_("Must be a time zone of the IANA database, such as Europe/Berlin.")]
    if meant := _meant(name):
        said.append(_("Did you mean %(name)s?") % {"name": meant})
    raise UnknownZone(" ".join(said))


def named(name: str | None) -> ZoneInfo | None:
    """Return the zone with that name, None if there is none."""
    try:
        return ZoneInfo(checked(name)) if name else None
    except (UnknownZone, OSError):
        return None


def _meant(name: str) -> str | None:
    """Return the zone that has these letters, or is of this city."""
    if len(name) > _LONGEST:
        return None
    known = _by_letters()
    return known.get(_letters(name)) or known.get(_letters(name.rpartition("/")[2]))


@cache
def _by_case() -> dict[str, str]:
    return {name.lower(): name for name in names()}


@cache
def _by_letters() -> dict[str, str]:
    cities = {_letters(name.rpartition("/")[2]): name for name in sorted(names(), reverse=True)}
    return cities | {_letters(name): name for name in sorted(names())}


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
