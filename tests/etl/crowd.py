"""A long history of many people, in time that grows with its length: `tests.etl.world` at another scale."""

import json
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from etl.capture.bronze_row import bronze_row, encode
from etl.lake.tables import BRONZE
from tests.etl.harness import Harness
from tests.etl.memory import S3, put_bronze
from tests.etl.world import Change, World

Row = dict[str, Any]
# What makes a good row unusable, and what it is called then.
FLAWS: tuple[tuple[str, Row], ...] = (
    ("missing_key", {"event_id": None}),
    ("missing_key", {"pk": ""}),
    ("bad_sequence_number", {"sequence_number": "12a"}),
    ("bad_sequence_number", {"sequence_number": "9" * 41}),
    ("bad_event_time", {"event_time": "soon"}),
    ("bad_event_name", {"event_name": "TRUNCATE"}),
    ("bad_entity_type", {"entity_type": "CAT"}),
    ("key_mismatch", {"pk": "USER#somebody"}),
    ("key_mismatch", {"user_id": ""}),
    ("unknown_item", {"entity_id": None}),
    ("bad_image", {"new_image": "{broken"}),
    ("bad_image", {"new_image": "[1]"}),
    ("bad_image", {"new_image": None}),
)
# Usable, but odd: offsets, no offset, nanoseconds, days that do not exist, numbers that are none, unknown attributes.
ODD: tuple[Row, ...] = (
    {"updated_at": "2026-03-20T10:00:00+02:00", "version": Decimal("1.5")},
    {"updated_at": "2026-03-20T10:00:00.123456789Z", "version": "7"},
    {"updated_at": "2026-03-20 10:00:00", "created_at": "2026-02-30T00:00:00Z", "version": 10**20},
    {"updated_at": 5, "due_date": "2026-02-29", "tags": [{"deep": [1, None, True]}], "status": None},
    {
        "title": 'Ünï "quoted" \u2028 \\ / \n',
        "category": "",
        "nested": {"a": {"b": Decimal("1E-7")}},
        "version": -3,
    },
    {"created_at": "2026-03-19T23:30:00-05:30", "status": "completed", "completed_at": "2026-03-20T10:00:00"},
    {},
)


class Crowd:
    """People at work on a world.

    Parameters
    ----------
    world
        Where they write.
    random_
        Decides everything.
    people
        How many there are in the end.
    """

    def __init__(self, world: World, random_: Random, people: int) -> None:
        self.world, self.random = world, random_
        self.people = [f"user-{number}" for number in range(people)]
        self.known: list[str] = []
        self.tasks: list[tuple[str, str]] = []
        self.trash: list[tuple[str, str]] = []

    def work(self, changes: int, days: int) -> None:
        """Make about so many changes over so many days."""
        wanted = len(self.world.history) + changes
        actions = (
            *(self._create,) * 4,
            *(self._change,) * 9,
            self._delete,
            self._restore,
            self._person,
            self._stranger,
        )
        while len(self.world.history) < wanted:
            # A third of the steps happens in the same microsecond as the one before.
            self.world.tick(self.random.choice((0, 1, 2)) * days * 86400 / changes)
            self.random.choice(actions)()

    def _person(self) -> None:
        if self.people and self.random.random() < 0.2:
            self.known.append(self.people.pop())
            self.world.create_user(self.known[-1])
        elif self.known:
            self.world.change_user(self.random.choice(self.known), name=f"Née {len(self.world.history)}")

    def _create(self) -> None:
        pick = self.random.choice
        user = pick(self.known) if self.known else "drifter"
        due = (self.world.now + timedelta(days=pick((-5, 3, 40)))).date().isoformat()
        task = self.world.create_task(
            user,
            category=pick((None, "work", "home", "", "Ärzte")),
            priority=pick(("low", "urgent", None)),
            status=pick(("pending", "pending", "in_progress", "completed")),
            due_date=pick((None, due, due, "9998-12-31")),
            tags=pick((None, ["a", "b"])),
            estimate=pick((None, Decimal("1.10"), 12345678901234567890123456789012345678)),
            **pick(({}, {}, {f"extra_{len(self.world.history) % 7}": {"deep": [1, {"x": Decimal("2.50")}]}})),
        )
        self.tasks.append((user, task))

    def _change(self) -> None:
        if self.tasks:
            status = self.random.choice(("pending", "in_progress", "completed", "cancelled"))
            title = f'New "title" {len(self.world.history)}\n'
            changes = self.random.choice(
                ({"status": status}, {"status": status}, {"title": title}, {"category": "home"})
            )
            self.world.change_task(*self.random.choice(self.tasks), **changes)

    def _take(self, among: list[tuple[str, str]]) -> tuple[str, str] | None:
        if not among:
            return None
        place = self.random.randrange(len(among))
        among[place], among[-1] = among[-1], among[place]
        return among.pop()

    def _delete(self) -> None:
        if task := self._take(self.tasks):
            self.world.delete_task(*task)
            self.trash.append(task)

    def _restore(self) -> None:
        if task := self._take(self.trash):
            if self.random.random() < 0.3:
                self.world.expire(*task)
            else:
                self.world.restore_task(*task)
                self.tasks.append(task)

    def _stranger(self) -> None:
        """Somebody else's script: no versions, no times, times of its own."""
        user, task = self.random.choice(self.tasks) if self.tasks else ("eve", "x0")
        choice, number = self.random.randrange(6), self.random.randrange(50)
        if choice == 0:
            self.world.foreign_task("eve", f"x{number}", status="completed", labels={"p", "q"})
            self.world.import_task(user, self.world.now - timedelta(days=3), status="completed")
        elif choice == 1:
            self.world.foreign_task("eve", f"x{number}", title="old", created_at="2026-02-01T00:00:00+02:00")
        elif choice == 2:
            self.world.foreign_patch(user, task, status="completed")
        elif choice == 3:
            self.world.foreign_delete(f"TASK#{user}", f"TASK#{task}")
        elif choice == 4:
            self.world.foreign_patch(user, task, updated_at="2199-01-01T00:00:00Z", status="pending")
        else:
            number = self.random.randrange(len(ODD))
            self.world.put(
                "TASK#odd", f"TASK#odd-{number}", ODD[number] | self.random.choice(({}, {"mood": "odd"}))
            )


