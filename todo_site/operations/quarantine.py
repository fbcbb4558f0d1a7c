"""Quarantined events in the admin: read through Athena, page by page; the lake dismisses and reopens them."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dynamo_admin.filters import ExactFilter
from dynamo_admin.model import DynamoModel
from dynamo_admin.options import EXPORT, ReadOnlyAdmin
from dynamo_admin.query import CannotRead
from dynamo_admin.reading import Criteria, Reader, Reads, Row, Values
from etl.lake.tables import QUARANTINED_ROW
from identity.admin_people import PersonFilter, WithPeople, person
from todo_site.operations import pipeline
from web import athena

COLUMNS = (
    *(
        "event_id",
        "event_time",
        "event_name",
        "entity_type",
        "reason",
        "error",
        "user_id",
        "entity_id",
        "request_id",
    ),
    *("sequence_number", "source_file", "user_bucket", "arrived_on", "dismissed_at", "dismissed_by"),
    *("old_image", "new_image"),
)
PAGE_ROWS = 200
OWNER = person("user_id", gettext_lazy("owner"))
OPEN, DISMISSED = "open", "dismissed"
STATES = {OPEN: gettext_lazy("open"), DISMISSED: gettext_lazy("dismissed")}
# Where there is no text of an error: what a reason means. Any other `bad_…` names an attribute of the item.
MEANINGS = {
    "unreadable_file": gettext_lazy("The file cannot be read."),
    "missing_key": gettext_lazy("The row has no event, or no key."),
    "bad_event_name": gettext_lazy("The kind of event is none of INSERT, MODIFY and REMOVE."),
    "bad_sequence_number": gettext_lazy("The sequence number is no number."),
    "bad_event_time": gettext_lazy("The time of the event cannot be read, or lies before the year 2000."),
    "bad_entity_type": gettext_lazy("The kind of item is none of TASK, USER and TRASH."),
    "key_mismatch": gettext_lazy("The key does not belong to the owner."),
    "unknown_item": gettext_lazy("The key is not that of a task or a profile."),
    "bad_image": gettext_lazy("The item cannot be read."),
}
_STATE = f"CASE WHEN dismissed_at IS NULL THEN '{OPEN}' ELSE '{DISMISSED}' END"


class QuarantineReader(Reader):
    """Reads Silver's ``quarantine``, one query with a LIMIT per page. The table is small unless something is wrong."""

    ordered_by = "event_time"

    def key_of(self, values: Values) -> str:
        """Return the place of a row."""
        return str(values["place"])

    def get(self, key: str, reads: Reads) -> Values | None:
        """Return the row at a place."""
        found = self._ask(f"WHERE {QUARANTINED_ROW} = ? LIMIT 1", (key,), reads)
        return found[0] if found else None

    def rows(self, criteria: Criteria, reads: Reads) -> Iterator[Row]:
        """Return rows by place."""
        conditions, values = [], []
        for name in ("reason", "user_id", "entity_type", "event_name", "source_file", "state"):
            if (value := criteria.value(name)) is not None:
                conditions.append(f"{_STATE if name == 'state' else name} = ?")
                values.append(value)
        after, order = criteria.after, "DESC" if criteria.descending else "ASC"
        while True:
            here = [
                *conditions,
                *([f"{QUARANTINED_ROW} {'<' if criteria.descending else '>'} ?"] if after else []),
            ]
            where = f"WHERE {' AND '.join(here)} " if here else ""
            arguments = (*values, *([after] if after else []))
            page = self._ask(f"{where}ORDER BY place {order} LIMIT {PAGE_ROWS}", arguments, reads)
            yield from ((row["place"], row) for row in page)
            if len(page) < PAGE_ROWS:
                return
            after = page[-1]["place"]

    def _ask(self, rest: str, values: tuple[str, ...], reads: Reads) -> list[Values]:
        columns = f"{QUARANTINED_ROW} AS place, {_STATE} AS state, {', '.join(COLUMNS)}"
        select = f"SELECT {columns} FROM quarantine {rest}"  # noqa: S608 (constants)
        reads.requests += 1
        try:
            found = athena.run(select, values).rows
        except athena.AthenaError as error:
            raise CannotRead(
                _("The quarantine cannot be read at the moment: %(error)s") % {"error": error}
            ) from error
        reads.items += len(found)
        return found


