"""Who a token of Cognito's is about.

A token that was verified is remembered until it expires, so a request costs no network and almost no CPU.
"""

import hashlib
import threading
import time
from collections import OrderedDict

from django.utils.translation import gettext as _

from identity import revocations
from identity.errors import InvalidToken
from identity.users import Person

REMEMBERED = 2048


class Verified:
    """Who brought which token, by the token's hash, until it expires."""

    def __init__(self) -> None:
        self._people: OrderedDict[bytes, tuple[float, Person]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> Person | None:
        """Return the person, or None if the token was not seen or has expired."""
        expires, person = self._people.get(digest, (0.0, None))
        return person if expires > time.time() else None

    def add(self, digest: bytes, expires: float, person: Person) -> None:
        """Remember a verified token until ``expires`` (epoch seconds)."""
        with self._lock:
            self._people[digest] = (expires, person)
            while len(self._people) > REMEMBERED:
                self._people.popitem(last=False)


verified = Verified()


def person_of(token: str) -> Person:
    """Return who a Cognito ID or access token is about.

    Raises InvalidToken, IdentityUnavailable.
    """
    digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
    person = verified.get(digest)
    if person is None:
        from identity.verification import verify  # here: a cold start rarely begins with a token

        claims = verify(token)
        person = Person.from_claims(claims)
        verified.add(digest, claims["exp"], person)
    if revocations.revoked(person):
        raise InvalidToken(_("The access token was revoked. Sign in again."))
    return person
