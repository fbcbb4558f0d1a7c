"""What admins ask of the lake: run now, read days again, try quarantined rows again. Orders are objects in Silver.

Whoever runs the lake looks for waiting orders first, so the same button works on a laptop and in the cloud. An order
says how far it is; only one runner at a time can take it.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from etl import manifest
from etl.catalog import SILVER_PREFIX
from etl.log import iso, log
from etl.storage import Bucket, ConflictError

PREFIX = f"{SILVER_PREFIX}_orders/"
KINDS = ("run", "replay", "quarantine")
SHOWN_DAYS = 7
ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Parameters
    ----------
    id
        Sorts by time.
    kind
        `run`: look for new files now. `replay`: read the Bronze files of some days again. `quarantine`: read again
        the days that quarantined rows came from.
    first_day, last_day
        Of a replay, `YYYY-MM-DD`, both included.
    ordered_by, request_id
        Who asked, and by which request.
    state
        `waiting`, `running`, `done` or `failed`.
    message
        What came of it.
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

    @property
    def key(self) -> str:
        """Where it is kept."""
        return f"{PREFIX}{self.id}.json"


def check(kind: str, first_day: str = "", last_day: str = "") -> None:
    """Raise ValueError for a kind or days that make no sense."""
    if kind not in KINDS:
        raise ValueError(f"there is no order of kind {kind!r}")
    if kind == "replay" and not date.fromisoformat(first_day) <= date.fromisoformat(last_day):
        raise ValueError("the first day must not be after the last")


def submit(
    silver: Bucket, kind: str, ordered_by: str, request_id: str, first_day: str = "", last_day: str = ""
) -> Order:
    """Leave an order for the runner.

    Raises
    ------
    ValueError
        For a kind or days that make no sense.
    """
    check(kind, first_day, last_day)
    now = datetime.now(UTC)
    order = Order(manifest.new_name(now), kind, ordered_by, request_id, iso(now), first_day, last_day)
    silver.replace_json(order.key, asdict(order), None)
    return order


def recent(silver: Bucket, now: datetime | None = None) -> list[Order]:
    """Orders of the last days, the newest first."""
    since = f"{PREFIX}{(now or datetime.now(UTC)) - timedelta(days=SHOWN_DAYS):%Y%m%d}"
    found = [silver.get_json(key) for key in silver.keys(PREFIX, since)]
    return [Order(**stored[0]) for stored in reversed(found) if stored]


def fulfil(silver: Bucket, run: Any) -> int:
    """Carry out the waiting orders with `run()`, a function that brings the lake up to date; how many there were."""
    waiting = [order for order in reversed(recent(silver)) if order.state == "waiting"]
    taken = [order for order in waiting if _take(silver, order)]
    for order in taken:
        _carry_out(silver, order, run)
    return len(taken)


def _take(silver: Bucket, order: Order) -> bool:
    found = silver.get(order.key)
    if found is None or json.loads(found[0])["state"] != "waiting":
        return False
    running = replace(order, state="running", started_at=iso(datetime.now(UTC)))
    try:
        silver.replace_json(order.key, asdict(running), found[1])
    except ConflictError:
        return False
    return True


def _carry_out(silver: Bucket, order: Order, run: Any) -> None:
    try:
        days = _forget(silver, order)
        run()
        state, message = "done", f"read {len(days)} days again" if order.kind != "run" else "up to date"
    except Exception as error:  # noqa: BLE001  told to whoever asked
        state, message = "failed", f"{type(error).__name__}: {error}"[:500]
        log("order", "failed", level="ERROR", status="error", order=order.id, error=message)
    done = replace(order, state=state, message=message, finished_at=iso(datetime.now(UTC)))
    silver.put(order.key, json.dumps(asdict(done)).encode())


def _forget(silver: Bucket, order: Order) -> list[str]:
    """Take the order's days out of the bookmark, so that the next run reads their files again; the days."""
    for _ in range(ATTEMPTS):
        current, etag = manifest.load(silver)
        days = _days(current, order)
        if not days:
            return []
        kept = {day: mark for day, mark in current.days.items() if day not in days}
        # All of Bronze is searched then: days outside the window that runs look at would be missed.
        changed = replace(current, days=kept, looked_at="")
        try:
            silver.replace_json(manifest.CURRENT, changed.to_json(), etag)
        except ConflictError:
            continue
        return days
    raise ConflictError("runs kept committing first")


def _days(current: manifest.Manifest, order: Order) -> list[str]:
    if order.kind == "replay":
        return [day for day in current.days if order.first_day <= day <= order.last_day]
    # The files of quarantined rows are not listed anywhere small: every day is read again.
    return list(current.days) if order.kind == "quarantine" and current.rows("quarantine") else []
