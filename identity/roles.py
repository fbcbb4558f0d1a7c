"""A person's groups as they are in Cognito now, for the pages that only some may see.

Tokens and sessions carry the groups of the moment they were issued. Whoever asks for something that needs a role is
therefore looked up again, so that a change takes effect within ``GROUPS_SECONDS``, wherever it was made; nobody else
pays for it. Only the first such request waits for that. From then on a thread of the process reads the groups again
before they are too old, until their owner has asked for nothing for ``ASKED_SECONDS``. A request reads them itself once
more after that, and in a process that was frozen meanwhile.
"""

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import cast

from django.conf import settings
from django.http import HttpRequest

from identity import directory
from identity.errors import IdentityError
from identity.users import Person, TokenHolder

REMEMBERED = 1000
ASKED_SECONDS = 900
PAUSE_SECONDS = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A time by both clocks: a frozen process may find its monotonic clock where it was, but not the wall clock."""

    monotonic: float = field(default_factory=time.monotonic)
    wall: float = field(default_factory=time.time)

    def age(self) -> float:
        """Return the seconds since."""
        return max(time.monotonic() - self.monotonic, time.time() - self.wall)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What Cognito said when it was asked at ``began``; ``groups`` is None if that is to be forgotten."""

    groups: frozenset[str] | None
    began: _Moment


class Groups:
    """Groups by username, as this process knows them."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Reading] = OrderedDict()
        self._asked: dict[str, _Moment] = {}
        self._news = threading.Condition()
        self._reader: threading.Thread | None = None

    def of(self, username: str) -> frozenset[str]:
        """Return the groups of a user, read at most ``GROUPS_SECONDS`` ago. Raises IdentityError."""
        self._asked[username] = _Moment()
        known = self._known.get(username)
        if known is None or known.groups is None or known.began.age() > settings.GROUPS_SECONDS:
            found = self._read(username)
        else:
            found = known.groups
        self._keep_reading()
        return found

    def forget(self, username: str) -> None:
        """Read the groups of a user again when they are next asked for."""
        self._keep(username, _Reading(None, _Moment()))

    def let_go(self) -> None:
        """Read ahead for nobody who does not ask again."""
        with self._news:
            self._asked.clear()

    def _read(self, username: str) -> frozenset[str]:
        began = _Moment()
        groups = directory.groups_of(username)
        self._keep(username, _Reading(groups, began))
        return groups

    def _keep(self, username: str, reading: _Reading) -> None:
        with self._news:
            known = self._known.get(username)
            # An answer that was long under way must not replace what was learned, or forgotten, since it was asked for.
            if known is None or known.began.monotonic <= reading.began.monotonic:
                self._known[username] = reading
            while len(self._known) > REMEMBERED:
                self._asked.pop(self._known.popitem(last=False)[0], None)
            self._news.notify_all()

    def _keep_reading(self) -> None:
        with self._news:
            if self._reader is None or not self._reader.is_alive():
                self._reader = threading.Thread(target=self._read_ahead, name="groups", daemon=True)
                self._reader.start()

    def _read_ahead(self) -> None:
        while True:
            for username in self._due():
                try:
                    self._read(username)
                except IdentityError:
                    _log.warning("the groups of a person cannot be read ahead")
            with self._news:
                if not self._asked:
                    self._reader = None
                    return
            time.sleep(PAUSE_SECONDS)

    def _due(self) -> list[str]:
        """Return whose groups will soon be too old, and let go of those who ask no more."""
        with self._news:
            for username, at in list(self._asked.items()):
                if at.age() > ASKED_SECONDS:
                    self._asked.pop(username, None)
            return [
                username
                for username, known in self._known.items()
                if username in self._asked and known.began.age() > settings.GROUPS_SECONDS / 2
            ]


groups = Groups()


def current(person: Person) -> Person:
    """Return the person in the groups they are in now; as they are, if Cognito cannot be asked."""
    if isinstance(person, TokenHolder):
        return person
    try:
        found = groups.of(person.username)
    except IdentityError:
        _log.warning("the groups of a person cannot be read; going on with those they signed in with")
        return person
    return person if found == person.groups else person.with_groups(found)


def refreshed(request: HttpRequest) -> Person:
    """Return the signed-in person of a request in their current groups; request and session know them from now on."""
    from identity.sign_in import SESSION_KEY

    person = cast("Person", request.user)
    found = current(person)
    if found.groups != person.groups:
        request.user = found  # type: ignore[assignment]
        if request.session.get(SESSION_KEY, {}).get("id") == found.id:
            request.session[SESSION_KEY] = found.to_session()
    return found
