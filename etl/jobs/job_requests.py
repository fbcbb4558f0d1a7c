"""Job requests: run the lake, read days again, retry or close quarantined rows, replay failures, erase a person.

A request is an object in Silver. Every runner of the lake looks for waiting requests first, so the same button works on
a laptop and in the cloud. One runner at a time takes a request; if it dies, another takes over.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from etl.lake import manifest
from etl.lake.commit import LEASE
from etl.lake.layout import JOB_REQUESTS_PREFIX
from etl.lake.manifest import Manifest
from etl.lake.storage import Bucket, ConflictError
from etl.lake.tables import QUARANTINE
from etl.log import iso, log

KINDS = ("run", "replay", "quarantine", "failures", "erase", "dismiss", "reopen")
# They change single files, which only the embedded engine does.
EDITS = ("erase", "dismiss", "reopen")
MAX_NAMED = 200  # files or rows in one request
SHOWN_DAYS = 7
_USER_ID = re.compile(r"[A-Za-z0-9_:.@-]{3,128}")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One request.

    Parameters
    ----------
    id
        Unique, sorts by time.
    kind
        `run`: consume new files now. `replay`: read the Bronze files of some days again. `quarantine`: read the days
        of quarantined rows again. `failures`: capture what waits in the on-failure queue again. `erase`: remove a
        person from every layer. `dismiss`, `reopen`: close quarantined rows, or open them again.
    first_day, last_day
        Days of a replay, `YYYY-MM-DD`, both included.
    ordered_by, request_id
        The person who asked, and the HTTP request or command.
    state
        `waiting`, `running`, `done` or `failed`.
    message
        The result, for people.
    user_id
        The person to erase; empty once the erasure is finished.
    subject
        Digest of `user_id`, which stays.
    files, rows
        The quarantined rows to dismiss or to reopen: all of some files, or some, as `QUARANTINED_ROW` names them.
    due_at
        When a runner may take it (again), ISO 8601 UTC; empty for at once, or for never once it is done.
    """

    id: str
    kind: str
    ordered_by: str
    request_id: str
    ordered_at: str
    first_day: str = ""
    last_day: str = ""
    state: str = "waiting"
    message: str = ""
    started_at: str = ""
    finished_at: str = ""
    user_id: str = ""
    subject: str = ""
    due_at: str = ""
    files: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its key in Silver."""
        return f"{JOB_REQUESTS_PREFIX}{self.id}.json"

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read the stored form; unknown fields are ignored."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in stored.items() if name in known}
        for name in ("files", "rows"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of carrying out a request: `state`, `message` and `due_at` as in `JobRequest`."""

    state: str
    message: str
    due_at: str = ""


Run = Callable[[], Any]
Days = Callable[[Manifest], Collection[str]]
Edit = Callable[[JobRequest, datetime], Outcome]
Failures = Callable[[], Outcome]


def check(
    kind: str,
    first_day: str = "",
    last_day: str = "",
    *,
    user_id: str = "",
    files: Sequence[str] = (),
    rows: Sequence[str] = (),
) -> None:
    """Raise ValueError for an unknown kind, or invalid days, user id, files or rows."""
    if kind not in KINDS:
        raise ValueError(f"there is no job request of kind {kind!r}")
    if kind == "replay" and not date.fromisoformat(first_day) <= date.fromisoformat(last_day):
        raise ValueError("the first day must not be after the last")
    if kind == "erase" and not _USER_ID.fullmatch(user_id):
        raise ValueError(f"{user_id!r} is not a user id")
    if kind in ("dismiss", "reopen") and (bool(files) == bool(rows) or len(files) + len(rows) > MAX_NAMED):
        raise ValueError(f"name 1 to {MAX_NAMED} files or rows")


def submit(
    silver: Bucket,
    kind: str,
    ordered_by: str,
    request_id: str,
    first_day: str = "",
    last_day: str = "",
    *,
    user_id: str = "",
    due_at: str = "",
    files: Sequence[str] = (),
    rows: Sequence[str] = (),
) -> JobRequest:
    """Leave a request, to be carried out at once or from `due_at` on (ISO 8601 UTC). ValueError as for `check`."""
    check(kind, first_day, last_day, user_id=user_id, files=files, rows=rows)
    now = datetime.now(UTC)
    request = JobRequest(
        manifest.new_name(now),
        kind,
        ordered_by,
        request_id,
        iso(now),
        first_day,
        last_day,
        user_id=user_id,
        subject=subject_of(user_id) if user_id else "",
        due_at=due_at,
        files=tuple(files),
        rows=tuple(rows),
    )
    silver.replace_json(request.key, asdict(request), None)
    return request


