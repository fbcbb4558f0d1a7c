"""The person that a Cognito token identifies.

A verified token is cached until it expires, so that a request needs no network and almost no CPU.
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


class VerifiedTokens:
    """The persons of verified tokens, by the hash of the token, until it expires."""

    def __init__(self) -> None:
        self._people: OrderedDict[bytes, tuple[float, Person]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: bytes) -> Person | None:
        """Return the person, or None if the token is unknown or has expired."""
        expires, person = self._people.get(digest, (0.0, None))
        return person if expires > time.time() else None

    def add(self, digest: bytes, expires: float, person: Person) -> None:
        """Add a verified token, valid until ``expires`` (epoch seconds)."""
        with self._lock:
            self._people[digest] = (expires, person)
            while len(self._people) > REMEMBERED:
                self._people.popitem(last=False)


verified = VerifiedTokens()


def person_of(token: str) -> Person:
    """Return the person that a Cognito ID or access token identifies.

    Raises InvalidToken, IdentityUnavailable.
    """
    digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
    person = verified.get(digest)
    if person is None:
        from identity.verification import verify  # imported here: a cold start rarely begins with a token

        claims = verify(token)
        person = Person.from_claims(claims)
        verified.add(digest, claims["exp"], person)
    if revocations.revoked(person):
        raise InvalidToken(_("The access token was revoked. Sign in again."))
    return person
