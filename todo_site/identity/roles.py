"""A person's groups as they are in Cognito now, for the pages that only some may see.

Tokens and sessions carry the groups of the moment they were issued. Whoever asks for a page that needs a role is
therefore looked up again, at most every ``GROUPS_SECONDS``, so a change takes effect within a minute, wherever it was
made; nobody else pays for it.
"""

import logging
import threading
import time
from collections import OrderedDict
from typing import cast

from django.conf import settings
from django.http import HttpRequest

from todo_site.identity import directory
from todo_site.identity.errors import IdentityError
from todo_site.identity.users import Person

REMEMBERED = 1000
_log = logging.getLogger(__name__)


class _Groups:
    """Groups by username, and when they were read."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, username: str) -> frozenset[str]:
        """Return the groups of a user, read at most GROUPS_SECONDS ago. Raises IdentityError."""
        read_at, groups = self._known.get(username, (float("-inf"), frozenset()))
        if time.monotonic() - read_at > settings.GROUPS_SECONDS:
            groups = directory.groups_of(username)
            with self._lock:
                self._known[username] = (time.monotonic(), groups)
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return groups

    def forget(self, username: str) -> None:
        """Read the groups of a user again when they are next asked for."""
        with self._lock:
            self._known.pop(username, None)


groups = _Groups()


def current(person: Person) -> Person:
    """Return the person in the groups they are in now; as they are, if Cognito cannot be asked."""
    try:
        found = groups.of(person.username)
    except IdentityError:
        _log.warning("the groups of a person cannot be read; going on with those they signed in with")
        return person
    return person if found == person.groups else person.with_groups(found)


def refreshed(request: HttpRequest) -> Person:
    """Return the signed-in person of a request in their current groups; request and session know them from now on."""
    from todo_site.identity.services import SESSION_KEY

    person = cast("Person", request.user)
    found = current(person)
    if found.groups != person.groups:
        request.user = found  # type: ignore[assignment]
        if request.session.get(SESSION_KEY, {}).get("id") == found.id:
            request.session[SESSION_KEY] = found.to_session()
    return found
