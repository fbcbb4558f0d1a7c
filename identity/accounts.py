"""People's own Cognito accounts: sign up, confirm, reset and change the password, a second factor.

None of it needs rights of ours: Cognito is asked on the person's behalf, with their codes or with the access token that
their password has just got. Such tokens are used at once and never kept.
"""

import uuid
from contextlib import suppress
from typing import Any

from django.conf import settings

from identity import cognito, directory, notices, passwords, recovery_codes, tries
from identity.cognito import NEW_PASSWORD, TOTP, Tokens
from identity.errors import (
    AddressTaken,
    ChallengeRequired,
    CodeExpired,
    IdentityError,
    IdentityUnavailable,
    InvalidCredentials,
    TooManyAttempts,
    WeakPassword,
    WrongCode,
)
from identity.tries import Visitor

_ERRORS: dict[str, type[IdentityError]] = {
    "CodeMismatchException": WrongCode,
    "EnableSoftwareTokenMFAException": WrongCode,
    "ExpiredCodeException": CodeExpired,
    "InvalidPasswordException": WeakPassword,
    "InvalidParameterException": WrongCode,
    "UsernameExistsException": AddressTaken,
    "AliasExistsException": AddressTaken,
    "NotAuthorizedException": InvalidCredentials,
    "UserNotFoundException": WrongCode,
    "TooManyFailedAttemptsException": TooManyAttempts,
    "LimitExceededException": TooManyAttempts,
    "CodeDeliveryFailureException": IdentityUnavailable,
}


def _ask(operation: str, **arguments: Any) -> dict[str, Any]:
    return cognito.call(operation, _ERRORS, **arguments)


def _ask_as_client(operation: str, **arguments: Any) -> dict[str, Any]:
    return _ask(operation, ClientId=settings.CLIENT_ID, **arguments)


# --- Signing up and forgotten passwords ----------------------------------------------------------------------


def sign_up(who: Visitor, email: str, password: str, given_name: str, family_name: str) -> str:
    """Make an account that waits for its e-mail address to be confirmed, and return its username, which is opaque.

    Raises WeakPassword, AddressTaken, TooManyTries, TooManyAttempts, IdentityUnavailable.
    """
    passwords.check(password, email, given_name, family_name)
    tries.mail(who, email)
    username = str(uuid.uuid4())
    full = f"{given_name} {family_name}".strip()
    attributes = {"email": email, "name": full, "given_name": given_name, "family_name": family_name}
    listed = [{"Name": name, "Value": value} for name, value in attributes.items() if value]
    _ask_as_client("sign_up", Username=username, Password=password, UserAttributes=listed)
    return username


def confirm(who: Visitor, username: str, code: str) -> None:
    """Confirm an e-mail address with the code sent to it.

    Raises WrongCode, CodeExpired, AddressTaken, TooManyTries, …
    """
    with tries.counted(who, tries.CONFIRMATION, username):
        _ask_as_client("confirm_sign_up", Username=username, ConfirmationCode=code)


def resend(who: Visitor, username: str, email: str) -> None:
    """Send another confirmation code to the address of an account. Raises TooManyTries, …"""
    tries.mail(who, email)
    confirm_again(username)


def confirm_again(username: str) -> None:
    """Send another confirmation code, which the caller has counted."""
    _ask_as_client("resend_confirmation_code", Username=username)


def forgot_password(who: Visitor, identifier: str) -> None:
    """Send a code to reset the password with, if there is such an account; it is not told whether there is.

    Raises TooManyTries, …
    """
    tries.mail(who, identifier)
    try:
        _ask_as_client("forgot_password", Username=identifier)
    except (WrongCode, InvalidCredentials):
        return


def reset_password(who: Visitor, identifier: str, code: str, password: str) -> None:
    """Set a new password with the code. Raises WrongCode, CodeExpired, WeakPassword, TooManyTries, …"""
    passwords.check(password, identifier)
    with tries.counted(who, tries.RESET, identifier):
        _ask_as_client(
            "confirm_forgot_password", Username=identifier, ConfirmationCode=code, Password=password
        )


# --- Signing in with more than a password --------------------------------------------------------------------


