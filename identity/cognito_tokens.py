"""The person that a Cognito token identifies.

A verified token is cached until it expires, so that a request needs no network and almost no CPU.
"""

import hashlib
import time

from django.utils.translation import gettext as _

from identity import revocations
from identity.bounded_cache import BoundedCache
from identity.errors import InvalidToken
from identity.users import Person

REMEMBERED = 2048
# The persons of verified tokens and when these expire (epoch seconds), by the hash of the token.
verified: BoundedCache[bytes, tuple[float, Person]] = BoundedCache(REMEMBERED)


def person_of(token: str) -> Person:
    """Return the person that a Cognito ID or access token identifies.

    Raises InvalidToken, IdentityUnavailable.
    """
    digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
    expires, person = verified.get(digest) or (0.0, None)
    if person is None or expires <= time.time():
        from identity.token_verification import (
            verify,  # imported here: a cold start rarely begins with a token
        )

        claims = verify(token)
        person = Person.from_claims(claims)
        verified.put(digest, (claims["exp"], person))
    if revocations.revoked(person):
        raise InvalidToken(_("The access token was revoked. Sign in again."))
    return person
