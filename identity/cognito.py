"""The Cognito client, and signing in with a password."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from django.conf import settings

from identity.errors import (
    ChallengeRequired,
    IdentityError,
    IdentityRefused,
    IdentityUnavailable,
    InvalidCredentials,
    NotConfirmed,
    PasswordResetRequired,
    TooManyAttempts,
)
from store.outages import is_outage
from store.text import folded

_log = logging.getLogger(__name__)
TOTP, NEW_PASSWORD = "SOFTWARE_TOKEN_MFA", "NEW_PASSWORD_REQUIRED"  # names of challenges
_ERRORS: dict[str, type[IdentityError]] = {
    "NotAuthorizedException": InvalidCredentials,
    "UserNotFoundException": InvalidCredentials,
    "InvalidParameterException": InvalidCredentials,
    "UserNotConfirmedException": NotConfirmed,
    "PasswordResetRequiredException": PasswordResetRequired,
    "LimitExceededException": TooManyAttempts,
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that Cognito issues at sign-in. Never store or log them."""

    id_token: str
    access_token: str
    refresh_token: str


@cache
def client() -> Any:
    """Return the process's Cognito client."""
    config = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2, "mode": "standard"})
    return boto3.client("cognito-idp", region_name=settings.AWS_DEFAULT_REGION, config=config)


def call(operation: str, errors: Mapping[str, type[IdentityError]], **arguments: Any) -> dict[str, Any]:
    """Call Cognito and return its answer; raise what ``errors`` has for its error code, else what ``failure`` says.

    Each call has a line in the log: these are the decisions about who somebody is.
    """
    try:
        answer: dict[str, Any] = getattr(client(), operation)(**arguments)
    except ClientError as error:
        code = _code(error)
        _record(operation, arguments, "refused", code)
        raise errors.get(code, partial(failure, error))() from None
    except (ParamValidationError, UnicodeError):  # what cannot even be sent is nobody's name or password
        _record(operation, arguments, "refused", "ParamValidationError")
        raise errors.get("InvalidParameterException", InvalidCredentials)() from None
    except BotoCoreError as error:
        raise failure(error) from None
    _record(operation, arguments, "ok", str(answer.get("ChallengeName", "")))
    return answer


def _code(error: ClientError) -> str:
    said = error.response["Error"]
    # Its model knows no characters of passwords that its policy would name.
    of_password = said["Code"] == "InvalidParameterException" and "assword'" in said.get("Message", "")
    return "InvalidPasswordException" if of_password else str(said["Code"])


def _record(operation: str, arguments: Mapping[str, Any], status: str, answer: str) -> None:
    given = {**arguments, **arguments.get("AuthParameters", {}), **arguments.get("ChallengeResponses", {})}
    name = str(given.get("USERNAME") or given.get("Username") or "")
    # Lines about one account can be found together, and tell nobody which it is.
    key = f"identity.cognito.{settings.SECRET_KEY}.{folded(name)}"
    account = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16] if name else None
    _log.log(
        logging.INFO if status == "ok" else logging.WARNING,
        "the sign-in service was asked",
        extra={
            "component": "identity",
            "operation": operation,
            "status": status,
            "metadata": {"account": account, "answer": answer or None},
        },
    )


def failure(error: ClientError | BotoCoreError) -> IdentityError:
    """Return the error to raise for one of Cognito's that nobody expects: it cannot be reached, or we are at fault."""
    if is_outage(error):
        return IdentityUnavailable()
    _log.error("the sign-in service refused a request of ours", exc_info=error)
    return IdentityRefused()


def sign_in(identifier: str, password: str) -> Tokens:
    """Check a password with Cognito and return the tokens it issues.

    Parameters
    ----------
    identifier
        Username or e-mail address.

    Raises
    ------
    InvalidCredentials, NotConfirmed, PasswordResetRequired, TooManyAttempts, ChallengeRequired, IdentityUnavailable
    """
    if not identifier or not password:
        raise InvalidCredentials
    answer = call(
        "initiate_auth",
        _ERRORS,
        ClientId=settings.CLIENT_ID,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": identifier, "PASSWORD": password},
    )
    return tokens_of(answer, identifier)


def tokens_of(answer: Mapping[str, Any], identifier: str) -> Tokens:
    """Return the tokens in Cognito's answer to a sign-in. Raises ChallengeRequired if it wants more first."""
    if "AuthenticationResult" not in answer:
        username = answer.get("ChallengeParameters", {}).get("USER_ID_FOR_SRP", identifier)
        raise ChallengeRequired(answer["ChallengeName"], answer.get("Session", ""), username)
    result = answer["AuthenticationResult"]
    return Tokens(result["IdToken"], result["AccessToken"], result.get("RefreshToken", ""))
