"""Imports of files of any size, in steps: each request brings the next piece of the file and says where it goes on.

A step reads as many whole rows as its piece holds, at most ``STEP_ROWS``, and creates their tasks; a task of Todoist's
template is whole with its sub-tasks. The server keeps no file: the job in the table knows at which byte the next row
begins, and the rows that are not as the file has them. A piece that is sent again, or whose request died, creates
nothing twice: a row is known by its content and its number.
While one request works on a step, others are refused, as for exports.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from store import places
from store.attributes import Flag, Records, Text, Texts, Whole
from store.commit import Plan
from store.errors import RETRY, DomainError, FieldError, ValidationFailed
from store.idempotency import Once, earlier
from store.model import Authored, Item, Key
from store.places import PlaceItem
from store.reading import get, query_all
from store.request_context import RequestContext, timestamp
from store.writing import Action, ConditionFailed, put_new, update, write
from tasks.ids import is_id, new_id
from tasks.transfer import existing_tasks, importing, reading
from tasks.transfer.existing_tasks import Candidate
from tasks.transfer.export_jobs import CLAIM_SECONDS, DONE, FAILED, KEPT_SECONDS, MAX_JOBS, RUNNING
from tasks.transfer.importing import Planner, RowResult
from tasks.transfer.reading import Place
from tasks.transfer.stepped import Stepped, committed

FILE_MAX = 512 * 1024 * 1024  # bytes
STEP_ROWS = 250
# Bytes of a piece: as many as STEP_ROWS rows usually have. A row that is longer gets more, up to what a body may have.
PIECE, PIECE_MAX = 128 * 1024, 1024 * 1024
PAGE_ROWS = 25  # rows with remarks in one item; an item may have 400 KB
KIND = "IMPORT"  # of their places
COUNTED = ("rows", "created", "existing", "invalid", "remarks")


class ImportNotFound(DomainError):  # noqa: N818
    """There is no such import, it has expired, or it belongs to someone else."""

    status = 404
    kind = "import-not-found"
    message = _("There is no such import. Imports are kept for a day.")


class ImportBusy(DomainError):  # noqa: N818
    """Another request is working on a step of this import."""

    status = 409
    kind = "import-busy"
    headers = RETRY
    message = _("Another request is working on this import. Try again in a moment.")


class TooManyImports(DomainError):  # noqa: N818
    """The person has begun as many imports as are kept."""

    status = 409
    kind = "too-many-imports"
    message = format_lazy(
        _("You have made {most} imports today, which is the limit. Wait until tomorrow."), most=MAX_JOBS
    )


def import_key(user_id: str, import_id: str) -> Key:
    """Return PK and SK of an import."""
    return f"IMPORT#{user_id}", f"IMPORT#{import_id}"


def rows_key(user_id: str, import_id: str, number: int) -> Key:
    """Return PK and SK of a page of an import's rows."""
    return f"IMPORTROWS#{user_id}", f"IMPORT#{import_id}#{number:06}"


class ImportItem(Authored):
    """An import: how far it is, and where its file goes on.

    Attributes
    ----------
    bytes
        The size of the file.
    offset, records, format, encoding, delimiter, header, section
        As of ``reading.Place``.
    piece
        The bytes that the next piece should have.
    status
        ``running``, ``done`` or ``failed``; then ``errors`` say why the file cannot be read from ``offset`` on.
    rows, created, existing, invalid, remarks
        As of ``importing.ImportReport``, so far.
    pages
        The number of items with rows that are not as the file has them.
    claimed_until
        Until when (epoch seconds) another request may be working on a step.
    place_number
        The number of its place (``store.places``); imports begun before there were places have none.
    """

    ENTITY_TYPE = "IMPORT"

    id = Text()
    user_id = Text()
    dry_run = Flag()
    bytes = Whole()
    offset = Whole()
    piece = Whole()
    records = Whole()
    format = Text(null=True)
    encoding = Text(null=True)
    delimiter = Text(null=True)
    header = Texts(null=True)
    section = Text(null=True)
    status = Text()
    errors = Records(null=True)
    rows = Whole()
    created = Whole()
    existing = Whole()
    invalid = Whole()
    remarks = Whole()
    pages = Whole()
    claimed_until = Whole(null=True)
    place_number = Whole(null=True)
    created_at = Text()
    expires_at = Whole()

    @property
    def place(self) -> Place:
        """Where its file goes on."""
        values = self.attribute_values
        names = ("offset", "records", "format", "encoding", "delimiter", "section")
        return Place(
            **{name: values[name] for name in names if name in values}, header=tuple(self.header or ())
        )

    @property
    def wanted(self) -> int:
        """The bytes of the next piece."""
        return min(self.piece, self.bytes - self.offset)


