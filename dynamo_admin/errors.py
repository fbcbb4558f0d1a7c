"""The errors that writing methods raise and the admin shows to the user."""

from collections.abc import Mapping

from django.utils.translation import gettext as _


class WriteRefused(Exception):  # noqa: N818
    """The item was not written; ``str(error)`` tells the user why."""


class StaleForm(WriteRefused):
    """The item was changed or deleted after the form was opened."""

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or _(
                "Not saved: somebody else changed this after you opened it. Open it again to see their change."
            )
        )


class InvalidFields(WriteRefused):
    """The domain rejected fields. ``errors``: field -> messages; "" stands for the whole form."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(str(message) for messages in errors.values() for message in messages))
        self.errors = errors


class CannotServe(Exception):  # noqa: N818
    """A list cannot be filtered, searched, ordered or paged as asked; ``str(error)`` tells the user why."""
