"""What is asked of the lake: run now, read days again, try quarantined rows again, erase a person.

Orders are objects in Silver. Whoever runs the lake looks for waiting orders first, so the same button works on a
laptop and in the cloud. An order says how far it is; one runner at a time has it, and one that dies loses it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection
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

KINDS = ("run", "replay", "quarantine", "erase")
SHOWN_DAYS = 7
_USER_ID = re.compile(r"[A-Za-z0-9_:.@-]{3,128}")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One order.

    Parameters
    ----------
    id
        Sorts by time.
    kind
        `run`: look for new files now. `replay`: read the Bronze files of some days again. `quarantine`: read again
        the days that quarantined rows came from. `erase`: remove a person from every layer.
    first_day, last_day
        Of a replay, `YYYY-MM-DD`, both included.
    ordered_by, request_id
        Who asked, and by which request.
    state
        `waiting`, `running`, `done` or `failed`.
    message
        What came of it.
    user_id
        Of an erasure, whose; empty once nothing is left to do.
    subject
        Of an erasure, digest of the id: what remains of it.
    due_at
        When to take it (up) again, ISO 8601 UTC; empty for at once, or, once it is done, for never.
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

    @property
    def key(self) -> str:
        """Where it is kept."""
        return f"{JOB_REQUESTS_PREFIX}{self.id}.json"

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what is stored; fields this code does not know are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an erasure so far: `state`, `message` and `due_at` as of `JobRequest`."""

    state: str
    message: str
    due_at: str = ""


Run = Callable[[], Any]
Days = Callable[[Manifest], Collection[str]]
Erase = Callable[[JobRequest, datetime], Outcome]


def check(kind: str, first_day: str = "", last_day: str = "", *, user_id: str = "") -> None:
    """Raise ValueError for a kind, days or a user id that make no sense."""
    if kind not in KINDS:
        raise ValueError(f"there is no order of kind {kind!r}")
    if kind == "replay" and not date.fromisoformat(first_day) <= date.fromisoformat(last_day):
        raise ValueError("the first day must not be after the last")
    if kind == "erase" and not _USER_ID.fullmatch(user_id):
        raise ValueError(f"{user_id!r} is no user id")


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
) -> JobRequest:
    """Leave an order for the runner, to be taken at once or from `due_at` on (ISO 8601 UTC).

    Raises
    ------
    ValueError
        For a kind, days or a user id that make no sense.
    """
    check(kind, first_day, last_day, user_id=user_id)
    now = datetime.now(UTC)
    order = JobRequest(
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
    )
    silver.replace_json(order.key, asdict(order), None)
    return order


def request_erasure(
    silver: Bucket, user_id: str, request_id: str, ordered_by: str = "the person", due_at: str = ""
) -> JobRequest:
    """Have a person's rows removed from every layer of the lake, once their items have left the table.

    Call it after the last item is deleted; calling it again while an order for the same person is open is fine and
    gives that order. The runner waits for change capture to deliver the removals, erases, looks again later, and only
    then forgets the id. How far it is: `erasure_of`.

    Parameters
    ----------
    silver
        Bucket of Silver.
    user_id
        Whose rows.
    request_id, ordered_by
        Which request asked, and who, as admins may read it. Not the person's name or address: the order outlives them.
    due_at
        When to begin, ISO 8601 UTC; at once where empty.

    Raises
    ------
    ValueError
        For what is no user id.
    """
    check("erase", user_id=user_id)
    known = erasure_of(silver, user_id)
    if known and known.state in {"waiting", "running"}:
        return known
    return submit(silver, "erase", ordered_by, request_id, user_id=user_id, due_at=due_at)


def erasure_of(silver: Bucket, user_id: str) -> JobRequest | None:
    """The latest order of the last days to erase a person; its `state` and `message` say what came of it."""
    subject = subject_of(user_id)
    return next((order for order in recent(silver) if order.subject == subject), None)


def subject_of(user_id: str) -> str:
    """What an order keeps of the id it was about."""
    return hashlib.sha256(user_id.encode()).hexdigest()


def recent(silver: Bucket, now: datetime | None = None) -> list[JobRequest]:
    """Orders of the last days, the newest first."""
    found = [silver.get_json(key) for key in _keys(silver, now or datetime.now(UTC))]
    return [JobRequest.from_json(stored[0]) for stored in reversed(found) if stored]


def _keys(silver: Bucket, now: datetime) -> list[str]:
    return list(
        silver.keys(JOB_REQUESTS_PREFIX, f"{JOB_REQUESTS_PREFIX}{now - timedelta(days=SHOWN_DAYS):%Y%m%d}")
    )


