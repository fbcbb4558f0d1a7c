"""Shared by the model admins: contexts for the audit trail, errors for the admin, the history of an object."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest

from dynamo_admin.errors import InvalidFields, StaleForm, WriteRefused
from dynamo_admin.options import HISTORY, DynamoModelAdmin, ReadOnlyAdmin, RecordAdmin
from identity.admin_models import AuditEntry
from identity.admin_people import WithPeople, link_to, names_of
from store.audit import Trail
from store.errors import DomainError, ValidationFailed, VersionConflict
from store.request_context import RequestContext


def admin_context(request: HttpRequest, user_id: str, action: str = "") -> RequestContext:
    """Return the context in which the signed-in admin changes ``user_id``'s data, with an entry in the audit trail."""
    person: Any = request.user
    return RequestContext(
        user_id=user_id,
        updated_by=person.id,
        request_id=getattr(request, "request_id", ""),
        now=datetime.now(UTC),
        trail=Trail(actor=name_of(request), action=action),
    )


def name_of(request: HttpRequest) -> str:
    """Return the name of the signed-in admin for the audit trail."""
    person: Any = request.user
    return str(person.email or person)


@contextmanager
def admin_errors() -> Iterator[None]:
    """Turn errors of the domain into errors that the admin can show."""
    try:
        yield
    except VersionConflict as error:
        raise StaleForm from error
    except ValidationFailed as error:
        errors: dict[str, list[str]] = {}
        for found in error.errors:
            errors.setdefault(found["field"].partition(".")[0], []).append(str(found["message"]))
        raise InvalidFields(errors) from error
    except DomainError as error:
        raise WriteRefused(str(error)) from error


def with_links(entries: Sequence[Any]) -> Sequence[Any]:
    """Give audit entries links: ``actor``, who did it, and ``object_url``, the object's page or "" if it is gone.

    Two BatchGetItems.
    """
    names = names_of(name for entry in entries for name in (entry.actor_id, entry.subject_id))
    urls = AuditEntry.pages_of(entries)
    for entry in entries:
        entry.people, entry.object_url = names, urls.get(entry.pk, "")
        entry.actor = link_to(entry.actor_id, names, entry.actor_name or "")
    return entries


class _WithHistory:
    object_history_template: Any = "admin/history.html"
    audit_kind = ""

    def history(self, request: HttpRequest, obj: Any) -> Sequence[Any]:
        """Return the audit entries of this object, the newest first."""
        entries: Any = AuditEntry
        mine = entries.objects.filter(kind=self.audit_kind, object_id=str(obj.pk))
        return with_links(mine.page(None, HISTORY).objects)


class Audited(_WithHistory, WithPeople, DynamoModelAdmin):
    """A model admin whose audit entries are of the kind ``audit_kind``."""


class AuditedRecord(_WithHistory, WithPeople, RecordAdmin):
    """The same for models that are not edited."""


class AuditedReadOnly(_WithHistory, WithPeople, ReadOnlyAdmin):
    """The same for read-only models."""
