"""What the model admins share: acting on behalf of an admin, and telling what the domain refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest

from dynamo_admin.errors import InvalidFields, StaleForm, WriteRefused
from dynamo_admin.options import DynamoModelAdmin, ReadOnlyAdmin
from store import audit
from store.audit import Trail
from store.context import RequestContext
from store.errors import DomainError, ValidationFailed, VersionConflict

__all__ = ["Audited", "AuditedReadOnly", "acting", "name_of", "telling"]


def acting(request: HttpRequest, user_id: str, action: str = "") -> RequestContext:
    """Return the context in which the signed-in admin does something to ``user_id``'s data, on the record."""
    person: Any = request.user
    return RequestContext(
        user_id=user_id,
        updated_by=person.id,
        request_id=getattr(request, "request_id", ""),
        now=datetime.now(UTC),
        trail=Trail(actor=name_of(request), action=action),
    )


def name_of(request: HttpRequest) -> str:
    """Return what the signed-in admin is called on the record."""
    person: Any = request.user
    return str(person.email or person)


@contextmanager
def telling() -> Iterator[None]:
    """Turn what the domain raises into what the admin can show."""
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


class _WithHistory:
    audit_kind = ""

    def history(self, request: HttpRequest, obj: Any) -> Sequence[Any]:
        """Return what admins did to this object, the newest first."""
        from identity.admin_models import AuditEntry

        found = audit.history(self.audit_kind, str(obj.pk))
        return [AuditEntry.from_values(item.attribute_values) for item in found]


class Audited(_WithHistory, DynamoModelAdmin):
    """Writes are on the record as being about ``audit_kind``."""


class AuditedReadOnly(_WithHistory, ReadOnlyAdmin):
    """The same, for what is not edited."""
