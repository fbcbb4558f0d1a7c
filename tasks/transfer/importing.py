"""Import of tasks: row by row, each exactly once, however often the file is sent.

A row is identified by its content, so that a corrected file can be sent again: only the rows that were not imported
before are created. This is remembered for a day, like any idempotency key. A row with the id of an existing task is
always recognised.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from store import idempotency
from store.commit import Plan
from store.errors import FieldError, ValidationFailed
from store.idempotency import Once, Slot, StoredReply
from store.model import Key
from store.request_context import RequestContext
from store.text import shown
from store.writing import ConditionFailed, Contended, write
from tasks import services
from tasks.ids import from_sort_key
from tasks.items import task_key
from tasks.transfer import existing_tasks, reading
from tasks.transfer.existing_tasks import Candidate, Status
from tasks.transfer.rows import Row

AT_ONCE = 8
REPLY_MAX = 300_000  # bytes; an item may have 400 KB


@dataclass(frozen=True, slots=True)
class RowResult:
    """The result of a row: its number, and its task's id (None if invalid, or new in a dry run).

    ``notes`` say what a valid row could not keep as it was.
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
    replayed
        Whether an earlier request with the same key created all the tasks.
    """

    format: str
    dry_run: bool
    rows: int
    created: int
    existing: int
    invalid: int
    results: list[RowResult]
    replayed: bool = False


def import_tasks(
    ctx: RequestContext, upload: bytes, dry_run: bool = False, *, key: str | None = None
) -> ImportReport:
    """Create a task of ``ctx.user_id`` for each valid row of a file that does not exist already.

    Two BatchGetItems for each 100 rows, and one write for each task. The first row becomes the newest task.

    Parameters
    ----------
    upload
        Our JSON or CSV, or Todoist's CSV, with at most ``MAX_ROWS`` tasks. Ids and times are not imported.
    dry_run
        Only report what the import would do.
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
    missing = _missing(ctx, candidates, by_row=key is None)
    if not dry_run:
        _create(ctx, missing, by_row=key is None)
    return _report(file_format, dry_run, candidates)


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
    _create(ctx, _missing(ctx, candidates, by_row=False), by_row=False)
    return min(len(rows), done + most), len(rows)


def import_once(ctx: RequestContext, upload: bytes, once: Once) -> tuple[StoredReply, bool]:
    """Import a file once for an ``Idempotency-Key``; return the reply, and whether an earlier request got it.

    ``once.reply`` turns the report into the reply. Raises what ``import_tasks`` raises.
    """
    if stored := idempotency.earlier(ctx, once):
        return stored, True
    report = import_tasks(ctx, upload, key=once.key)
    record, reply = Slot(ctx, once).record(Plan(report, resources=[_first_task(ctx, report)]))
    # A longer reply is not stored: a repeated request gets the same one from the rows' own records.
    if len(reply.body.encode()) <= REPLY_MAX:
        with suppress(ConditionFailed, Contended):
            write([record])
    return reply, report.replayed


def _first_task(ctx: RequestContext, report: ImportReport) -> Key:
    made = (result.task_id for result in report.results if result.task_id)
    return task_key(ctx.user_id, next(made, ""))


def _candidates(ctx: RequestContext, rows: Iterable[Row], upload: bytes, key: str | None) -> list[Candidate]:
    """Return the rows with their idempotency keys: of the request's key and the row's number, or of its content."""
    seen: Counter[str] = Counter()
    fingerprint = _digest(upload)
    found = []
    for row in rows:
        if key is None:
            content = _digest(json.dumps(row.raw, sort_keys=True).encode())
            seen[content] += 1
            once = existing_tasks.row_once(f"{content}#{seen[content]}", content)
        else:
            once = existing_tasks.row_once(f"{_digest(key.encode())}#{row.number}", fingerprint)
        found.append(Candidate(row, once, _errors(ctx, row)))
    return found


def _missing(ctx: RequestContext, candidates: Iterable[Candidate], *, by_row: bool) -> list[Candidate]:
    """Return the valid candidates that have no task yet."""
    valid = [candidate for candidate in candidates if not candidate.errors]
    existing_tasks.find(ctx, valid, by_row=by_row)
    return [candidate for candidate in valid if candidate.task_id is None]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _errors(ctx: RequestContext, row: Row) -> list[FieldError]:
    if row.errors:
        return row.errors
    try:
        services.plan_create(ctx, row.fields)
    except ValidationFailed as failure:
        return [{**error, "field": _name(row.names, error["field"])} for error in failure.errors]
    return []


def _name(names: Mapping[str, str], path: str) -> str:
    first, dot, rest = path.partition(".")
    return names.get(first, first) + dot + rest


def _create(ctx: RequestContext, candidates: Sequence[Candidate], *, by_row: bool) -> None:
    def create(place: int) -> None:
        candidate = candidates[place]
        # Lists have the newest task first: the times keep the order of the file.
        moment = replace(ctx, now=ctx.now - timedelta(microseconds=place))
        written = services.create_task(moment, candidate.row.fields, once=candidate.once)
        candidate.task_id, candidate.repeated = from_sort_key(written.task.SK), written.replayed
        candidate.existing = written.replayed and by_row

    if candidates:
        create(0)  # first, as it may also create the person's profile, for which the others would contend
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(create, range(1, len(candidates))):
            pass


def _shown(errors: Iterable[FieldError]) -> list[FieldError]:
    """Return errors as they may be shown: they can name what is in the file."""
    return [
        {"field": shown(error["field"]), "message": shown(error["message"]), "code": error["code"]}
        for error in errors
    ]


def _report(file_format: str, dry_run: bool, candidates: Sequence[Candidate]) -> ImportReport:
    results = [
        RowResult(
            candidate.row.number,
            candidate.status,
            candidate.task_id,
            _shown(candidate.errors),
            [] if candidate.errors else _shown(candidate.row.notes),
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
        results=results,
        replayed=bool(made) and all(candidate.repeated for candidate in made),
    )
