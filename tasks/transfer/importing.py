"""Import of tasks: row by row, each exactly once, however often the file is sent.

A row is identified by its content, so that a corrected file can be sent again: only the rows that were not imported
before are created. This is remembered for a day, like any idempotency key. A row with the id of an existing task is
always recognised.

A row becomes a task as far as it can be used (see ``mending``), and was created and completed when the file says so.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from identity.items import UserItem
from store import idempotency
from store import reading as store_reading
from store.commit import Plan
from store.errors import FieldError, ValidationFailed
from store.idempotency import Once, Slot, StoredReply
from store.model import Key
from store.request_context import RequestContext
from store.text import shown
from store.writing import ConditionFailed, Contended, write
from tasks import services, write_plans
from tasks.fields import EDITABLE
from tasks.ids import from_sort_key, new_id
from tasks.items import TaskItem, task_key
from tasks.transfer import existing_tasks, mending, reading
from tasks.transfer.existing_tasks import Candidate, Status
from tasks.transfer.rows import Row

AT_ONCE = 8
NOTES_MAX = 20  # of a row, in the report
REPLY_MAX = 300_000  # bytes; an item may have 400 KB


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result of a row: its number, and its task's id (None if invalid, or new in a dry run).

    ``notes`` say what of a valid row could not become part of the task as it was.
    """

    row: int
    status: Status
    task_id: str | None = None
    errors: list[FieldError] = field(default_factory=list)
    notes: list[FieldError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The results of an import, or of a dry run.

    Attributes
    ----------
    format
        json, csv or todoist.
    rows
        The number of tasks in the file.
    results
        One for each task, in the file's order.
    remarks
        The number of rows with notes.
    replayed
        Whether an earlier request with the same key created all the tasks.
    """

    format: str
    dry_run: bool
    rows: int
    created: int
    existing: int
    invalid: int
    remarks: int
    results: list[RowResult]
    replayed: bool = False


def import_tasks(
    ctx: RequestContext, upload: bytes, dry_run: bool = False, *, key: str | None = None
) -> ImportReport:
    """Create a task of ``ctx.user_id`` for each valid row of a file that does not exist already.

    Two BatchGetItems for each 100 rows, one more for each 100 that were imported before, at most one GetItem of the
    person's profile, and one write for each task. Of rows that say no time, the first becomes the newest task.

    Parameters
    ----------
    upload
        Our JSON or CSV, or Todoist's CSV, with at most ``MAX_ROWS`` tasks. Ids are not imported.
    dry_run
        Only report what the import would do: the same reads, and no write.
    key
        An ``Idempotency-Key``: the same key makes it the same import, another key another import. Without a key, a row
        that was imported within a day counts as existing while its task exists.

    Raises
    ------
    ValidationFailed
        The file cannot be read as a whole. Errors of rows are in the report.
    IdempotencyMismatch
        The key was used for another file.
    IdempotencyInFlight, WriteContention
        Some tasks may have been created; send the file again.
    """
    file_format, rows = reading.read(upload, ctx.now)
    candidates = _candidates(ctx, rows, upload, key)
    new = missing(ctx, candidates, by_row=key is None)
    if not dry_run:
        create(ctx, new, by_row=key is None)
    return report(file_format, dry_run, candidates)


def import_part(ctx: RequestContext, upload: bytes, key: str, done: int, most: int) -> tuple[int, int]:
    """Import the next ``most`` rows of a file, whose last ``done`` rows were imported by earlier calls.

    It goes from the end of the file to its start, so that the first row still becomes the newest task. The report
    comes from ``import_tasks`` with the same key at the end, which finds the tasks that exist.

    Returns
    -------
    tuple[int, int]
        The number of rows that are done now, and of all rows.

    Raises what ``import_tasks`` raises.
    """
    _format, rows = reading.read(upload, ctx.now)
    until = max(0, len(rows) - done)
    candidates = _candidates(ctx, rows[max(0, until - most) : until], upload, key)
    create(ctx, missing(ctx, candidates, by_row=False), by_row=False)
    return min(len(rows), done + most), len(rows)


def import_once(ctx: RequestContext, upload: bytes, once: Once) -> tuple[StoredReply, bool]:
    """Import a file once for an ``Idempotency-Key``; return the reply, and whether an earlier request got it.

    ``once.reply`` turns the report into the reply. Raises what ``import_tasks`` raises.
    """
    if stored := idempotency.earlier(ctx, once):
        return stored, True
    made = import_tasks(ctx, upload, key=once.key)
    record, reply = Slot(ctx, once).record(Plan(made, resources=[_first_task(ctx, made)]))
    # A longer reply is not stored: a repeated request gets the same one from the rows' own records.
    if len(reply.body.encode()) <= REPLY_MAX:
        with suppress(ConditionFailed, Contended):
            write([record])
    return reply, made.replayed


def _first_task(ctx: RequestContext, report: ImportReport) -> Key:
    made = (result.task_id for result in report.results if result.task_id)
    return task_key(ctx.user_id, next(made, ""))


def _candidates(ctx: RequestContext, rows: Iterable[Row], upload: bytes, key: str | None) -> list[Candidate]:
    """Return the rows with their idempotency keys: of the request's key and the row's number, or of its content."""
    seen: Counter[str] = Counter()
    fingerprint = _digest(upload)
    planner = Planner(ctx)
    found = []
    for place, row in enumerate(rows):
        if key is None:
            content = content_of(row)
            seen[content] += 1
            once = existing_tasks.row_once(f"{content}#{seen[content]}", content)
        else:
            once = existing_tasks.row_once(f"{_digest(key.encode())}#{row.number}", fingerprint)
        # Lists have the newest task first: the times keep the order of the file.
        found.append(planner.candidate(row, once, ctx.now - timedelta(microseconds=place)))
    return found


def content_of(row: Row) -> str:
    """Return a digest of what the file says in a row."""
    return _digest(json.dumps(row.raw, sort_keys=True).encode())


class Planner:
    """Plans the tasks of rows. It reads the person's profile once, if a rule depends on their zone."""

    def __init__(self, ctx: RequestContext) -> None:
        self._ctx = ctx
        self._around: dict[Key, UserItem | None] = {}

    def candidate(self, row: Row, once: Once, moment: datetime, created: str | None = None) -> Candidate:
        """Return a row with the plan of its task, which is written at ``moment``; or with its errors.

        A task whose row says no time is created then, or at ``created`` if that is given.
        """
        plan = None if row.errors else self._mended(row, replace(self._ctx, now=moment), created)
        return Candidate(row, once, row.errors, plan)

    def _mended(self, row: Row, ctx: RequestContext, created: str | None) -> Plan[TaskItem] | None:
        times = mending.stated_times(row, self._ctx.now)
        if created:
            times.setdefault("created_at", created)
        try:
            return self._plan(row, ctx, times)
        except ValidationFailed as refused:
            failure = refused
        mending.mend(row, failure)
        for _attempt in EDITABLE:
            if row.errors:
                break
            try:
                return self._plan(row, ctx, times)
            except ValidationFailed as refused:
                mending.leave_out_refused(row, refused)
        return None

    def _plan(self, row: Row, ctx: RequestContext, times: Mapping[str, str]) -> Plan[TaskItem]:
        created = datetime.fromisoformat(times["created_at"]) if "created_at" in times else ctx.now
        try:
            return write_plans.create_task(ctx, row.fields, new_id(created), self._around, times)
        except write_plans.Unread as unread:
            self._around |= {key: store_reading.get(UserItem, key) for key in unread.keys}
        return write_plans.create_task(ctx, row.fields, new_id(created), self._around, times)


def missing(
    ctx: RequestContext, candidates: Iterable[Candidate], *, by_row: bool = True, since: str = ""
) -> list[Candidate]:
    """Return the valid candidates that have no task yet. Parameters as of ``existing_tasks.find``."""
    valid = [candidate for candidate in candidates if not candidate.errors]
    existing_tasks.find(ctx, valid, by_row=by_row, since=since)
    return [candidate for candidate in valid if candidate.task_id is None]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def create(ctx: RequestContext, candidates: Sequence[Candidate], *, by_row: bool) -> None:
    """Create the tasks of candidates, one write each. With ``by_row``, one that another request created exists."""

    def create_one(place: int) -> None:
        candidate = candidates[place]
        written = services.create_planned(ctx, candidate.known_plan, once=candidate.once)
        candidate.task_id, candidate.repeated = from_sort_key(written.task.SK), written.replayed
        candidate.existing = written.replayed and by_row

    if candidates:
        create_one(0)  # first, as it may also create the person's profile, for which the others would contend
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(create_one, range(1, len(candidates))):
            pass


def _shown(errors: Iterable[FieldError]) -> list[FieldError]:
    """Return errors as they may be shown: they can name what is in the file."""
    return [
        {"field": shown(error["field"]), "message": shown(error["message"]), "code": error["code"]}
        for error in errors
    ]


def report(file_format: str, dry_run: bool, candidates: Sequence[Candidate]) -> ImportReport:
    """Return the results of rows."""
    results = [
        RowResult(
            candidate.row.number,
            candidate.status,
            candidate.task_id,
            _shown(candidate.errors),
            [] if candidate.errors else _shown(candidate.row.notes[:NOTES_MAX]),
        )
        for candidate in candidates
    ]
    counts = Counter(result.status for result in results)
    made = [candidate for candidate in candidates if candidate.status == "created"]
    return ImportReport(
        format=file_format,
        dry_run=dry_run,
        rows=len(results),
        created=counts["created"],
        existing=counts["existing"],
        invalid=counts["invalid"],
        remarks=sum(bool(result.notes) for result in results),
        results=results,
        replayed=bool(made) and all(candidate.repeated for candidate in made),
    )
