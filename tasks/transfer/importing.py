"""Bringing tasks in: row by row, each exactly once however often the file is sent.

What a row says identifies it, so a corrected file can be sent again: the rows that were imported are found, and only
the others are created. That is remembered for a day, like any idempotency key. A row that gives the id of a task which
is there is found for ever.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from store import calls, idempotency
from store.context import RequestContext
from store.errors import FieldError, ValidationFailed
from store.idempotency import Once, StoredReply
from tasks import plans, services
from tasks.items import TaskItem, task_key
from tasks.transfer import known, reading
from tasks.transfer.known import Candidate, Status
from tasks.transfer.rows import Row

AT_ONCE = 8
REPLY_MAX = 300_000  # bytes; an item may have 400 KB


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row: its number, and its task's id (None if it is invalid, or was not created in a dry run)."""

    row: int
    status: Status
    task_id: str | None = None
    errors: list[FieldError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or in a dry run would do.

    Attributes
    ----------
    format
        json, csv or todoist.
    rows
        How many tasks the file has.
    results
        One a task, in the file's order.
    replayed
        Whether an earlier request with the same key had created all that this one would have.
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
    """Create a task for ``ctx.user_id`` for each row of a file that is valid and not there already.

    Two BatchGetItems for 100 rows, and one write for each task. The first row becomes the newest task.

    Parameters
    ----------
    upload
        A file of ours (JSON, CSV) or of Todoist (CSV), at most ``MAX_ROWS`` tasks. Its ids and times are not kept.
    dry_run
        Only tell what would be done.
    key
        An ``Idempotency-Key``: a file sent again with it is the same import, with another one another import. Without,
        a row that was imported within a day is existing for as long as its task is there.

    Raises
    ------
    ValidationFailed
        The file as a whole cannot be read. What is wrong with a row is in the report.
    IdempotencyMismatch
        The key was used for another file.
    IdempotencyInFlight, WriteContention
        Some rows may have been created; send the file again.
    """
    file_format, rows = reading.read(upload, ctx.now)
    candidates = _candidates(ctx, rows, upload, key)
    valid = [candidate for candidate in candidates if not candidate.errors]
    known.find(ctx, valid, by_row=key is None)
    if not dry_run:
        _create(ctx, [candidate for candidate in valid if candidate.task_id is None], by_row=key is None)
    return _report(file_format, dry_run, candidates)


def import_part(ctx: RequestContext, upload: bytes, key: str, done: int, most: int) -> tuple[int, int]:
    """Import ``most`` further tasks of a file of which the last ``done`` rows have been looked at.

    It goes from the end of the file to its beginning, so that the first row still becomes the newest task. Nothing is
    remembered of it: the last word has ``import_tasks`` with the same key, which finds what is there.

    Returns
    -------
    tuple[int, int]
        How many rows have been looked at now, and how many there are.

    Raises what ``import_tasks`` raises.
    """
    _format, rows = reading.read(upload, ctx.now)
    until = max(0, len(rows) - done)
    candidates = _candidates(ctx, rows[max(0, until - most) : until], upload, key)
    valid = [candidate for candidate in candidates if not candidate.errors]
    known.find(ctx, valid, by_row=False)
    _create(ctx, [candidate for candidate in valid if candidate.task_id is None], by_row=False)
    return min(len(rows), done + most), len(rows)


def import_once(ctx: RequestContext, upload: bytes, once: Once) -> tuple[StoredReply, bool]:
    """Import a file once for an ``Idempotency-Key``; return what was answered, and whether to an earlier request.

    ``once.reply`` gets the report. Raises what ``import_tasks`` raises.
    """
    if stored := idempotency.earlier(ctx, once):
        return stored, True
    report = import_tasks(ctx, upload, key=once.key)
    reply = once.reply(report)
    # A longer answer is not kept: the rows' own records lead to the same one.
    if len(reply.body.encode()) <= REPLY_MAX:
        with suppress(calls.ConditionFailed, calls.Contended):
            calls.write([idempotency.record(ctx, once, _first_task(ctx, report), reply)])
    return reply, report.replayed


def _first_task(ctx: RequestContext, report: ImportReport) -> TaskItem:
    made = (result.task_id for result in report.results if result.task_id)
    pk, sk = task_key(ctx.user_id, next(made, ""))
    return TaskItem.of({"PK": pk, "SK": sk})


def _candidates(ctx: RequestContext, rows: Iterable[Row], upload: bytes, key: str | None) -> list[Candidate]:
    """Return the rows with what identifies each: the key and the row's number, or the row's content."""
    seen: Counter[str] = Counter()
    fingerprint = _digest(upload)
    found = []
    for row in rows:
        if key is None:
            content = _digest(json.dumps(row.raw, sort_keys=True).encode())
            seen[content] += 1
            once = known.once(f"{content}#{seen[content]}", content)
        else:
            once = known.once(f"{_digest(key.encode())}#{row.number}", fingerprint)
        found.append(Candidate(row, once, _errors(ctx, row)))
    return found


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _errors(ctx: RequestContext, row: Row) -> list[FieldError]:
    if row.errors:
        return row.errors
    try:
        plans.create(ctx, row.fields)
    except ValidationFailed as failure:
        return [{**error, "field": _name(row.names, error["field"])} for error in failure.errors]
    return []


def _name(names: Mapping[str, str], path: str) -> str:
    first, dot, rest = path.partition(".")
    return names.get(first, first) + dot + rest


def _create(ctx: RequestContext, candidates: Sequence[Candidate], *, by_row: bool) -> None:
    def create(place: int) -> None:
        candidate = candidates[place]
        # A list has the newest task first: the order of the file is kept.
        moment = replace(ctx, now=ctx.now - timedelta(microseconds=place))
        written = services.create_task(moment, candidate.row.fields, once=candidate.once)
        candidate.task_id, candidate.repeated = known.task_id(written.task.SK), written.replayed
        candidate.existing = written.replayed and by_row

    for first in range(min(1, len(candidates))):
        create(
            first
        )  # on its own: it makes the person's profile too, which the others then need not contend for
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(create, range(1, len(candidates))):
            pass


def _report(file_format: str, dry_run: bool, candidates: Sequence[Candidate]) -> ImportReport:
    results = [
        RowResult(candidate.row.number, candidate.status, candidate.task_id, candidate.errors)
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
