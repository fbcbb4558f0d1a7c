"""Why somebody could not be identified. ``str()`` of each is fit for the user."""

from collections.abc import Mapping

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from store.errors import RETRY, DomainError
from web.problems import CHALLENGE


class IdentityError(DomainError):
    """Base of this module's errors."""

    message = _("You could not be signed in.")

    def __init__(self, message: str = "") -> None:
        super().__init__(message or str(self.message))


class InvalidToken(IdentityError):  # noqa: N818
    """The bearer token is malformed, forged, expired or not for us."""

    message = _("The access token is not valid.")

    status = 401

    @property
    def headers(self) -> Mapping[str, str]:  # type: ignore[override]
        """The challenge that says what is wrong with the token."""
        return {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token", error_description="{self}"'}


class InvalidCredentials(IdentityError):  # noqa: N818
    """No such person, or another password. Which of both is not told."""

    message = _("The e-mail address, username or password is not right.")


class NotConfirmed(IdentityError):  # noqa: N818
    """The person has not confirmed their e-mail address yet."""

    message = _("Confirm your e-mail address first: we have sent you a code.")


class PasswordResetRequired(IdentityError):  # noqa: N818
    """An administrator has reset the password."""

    message = _("Your password was reset. Choose a new one with the code we have sent you.")


class TooManyAttempts(IdentityError):  # noqa: N818
    """Cognito asks to slow down."""

    message = _("Too many attempts. Wait a few minutes and try again.")


class ChallengeRequired(IdentityError):  # noqa: N818
    """Cognito wants more than a password.

    Attributes
    ----------
    name
        Cognito's name of the challenge, such as SOFTWARE_TOKEN_MFA or NEW_PASSWORD_REQUIRED.
    session
        What to hand back to Cognito with the answer.
    username
        Whom Cognito takes the person for.
    """

    message = _("One more step is needed to sign in.")

    def __init__(self, name: str, session: str, username: str = "") -> None:
        super().__init__()
        self.name, self.session, self.username = name, session, username


class IdentityUnavailable(IdentityError):  # noqa: N818
    """Cognito cannot be reached."""

    status = 503
    kind = "identity-unavailable"
    headers = RETRY

    message = _("The sign-in service cannot be reached. Try again in a moment.")


class AccountMissing(IdentityError):  # noqa: N818
    """Cognito knows no such account."""

    message = _("The sign-in service has no account for this user.")


class EmailTaken(IdentityError):  # noqa: N818
    """Another account signs in with this e-mail address."""

    message = _("Another user has this e-mail address.")


class WrongCode(IdentityError):  # noqa: N818
    """The code is not the one that was sent, or not the app's at this time."""

    message = _("That code is not right. Check it, or ask for another one.")


class CodeExpired(IdentityError):  # noqa: N818
    """The code is too old."""

    message = _("That code is no longer good. Ask for another one.")


class WeakPassword(IdentityError):  # noqa: N818
    """The password does not meet the pool's policy."""

    message = _(
        "Choose a longer password: at least 8 characters, with a capital, a small letter and a digit."
    )


class AddressTaken(IdentityError):  # noqa: N818
    """There is an account with this e-mail address."""

    message = _("There is an account with this e-mail address. Sign in, or reset its password.")


class ProfileNotFound(DomainError):  # noqa: N818
    """This person has no profile yet."""

    status = 404

    def __init__(self) -> None:
        super().__init__(gettext("There is no such user."))


class AccessTokenNotFound(DomainError):  # noqa: N818
    """No such access token, or somebody else's, or revoked before."""

    status = 404

    def __init__(self) -> None:
        super().__init__(gettext("There is no such access token."))


class TooManyAccessTokens(DomainError):  # noqa: N818
    """Somebody has as many access tokens as anybody may."""

    status = 409
    kind = "too-many-access-tokens"

    def __init__(self, limit: int) -> None:
        super().__init__(
            gettext("You have %(limit)d access tokens, which is the limit. Revoke one first.")
            % {"limit": limit}
        )


class InvalidAccessToken(DomainError):  # noqa: N818
    """The personal access token is malformed, unknown, revoked or expired."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or gettext("The access token is not valid, or was revoked."))


class ShutOut(DomainError):  # noqa: N818
    """The caller's access was ended a moment ago; what they ask for would outlive it."""

    status = 401
    headers = {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}

    def __init__(self) -> None:
        super().__init__("Your access has been ended.")


class CalendarFeedNotFound(DomainError):  # noqa: N818
    """There is no calendar feed at this address, or not any more."""

    status = 404

    def __init__(self) -> None:
        super().__init__(gettext("There is no such calendar feed."))
