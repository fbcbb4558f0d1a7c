"""Domain errors about tasks."""

from django.utils.translation import gettext as _

from store.errors import DomainError


class TaskNotFound(DomainError):  # noqa: N818
    """The task does not exist, or belongs to someone else."""

    status = 404

    def __init__(self) -> None:
        super().__init__(_("There is no such task."))
