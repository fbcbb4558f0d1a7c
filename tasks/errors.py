"""Domain errors about tasks."""

from django.utils.translation import gettext_lazy as _

from store.errors import DomainError


class TaskNotFound(DomainError):  # noqa: N818
    """The task does not exist, or belongs to someone else."""

    status = 404
    kind = "task-not-found"
    message = _("There is no such task.")


class SeriesEnded(DomainError):  # noqa: N818
    """The task does not repeat, or not again."""

    status = 409
    kind = "series-ended"
    message = _("It does not repeat again.")