class ImportRowsItem(Item):
    """Rows of an import that are not as the file has them: ``results`` as of ``importing.RowResult``."""

    ENTITY_TYPE = "IMPORTROWS"

    user_id = Text()
    results = Records()
    expires_at = Whole()


def list_imports(ctx: RequestContext) -> list[ImportItem]:
    """Return the person's imports in steps that are kept, the newest first. One Query."""
    found = query_all(ImportItem, import_key(ctx.user_id, "")[0], forward=False)
    return [item for item in found if item.expires_at > ctx.now.timestamp()]


def get_import(ctx: RequestContext, import_id: str) -> ImportItem:
    """Return an import of the person. One GetItem. Raises ImportNotFound."""
    item = get(ImportItem, import_key(ctx.user_id, import_id)) if is_id(import_id) else None
    if item is None or item.expires_at <= ctx.now.timestamp():
        raise ImportNotFound
    return item


def rows_of(item: ImportItem, page: int) -> list[dict[str, Any]]:
    """Return page ``page`` (from 1) of the rows that are not as the file has them. One GetItem."""
    found = get(ImportRowsItem, rows_key(item.user_id, item.id, page)) if 1 <= page <= item.pages else None
    return list(found.results) if found else []


def start(
    ctx: RequestContext, size: int, *, dry_run: bool = False, once: Once | None = None
) -> Stepped[ImportItem]:
    """Begin to import a file of ``size`` bytes. Raises TooManyImports."""
    if once and (reply := earlier(ctx, once)):
        return Stepped(None, reply, replayed=True)
    import_id = new_id(ctx.now)
    pk, sk = import_key(ctx.user_id, import_id)
    now = int(ctx.now.timestamp())
    item = ImportItem(
        PK=pk,
        SK=sk,
        id=import_id,
        user_id=ctx.user_id,
        dry_run=dry_run,
        bytes=size,
        offset=0,
        piece=PIECE,
        records=0,
        status=RUNNING,
        **dict.fromkeys(COUNTED, 0),
        pages=0,
        created_at=ctx.timestamp,
        expires_at=now + KEPT_SECONDS,
        **ctx.authorship(1),
    )

    def make(number: int, take: Action) -> Stepped[ImportItem]:
        placed = item.changed(place_number=number)
        return committed(ctx, Plan(placed, [take, put_new(placed)], resources=[item.key]), once)

    free = places.free(MAX_JOBS, [each.place_number for each in list_imports(ctx)])
    holder = PlaceItem(SK=KIND, user_id=ctx.user_id, holder=import_id, expires_at=item.expires_at)
    if made := places.take(holder, free, now, make):
        return made
    raise TooManyImports


