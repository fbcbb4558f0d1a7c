"""Sessions, access tokens, idempotency records and the audit trail in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from dynamo_admin.filters import ExactFilter
from identity import access_tokens
from identity.admin_models import AccessToken, AuditEntry, IdempotencyRecord, Session
from identity.audited_admin import AuditedReadOnly, AuditedRecord, admin_context, name_of
from store import audit
from store.audit import Trail


class SiteRecordAdmin(AuditedRecord):
    """Records that the use of the site creates; admins may delete them."""

    removal = "delete"

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Delete the record, with an entry in the audit trail."""
        context = admin_context(request, obj.user_id, self.removal)
        audit.remove_recorded(context, obj.as_item(), Trail(name_of(request), self.removal))


class SessionAdmin(SiteRecordAdmin):
    """Browser sessions."""

    audit_kind = "session"
    removal = "end session"
    list_display = ("short", "user_id", "created_at", "expires_at")
    list_filter = (("user_id", ExactFilter), "created_at")
    search_fields = ("user_id",)

    @admin.display(description=_("session"))
    def short(self, obj: Any) -> str:
        """Return the beginning of the hash of the key."""
        return str(obj)


class AccessTokenAdmin(SiteRecordAdmin):
    """Personal access tokens. Revoking one takes effect within seconds."""

    audit_kind = "access_token"
    removal = "revoke"
    list_display = ("name", "scope", "user_id", "created_at", "expires_at")
    list_filter = (("user_id", ExactFilter), "created_at")
    search_fields = ("name", "user_id")

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Delete the token, and drop it from this process's cache."""
        super().delete_item(request, obj)
        access_tokens.forget()


class IdempotencyAdmin(SiteRecordAdmin):
    """Stored replies to requests with an Idempotency-Key, kept for a day."""

    audit_kind = "idempotency"
    list_display = ("__str__", "user_id", "status_code", "created_at", "expires_at")
    list_filter = ("created_at",)
    search_fields = ("key", "request_id", "resource_sk")
    search_help_text = _("Part of the owner's id, of the key, or of the id of a request or a task.")


class AuditAdmin(AuditedReadOnly):
    """The audit trail."""

    rows = _("audit entries")
    list_display = ("created_at", "actor_name", "action", "kind", "object_name", "request_id")
    list_filter = (
        ("kind", ExactFilter),
        ("object_id", ExactFilter),
        ("actor_id", ExactFilter),
        ("action", ExactFilter),
        "created_at",
    )
    search_fields = ("object_name", "actor_name", "request_id")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return every field, the changes in words."""
        return self.get_fields(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return every field, the changes in words."""
        names = (field.name for field in self.opts.concrete_fields if field.editable)
        return ["what_changed" if name == "changes" else name for name in names]

    @admin.display(description=_("changes"), empty_value="-")
    def what_changed(self, obj: Any) -> str:
        """Return what changed, field by field."""
        return str(obj.changed_fields())


ADMINS = {
    Session: SessionAdmin,
    AccessToken: AccessTokenAdmin,
    IdempotencyRecord: IdempotencyAdmin,
    AuditEntry: AuditAdmin,
}
