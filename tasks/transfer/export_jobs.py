"""Exports made in steps: each request writes a part of the file, whatever its size, and the last one finishes it.

A step reads tasks until it has ``PART_BYTES`` (the least that S3 takes as a part) and writes them to S3. The job in the
table knows where the next step goes on, so anyone of the person's programs and browsers can send it. While one request
works on a step, others are refused; what a request that died has claimed is free again after ``CLAIM_SECONDS``.
"""

from collections.abc import Callable, Container
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from store import places
from store.attributes import Records, Text, Whole
from store.commit import Plan
from store.errors import RETRY, DomainError
from store.idempotency import Once, earlier
from store.model import Authored, Key, KeysAtLeast
from store.places import PlaceItem
from store.reading import get, query_all
from store.request_context import RequestContext
from store.writing import Action, ConditionFailed, put_new, update, write
from tasks import selectors
from tasks.ids import is_id, new_id
from tasks.transfer import everything, export_files, exporting
from tasks.transfer.changes import HistoryUnreadable
from tasks.transfer.export_files import UploadLost
from tasks.transfer.stepped import Stepped, committed

PART_BYTES = 5 * 1024 * 1024
KEPT_SECONDS = 24 * 3600
CLAIM_SECONDS = 30  # a request of Lambda's ends after 29
MAX_JOBS = 20  # of a person, within KEPT_SECONDS
KIND = "EXPORT"  # of their places
FORMATS = {**exporting.FORMATS, everything.FORMAT: everything.MEDIA_TYPE}
RUNNING, DONE, FAILED = "running", "done", "failed"


class ExportNotFound(DomainError):  # noqa: N818
    """There is no such export, it has expired, or it belongs to someone else."""

    status = 404
    kind = "export-not-found"
    message = _("There is no such export. Exports are kept for a day.")


class ExportBusy(DomainError):  # noqa: N818
    """Another request is working on a step of this export."""

    status = 409
    kind = "export-busy"
    headers = RETRY
    message = _("Another request is working on this export. Try again in a moment.")


class TooManyExports(DomainError):  # noqa: N818
    """The person has made as many exports as are kept."""

    status = 409
    kind = "too-many-exports"
    message = format_lazy(
        _("You have made {most} exports today, which is the limit. Use one of them, or wait until tomorrow."),
        most=MAX_JOBS,
    )


def export_key(user_id: str, export_id: str) -> Key:
    """Return PK and SK of an export."""
    return f"EXPORT#{user_id}", f"EXPORT#{export_id}"


class ExportItem(Authored):
    """An export: how far it is, and where its file goes on.

    Attributes
    ----------
    format
        One of ``FORMATS``.
    status
        ``running``, ``done`` or ``failed``.
    tasks, bytes
        What the file has so far.
    cursor
        Of the next page of tasks.
    upload_id, parts
        S3's id of the unfinished file, and the ETags of its parts.
    claimed_until
        Until when (epoch seconds) another request may be working on a step.
    place
        The number of its place (``store.places``); exports made before there were places have none.
    """

    ENTITY_TYPE = "EXPORT"

    id = Text()
    user_id = Text()
    format = Text()
    status = Text()
    tasks = Whole()
    bytes = Whole()
    cursor = Text(null=True)
    upload_id = Text(null=True)
    parts = Records(null=True)
    claimed_until = Whole(null=True)
    place = Whole(null=True)
    created_at = Text()
    expires_at = Whole()

    @property
    def file_key(self) -> str:
        """Key of its file in S3."""
        return export_files.key_of(self.user_id, f"{self.id}.{self.format}")

    @property
    def link(self) -> str:
        """An address of the finished file that works for some minutes; blank before."""
        if self.status != DONE:
            return ""
        day = self.created_at[:10]
        if self.format == everything.FORMAT:
            return export_files.link(self.file_key, everything.filename(day))
        return export_files.link(self.file_key, exporting.filename(day, self.format))


def list_exports(ctx: RequestContext) -> list[ExportItem]:
    """Return the person's exports that are kept, the newest first. One Query."""
    found = query_all(ExportItem, export_key(ctx.user_id, "")[0], forward=False)
    return [item for item in found if item.expires_at > ctx.now.timestamp()]


def get_export(ctx: RequestContext, export_id: str, formats: Container[str] = FORMATS) -> ExportItem:
    """Return an export of the person in one of ``formats``. One GetItem. Raises ExportNotFound."""
    item = get(ExportItem, export_key(ctx.user_id, export_id)) if is_id(export_id) else None
    if item is None or item.expires_at <= ctx.now.timestamp() or item.format not in formats:
        raise ExportNotFound
    return item


