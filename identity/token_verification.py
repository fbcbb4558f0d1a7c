"""Verification of Cognito tokens: RS256 only, with the published keys of our user pool, for our app client.

Keys are fetched once. The cryptography library is slow to import: ``cognito_tokens`` imports this for its first token.
"""

import json
import threading
import urllib.request
from functools import cache
from typing import Any

import jwt
from django.conf import settings
from django.utils.translation import gettext as _

from identity.clock_guard import NEVER, Moment
from identity.errors import IdentityUnavailable, InvalidToken

MAX_TOKEN = 16 * 1024
REFRESH_SECONDS, RETRY_SECONDS, TIMEOUT_SECONDS = 30, 2, 3
_REQUIRED = ["exp", "iss", "sub", "token_use"]


class Keyring:
    """The public keys of the user pool, by key id.

    An unknown key id fetches them again, at most every ``REFRESH_SECONDS``, so that forged ids cannot flood Cognito.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys: dict[str, Any] = {}
        self._asked_at, self._pause = NEVER, 0.0
        self._lock = threading.Lock()

    def get(self, key_id: str) -> Any:
        """Return the public key; InvalidToken if there is none, IdentityUnavailable if Cognito does not answer."""
        if key_id not in self._keys:
            with self._lock:
                if key_id not in self._keys and self._asked_at.age() >= self._pause:
                    self._refresh()
        if not self._keys:
            raise IdentityUnavailable
        if key_id not in self._keys:
            raise InvalidToken
        return self._keys[key_id]

    def _refresh(self) -> None:
        self._asked_at, self._pause = Moment.now(), RETRY_SECONDS
        try:
            with urllib.request.urlopen(self.url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 (from settings)
                found = jwt.PyJWKSet.from_dict(json.load(answer))
        except (OSError, ValueError, jwt.PyJWTError):
            return
        self._keys = {key.key_id: key.key for key in found.keys if key.key_id}
        self._pause = REFRESH_SECONDS


@cache
def keyring(url: str) -> Keyring:
    """Return the process's keyring for this JWKS URL."""
    return Keyring(url)


def verify(token: str) -> dict[str, Any]:
    """Return the claims of a token after checking signature, issuer, audience, purpose and expiry.

    Raises InvalidToken, IdentityUnavailable.
    """
    if len(token) > MAX_TOKEN:
        raise InvalidToken
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        if not isinstance(key_id, str):
            raise InvalidToken
        claims: dict[str, Any] = jwt.decode(
            token,
            keyring(settings.COGNITO_JWKS_URL).get(key_id),
            algorithms=["RS256"],
            issuer=settings.COGNITO_ISSUER,
            options={"require": _REQUIRED, "verify_aud": False, "verify_iat": False},
        )
    except jwt.ExpiredSignatureError:
        raise InvalidToken(_("The access token has expired. Sign in again.")) from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise InvalidToken from None
    _check_purpose(claims)
    return claims


def _check_purpose(claims: dict[str, Any]) -> None:
    audience = {"id": claims.get("aud"), "access": claims.get("client_id")}.get(str(claims["token_use"]))
    if audience != settings.CLIENT_ID or not isinstance(claims["sub"], str) or not claims["sub"]:
        raise InvalidToken
