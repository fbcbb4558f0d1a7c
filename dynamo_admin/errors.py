"""How a write can fail so that the admin can say it to the person who asked."""

from collections.abc import Mapping

from django.utils.translation import gettext as _


class WriteRefused(Exception):  # noqa: N818
    """The item was not written. ``str()`` of it is fit for the user."""


class StaleForm(WriteRefused):
    """Somebody else wrote or deleted the item after the form was opened."""

    def __init__(self, message: str = "") -> None:
        super().__init__(
            message
            or _(
                "Not saved: somebody else changed this after you opened it. Open it again to see their change."
            )
        )


class InvalidFields(WriteRefused):
    """The domain does not accept some fields: field -> messages; "" stands for the form as a whole."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("; ".join(str(message) for messages in errors.values() for message in messages))
        self.errors = errors
