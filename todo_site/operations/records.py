"""Sessions, access tokens, idempotency records and the audit trail in the admin."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dynamo_admin.columns import moment
from dynamo_admin.filters import ExactFilter, PeriodFilter
from identity import access_tokens
from identity.admin_models import AccessToken, AuditEntry, IdempotencyRecord, Session
from identity.admin_people import PersonFilter, id_of, person
from identity.audited_admin import AuditedReadOnly, AuditedRecord, admin_context, name_of, with_links
from store import audit
from store.audit import Trail

OWNER = person("user_id", _("owner"))
KEY_OWNER = person("user_id", _("owner"), ordered=False)  # which is a part of the key
ACTOR = person("actor_id", _("done by"), called="actor_name")
KEPT = (moment("created_at", _("created")), moment("expires_at", _("expires")))


class SiteRecordAdmin(AuditedRecord):
    """Records that the use of the site creates; admins may delete them."""

    removal = "delete"
    readonly_fields: ClassVar[tuple[Any, ...]] = (OWNER, *KEPT)

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Delete the record, with an entry in the audit trail."""
        context = admin_context(request, obj.user_id, self.removal)
        audit.remove_recorded(context, obj.as_item(), Trail(name_of(request), self.removal))


class SessionAdmin(SiteRecordAdmin):
    """Browser sessions."""

    audit_kind = "session"
    removal = "end session"
    list_display = ("short", OWNER, *KEPT)
    list_filter = (("user_id", PersonFilter), ("created_at", PeriodFilter))
    search_fields = ("user_id",)
    fields = (OWNER, *KEPT)

    @admin.display(description=_("session"))
    def short(self, obj: Any) -> str:
        """Return the beginning of the hash of the key."""
        return str(obj)


class AccessTokenAdmin(SiteRecordAdmin):
    """Personal access tokens. Revoking one takes effect within seconds."""

    audit_kind = "access_token"
    removal = "revoke"
    list_display = ("name", "scope", OWNER, *KEPT)
    list_filter = (("user_id", PersonFilter), ("created_at", PeriodFilter))
    search_fields = ("name", "user_id")
    fields = ("name", "scope", OWNER, *KEPT, "id", "request_id")

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Delete the token, and drop it from this process's cache."""
        super().delete_item(request, obj)
        access_tokens.forget()


class IdempotencyAdmin(SiteRecordAdmin):
    """Stored replies to requests with an Idempotency-Key, kept for a day."""

    audit_kind = "idempotency"
    list_display = ("idempotency_key", KEY_OWNER, "status_code", *KEPT)
    list_filter = (("created_at", PeriodFilter),)
    search_fields = ("key", "request_id", "resource_sk")
    readonly_fields = (KEY_OWNER, *KEPT, "idempotency_key")
    search_help_text = _("The owner's address or id, part of the key, or of the id of a request or a task.")
    fields = (
        *(
            "idempotency_key",
            KEY_OWNER,
            "status_code",
            "headers",
            "fingerprint",
            "resource_pk",
            "resource_sk",
        ),
        *("request_id", *KEPT),
    )

    @admin.display(description=_("key"))
    def idempotency_key(self, obj: Any) -> str:
        """Return the key, without the owner's id."""
        return str(obj)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Search for a person's records by their address."""
        return super().get_search_results(request, queryset, id_of(search_term))


class AuditAdmin(AuditedReadOnly):
    """The audit trail."""

    rows = _("audit entries")
    list_display = (moment("created_at", _("when")), ACTOR, "done", "object_link", "request")
    list_filter = (
        ("created_at", PeriodFilter),
        ("actor_id", PersonFilter),
        ("subject_id", PersonFilter),
        "kind",
        "action",
        ("object_id", ExactFilter),
        ("request_id", ExactFilter),
    )
    search_fields = ("object_name", "actor_name", "request_id")
    search_help_text = _("Words of the object's or the admin's name, or the id of a request.")
    fields = (
        *(moment("created_at", _("when")), ACTOR, "done", "object_link", person("subject_id", _("whose"))),
        *("what_changed", "message", "request", "object_id", "actor_id", "id"),
    )
    readonly_fields = fields

    def prepare(self, request: HttpRequest, objects: Any) -> None:
        """Read at once who and what the entries are about."""
        with_links(objects)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return an entry with its links."""
        found = super().get_object(request, object_id, from_field)
        return found and with_links([found])[0]

    @admin.display(description=_("what was done"), ordering="action")
    def done(self, obj: Any) -> str:
        """Return the kind of object, and what was done to it."""
        return f"{capfirst(obj.kind_name())} {obj.verb()}"

    @admin.display(description=_("object"), ordering="object_name")
    def object_link(self, obj: Any) -> str:
        """Return the object's name, with a link to its page if it is still there."""
        if not obj.object_url:
            return str(obj.object_repr)
        return format_html('<a href="{}">{}</a>', obj.object_url, obj.object_repr)

    @admin.display(description=_("request"), ordering="request_id", empty_value="-")
    def request(self, obj: Any) -> str:
        """Return the request's id, with a link to all that it did."""
        if not obj.request_id:
            return ""
        address = reverse("admin:tasks_auditentry_changelist")
        return format_html(
            '<a href="{}?{}">{}</a>',
            address,
            urlencode({"request_id__exact": obj.request_id}),
            obj.request_id,
        )

    @admin.display(description=_("changes"), empty_value="-")
    def what_changed(self, obj: Any) -> str:
        """Return what changed as a table: field, before, after."""
        rows = format_html_join(
            "", '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>', obj.differences()
        )
        if not rows:
            return ""
        head = format_html(
            '<tr><th scope="col">{}</th><th scope="col">{}</th><th scope="col">{}</th></tr>',
            *(gettext("Field"), gettext("Before"), gettext("After")),
        )
        return format_html('<table class="changes"><thead>{}</thead><tbody>{}</tbody></table>', head, rows)


ADMINS = {
    Session: SessionAdmin,
    AccessToken: AccessTokenAdmin,
    IdempotencyRecord: IdempotencyAdmin,
    AuditEntry: AuditAdmin,
}
