"""A small model of the table and its stream: writes go in, stream records and the live items come out.

It writes items the way the product does (versions, trash, restores) and the way others might (no version, no times).
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from etl.log import iso

START = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
# Values outside their domain, as a bad release, a repair by hand or a restore may write them.
MISFITS: tuple[dict[str, Any], ...] = (
    {"status": "paused"},
    {"status": True},
    {"status": ["completed"]},
    {"priority": "extreme"},
    {"priority": 1},
    {"title": 5},
    {"title": {"en": "five"}},
    {"category": ["work"]},
    {"tags": "work"},
    {"created_at": "2026-99-99"},
    {"created_at": ["2026-03-20T10:00:00Z"]},
    {"completed_at": "the day before"},
    {"updated_at": 1_774_000_000},
    {"due_date": "2026-02-30"},
    {"due_date": "0001-01-01"},
    {"version": Decimal("1.5")},
    {"version": -3},
    {"version": 10**20},
)


def attribute(value: Any) -> dict[str, Any]:
    """A Python value as DynamoDB writes it."""
    match value:
        case bool():
            return {"BOOL": value}
        case None:
            return {"NULL": True}
        case int() | Decimal():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case set():
            return {"SS": sorted(value)}
        case list():
            return {"L": [attribute(inner) for inner in value]}
        case dict():
            return {"M": {name: attribute(inner) for name, inner in value.items()}}
    raise TypeError(type(value))


def _next_version(item: dict[str, Any]) -> int:
    return int(item.get("version") or 0) % 10**18 + 1


@dataclass(frozen=True, slots=True)
class Change:
    """One stream record, in plain Python: the truth the oracle works from."""

    event_id: str
    name: str
    pk: str
    sk: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    sequence: int
    at: datetime

    def record(self) -> dict[str, Any]:
        """As an event source mapping hands it to the Lambda function."""
        body: dict[str, Any] = {
            "ApproximateCreationDateTime": self.at.timestamp(),
            "Keys": {"PK": {"S": self.pk}, "SK": {"S": self.sk}},
            "SequenceNumber": str(self.sequence),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        for name, image in (("NewImage", self.new), ("OldImage", self.old)):
            if image is not None:
                body[name] = {key: attribute(value) for key, value in self._stored(image).items()}
        return {
            "eventID": self.event_id,
            "eventName": self.name,
            "eventSource": "aws:dynamodb",
            "dynamodb": body,
        }

    def _stored(self, image: dict[str, Any]) -> dict[str, Any]:
        return image | {"PK": self.pk, "SK": self.sk, "GSI1PK": self.pk, "GSI1SK": "STATUS#x", "GSI5SK": "y"}


@dataclass
class World:
    """The table, its history and a business clock that only goes forward."""

    now: datetime = START
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    history: list[Change] = field(default_factory=list)
    # More digits than a decimal(38) holds, and soon one more: text order is not number order.
    sequence: int = 10**39 - 100
    # The stream's clock: never behind the business clock, far ahead of it when a history is loaded in bulk.
    arrival: datetime = START
    tasks: int = 0

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def put(self, pk: str, sk: str, item: dict[str, Any] | None) -> None:
        """Write or (None) remove an item; the stream gets a record where something changed."""
        old = self.items.get((pk, sk))
        if old == item:
            return
        self.items[pk, sk] = item  # type: ignore[assignment]
        if item is None:
            del self.items[pk, sk]
        name = "INSERT" if old is None else "REMOVE" if item is None else "MODIFY"
        self._record(name, pk, sk, old, item)

    def _record(
        self, name: str, pk: str, sk: str, old: dict[str, Any] | None, item: dict[str, Any] | None
    ) -> None:
        self.sequence += 3
        self.arrival = max(self.arrival, self.now) + timedelta(microseconds=137_731)
        event_id = f"{len(self.history):032x}"
        self.history.append(Change(event_id, name, pk, sk, old, item, self.sequence, self.arrival))

    # -- the product's own writes --------------------------------------------------------------------------------

    def create_user(self, user: str) -> None:
        stamp = iso(self.now)
        self.put(
            f"USER#{user}",
            "METADATA",
            {
                "id": user,
                "user_id": user,
                "email": f"{user}@example.com",
                "username": user,
                "name": f"{user.title()} Ünïcode",
                "created_at": stamp,
                "updated_at": stamp,
                "version": 1,
                "updated_by": user,
                "request_id": f"req-{len(self.history)}",
                "entity_type": "USER",
            },
        )

    def change_user(self, user: str, **changes: Any) -> None:
        self._rewrite(f"USER#{user}", "METADATA", changes)

    def import_task(self, user: str, created: datetime, **fields: Any) -> str:
        """Create a task that says when it was created, and maybe completed."""
        return self.create_task(user, created_at=iso(created), **fields)

    def create_task(self, user: str, **fields: Any) -> str:
        self.tasks += 1
        task_id = f"0196-{self.tasks:06d}"
        stamp = iso(self.now)
        item = {
            "id": task_id,
            "user_id": user,
            "title": f"Task {self.tasks}",
            "status": "pending",
            "priority": "medium",
            "created_at": stamp,
            "updated_at": stamp,
            "version": 1,
            "updated_by": user,
            "request_id": f"req-{len(self.history)}",
            "entity_type": "TASK",
        }
        item |= {name: value for name, value in fields.items() if value is not None}
        if item["status"] == "completed":
            item.setdefault("completed_at", stamp)
        self.put(f"TASK#{user}", f"TASK#{task_id}", item)
        return task_id

    def change_task(self, user: str, task_id: str, **changes: Any) -> None:
        if "status" in changes:
            done = changes["status"] == "completed"
            changes["completed_at"] = iso(self.now) if done else None
        self._rewrite(f"TASK#{user}", f"TASK#{task_id}", changes)

    def _rewrite(self, pk: str, sk: str, changes: dict[str, Any]) -> None:
        item = self.items.get((pk, sk))
        if item is None:
            return
        stamps = {"updated_at": iso(self.now), "version": _next_version(item)}
        merged = item | changes | stamps | {"request_id": f"req-{len(self.history)}"}
        self.put(pk, sk, {name: value for name, value in merged.items() if value is not None})

    def delete_task(self, user: str, task_id: str) -> None:
        item = self.items.get((f"TASK#{user}", f"TASK#{task_id}"))
        if item is None:
            return
        stamp = iso(self.now)
        trash = item | {
            "version": _next_version(item),
            "deleted_at": stamp,
            "updated_at": stamp,
            "deleted_by": user,
            "expires_at": int(self.now.timestamp()) + 30 * 86400,
            "entity_type": "TRASH",
        }
        self.put(f"TASK#{user}", f"TASK#{task_id}", None)
        self.put(f"TRASH#{user}", f"TASK#{task_id}", trash)

    def restore_task(self, user: str, task_id: str) -> None:
        item = self.items.get((f"TRASH#{user}", f"TASK#{task_id}"))
        if item is None:
            return
        lost = {"deleted_at", "deleted_by", "expires_at"}
        task = {name: value for name, value in item.items() if name not in lost}
        task |= {"version": _next_version(item), "updated_at": iso(self.now), "entity_type": "TASK"}
        self.put(f"TASK#{user}", f"TASK#{task_id}", task)
        self.put(f"TRASH#{user}", f"TASK#{task_id}", None)

    def expire(self, user: str, task_id: str) -> None:
        """DynamoDB's time to live removes an item from the trash."""
        self.put(f"TRASH#{user}", f"TASK#{task_id}", None)

    # -- everybody else's ----------------------------------------------------------------------------------------

    def foreign_task(self, user: str, task_id: str, **fields: Any) -> None:
        """Put a task as somebody might who knows only the keys."""
        self.put(f"TASK#{user}", f"TASK#{task_id}", {"id": task_id, "user_id": user, **fields})

    def foreign_patch(self, user: str, task_id: str, **fields: Any) -> None:
        """Change attributes without touching version or updated_at."""
        item = self.items.get((f"TASK#{user}", f"TASK#{task_id}"))
        if item is not None:
            self.put(f"TASK#{user}", f"TASK#{task_id}", item | fields)

    def touch_index(self, pk: str, sk: str) -> None:
        """Write index keys alone: the images before and after are the same without them."""
        item = self.items.get((pk, sk))
        if item is not None:
            self._record("MODIFY", pk, sk, item, item)

    def foreign_delete(self, pk: str, sk: str) -> None:
        """Delete an item outright, without a trash twin."""
        self.put(pk, sk, None)

    # -- what there is -------------------------------------------------------------------------------------------

    def live(self, kind: str) -> dict[tuple[str, str], dict[str, Any]]:
        return {key: item for key, item in self.items.items() if key[0].startswith(f"{kind}#")}

    def users(self) -> list[str]:
        return sorted({pk.partition("#")[2] for pk, _ in self.live("USER")})

    def task_ids(self, kind: str = "TASK") -> list[tuple[str, str]]:
        return sorted((pk.partition("#")[2], sk.partition("#")[2]) for pk, sk in self.live(kind))


