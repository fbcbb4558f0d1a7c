"""Why somebody could not be identified. ``str()`` of each is fit for the user."""


class IdentityError(Exception):
    """Base of this module's errors."""

    message = "You could not be signed in."

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.message)


class InvalidToken(IdentityError):  # noqa: N818
    """The bearer token is malformed, forged, expired or not for us."""

    message = "The access token is not valid."


class InvalidCredentials(IdentityError):  # noqa: N818
    """No such person, or another password. Which of both is not told."""

    message = "The e-mail address, username or password is not right."


class NotConfirmed(IdentityError):  # noqa: N818
    """The person has not confirmed their e-mail address yet."""

    message = "Confirm your e-mail address first: we have sent you a code."


class PasswordResetRequired(IdentityError):  # noqa: N818
    """An administrator has reset the password."""

    message = "Your password was reset. Choose a new one with the code we have sent you."


class TooManyAttempts(IdentityError):  # noqa: N818
    """Cognito asks to slow down."""

    message = "Too many attempts. Wait a few minutes and try again."


class ChallengeRequired(IdentityError):  # noqa: N818
    """Cognito wants more than a password.

    Attributes
    ----------
    name
        Cognito's name of the challenge, such as SOFTWARE_TOKEN_MFA or NEW_PASSWORD_REQUIRED.
    session
        What to hand back to Cognito with the answer.
    """

    message = "One more step is needed to sign in."

    def __init__(self, name: str, session: str) -> None:
        super().__init__()
        self.name, self.session = name, session


class IdentityUnavailable(IdentityError):  # noqa: N818
    """Cognito cannot be reached."""

    message = "The sign-in service cannot be reached. Try again in a moment."