def carry_out(
    silver: Bucket,
    run: Run,
    erase: Erase | None = None,
    settled: dict[str, str] | None = None,
    now: datetime | None = None,
    kinds: tuple[str, ...] = KINDS,
    quarantined: Days | None = None,
) -> int:
    """Carry out the orders that are due.

    Parameters
    ----------
    silver
        Bucket of Silver.
    run
        Brings the lake up to date.
    erase
        Removes a person; without it such orders are left to another runner.
    settled
        Kept by the caller between calls: keys of orders that need no look, and until when.
    now
        Decides what is due; the clock's time where None.
    kinds
        Which kinds to carry out; the others are left to another runner.
    quarantined
        Gives the days that quarantined rows came from; without it every day is read again.

    Returns
    -------
    int
        How many there were.
    """
    moment, seen = now or datetime.now(UTC), {} if settled is None else settled
    kinds = kinds if erase else tuple(kind for kind in kinds if kind != "erase")
    taken = 0
    for key in _keys(silver, moment):
        if seen.get(key, "") > iso(moment):
            continue
        order = _take(silver, key, kinds, moment)
        if isinstance(order, JobRequest):
            _carry_out(silver, order, run, erase, moment, quarantined)
            taken += 1
        elif order:
            seen[key] = order
    return taken


_NEVER = "9999"


def _take(silver: Bucket, key: str, kinds: tuple[str, ...], now: datetime) -> JobRequest | str:
    """The order, if it is due and nobody else's; else until when it needs no look (empty: look again)."""
    found = silver.get_json(key)
    if found is None:
        return _NEVER
    order, etag = JobRequest.from_json(found[0]), found[1]
    due = _due(order) if order.kind in kinds else _NEVER
    if due > iso(now):
        return due if order.state != "running" else ""
    try:
        running = replace(order, state="running", started_at=iso(now))
        silver.replace_json(key, asdict(running), etag)
    except ConflictError:
        return ""
    return running


def _due(order: JobRequest) -> str:
    if order.state == "running":
        return iso(datetime.fromisoformat(order.started_at) + LEASE)
    return order.due_at or ("" if order.state == "waiting" else _NEVER)


def _carry_out(
    silver: Bucket, order: JobRequest, run: Run, erase: Erase | None, now: datetime, quarantined: Days | None
) -> None:
    try:
        if order.kind == "erase" and erase:
            outcome = erase(order, now)
        else:
            days = _forget(silver, order, quarantined)
            run()
            outcome = Outcome("done", _came_of(silver, order, days))
    except Exception as error:  # noqa: BLE001  told to whoever asked
        outcome = Outcome("failed", f"{type(error).__name__}: {error}"[:500])
        log("order", "failed", level="ERROR", status="error", order=order.id, error=outcome.message)
    finished = iso(datetime.now(UTC)) if outcome.state != "waiting" else ""
    told = replace(order, **asdict(outcome), finished_at=finished)
    if outcome.state == "done" and not outcome.due_at:
        told = replace(told, user_id="")
    silver.put(order.key, json.dumps(asdict(told)).encode())


def _came_of(silver: Bucket, order: JobRequest, days: list[str]) -> str:
    if order.kind == "run":
        return "up to date"
    if not days:
        nothing = {"quarantine": "nothing is in quarantine", "replay": "the lake has read none of these days"}
        return nothing[order.kind]
    message = f"read {len(days)} {'day' if len(days) == 1 else 'days'} again"
    if order.kind == "quarantine":
        message += f", {manifest.load(silver).rows(QUARANTINE.name):,} left in quarantine"
    return message


def _forget(silver: Bucket, order: JobRequest, quarantined: Days | None) -> list[str]:
    """Take the order's days out of the bookmark, so that the next run reads their files again; the days."""
    days: list[str] = []

    def plan(current: Manifest) -> Manifest | None:
        days[:] = _days(current, order, quarantined)
        kept = {day: mark for day, mark in current.days.items() if day not in days}
        # With `looked_at` empty the next run searches all of Bronze, not only the days of its window.
        return replace(current, days=kept, looked_at="") if days else None

    manifest.commit(silver, plan)
    return days


def _days(current: Manifest, order: JobRequest, quarantined: Days | None) -> list[str]:
    if order.kind == "replay":
        return [day for day in current.days if order.first_day <= day <= order.last_day]
    if order.kind != "quarantine" or not current.rows(QUARANTINE.name):
        return []
    wanted = quarantined(current) if quarantined else current.days
    return [day for day in current.days if day in wanted]
