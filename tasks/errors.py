"""What can go wrong in the domain, in its own words; the API and the pages translate."""

from typing import TypedDict

from django.utils.translation import gettext as _


class FieldError(TypedDict):
    """One thing wrong with one field: its path (``checklist.0.text``), what to do, and a stable code."""

    field: str
    message: str
    code: str


class DomainError(Exception):
    """Base of everything the services and selectors raise on purpose. ``str()`` of it is fit for the user."""


class TaskNotFound(DomainError):  # noqa: N818
    """No such task, or somebody else's."""

    def __init__(self) -> None:
        super().__init__(_("There is no such task."))


class ProfileNotFound(DomainError):  # noqa: N818
    """This person has no profile yet."""

    def __init__(self) -> None:
        super().__init__(_("There is no such user."))


class AccessTokenNotFound(DomainError):  # noqa: N818
    """No such access token, or somebody else's, or revoked before."""

    def __init__(self) -> None:
        super().__init__(_("There is no such access token."))


class TooManyAccessTokens(DomainError):  # noqa: N818
    """Somebody has as many access tokens as anybody may."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            _("You have %(limit)d access tokens, which is the limit. Revoke one first.") % {"limit": limit}
        )


class InvalidAccessToken(DomainError):  # noqa: N818
    """The personal access token is malformed, unknown, revoked or expired."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _("The access token is not valid, or was revoked."))


class ShutOut(DomainError):  # noqa: N818
    """The caller's access was ended a moment ago; what they ask for would outlive it."""

    def __init__(self) -> None:
        super().__init__("Your access has been ended.")


class CalendarFeedNotFound(DomainError):  # noqa: N818
    """There is no calendar feed at this address, or not any more."""

    def __init__(self) -> None:
        super().__init__(_("There is no such calendar feed."))


class VersionConflict(DomainError):  # noqa: N818
    """The caller's ``if_version`` is not the task's version any more."""

    def __init__(self, current: int) -> None:
        super().__init__(
            _("It has changed since you read it: it is at version %(current)d now. Read it again.")
            % {"current": current}
        )
        self.current = current


class WriteContention(DomainError):  # noqa: N818
    """Other writes to the same task kept winning; nothing was written, trying again later is safe."""

    def __init__(self) -> None:
        super().__init__(_("Other changes to the same task are in flight. Try again."))


class IdempotencyInFlight(WriteContention):
    """Another request with the same Idempotency-Key is being worked on."""

    def __init__(self) -> None:
        DomainError.__init__(
            self, _("A request with this Idempotency-Key is still in flight. Try again with the same key.")
        )


class IdempotencyMismatch(DomainError):  # noqa: N818
    """The Idempotency-Key was used before with another request."""

    def __init__(self) -> None:
        super().__init__(_("This Idempotency-Key was used with a different request. Use a new key."))


class InvalidCursor(DomainError):  # noqa: N818
    """The cursor was not made by us for this list."""

    def __init__(self) -> None:
        super().__init__(
            _("The cursor is not valid for this list. Follow the Link header of an earlier page.")
        )


class ValidationFailed(DomainError):  # noqa: N818
    """Some fields are not acceptable; ``errors`` lists every one."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(
            _("Some fields are not valid: %(fields)s")
            % {"fields": "; ".join(f"{e['field']}: {e['message']}" for e in errors)}
        )
        self.errors = errors