def step(
    ctx: RequestContext,
    import_id: str,
    offset: int,
    content: bytes,
    once: Once | None = None,
    *,
    counted: Callable[[int, bool], None],
) -> Stepped[ImportItem]:
    """Import the rows of a piece of the file that begins at byte ``offset``; return the import as it is then.

    Nothing happens if it goes on elsewhere, or if the piece does not hold a whole row: ``offset`` and ``wanted`` of the
    answer say what to send. A file that cannot be read ends as ``failed``; what was imported before stays. As many
    requests as for an import of its rows, and three more. ``counted`` is told the number of rows, and whether they were
    only looked at.

    Raises ImportNotFound, ImportBusy, IdempotencyInFlight and WriteContention (send it again).
    """
    if once and (reply := earlier(ctx, once)):
        return Stepped(None, reply, replayed=True)
    item = get_import(ctx, import_id)
    if item.status != RUNNING or offset != item.offset or not content:
        return Stepped(item)
    now = int(ctx.now.timestamp())
    if (item.claimed_until or 0) > now:
        raise ImportBusy
    claimed = item.changed(claimed_until=now + CLAIM_SECONDS, **ctx.authorship(item.version + 1))
    try:
        write([update(item, claimed)])
        changes, pages = _next(ctx, claimed, content[: item.bytes - item.offset])
        counted(changes.get("rows", item.rows) - item.rows, item.dry_run)
        made = claimed.changed(claimed_until=None, **changes, **ctx.authorship(claimed.version + 1))
        return committed(ctx, Plan(made, [update(claimed, made), *map(put_new, pages)], [], [made.key]), once)
    except ConditionFailed:
        raise ImportBusy from None


def _next(
    ctx: RequestContext, item: ImportItem, content: bytes
) -> tuple[dict[str, Any], list[ImportRowsItem]]:
    """Import the rows of a piece. Return what changes in the job, and the items with what there is to say of them."""
    last = item.offset + len(content) >= item.bytes
    since = datetime.fromisoformat(item.created_at)  # also what "tomorrow" means, to the last step
    try:
        rows, place = reading.read_window(content, item.place, since, STEP_ROWS, last=last)
    except ValidationFailed as failure:
        return {"status": FAILED, "errors": failure.errors}, []
    if place.offset == item.offset:
        if len(content) < item.wanted:
            return {}, []
        if last or item.piece >= PIECE_MAX:
            return {"status": FAILED, "errors": [_too_long(item.records + 1)]}, []
        return {"piece": min(item.piece * 2, PIECE_MAX)}, []
    planner = Planner(ctx)
    candidates = []
    for number, row in enumerate(rows):
        content_id = importing.content_of(row)
        once = existing_tasks.row_once(f"{content_id}#row{row.number}", content_id)
        # Of rows without a time of their own, the first becomes the newest task.
        created = timestamp(since - timedelta(microseconds=row.number))
        moment = ctx.now - timedelta(microseconds=number)
        candidates.append(planner.candidate(row, once, moment, created))
    missing = importing.missing(ctx, candidates, since=item.created_at)
    if not item.dry_run:
        importing.create(ctx, missing, by_row=True)
    return _counted(item, place, candidates)


def _too_long(row: int) -> FieldError:
    message = _("Row %(row)d is longer than a megabyte, or not ended.") % {"row": row}
    return FieldError(field="file", message=message, code="too_long")


def _counted(
    item: ImportItem, place: Place, candidates: Sequence[Candidate]
) -> tuple[dict[str, Any], list[ImportRowsItem]]:
    report = importing.report(place.format, item.dry_run, candidates)
    told = [_told(result) for result in report.results if result.errors or result.notes]
    pages: list[ImportRowsItem] = []
    for start_at in range(0, len(told), PAGE_ROWS):
        pk, sk = rows_key(item.user_id, item.id, item.pages + len(pages) + 1)
        results = told[start_at : start_at + PAGE_ROWS]
        pages.append(
            ImportRowsItem(PK=pk, SK=sk, user_id=item.user_id, results=results, expires_at=item.expires_at)
        )
    changes = {name: getattr(item, name) + getattr(report, name) for name in COUNTED}
    changes |= {
        name: value or None for name, value in asdict(place).items() if name not in {"offset", "records"}
    }
    changes |= {"header": list(place.header) or None, "offset": place.offset, "records": place.records}
    changes |= {"pages": item.pages + len(pages), "piece": PIECE}
    return changes | ({"status": DONE} if place.offset >= item.bytes else {}), pages


def _told(result: RowResult) -> dict[str, Any]:
    told = {**asdict(result), "errors": [*map(dict, result.errors)], "notes": [*map(dict, result.notes)]}
    return {name: value for name, value in told.items() if value is not None}
