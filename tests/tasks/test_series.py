"""Series through a year, a day at a time: on the pure plans and over HTTP, with what people do to any task of them"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from identity import sign_in
from store.request_context import RequestContext
from tasks import write_plans
from tasks.errors import SeriesEnded
from tasks.items import OPEN_STATUSES, TaskItem, TrashItem
from tasks.write_plans import Unread
from tests.api.client import TASKS
from tests.api.conftest import as_alice

__all__ = ["as_alice"]

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

    def expire(self, now):
        old = [
            key
            for key, task in self.items.items()
            if not is_live(task) and task.expires_at <= now.timestamp()
        ]
        for key in old:
            del self.items[key]

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


def purge(ctx, task, *, around):
    return write_plans.purge_task(ctx, task)


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
        table.expire(now)
        if not any(map(has_rule, table.items.values())):
            table.run(now, create, given)  # the series was purged, or given up by its people
        for _turn in range(chance.choice([0, 1, 1, 2])):
            act(table, chance, now, done)
            now += timedelta(minutes=1)
            opened = table.of_series()
            assert len(opened) <= 1, (number, day, done, opened)
    return done


def act(table, chance, now, done):
    """Do one of the things that people do, to any task of the history that it can be done to."""
    what = chance.choice([*["complete"] * 6, *ACTS])
    plan, pick, changes = ACTS[what]
    tasks = [task for task in table.items.values() if pick(task)]
    if not tasks or (what in SELDOM and chance.random() < 0.8):
        return
    latest = max(tasks, key=lambda task: (task.updated_at, task.id))
    task = chance.choice([latest, chance.choice(tasks)])
    if what == "complete" and task.due_date > (now + timedelta(days=40)).date().isoformat():
        return  # seldom is anybody so early
    before = set(table.items)
    try:
        table.run(now, plan, task, *changes(chance, now))
    except SeriesEnded:
        return
    done[what] += 1
    for key in set(table.items) - before:
        made = table.items[key]
        if not isinstance(made, TrashItem) and made.version == 1:
            assert due(made, now) > now, (made, now)


def due(task, now):
    return datetime.combine(
        date.fromisoformat(task.due_date),
        time.fromisoformat(task.due_time) if task.due_time else time.max,
        ZoneInfo(task.timezone) if task.timezone else now.tzinfo,
    )


def is_live(task):
    return not isinstance(task, TrashItem)


def is_trashed(task):
    return isinstance(task, TrashItem) and not task.purged_at


def has_rule(task):
    """Whether it carries the rule of its series; one that is purged may still be replaced by the one before."""
    purged = not is_live(task) and task.purged_at
    return bool((task.recurrence or purged) and not task.next_task_id)


def is_open(task):
    return is_live(task) and task.status in OPEN_STATUSES


def is_closed(task):
    return is_live(task) and not is_open(task)


def to(**changes):
    return lambda chance, now: [changes]


def moved(chance, now):
    return [{"due_date": (now + timedelta(days=chance.randint(-5, 20))).date().isoformat()}]


def nothing(chance, now):
    return []


# What is done -> its plan, the tasks that it is done to, and what the plan gets beside the task.
ACTS = {
    "complete": (update, is_open, to(status="completed")),
    "complete again": (update, is_closed, to(status="completed")),
    "cancel": (update, is_live, to(status="cancelled")),
    "reopen": (update, is_closed, to(status="pending")),
    "begin again": (update, is_closed, to(status="in_progress")),
    "move": (update, is_live, moved),
    "edit": (update, is_live, to(title="y")),
    "delete": (delete, is_live, nothing),
    "restore": (restore, is_trashed, nothing),
    "purge": (purge, is_trashed, nothing),
    "skip": (skip, is_live, nothing),
}
SELDOM = {"cancel", "delete", "purge"}


@pytest.mark.sliced
@pytest.mark.parametrize("number", range(200))
def test_one_open_occurrence_all_year(number):
    assert sum(live(number).values()) > 30


class Clock(datetime):
    """The clock of the requests: ``moment`` is now."""

    moment = datetime(2026, 12, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.moment.astimezone(tz)


@pytest.mark.long
@pytest.mark.parametrize("number", range(5))
def test_one_open_occurrence_all_year_over_http(as_alice, monkeypatch, number):
    chance, zone = random.Random(number), ZoneInfo(ZONES[number])
    monkeypatch.setattr(sign_in, "datetime", Clock)
    morning = datetime.combine(date(2026, 12, 1), time(8), zone)
    Clock.moment = morning
    as_alice.create(due_date="2026-12-01", due_time="09:00", timezone=str(zone), recurrence=RULES[number])
    known = set()
    for day in range(365):
        Clock.moment = morning + timedelta(days=day, minutes=chance.randint(0, 900))
        tasks = as_alice("GET", f"{TASKS}?limit=100&sort=-created").json()
        opened = [task for task in tasks if task["recurrence"] and task["status"] in OPEN_STATUSES]
        assert len(opened) <= 1, (day, opened)
        for task in tasks:
            if task["id"] not in known and task["version"] == 1 and known:
                at = datetime.fromisoformat(f"{task['due_date']}T{task['due_time']}").replace(tzinfo=zone)
                assert at > datetime.fromisoformat(task["created_at"])
            known.add(task["id"])
        ask(as_alice, chance, opened, tasks)
    assert len(known) > 5


def ask(api, chance, opened, tasks):
    """Complete what is open or, now and then, do something else to any task of the history."""
    trashed = api("GET", "/api/v1/trash").json()
    task = chance.choice(opened or tasks or trashed)
    path = f"{TASKS}/{task['id']}"
    what = chance.choice(["complete"] * 5 + ["reopen", "move", "delete", "restore"])
    if what == "restore" and trashed:
        answer = api("POST", f"{TASKS}/{chance.choice(trashed)['id']}/restore")
    elif what == "delete" and tasks:
        answer = api("DELETE", f"{TASKS}/{chance.choice(tasks)['id']}")
    elif what == "reopen" and tasks:
        answer = api("PATCH", f"{TASKS}/{chance.choice(tasks)['id']}", {"status": "pending"})
    elif what == "move" and opened:
        day = Clock.moment.date() + timedelta(days=chance.randint(-5, 20))
        answer = api("PATCH", path, {"due_date": day.isoformat()})
    elif opened:
        answer = api("PATCH", path, {"status": "completed"})
    else:
        return
    assert answer.status_code in {200, 204}, answer.content
