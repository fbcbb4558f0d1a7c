"""Errors of the insights API, which speaks English."""

from store.errors import DomainError


class ManagersOnly(DomainError):  # noqa: N818
    """The caller is not among the managers."""

    status = 403
    kind = "managers-only"
    message = "Everybody's figures are for managers. Ask an administrator to add you to the managers group."


class QuestionNotFound(DomainError):  # noqa: N818
    """There is no such question."""

    status = 404
    kind = "question-not-found"
    message = "There is no such question. `GET /api/v1/insights` lists them."


class NothingPublished(DomainError):  # noqa: N818
    """The lake has published nothing yet."""

    status = 404
    kind = "nothing-published"
    message = "Nothing has been published yet."


class WarehouseUnavailable(DomainError):  # noqa: N818
    """Athena did not answer, or not in time."""

    status = 503
    kind = "unavailable"
    headers = {"Retry-After": "5"}
    message = "The warehouse did not answer. Try again."
