"""A person's current groups in Cognito, for the pages that need a role.

Tokens and sessions carry the groups of the moment they were issued. A request for something that needs a role therefore
looks its person's groups up again, so that a change takes effect within ``GROUPS_SECONDS`` wherever it was made. Other
requests pay nothing for it, and only the first of these waits: a background thread reads the groups again until their
person has asked for nothing for ``IDLE_SECONDS``.
"""

import logging
from typing import cast

from django.conf import settings
from django.http import HttpRequest

from identity import directory
from identity.clock_guard import ClockGuard
from identity.errors import IdentityError
from identity.users import Person, TokenHolder

IDLE_SECONDS = 900
_log = logging.getLogger(__name__)


def _read(username: str, _last: frozenset[str] | None) -> frozenset[str]:
    return directory.groups_of(username)


# By username.
groups = ClockGuard("groups", _read, lambda: settings.GROUPS_SECONDS, IDLE_SECONDS)


def current(person: Person) -> Person:
    """Return the person with their current groups, or unchanged if Cognito cannot be asked."""
    if isinstance(person, TokenHolder):
        return person
    try:
        found = groups.get(person.username)
    except IdentityError:
        _log.warning("the groups of a person cannot be read; those of their sign-in are used")
        return person
    return person if found == person.groups else person.with_groups(found)


def refreshed(request: HttpRequest) -> Person:
    """Return the signed-in person with their current groups, and store them in request and session."""
    from identity.sign_in import SESSION_KEY

    person = cast("Person", request.user)
    found = current(person)
    if found.groups != person.groups:
        request.user = found  # type: ignore[assignment]
        if request.session.get(SESSION_KEY, {}).get("id") == found.id:
            request.session[SESSION_KEY] = found.to_session()
    return found