def play(world: World, random_: random.Random, steps: int, *, misfits: bool = False) -> None:
    """A believable stretch of history: people at work, now and then somebody else's script.

    `misfits`: the script also writes values outside their domain, which the quarantine takes.
    """
    actions = (*_ACTIONS, *(_misfit, _mend) * 2) if misfits else _ACTIONS
    for user in ("ann", "ben", "cleo"):
        world.create_user(user)
    for _ in range(steps):
        world.tick(random_.choice((1, 600, 3600 * 5, 86400 * 2, 0)))
        actions[random_.randrange(len(actions))](world, random_)


def _some_task(world: World, random_: random.Random, kind: str = "TASK") -> tuple[str, str]:
    return random_.choice(world.task_ids(kind) or [("ann", "none")])


def _create(world: World, random_: random.Random) -> None:
    due = random_.choice((None, "2026-03-22", "2026-05-31", "2026-06-02", "2026-12-24", "9998-12-31"))
    world.create_task(
        random_.choice([*world.users(), "drifter"]),
        category=random_.choice((None, "work", "home", "")),
        priority=random_.choice(("low", "urgent")),
        status=random_.choice(("pending", "pending", "in_progress", "completed")),
        due_date=due,
        tags=random_.choice((None, ["a", "b"])),
        estimate=random_.choice((None, Decimal("1.10"), 12345678901234567890123456789012345678)),
    )