def row_of(change: Change) -> Row:
    """The Bronze row of a change, as it is stored."""
    row: Row = json.loads(encode(bronze_row(change.record())))
    return row


def bad_rows(change: Change) -> list[tuple[str, Row]]:
    """A change's row with every flaw there is, each as an event of its own, and the reason it is refused for."""
    row = row_of(change)
    return [(reason, row | {"event_id": f"bad-{n}"} | flaw) for n, (reason, flaw) in enumerate(FLAWS)]


def deliveries(lake: Harness, history: list[Change], random_: Random, parts: int = 2) -> Iterable[None]:
    """Bronze in some parts, each there when the generator yields: copies, disorder, late arrivals, bad rows.

    One change in fifty of a part arrives with the next; one in fifty arrives twice.
    """
    held_back: list[Change] = []
    bad = bad_rows(history[0])
    for number in range(parts):
        part = history[len(history) * number // parts : len(history) * (number + 1) // parts]
        late = random_.sample(part, k=len(part) // 50) if number + 1 < parts else []
        waiting = {change.event_id for change in late}
        sent = [change for change in part if change.event_id not in waiting]
        sent += held_back + random_.sample(sent, k=len(sent) // 50)
        held_back = late
        # Out of order by as much as a delivery stream may be, not so far that every file holds every day.
        for start in range(0, len(sent), 20_000):
            chunk = sent[start : start + 20_000]
            random_.shuffle(chunk)
            lake.deliver(chunk)
        spoil(lake.s3, part, bad, number)
        yield


def spoil(s3: S3, part: list[Change], bad: list[tuple[str, Row]], number: int) -> None:
    """Add what no delivery stream should write: unusable rows twice, a broken copy of a good one, a broken file.

    And what it may: copies in a file with one column more and one less than usual.
    """
    put_bronze(s3, day_of(bad[0][1]), [row for _, row in bad] * 2, 900_000 + number)
    first = row_of(part[0])
    put_bronze(
        s3, day_of(first), [first | {"new_image": "{broken", "old_image": "{broken"}], 910_000 + number
    )
    same_place = [row for row in map(row_of, part[:500]) if day_of(row) == day_of(first)]
    copies = [row | {"brand_new": "x"} for row in same_place if row["attribute_types"] is None]
    columns = [name for name in BRONZE.names if name != "attribute_types"]
    put_bronze(s3, day_of(first), copies, 920_000 + number, [*columns, "brand_new"])
    s3.buckets["bronze"][broken_file(first, number)] = b"PAR1 and no more"


def day_of(row: Row) -> str:
    """The partition a Bronze row belongs in."""
    return "/".join(f"{name}={row[name]}" for name, _ in BRONZE.partitions)


def broken_file(row: Row, number: int) -> str:
    """Key of a file nobody can read, beside a row's."""
    return f"cdc/{day_of(row)}/broken-{number}.parquet"