def request_erasure(
    silver: Bucket, user_id: str, request_id: str, ordered_by: str = "the person", due_at: str = ""
) -> JobRequest:
    """Request that a person's rows are removed from every layer of the lake, once their items have left the table.

    Call it after the last item is deleted. While a request for the same person is open, it returns that request. The
    runner waits for change capture to deliver the removals, erases, checks again later, and only then forgets the id.
    `erasure_of` tells the progress.

    Parameters
    ----------
    request_id, ordered_by
        The HTTP request, and who made it, as admins may read it. Not the person's name or address: the job request
        outlives them.
    due_at
        When to begin, ISO 8601 UTC; at once if empty.
    """
    check("erase", user_id=user_id)
    known = erasure_of(silver, user_id)
    if known and known.state in {"waiting", "running"}:
        return known
    return submit(silver, "erase", ordered_by, request_id, user_id=user_id, due_at=due_at)


def erasure_of(silver: Bucket, user_id: str) -> JobRequest | None:
    """The latest request to erase a person, of the last `SHOWN_DAYS`; None if there is none."""
    subject = subject_of(user_id)
    return next((request for request in recent(silver) if request.subject == subject), None)


def naming(silver: Bucket, user_id: str) -> list[str]:
    """Keys of the requests that name a person, except open ones to erase that person: these forget it themselves."""
    return [
        key for key, request in _all(silver) if _names(request, {user_id}) and not _erases(request, user_id)
    ]


def forget(silver: Bucket, user_id: str, addresses: Collection[str] = ()) -> None:
    """Remove a person's id and addresses from all requests but the open ones to erase the person."""
    names = {user_id, *addresses}
    for key, request in list(_all(silver)):
        if _names(request, names) and not _erases(request, user_id):
            texts = {name: _without(value, names) for name, value in asdict(request).items()}
            silver.put(key, json.dumps(texts).encode())
            silver.delete_old_versions(key)


def _all(silver: Bucket) -> Iterator[tuple[str, JobRequest]]:
    for key in silver.keys(JOB_REQUESTS_PREFIX):
        if held := silver.get_json(key):
            yield key, JobRequest.from_json(held[0])


def _names(request: JobRequest, names: Collection[str]) -> bool:
    return any(_without(value, names) != value for value in asdict(request).values())


def _without(value: str | Sequence[str], names: Collection[str]) -> str | tuple[str, ...]:
    """A text, or each of several, without names where they stand as whole words."""
    if not isinstance(value, str):
        return tuple(_scrubbed(text, names) for text in value)
    return _scrubbed(value, names)


def _scrubbed(text: str, names: Collection[str]) -> str:
    for name in names:
        text = re.sub(rf"(?<![\w:.@-]){re.escape(name)}(?![\w:.@-])", "", text)
    return text


def _erases(request: JobRequest, user_id: str) -> bool:
    """Whether a request erases a person, now or by a later check."""
    is_open = request.state in {"waiting", "running"} or bool(request.due_at)
    return request.kind == "erase" and request.user_id == user_id and is_open


def subject_of(user_id: str) -> str:
    """The digest of a user id that a request keeps."""
    return hashlib.sha256(user_id.encode()).hexdigest()


def recent(silver: Bucket, now: datetime | None = None) -> list[JobRequest]:
    """Requests of the last `SHOWN_DAYS`, the newest first."""
    found = [silver.get_json(key) for key in _keys(silver, now or datetime.now(UTC))]
    return [JobRequest.from_json(held[0]) for held in reversed(found) if held]


def _keys(silver: Bucket, now: datetime) -> list[str]:
    return list(
        silver.keys(JOB_REQUESTS_PREFIX, f"{JOB_REQUESTS_PREFIX}{now - timedelta(days=SHOWN_DAYS):%Y%m%d}")
    )


