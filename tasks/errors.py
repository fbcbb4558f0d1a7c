"""Errors that only tasks have."""

from django.utils.translation import gettext as _

from store.errors import DomainError


class TaskNotFound(DomainError):  # noqa: N818
    """No such task, or somebody else's."""

    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is no such task."))
