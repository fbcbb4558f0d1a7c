"""Series through a year, a day at a time: on the pure plans, with what people do to them"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from store.request_context import RequestContext
from tasks import write_plans
from tasks.errors import SeriesEnded
from tasks.items import OPEN_STATUSES, TaskItem, TrashItem
from tasks.write_plans import Unread

ZONES = ("Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata", "Africa/Casablanca")
RULES = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
)


@dataclass
class Table:
    """The items of one person in memory, written by plans as ``store.commit`` writes them."""

    zone: ZoneInfo
    items: dict = field(default_factory=dict)

    def run(self, now, plan, *arguments):
        ctx = RequestContext("u", "u", "r", now, zone=self.zone)
        around = {}
        while True:
            try:
                made = plan(ctx, *arguments, around=around)
                break
            except Unread as unread:
                around |= {key: self.items.get(key) for key in unread.keys}
        broken = [action.key for action in made.actions if not self.holds(action)]
        if broken:  # commit would plan again, with what was in the way
            around |= {key: self.items.get(key) for key in broken}
            made = plan(ctx, *arguments, around=around)
            assert all(map(self.holds, made.actions))
        gone = [change.before.key for change in made.changes if change.before]
        for key in gone:
            self.items.pop(key)
        for action in made.actions:
            if action.kind == "Delete":
                self.items.pop(action.key, None)
            if action.kind == "Put":
                kind = TrashItem if action.key[0].startswith("TRASH") else TaskItem
                self.items[action.key] = kind.from_raw_data(action.arguments["Item"])
        for change in made.changes:
            if change.after:
                self.items[change.after.key] = change.after
        return made.result

    def holds(self, action):
        there = action.key in self.items
        condition = action.arguments.get("ConditionExpression", "")
        if action.kind == "Put":
            return not there
        if "attribute_not_exists" in condition:
            return not there
        return there

    def of_series(self):
        live = [
            task
            for task in self.items.values()
            if isinstance(task, TaskItem) and not isinstance(task, TrashItem)
        ]
        return [task for task in live if task.recurrence and task.status in OPEN_STATUSES]


def update(ctx, task, changes, *, around):
    return write_plans.update_task(ctx, task, changes, around=around)


def delete(ctx, task, *, around):
    return write_plans.delete_task(ctx, task)


def restore(ctx, task, *, around):
    return write_plans.restore_task(ctx, task, around)


def skip(ctx, task, *, around):
    return write_plans.skip_task(ctx, task, around)


def create(ctx, given, *, around):
    return write_plans.create_task(ctx, given, around=around)


def live(number):
    chance = random.Random(number)
    zone = ZoneInfo(ZONES[number % len(ZONES)])
    table = Table(zone)
    morning = datetime.combine(date(2026, 12, 1), time(8), zone)
    given = {
        "title": "x",
        "due_date": "2026-12-31" if number % 3 else "2026-12-01",
        "recurrence": RULES[number % len(RULES)],
        "repeat_from": "done" if number % 4 == 3 else "due",
    }
    if number % 2:
        given |= {"due_time": chance.choice(["02:30", "09:00", "23:45"]), "timezone": str(zone)}
    table.run(morning, create, given)
    done = Counter()
    for day in range(365):
        now = morning + timedelta(days=day, minutes=chance.randint(0, 900))
        for _turn in range(chance.choice([0, 1, 1, 2])):
            act(table, chance, now, done)
            now += timedelta(minutes=1)
            opened = table.of_series()
            assert len(opened) <= 1, (number, day, done, opened)
    return done


def act(table, chance, now, done):  # noqa: C901 (a branch for each thing that people do)
    tasks = [task for task in table.items.values() if not isinstance(task, TrashItem)]
    trashed = [task for task in table.items.values() if isinstance(task, TrashItem)]
    opened = table.of_series()
    closed = [task for task in tasks if task.status not in OPEN_STATUSES]
    what = chance.choice(
        ["complete"] * 6 + ["again", "reopen", "move", "delete", "restore", "restore", "skip", "edit"]
    )
    before = set(table.items)
    if what == "complete" and opened:
        late = opened[0].due_date > (now + timedelta(days=40)).date().isoformat()
        if late and chance.random() < 0.9:
            return
        table.run(now, update, opened[0], {"status": "completed"})
    elif what == "again" and closed:
        table.run(now, update, chance.choice(closed), {"status": "completed"})
    elif what == "reopen" and closed:
        table.run(now, update, max(closed, key=lambda task: task.updated_at), {"status": "pending"})
    elif what == "move" and opened:
        moved = (now + timedelta(days=chance.randint(-5, 20))).date().isoformat()
        table.run(now, update, opened[0], {"due_date": moved})
    elif what == "delete" and opened and chance.random() < 0.3:
        table.run(now, delete, opened[0])
    elif what == "restore" and trashed:
        table.run(now, restore, max(trashed, key=lambda task: task.deleted_at))
    elif what == "skip" and opened:
        try:
            table.run(now, skip, opened[0])
        except SeriesEnded:
            return
    elif what == "edit" and opened:
        table.run(now, update, opened[0], {"title": "y"})
    else:
        return
    done[what] += 1
    for key in set(table.items) - before:
        task = table.items[key]
        if not isinstance(task, TrashItem) and task.version == 1:
            due = datetime.combine(
                date.fromisoformat(task.due_date),
                time.fromisoformat(task.due_time) if task.due_time else time.max,
                ZoneInfo(task.timezone) if task.timezone else now.tzinfo,
            )
            assert due > now, (task, now)


@pytest.mark.sliced
@pytest.mark.parametrize("number", range(200))
def test_one_open_occurrence_all_year(number):
    done = live(number)
    assert done["complete"]