def answer_challenge(who: Visitor, name: str, session: str, username: str, given: str) -> Tokens:
    """Answer what sign-in asked for besides the password: a code, or a new password.

    A code works once. Whoever has seen one and sends it again knows the password, too: the person is told by e-mail.
    Raises WrongCode, WeakPassword, InvalidCredentials (too late), ChallengeRequired (still more is wanted),
    TooManyTries, …
    """
    if name == NEW_PASSWORD:
        passwords.check(given, username)
        return _answered(name, session, username, "NEW_PASSWORD", given)
    with tries.counted(who, tries.FACTOR, username):
        issued = None
        with suppress(WrongCode, CodeExpired):
            issued = _answered(name, session, username, "SOFTWARE_TOKEN_MFA_CODE", given)
        if tries.used_up(username, given, now_used=issued is not None):
            notices.tell(directory.account(username).id, username, notices.CODE_AGAIN)
            issued = None
        if issued is None:
            raise WrongCode
    return issued


def _answered(name: str, session: str, username: str, field: str, given: str) -> Tokens:
    answer = _ask_as_client(
        "respond_to_auth_challenge",
        ChallengeName=name,
        Session=session,
        ChallengeResponses={"USERNAME": username, field: given},
    )
    return cognito.tokens_of(answer, username)


def prove(who: Visitor, identifier: str, password: str, code: str = "") -> Tokens:
    """Return fresh tokens for somebody who is signed in and shows their password, and code, again.

    The code is one of the app, or a recovery code, which is then used up.
    Raises InvalidCredentials, WrongCode (also when one is needed and was not given), TooManyTries, …
    """
    try:
        with tries.counted(who, tries.PROOF, identifier):
            return cognito.sign_in(identifier, password)
    except ChallengeRequired as challenge:
        if challenge.name != TOTP or not code:
            raise WrongCode from None
        username = challenge.username or identifier
        if recovery_codes.is_one(code):
            return recovery_codes.in_place_of_the_app(who, username, password, code)
        return answer_challenge(who, challenge.name, challenge.session, username, code)


# --- Another e-mail address ----------------------------------------------------------------------------------


def ask_for_address(who: Visitor, access_token: str, email: str) -> None:
    """Send a code to the address that somebody wants to have; they keep the one they have until it has come back.

    It is not told whether the address is somebody else's: Cognito finds out when the code comes back, or says so here.
    Raises TooManyTries, …
    """
    tries.mail(who, email)
    with suppress(AddressTaken):
        _ask(
            "update_user_attributes",
            AccessToken=access_token,
            UserAttributes=[{"Name": "email", "Value": email}],
        )


def take_address(who: Visitor, user_id: str, access_token: str, code: str) -> None:
    """Give somebody the address that the code was sent to.

    Raises WrongCode, CodeExpired, AddressTaken, TooManyTries, InvalidCredentials (too late), …
    """
    with tries.counted(who, tries.NEW_ADDRESS, user_id):
        _ask("verify_user_attribute", AccessToken=access_token, AttributeName="email", Code=code)


# --- What the access token of a proof allows -----------------------------------------------------------------


def change_password(access_token: str, old: str, new: str, *about: str) -> None:
    """Change the password; ``about`` as of ``passwords.check``. Raises InvalidCredentials, WeakPassword, …"""
    passwords.check(new, *about)
    _ask("change_password", AccessToken=access_token, PreviousPassword=old, ProposedPassword=new)


def begin_totp(access_token: str) -> str:
    """Begin to enrol an authenticator app, and return the secret to give to it."""
    return str(_ask("associate_software_token", AccessToken=access_token)["SecretCode"])


def finish_totp(access_token: str, code: str) -> None:
    """Finish enrolling with a code of the app: from now on sign-in asks for one. Raises WrongCode."""
    answer = _ask("verify_software_token", AccessToken=access_token, UserCode=code)
    if answer.get("Status") != "SUCCESS":
        raise WrongCode
    _prefer_totp(access_token, wanted=True)


def stop_totp(access_token: str) -> None:
    """Ask for no more codes at sign-in."""
    _prefer_totp(access_token, wanted=False)


def _prefer_totp(access_token: str, *, wanted: bool) -> None:
    _ask(
        "set_user_mfa_preference",
        AccessToken=access_token,
        SoftwareTokenMfaSettings={"Enabled": wanted, "PreferredMfa": wanted},
    )
