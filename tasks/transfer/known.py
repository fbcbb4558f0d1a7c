"""Which rows of a file have been imported before, or are tasks already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from store import calls, idempotency
from store.context import RequestContext
from store.errors import FieldError
from store.idempotency import Once, StoredReply
from tasks.items import task_key
from tasks.transfer.rows import Row

READ_AT_ONCE = 100
# How often in a day the tasks of a file may be deleted and the file imported again.
RETURNS = 4
# No client's Idempotency-Key has a sign beyond ASCII, so none is one of ours.
_PREFIX = "§import#"

Status = Literal["created", "existing", "invalid"]


@dataclass(slots=True)
class Candidate:
    """A row on its way in.

    Attributes
    ----------
    once
        What identifies it.
    errors
        Why it is not valid.
    task_id
        Its task, as soon as there is one.
    repeated
        Whether an earlier import had created that task.
    existing
        Whether that makes it existing rather than created: the same request sent again gets the same answer.
    """

    row: Row
    once: Once
    errors: list[FieldError]
    task_id: str | None = None
    repeated: bool = False
    existing: bool = False

    @property
    def status(self) -> Status:
        """What becomes of the row."""
        if self.errors:
            return "invalid"
        return "existing" if self.existing else "created"


def once(identity: str, fingerprint: str) -> Once:
    """Return what makes creating a row's task safe to repeat."""
    return Once(_PREFIX + identity, fingerprint, lambda _: StoredReply(201, ""))


def task_id(sort_key: str) -> str:
    """Return the id of the task whose SK it is."""
    return sort_key.removeprefix("TASK#")


def find(ctx: RequestContext, candidates: Sequence[Candidate], *, by_row: bool) -> None:
    """Give the candidates that were imported before, or whose own id is a task's, their task.

    ``by_row``: it is the row that was imported, in whatever file, as long as its task is there. Otherwise it is the
    whole request that was sent before; IdempotencyMismatch if with another file.
    """
    if by_row:
        _find_own(ctx, candidates)
        _find_rows(ctx, _open(candidates))
    else:
        _find_requests(ctx, candidates)
        _find_own(ctx, _open(candidates))


def _open(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.task_id is None]


def _find_own(ctx: RequestContext, candidates: Sequence[Candidate]) -> None:
    keys = [task_key(ctx.user_id, candidate.row.own_id or "") for candidate in candidates]
    tasks = _get(key for key, candidate in zip(keys, candidates, strict=True) if candidate.row.own_id)
    for key, candidate in zip(keys, candidates, strict=True):
        if key in tasks:
            candidate.task_id, candidate.existing = candidate.row.own_id, True


def _find_requests(ctx: RequestContext, candidates: Sequence[Candidate]) -> None:
    for candidate, (_, sort_key) in _recorded(ctx, candidates):
        candidate.task_id, candidate.repeated = task_id(sort_key), True


def _find_rows(ctx: RequestContext, candidates: Sequence[Candidate]) -> None:
    for time in range(2, RETURNS + 2):
        recorded = _recorded(ctx, candidates)
        tasks = _get(key for _, key in recorded)
        for candidate, key in recorded:
            if key in tasks:
                candidate.task_id, candidate.existing = task_id(key[1]), True
            else:  # its task was deleted since, so it may come again: under a key of its own
                candidate.once = replace(candidate.once, key=f"{candidate.once.key}#{time}")
        candidates = [candidate for candidate, key in recorded if key not in tasks]


def _recorded(ctx: RequestContext, candidates: Sequence[Candidate]) -> list[tuple[Candidate, calls.Key]]:
    """Return the candidates that an idempotency record tells of, with the key of the task they became."""
    records = _get(idempotency.record_key(ctx, candidate.once) for candidate in candidates)
    found = []
    for candidate in candidates:
        record = records.get(idempotency.record_key(ctx, candidate.once))
        if record and idempotency.replay(ctx, candidate.once, record):
            found.append((candidate, (record["resource_pk"], record["resource_sk"])))
    return found


def _get(keys: Iterable[calls.Key]) -> dict[calls.Key, calls.Values]:
    wanted = list(dict.fromkeys(keys))
    found: dict[calls.Key, calls.Values] = {}
    for start in range(0, len(wanted), READ_AT_ONCE):
        part = wanted[start : start + READ_AT_ONCE]
        found |= {key: item for key, item in zip(part, calls.get_all(*part), strict=True) if item}
    return found