class QuarantinedEvent(DynamoModel):
    """A change that the lake could not use: its raw row and the reason."""

    reader = QuarantineReader()

    event_id = models.CharField(gettext_lazy("event"), max_length=200)
    event_time = models.CharField(gettext_lazy("time of the event"), max_length=40)
    event_name = models.CharField(gettext_lazy("kind of event"), max_length=20)
    entity_type = models.CharField(gettext_lazy("kind of item"), max_length=20)
    state = models.CharField(gettext_lazy("state"), max_length=10, choices=list(STATES.items()))
    reason = models.CharField(gettext_lazy("reason"), max_length=500)
    error = models.CharField(gettext_lazy("error"), max_length=500)
    user_id = models.CharField(gettext_lazy("owner"), max_length=200)
    entity_id = models.CharField(gettext_lazy("id of the object"), max_length=200)
    request_id = models.CharField(gettext_lazy("request"), max_length=200)
    sequence_number = models.CharField(gettext_lazy("sequence number"), max_length=50)
    source_file = models.CharField(gettext_lazy("file"), max_length=500)
    user_bucket = models.CharField(gettext_lazy("bucket of the owner"), max_length=10)
    arrived_on = models.CharField(gettext_lazy("arrived on"), max_length=10)
    dismissed_at = models.CharField(gettext_lazy("dismissed at"), max_length=40)
    dismissed_by = models.CharField(gettext_lazy("dismissed by"), max_length=200)
    old_image = models.TextField(gettext_lazy("item before"))
    new_image = models.TextField(gettext_lazy("item after"))

    class Meta:
        app_label = "insights"
        managed = False
        ordering = ["-event_time"]
        verbose_name = gettext_lazy("quarantined event")
        verbose_name_plural = gettext_lazy("quarantined events")

    def __str__(self) -> str:
        return str(self.event_id or self.source_file)


def _meaning(event: Any) -> str:
    """Return what the reader of the file said, or what the reason means."""
    reason = str(event.reason)
    attribute = {"attribute": reason.removeprefix("bad_")}
    return str(
        event.error
        or MEANINGS.get(reason)
        or _("The value of %(attribute)s is not one that is allowed.") % attribute
    )


class QuarantineAdmin(WithPeople, ReadOnlyAdmin):
    """Quarantined events. Viewers do not see the items, which may hold anything, and cannot dismiss a row."""

    list_display = ("event_time", "state", "reason", "meaning", "source_file", OWNER, "event_id")
    list_filter = ("state", ("reason", ExactFilter), ("source_file", ExactFilter), ("user_id", PersonFilter))
    search_fields = ("event_id", "reason", "error", "user_id", "request_id", "source_file")
    readonly_fields = (OWNER, "meaning", "download")
    actions = ("dismiss", "dismiss_files", "reopen")

    @admin.display(description=gettext_lazy("error"))
    def meaning(self, event: Any) -> str:
        """Return why the row cannot be used, in words."""
        return _meaning(event)

    @admin.display(description=gettext_lazy("download"))
    def download(self, event: Any) -> str:
        """Return a link to the row as CSV."""
        address = reverse("admin:insights_quarantinedevent_changelist")
        query = urlencode({"key__exact": event.pk})
        return format_html('<a href="{}{}?{}">{}</a>', address, EXPORT, query, _("This row as CSV"))

    def has_dismiss_permission(self, request: HttpRequest) -> bool:
        """Whether the person may close rows."""
        return bool(request.user.has_perm("tasks.change_pipeline"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields, the owner as a person."""
        shown = {"user_id": OWNER, "error": "meaning"}
        return [*(shown.get(name, name) for name in self.export_fields(request)), "download"]

    def export_fields(self, request: HttpRequest) -> list[str]:
        """Return the fields that the person may see."""
        hidden = set() if self.has_dismiss_permission(request) else {"old_image", "new_image"}
        return [name for name in ("state", *COLUMNS) if name not in hidden]

    @admin.action(description=gettext_lazy("Dismiss selected rows"), permissions=["dismiss"])
    def dismiss(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Close rows that were looked at."""
        return pipeline.order_closing(request, "dismiss", rows=_keys(queryset))

    @admin.action(
        description=gettext_lazy("Dismiss all rows of the selected rows' files"), permissions=["dismiss"]
    )
    def dismiss_files(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Close all rows of some files."""
        files = sorted({str(event.source_file) for event in queryset})
        question = ngettext(
            "Dismiss all rows of %(number)s file?", "Dismiss all rows of %(number)s files?", len(files)
        )
        note = _("Rows that are not on this page too. They can be reopened.")
        if page := self.ask(request, list(queryset), question % {"number": len(files)}, note=note):
            return page
        return pipeline.order_closing(request, "dismiss", files=files)

    @admin.action(description=gettext_lazy("Reopen selected rows"), permissions=["dismiss"])
    def reopen(self, request: HttpRequest, queryset: Any) -> HttpResponse:
        """Open dismissed rows again."""
        return pipeline.order_closing(request, "reopen", rows=_keys(queryset))


def _keys(queryset: Any) -> list[str]:
    return [str(event.pk) for event in queryset]


ADMINS = {QuarantinedEvent: QuarantineAdmin}