def _change_status(world: World, random_: random.Random) -> None:
    status = random_.choice(("pending", "in_progress", "completed", "cancelled"))
    world.change_task(*_some_task(world, random_), status=status)


def _edit(world: World, random_: random.Random) -> None:
    task = _some_task(world, random_)
    changes = random_.choice(({"title": 'New "title"\n'}, {"due_date": "2026-04-01"}, {"category": "home"}))
    world.change_task(*task, **changes)


def _delete(world: World, random_: random.Random) -> None:
    world.delete_task(*_some_task(world, random_))


def _restore(world: World, random_: random.Random) -> None:
    world.restore_task(*_some_task(world, random_, "TRASH"))


def _expire(world: World, random_: random.Random) -> None:
    world.expire(*_some_task(world, random_, "TRASH"))


def _user(world: World, random_: random.Random) -> None:
    user = random_.choice(("ann", "ben", "cleo", "dora"))
    if (f"USER#{user}", "METADATA") in world.items:
        world.change_user(user, name=f"{user} {len(world.history)}")
    else:
        world.create_user(user)


def _foreign(world: World, random_: random.Random) -> None:
    choice = random_.randrange(8)
    user, task_id = _some_task(world, random_)
    if choice == 0:
        world.foreign_task("eve", f"x{random_.randrange(3)}", status="completed", labels={"p", "q"})
        done = iso(world.now - timedelta(days=1))
        world.import_task("ann", world.now - timedelta(days=3), status="completed", completed_at=done)
        world.import_task("ben", world.now - timedelta(days=2), status="in_progress")
    elif choice == 1:
        world.foreign_task(
            "eve", f"x{random_.randrange(3)}", title="no status", created_at="2026-02-01T00:00:00+02:00"
        )
    elif choice == 2:
        world.foreign_patch(user, task_id, status="completed")
    elif choice == 3:
        world.foreign_delete(f"TASK#{user}", f"TASK#{task_id}")
    elif choice == 4:
        world.foreign_delete(f"USER#{random_.choice(('ben', 'dora'))}", "METADATA")
    elif choice == 5:
        world.foreign_patch(user, task_id, updated_at="2199-01-01T00:00:00Z", status="pending")
    elif choice == 6:
        world.touch_index(f"TASK#{user}", f"TASK#{task_id}")
        world.touch_index(f"USER#{random_.choice(('ben', 'dora'))}", "METADATA")
    else:
        old = random_.choice(("1970-01-01T00:00:00Z", "1601-01-01T00:00:00Z", "1999-12-31T23:59:59Z"))
        world.create_task(user, created_at=old, updated_at=old)


def _misfit(world: World, random_: random.Random) -> None:
    user, task_id = _some_task(world, random_)
    world.foreign_patch(user, task_id, **random_.choice(MISFITS))


def _mend(world: World, random_: random.Random) -> None:
    user, task_id = _some_task(world, random_)
    wrong = {name: None for misfit in MISFITS for name in misfit}
    world.foreign_patch(user, task_id, **wrong | {"status": "pending", "title": "mended", "version": 3})


_ACTIONS = (
    *(_create,) * 5,
    *(_change_status,) * 6,
    *(_edit,) * 2,
    *(_delete,) * 2,
    *(_restore,) * 2,
    _expire,
    _user,
    _user,
    _foreign,
)
