"""Errors every domain can raise. Each says how the API answers it."""

from collections.abc import Mapping
from typing import Any, Self, TypedDict

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class FieldError(TypedDict):
    """One thing wrong with one field: its path (``checklist.0.text``), what to do, and a stable code."""

    field: str
    message: str
    code: str


RETRY = {"Retry-After": "1"}


class DomainError(Exception):
    """Base of everything that services and selectors raise on purpose. ``str()`` of it is fit for the user.

    Attributes
    ----------
    status
        HTTP status of the API's answer.
    kind
        Type of the problem in that answer; blank where the status says it all.
    headers
        Headers of that answer.
    message
        The text, translated when the error is raised, unless it is raised with another.
    """

    status: int = 500
    kind: str = ""
    headers: Mapping[str, str] = {}
    message: Any = ""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or str(self.message))


class VersionConflict(DomainError):  # noqa: N818
    """The caller's ``if_version`` is not the task's version any more."""

    status = 412
    kind = "version-conflict"

    def __init__(self, current: int) -> None:
        super().__init__(
            _("It has changed since you read it: it is at version %(current)d now. Read it again.")
            % {"current": current}
        )
        self.current = current


class WriteContention(DomainError):  # noqa: N818
    """Other writes to the same items kept winning; nothing was written, trying again later is safe."""

    status = 409
    kind = "write-contention"
    headers = RETRY
    message = gettext_lazy(
        "Others kept changing the same thing at the same moment, and nothing was saved. "
        "Wait a second and send the request again."
    )


class TooLarge(DomainError):  # noqa: N818
    """The write is larger than what the table does at once; nothing was written."""

    status = 413
    kind = "too-large"
    message = gettext_lazy("This is too large to be done at once. Do it in smaller parts.")

    @classmethod
    def of_item(cls, measured: int, most: int) -> Self:
        """Return the error of one item of so many bytes."""
        text = _("This has %(measured)d bytes, and at most %(most)d can be saved. Shorten it.")
        return cls(text % {"measured": measured, "most": most})

    @classmethod
    def of_parts(cls, measured: int, most: int) -> Self:
        """Return the error of items of so many bytes together."""
        text = _(
            "This has %(measured)d bytes, and at most %(most)d can be saved at once. Do it in smaller parts."
        )
        return cls(text % {"measured": measured, "most": most})

    @classmethod
    def of_writes(cls, measured: int, most: int) -> Self:
        """Return the error of so many writes."""
        text = _(
            "This takes %(measured)d writes, and at most %(most)d can be done at once. Do it in smaller parts."
        )
        return cls(text % {"measured": measured, "most": most})


class TooMany(DomainError):  # noqa: N818
    """The request asks for more things at once than one request does; nothing was done."""

    status = 422
    kind = "too-many"

    def __init__(self, measured: int, most: int) -> None:
        text = _("These are %(measured)d at once, and at most %(most)d can be done. Do fewer at a time.")
        super().__init__(text % {"measured": measured, "most": most})


class IdempotencyInFlight(WriteContention):
    """Another request with the same Idempotency-Key is being worked on."""

    status = 409
    kind = "idempotency-in-flight"
    message = gettext_lazy(
        "A request with this Idempotency-Key is still in flight. Try again with the same key."
    )


class IdempotencyMismatch(DomainError):  # noqa: N818
    """The Idempotency-Key was used before with another request."""

    status = 422
    kind = "idempotency-mismatch"
    message = gettext_lazy("This Idempotency-Key was used with a different request. Use a new key.")


class InvalidCursor(DomainError):  # noqa: N818
    """The cursor was not made by us for this list."""

    status = 422
    kind = "invalid-cursor"
    message = gettext_lazy(
        "The cursor is not valid for this list. Follow the Link header of an earlier page."
    )


class ValidationFailed(DomainError):  # noqa: N818
    """Some fields are not acceptable; ``errors`` lists every one."""

    status = 422
    kind = "validation"

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(
            _("Some fields are not valid: %(fields)s")
            % {"fields": "; ".join(f"{e['field']}: {e['message']}" for e in errors)}
        )
        self.errors = errors
