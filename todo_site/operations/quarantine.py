"""Quarantined events in the admin, read from Silver through Athena, page by page."""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dynamo_admin.filters import ExactFilter
from dynamo_admin.model import DynamoModel
from dynamo_admin.options import ReadOnlyAdmin
from dynamo_admin.query import CannotRead
from dynamo_admin.reading import Criteria, Reader, Reads, Row, Values
from identity.admin_people import PersonFilter, WithPeople, person
from web import athena

COLUMNS = (
    *("event_id", "event_time", "event_name", "entity_type", "reason", "user_id", "entity_id", "request_id"),
    *("sequence_number", "source_file", "user_bucket", "old_image", "new_image"),
)
PAGE_ROWS = 200
OWNER = person("user_id", gettext_lazy("owner"))
# Athena has no keys: a row is identified by its place in the order of the pages.
_PLACE = "concat(coalesce(event_time, ''), '|', coalesce(event_id, ''), '|', coalesce(source_file, ''))"


class QuarantineReader(Reader):
    """Reads Silver's ``quarantine``, one query with a LIMIT per page. The table is small unless something is wrong."""

    ordered_by = "event_time"

    def key_of(self, values: Values) -> str:
        """Return the place of a row."""
        return str(values["place"])

    def get(self, key: str, reads: Reads) -> Values | None:
        """Return the row at a place."""
        found = self._ask(f"WHERE {_PLACE} = ? LIMIT 1", (key,), reads)
        return found[0] if found else None

    def rows(self, criteria: Criteria, reads: Reads) -> Iterator[Row]:
        """Return rows by place."""
        conditions, values = [], []
        for name in ("reason", "user_id", "entity_type", "event_name"):
            if (value := criteria.value(name)) is not None:
                conditions.append(f"{name} = ?")
                values.append(value)
        after, order = criteria.after, "DESC" if criteria.descending else "ASC"
        while True:
            here = [*conditions, *([f"{_PLACE} {'<' if criteria.descending else '>'} ?"] if after else [])]
            where = f"WHERE {' AND '.join(here)} " if here else ""
            arguments = (*values, *([after] if after else []))
            page = self._ask(f"{where}ORDER BY place {order} LIMIT {PAGE_ROWS}", arguments, reads)
            yield from ((row["place"], row) for row in page)
            if len(page) < PAGE_ROWS:
                return
            after = page[-1]["place"]

    def _ask(self, rest: str, values: tuple[str, ...], reads: Reads) -> list[Values]:
        select = f"SELECT {_PLACE} AS place, {', '.join(COLUMNS)} FROM quarantine {rest}"  # noqa: S608 (constants)
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
    reason = models.CharField(gettext_lazy("reason"), max_length=500)
    user_id = models.CharField(gettext_lazy("owner"), max_length=200)
    entity_id = models.CharField(gettext_lazy("id of the object"), max_length=200)
    request_id = models.CharField(gettext_lazy("request"), max_length=200)
    sequence_number = models.CharField(gettext_lazy("sequence number"), max_length=50)
    source_file = models.CharField(gettext_lazy("file"), max_length=500)
    user_bucket = models.CharField(gettext_lazy("bucket of the owner"), max_length=10)
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


class QuarantineAdmin(WithPeople, ReadOnlyAdmin):
    """Quarantined events, read-only. Viewers do not see the items, which may hold anything."""

    list_display = ("event_time", "reason", "event_name", "entity_type", OWNER, "event_id")
    list_filter = (("reason", ExactFilter), ("user_id", PersonFilter))
    search_fields = ("event_id", "reason", "user_id", "request_id", "source_file")
    readonly_fields = (OWNER,)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields, the owner as a person."""
        return [OWNER if name == "user_id" else name for name in self.export_fields(request)]

    def export_fields(self, request: HttpRequest) -> list[str]:
        """Return the fields that the person may see."""
        hidden = set() if request.user.has_perm("tasks.change_pipeline") else {"old_image", "new_image"}
        return [name for name in COLUMNS if name not in hidden]


ADMINS = {QuarantinedEvent: QuarantineAdmin}