def start(ctx: RequestContext, file_format: str, once: Once | None = None) -> Stepped[ExportItem]:
    """Create an export; ``step`` makes its file. Raises TooManyExports."""
    if once and (reply := earlier(ctx, once)):
        return Stepped(None, reply, replayed=True)
    export_id = new_id(ctx.now)
    pk, sk = export_key(ctx.user_id, export_id)
    now = int(ctx.now.timestamp())
    item = ExportItem(
        PK=pk,
        SK=sk,
        id=export_id,
        user_id=ctx.user_id,
        format=file_format,
        status=RUNNING,
        tasks=0,
        bytes=0,
        created_at=ctx.timestamp,
        expires_at=now + KEPT_SECONDS,
        **ctx.authorship(1),
    )

    def make(number: int, take: Action) -> Stepped[ExportItem]:
        placed = item.changed(place=number)
        return committed(ctx, Plan(placed, [take, put_new(placed)], resources=[item.key]), once)

    free = places.free(MAX_JOBS, [export.place for export in list_exports(ctx)])
    place = PlaceItem(SK=KIND, user_id=ctx.user_id, holder=export_id, expires_at=item.expires_at)
    if made := places.take(place, free, now, make):
        return made
    raise TooManyExports


def step(
    ctx: RequestContext,
    export_id: str,
    once: Once | None = None,
    *,
    read: Callable[[int], None],
    formats: Container[str] = FORMATS,
) -> Stepped[ExportItem]:
    """Write the next part of an export, if it is not finished. Raises ExportNotFound, ExportBusy, HistoryUnreadable.

    A file whose parts are lost ends as ``failed``. ``read`` is told the number of Queries as they are made.
    """
    if once and (reply := earlier(ctx, once)):
        return Stepped(None, reply, replayed=True)
    item = get_export(ctx, export_id, formats)
    if item.status != RUNNING:
        return Stepped(item)
    now = int(ctx.now.timestamp())
    if (item.claimed_until or 0) > now:
        raise ExportBusy
    claimed = item.changed(claimed_until=now + CLAIM_SECONDS, **ctx.authorship(item.version + 1))
    try:
        write([update(item, claimed)])
        try:
            part = _next_part(claimed, read)
        except HistoryUnreadable:  # whoever tries again need not wait until the claim has expired
            free = claimed.changed(claimed_until=None, **ctx.authorship(claimed.version + 1))
            write([update(claimed, free)])
            raise
        made = claimed.changed(claimed_until=None, **part, **ctx.authorship(claimed.version + 1))
        return committed(ctx, Plan(made, [update(claimed, made)], resources=[made.key]), once)
    except ConditionFailed:
        raise ExportBusy from None


def _next_part(item: ExportItem, read: Callable[[int], None]) -> dict[str, Any]:
    """Write the next part to S3; return what changes in the job."""
    content, tasks, cursor = _read(item, read)
    media_type = FORMATS[item.format]
    parts = [part["etag"] for part in item.parts or ()]
    counted = {"tasks": item.tasks + tasks, "bytes": item.bytes + len(content), "cursor": cursor}
    if cursor is None and not parts:
        export_files.put(item.file_key, content, media_type)
        return {**counted, "status": DONE}
    upload_id = item.upload_id or export_files.begin(item.file_key, media_type)
    try:
        parts.append(export_files.put_part(item.file_key, upload_id, len(parts) + 1, content))
        if cursor is None:
            export_files.complete(item.file_key, upload_id, parts)
            return {**counted, "status": DONE, "parts": None, "upload_id": None}
    except UploadLost:
        return {"status": FAILED}
    return {**counted, "upload_id": upload_id, "parts": [{"etag": etag} for etag in parts]}


def _read(item: ExportItem, read: Callable[[int], None]) -> tuple[bytes, int, str | None]:
    """Return the next part of the file, the number of its tasks, and the cursor to go on from."""
    if item.format == everything.FORMAT:
        return everything.next_part(item.user_id, item.cursor, PART_BYTES, read)
    content = bytearray()
    writer, cursor, tasks = exporting.WRITERS[item.format], item.cursor, 0
    if not item.tasks:
        content += writer.head().encode()
    while True:
        page = selectors.list_tasks(item.user_id, limit=exporting.PAGE, cursor=cursor)
        read(page.reads)
        for task in page.items:
            content += writer.row(exporting.row(task), first=item.tasks + tasks == 0).encode()
            tasks += 1
        cursor = page.next_cursor
        if cursor is None:
            content += writer.tail(empty=item.tasks + tasks == 0).encode()
        if cursor is None or len(content) >= PART_BYTES:
            return bytes(content), tasks, cursor


def erase_files(user_id: str) -> None:
    """Delete the files of a person, finished or not. An upload that no item tells of ends by itself, after days."""
    for item in query_all(KeysAtLeast, export_key(user_id, "")[0]):
        if isinstance(item, ExportItem) and item.upload_id:
            export_files.abort(item.file_key, item.upload_id)
    export_files.erase(user_id)
