"""Finds the tasks that rows of a file have become in an earlier import, or name by their id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from store.commit import Plan
from store.errors import FieldError
from store.idempotency import IdempotencyItem, Once, Slot, StoredReply
from store.model import AnyItem, Key
from store.reading import get_all
from store.request_context import RequestContext
from tasks.ids import from_sort_key
from tasks.items import TaskItem, task_key
from tasks.transfer.rows import Row

READ_AT_ONCE = 100
# How often, within a day, a row's task may be deleted and the row imported again.
REIMPORTS = 4
# Clients' Idempotency-Keys are ASCII, so this prefix keeps the keys of rows apart from them.
_PREFIX = "§import#"

Status = Literal["created", "existing", "invalid"]


@dataclass(slots=True)
class Candidate:
    """A row that is being imported.

    Attributes
    ----------
    once
        The idempotency key of the row.
    errors
        Why the row is not valid.
    plan
        Of its task, if the row is valid.
    task_id
        The row's task, once it exists.
    repeated
        Whether an earlier import created that task.
    existing
        Whether to report the task as existing. A repeated request reports its tasks as created, as the first one did.
    """

    row: Row
    once: Once
    errors: list[FieldError]
    plan: Plan[TaskItem] | None = None
    task_id: str | None = None
    repeated: bool = False
    existing: bool = False

    @property
    def known_plan(self) -> Plan[TaskItem]:
        """The plan of a row without errors."""
        if self.plan is None:
            raise ValueError("a row that is not valid has no plan")
        return self.plan

    @property
    def status(self) -> Status:
        """Return the status of the row in the report."""
        if self.errors:
            return "invalid"
        return "existing" if self.existing else "created"


def row_once(identity: str, fingerprint: str) -> Once:
    """Return the idempotency key for creating the task of a row."""
    return Once(_PREFIX + identity, fingerprint, lambda _: StoredReply(201, ""))


def find(ctx: RequestContext, candidates: Sequence[Candidate], *, by_row: bool, since: str = "") -> None:
    """Set the ``task_id`` of the candidates that were imported before, or whose own id is that of a task.

    With ``by_row``, a row counts as imported if its content was imported in any file and its task still exists. One
    that was imported ``since`` then is reported as created. Otherwise a row only counts if the same request was sent
    before; raises IdempotencyMismatch if that had another file.
    """
    if by_row:
        _find_own(ctx, candidates)
        _find_rows(ctx, _open(candidates), since)
    else:
        _find_requests(ctx, candidates)
        _find_own(ctx, _open(candidates))


def _open(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.task_id is None]


def _find_own(ctx: RequestContext, candidates: Sequence[Candidate]) -> None:
    keys = [task_key(ctx.user_id, candidate.row.own_id or "") for candidate in candidates]
    own = [key for key, candidate in zip(keys, candidates, strict=True) if candidate.row.own_id]
    tasks = _get(TaskItem, own)
    for key, candidate in zip(keys, candidates, strict=True):
        if key in tasks:
            candidate.task_id, candidate.existing = candidate.row.own_id, True


def _find_requests(ctx: RequestContext, candidates: Sequence[Candidate]) -> None:
    for candidate, (_, sort_key), _since in _recorded(ctx, candidates):
        candidate.task_id, candidate.repeated = from_sort_key(sort_key), True


def _find_rows(ctx: RequestContext, candidates: Sequence[Candidate], since: str) -> None:
    for time in range(2, REIMPORTS + 2):
        recorded = _recorded(ctx, candidates)
        tasks = _get(TaskItem, [key for _, key, _ in recorded])
        for candidate, key, when in recorded:
            if key in tasks:
                candidate.task_id, candidate.existing = from_sort_key(key[1]), not since or when < since
            else:  # its task was deleted since, so the row is imported again, under another key
                candidate.once = replace(candidate.once, key=f"{candidate.once.key}#{time}")
        candidates = [candidate for candidate, key, _ in recorded if key not in tasks]


def _recorded(ctx: RequestContext, candidates: Sequence[Candidate]) -> list[tuple[Candidate, Key, str]]:
    """Return the candidates that have an idempotency record, with the key of the task it names and its time."""
    slots = [Slot(ctx, candidate.once) for candidate in candidates]
    records = _get(IdempotencyItem, [slot.key for slot in slots])
    found = []
    for candidate, slot in zip(candidates, slots, strict=True):
        record = records.get(slot.key)
        if record and slot.replay(record):
            found.append((candidate, (record.resource_pk, record.resource_sk), record.created_at))
    return found


def _get(model: type[AnyItem], keys: Iterable[Key]) -> dict[Key, AnyItem]:
    wanted = list(dict.fromkeys(keys))
    found: dict[Key, AnyItem] = {}
    for start in range(0, len(wanted), READ_AT_ONCE):
        items = get_all(model, wanted[start : start + READ_AT_ONCE])
        found |= {item.key: item for item in items if item}
    return found
