"""Errors of identity. ``str()`` of each can be shown to the user."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from math import ceil

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from store.errors import RETRY, DomainError
from web.problems import CHALLENGE


class IdentityError(DomainError):
    """Base of the errors of signing in."""

    message = _("You could not be signed in.")


class InvalidToken(IdentityError):  # noqa: N818
    """The bearer token is malformed, forged, expired or meant for another service."""

    message = _("The access token is not valid.")
    status = 401
    kind = "invalid-token"

    @property
    def headers(self) -> Mapping[str, str]:  # type: ignore[override]
        """The challenge that says what is wrong with the token."""
        return {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token", error_description="{self}"'}


class InvalidCredentials(IdentityError):  # noqa: N818
    """There is no such person, or the password is wrong; callers do not learn which."""

    message = _("The e-mail address, username or password is not correct.")


class NotConfirmed(IdentityError):  # noqa: N818
    """The person has not confirmed their e-mail address yet."""

    message = _("Confirm your e-mail address first: we have sent you a code.")


class PasswordResetRequired(IdentityError):  # noqa: N818
    """An administrator has reset the password."""

    message = _("Your password was reset. Choose a new one with the code we have sent you.")


class TooManyAttempts(IdentityError):  # noqa: N818
    """Cognito limits the rate of attempts."""

    status = 429
    kind = "too-many-tries"
    headers = {"Retry-After": "300"}
    message = _("Too many attempts. Wait a few minutes and try again.")


class TooManyTries(IdentityError):  # noqa: N818
    """As much was tried as may be, for an account or from a network; it is the same for right and wrong passwords.

    Parameters
    ----------
    seconds
        How long to wait.
    until
        Epoch seconds at which it is over.
    zone
        The time zone to say that in; None if nobody knows it.
    """

    status = 429
    kind = "too-many-tries"

    def __init__(self, seconds: int, until: float, zone: tzinfo | None) -> None:
        minutes = ceil(seconds / 60)
        text = ngettext(
            "Too many tries. Try again in %(minutes)d minute.",
            "Too many tries. Try again in %(minutes)d minutes.",
            minutes,
        )
        if zone:
            text = ngettext(
                "Too many tries. Try again in %(minutes)d minute, at %(time)s.",
                "Too many tries. Try again in %(minutes)d minutes, at %(time)s.",
                minutes,
            )
        # A minute has begun when the clock shows it: it is named after the last of the seconds.
        moment = datetime.fromtimestamp(ceil(until / 60) * 60, zone or UTC)
        super().__init__(text % {"minutes": minutes, "time": f"{moment:%H:%M}"})
        self.headers = {"Retry-After": str(seconds)}
        self.minutes = minutes


class ChallengeRequired(IdentityError):  # noqa: N818
    """Cognito wants more than a password.

    Attributes
    ----------
    name
        Cognito's name of the challenge, such as SOFTWARE_TOKEN_MFA or NEW_PASSWORD_REQUIRED.
    session
        Returned to Cognito with the response.
    username
        The account in Cognito.
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


class IdentityRefused(IdentityError):  # noqa: N818
    """Cognito refused a request of ours for a reason that nobody expects; the log has it."""

    message = _("The sign-in service refused this. That is a fault of ours, and it is logged.")


class AccountMissing(IdentityError):  # noqa: N818
    """There is no such account in Cognito."""

    message = _("The sign-in service has no account for this user.")


class EmailTaken(IdentityError):  # noqa: N818
    """Another account has this e-mail address."""

    message = _("Another user has this e-mail address.")


class WrongCode(IdentityError):  # noqa: N818
    """The code is neither the one that was sent nor the current one of the app."""

    message = _("That code is not correct. Check it, or request another one.")


class CodeExpired(IdentityError):  # noqa: N818
    """The code is too old."""

    message = _("That code has expired. Request another one.")


class WeakPassword(IdentityError):  # noqa: N818
    """The password does not meet the policy (``identity.passwords``)."""

    message = _("Choose a longer password, of words that do not belong together.")


class AddressTaken(IdentityError):  # noqa: N818
    """Somebody who signs up has an account already."""

    message = _("There is an account with this e-mail address. Sign in, or reset its password.")


class ProfileNotFound(DomainError):  # noqa: N818
    """This person has no profile yet."""

    status = 404
    kind = "user-not-found"
    message = _("There is no such user.")


class AccessTokenNotFound(DomainError):  # noqa: N818
    """There is no such access token, or it belongs to somebody else, or has been revoked."""

    status = 404
    kind = "access-token-not-found"
    message = _("There is no such access token.")


class TooManyRequests(DomainError):  # noqa: N818
    """The person has used up what they may do in this minute."""

    status = 429
    kind = "rate-limit"

    def __init__(self, weight: int, left: int, limit: int, resets_in: int) -> None:
        text = (
            gettext("More than %(limit)d requests in a minute. Go on in %(wait)d seconds.")
            if weight == 1
            else gettext(
                "This does the work of %(weight)d requests, and %(left)d of %(limit)d are left in this minute. "
                "Send it again in %(wait)d seconds."
            )
        )
        super().__init__(text % {"weight": weight, "left": left, "limit": limit, "wait": resets_in})
        self.headers = {"Retry-After": str(resets_in)}


class TooManyAccessTokens(DomainError):  # noqa: N818
    """The person has reached the limit of access tokens."""

    status = 409
    kind = "too-many-access-tokens"

    def __init__(self, limit: int) -> None:
        super().__init__(
            gettext("You have %(limit)d access tokens, which is the limit. Revoke one first.")
            % {"limit": limit}
        )


class TooManyFilters(DomainError):  # noqa: N818
    """The person keeps as many searches as there may be."""

    status = 409
    kind = "too-many-searches"

    def __init__(self, kept: int, most: int) -> None:
        super().__init__(
            gettext("You keep %(kept)d searches, and at most %(most)d can be kept. Forget one first.")
            % {"kept": kept, "most": most}
        )


class InvalidAccessToken(DomainError):  # noqa: N818
    """The personal access token is malformed, unknown, revoked or expired."""

    message = _("The access token is not valid, or was revoked.")


class ShutOut(DomainError):  # noqa: N818
    """The caller's access was just revoked, and the request would create something that outlives it."""

    status = 401
    kind = "access-revoked"
    headers = {"WWW-Authenticate": f'{CHALLENGE}, error="invalid_token"'}
    message = "Your access has been revoked."


class CalendarFeedNotFound(DomainError):  # noqa: N818
    """There is no calendar feed at this address, or no longer."""

    status = 404
    kind = "calendar-feed-not-found"
    message = _("There is no such calendar feed.")