def carry_out(
    silver: Bucket,
    run: Run,
    edit: Edit | None = None,
    settled: dict[str, str] | None = None,
    now: datetime | None = None,
    kinds: tuple[str, ...] = KINDS,
    quarantined: Days | None = None,
    failures: Failures | None = None,
) -> int:
    """Carry out the requests that are due, and return their number.

    Parameters
    ----------
    run
        Brings the lake up to date.
    edit
        Carries out a request that changes single files (`EDITS`); if None, these are left to another runner.
    settled
        Kept by the caller between calls: until when a request, by its key, need not be read.
    kinds
        Kinds to carry out; the others are left to another runner.
    quarantined
        Returns the days of quarantined rows; if None, every day is read again.
    failures
        Captures what waits in the on-failure queue again; if None, that is left to another runner.
    """
    moment, seen = now or datetime.now(UTC), {} if settled is None else settled
    left = {*(() if edit else EDITS), *(() if failures else ("failures",))}
    kinds = tuple(kind for kind in kinds if kind not in left)
    taken = 0
    for key in _keys(silver, moment):
        if seen.get(key, "") > iso(moment):
            continue
        request = _take(silver, key, kinds, moment)
        if isinstance(request, JobRequest):
            _carry_out(silver, request, run, edit, moment, quarantined, failures)
            taken += 1
        elif request:
            seen[key] = request
    return taken


_NEVER = "9999"


def _take(silver: Bucket, key: str, kinds: tuple[str, ...], now: datetime) -> JobRequest | str:
    """Take a request that is due and free; else return until when it need not be read (empty: read it next time)."""
    found = silver.get_json(key)
    if found is None:
        return _NEVER
    request, etag = JobRequest.from_json(found[0]), found[1]
    due = _due(request) if request.kind in kinds else _NEVER
    if due > iso(now):
        return due if request.state != "running" else ""
    try:
        running = replace(request, state="running", started_at=iso(now))
        silver.replace_json(key, asdict(running), etag)
    except ConflictError:
        return ""
    return running


def _due(request: JobRequest) -> str:
    if request.state == "running":
        return iso(datetime.fromisoformat(request.started_at) + LEASE)
    return request.due_at or ("" if request.state == "waiting" else _NEVER)


def _carry_out(
    silver: Bucket,
    request: JobRequest,
    run: Run,
    edit: Edit | None,
    now: datetime,
    quarantined: Days | None,
    failures: Failures | None,
) -> None:
    try:
        if request.kind in EDITS and edit:
            outcome = edit(request, now)
        elif request.kind == "failures" and failures:
            outcome = failures()
        else:
            days = _unmark(silver, request, quarantined)
            run()
            outcome = Outcome("done", _result(silver, request, days))
    except Exception as error:  # noqa: BLE001  reported in the request
        outcome = Outcome("failed", f"{type(error).__name__}: {error}"[:500])
        log("request", "failed", error=error, job_request=request.id)
    finished = iso(datetime.now(UTC)) if outcome.state != "waiting" else ""
    stored = replace(request, **asdict(outcome), finished_at=finished)
    settled = outcome.state == "done" and not outcome.due_at
    if settled:
        stored = replace(stored, user_id="")
    silver.put(request.key, json.dumps(asdict(stored)).encode())
    if settled and request.user_id:
        silver.delete_old_versions(request.key)


def _result(silver: Bucket, request: JobRequest, days: list[str]) -> str:
    if request.kind == "run":
        return "up to date"
    if not days:
        nothing = {"quarantine": "nothing is in quarantine", "replay": "the lake has read none of these days"}
        return nothing[request.kind]
    message = f"read {len(days)} {'day' if len(days) == 1 else 'days'} again"
    if request.kind == "quarantine":
        message += f", {manifest.load(silver).quarantined():,} left in quarantine"
    return message


def _unmark(silver: Bucket, request: JobRequest, quarantined: Days | None) -> list[str]:
    """Mark the request's days as not consumed, so that the next run reads their files again; return the days."""
    days: list[str] = []

    def plan(current: Manifest) -> Manifest | None:
        days[:] = _days(current, request, quarantined)
        kept = {day: mark for day, mark in current.days.items() if day not in days}
        # With `looked_at` empty the next run searches all of Bronze, not only the days of its window.
        return replace(current, days=kept, looked_at="") if days else None

    manifest.commit(silver, plan)
    return days


def _days(current: Manifest, request: JobRequest, quarantined: Days | None) -> list[str]:
    if request.kind == "replay":
        return [day for day in current.days if request.first_day <= day <= request.last_day]
    if request.kind != "quarantine" or not current.rows(QUARANTINE.name):
        return []
    wanted = quarantined(current) if quarantined else current.days
    return [day for day in current.days if day in wanted]
