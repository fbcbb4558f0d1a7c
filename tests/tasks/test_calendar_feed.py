"""The calendar feed, in the services"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from identity import calendar_address
from identity.errors import CalendarFeedNotFound
from identity.items import CalendarFeedItem
from localcloud.capture import CAPTURED_PREFIXES
from store.errors import IdempotencyMismatch
from store.reading import get
from store.writing import update, write
from tasks import calendar_feed, calendar_zones, services
from tasks.demo.storyline import storyline
from tasks.items import OPEN_STATUSES
from tests import feeds
from tests.tasks.test_idempotency import once
from tests.tasks.test_rules import CORPUS
from web import answers

TODAY = date(2026, 11, 22)


def parsed(account, today=TODAY):
    calendar = Calendar.from_ical(calendar_feed.render(account.id, today))
    return calendar, {str(event["summary"]): event for event in calendar.walk("VEVENT")}


@pytest.fixture
def event_of(ctx, alice):
    """Return a function that creates a task of Alice's and returns its event."""

    def event(**fields):
        services.create_task(ctx(alice), {"title": "x", "due_date": "2026-12-01", **fields})
        return parsed(alice)[1]["x"]

    return event


def test_the_address_opens_the_feed_of_its_owner(ctx, alice, calls):
    token = calendar_address.enable(ctx(alice))
    assert calls.names == ["PutItem"]
    calls.clear()
    assert calendar_address.owner_of(token) == alice.id
    assert calls.names == ["GetItem"]
    assert token.startswith("todo_")
    assert calendar_address.get(alice.id).created_at

    task = services.create_task(
        ctx(alice),
        {
            "title": "Pay, the; rent",
            "description": "From the *joint* account.\nAll of it.",
            "due_date": "2026-12-01",
            "priority": "high",
            "category": "home",
            "tags": ["a,b"],
            "checklist": [{"text": "Check", "done": True}],
        },
    ).task
    calls.clear()
    calendar, events = parsed(alice)
    assert calls.names == ["Query"]
    event = events["Pay, the; rent"]
    assert (event.start, event.end) == (date(2026, 12, 1), date(2026, 12, 2))
    assert event["uid"] == f"{task.id}@tasks"
    assert event["sequence"] == 1
    assert event["priority"] == 3
    assert event["description"] == "From the *joint* account.\nAll of it.\n\n[x] Check"
    assert event.categories == ["home", "a,b"]
    assert event["url"].endswith(f"/tasks/{task.id}/")
    assert calendar["refresh-interval"].params["VALUE"] == "DURATION"
    assert not calendar.errors


def test_a_reminder_in_the_morning(event_of):
    (alarm,) = event_of().walk("VALARM")
    assert alarm["action"] == "DISPLAY"
    assert alarm["description"] == "x"
    assert alarm["trigger"].dt == timedelta(hours=9)


def test_a_time_of_day(ctx, alice, event_of):
    event = event_of(due_time="09:30", timezone="Europe/Berlin")
    assert event.start == datetime(2026, 12, 1, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert event.walk("VALARM")[0]["trigger"].dt == -timedelta(minutes=30)
    calendar, _ = parsed(alice)
    assert [str(zone["tzid"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Berlin"]


def test_a_time_of_day_without_a_zone_is_the_readers(event_of):
    assert event_of(due_time="09:30").start == datetime.fromisoformat("2026-12-01T09:30")


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"recurrence": "FREQ=MONTHLY;BYDAY=-1MO"}, "FREQ=MONTHLY;BYDAY=-1MO"),
        ({"recurrence": "FREQ=DAILY;COUNT=3"}, "FREQ=DAILY;COUNT=3"),
        (
            {"recurrence": "FREQ=DAILY;UNTIL=20270101", "due_time": "09:30"},
            "FREQ=DAILY;UNTIL=20270101T235959",
        ),
        (
            {"recurrence": "FREQ=DAILY;UNTIL=20270101", "due_time": "09:30", "timezone": "Europe/Berlin"},
            "FREQ=DAILY;UNTIL=20270101T225959Z",
        ),
        # programs leave BYSETPOS out of a week
        ({"recurrence": "FREQ=WEEKLY;BYDAY=MO,TU,WE;BYSETPOS=2"}, "FREQ=WEEKLY;BYDAY=TU"),
        (
            {"recurrence": "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO,TU;BYSETPOS=-1,1;WKST=SU"},
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
        ),
    ],
)
def test_recurrence(event_of, fields, rule):
    assert event_of(**fields)["rrule"].to_ical().decode() == rule


def test_only_open_tasks_that_are_due(ctx, alice, bob):
    def create(title, account=alice, **fields):
        return services.create_task(ctx(account), {"title": title, **fields}).task

    create("overdue", due_date="2026-11-01", status="in_progress")
    create("ancient", due_date="2020-01-01")
    create("done", due_date="2026-12-01", status="completed")
    create("undated")
    create("of Bob", bob, due_date="2026-12-01")
    deleted = create("deleted", due_date="2026-12-01")
    services.delete_task(ctx(alice), deleted.id)
    assert parsed(alice)[1].keys() == {"overdue"}


def test_many_tasks(ctx, alice, monkeypatch):
    monkeypatch.setattr(calendar_feed, "MAX_TASKS", 3)
    monkeypatch.setattr(calendar_feed, "PAGE", 2)
    for day in range(1, 6):
        services.create_task(ctx(alice), {"title": f"{day}", "due_date": f"2026-12-0{day}"})
    assert parsed(alice)[1].keys() == {"1", "2", "3"}


def test_the_same_tasks_make_the_same_feed(ctx, alice):
    assert parsed(alice)[1] == {}
    task = services.create_task(
        ctx(alice), {"title": "x", "due_date": "2026-12-01", "due_time": "09:00"}
    ).task
    first = calendar_feed.render(alice.id, TODAY)
    assert calendar_feed.render(alice.id, TODAY + timedelta(days=1)) == first
    services.update_task(ctx(alice), task.id, {"title": "y"})
    assert calendar_feed.render(alice.id, TODAY) != first


def test_a_new_address_ends_the_old_one(ctx, alice, bob):
    old = calendar_address.enable(ctx(alice))
    new = calendar_address.enable(ctx(alice))
    calendar_address.enable(ctx(bob))
    assert calendar_address.owner_of(new) == alice.id
    calendar_address.disable(ctx(bob))
    for token in (
        old,
        "",
        "todo_",
        new[:-1],
        new + "A",
        new.replace("todo_", ""),
        "todo_" + "A" * 43,
        "todo_é",
    ):
        with pytest.raises(CalendarFeedNotFound):
            calendar_address.owner_of(token)

    calendar_address.disable(ctx(alice))
    assert calendar_address.get(alice.id) is None
    with pytest.raises(CalendarFeedNotFound):
        calendar_address.owner_of(new)
    with pytest.raises(CalendarFeedNotFound):
        calendar_address.disable(ctx(alice))


def test_a_repeated_request_gets_the_same_address(ctx, alice):
    token = calendar_address.enable(ctx(alice), once=once())
    assert calendar_address.enable(ctx(alice), once=once()) == token
    with pytest.raises(IdempotencyMismatch):
        calendar_address.enable(ctx(alice), once=once(fingerprint="g"))
    assert not calendar_address.disable(ctx(alice), once=once("end"))
    assert calendar_address.disable(ctx(alice), once=once("end"))


def test_the_table_does_not_hold_the_address(ctx, alice):
    token = calendar_address.enable(ctx(alice))
    item = get(CalendarFeedItem, (f"CALENDAR#{alice.id}", "METADATA"))
    assert token not in str(item.serialize())
    assert not item.PK.startswith(CAPTURED_PREFIXES)
    assert datetime.fromisoformat(item.created_at) <= datetime.now(UTC)


def test_a_feed_ends_with_the_last_task_that_an_answer_holds(ctx, alice, monkeypatch):
    for number in range(9):
        fields = {"title": f"Task {number}", "due_date": f"2026-12-0{number + 1}", "description": "語" * 300}
        services.create_task(ctx(alice), fields)
    assert len(parsed(alice)[1]) == 9
    monkeypatch.setattr(answers, "BUDGET", 6000)
    found = parsed(alice)[1]
    assert 0 < len(found) < 9
    assert sorted(found) == [f"Task {number}" for number in range(len(found))]
    assert len(calendar_feed.render(alice.id, TODAY)) < 6000


def test_what_cannot_be_written_is_written_without_its_rule(ctx, alice, caplog):
    for title, changes in {
        "rule": {"recurrence": "FREQ=DAILY;UNTIL=2026-12-02"},
        "count": {"recurrence": "FREQ=DAILY;COUNT=0000000019999"},
        "zone": {"timezone": "Mars/Olympus", "due_time": "09:00"},
    }.items():
        given = {"title": title, "due_date": "2026-12-01", "recurrence": "FREQ=DAILY"}
        task = services.create_task(ctx(alice), given).task
        write([update(task, task.changed(**changes))])
    services.create_task(ctx(alice), {"title": "sound", "due_date": "2026-12-01", "recurrence": "FREQ=DAILY"})
    _calendar, events = parsed(alice)
    assert {title: "rrule" in event for title, event in events.items()} == {
        "rule": False,
        "count": False,
        "zone": False,
        "sound": True,
    }
    assert len(caplog.records) == 4  # the zone is in the way of a start with and without a rule


def test_nothing_empty_and_a_length(event_of):
    text = event_of().to_ical().decode()
    assert "CATEGORIES" not in text
    assert "DTEND" not in text
    assert "DURATION:P1D" in text


def test_a_day_that_the_rule_does_not_have_is_an_event_of_its_own(ctx, alice):
    given = {"title": "x", "due_date": "2026-12-01", "recurrence": "FREQ=WEEKLY;BYDAY=FR;COUNT=3"}
    services.create_task(ctx(alice), given)
    events = parsed(alice)[0].walk("VEVENT")
    assert sorted(event.start.isoformat() for event in events) == ["2026-12-01", "2026-12-04"]
    assert sorted("rrule" in event for event in events) == [False, True]


def test_what_is_counted_from_its_completion_has_one_date(event_of):
    assert "rrule" not in event_of(recurrence="FREQ=DAILY", repeat_from="done")


def test_a_time_that_the_clocks_skip(event_of):
    skipped = {"due_date": "2027-03-28", "due_time": "02:30", "timezone": "Europe/Berlin"}
    assert event_of(**skipped).start.isoformat() == "2027-03-28T03:30:00+02:00"


@pytest.mark.parametrize(
    "key",
    [
        *("Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Gaza", "Africa/Casablanca"),
        *(
            "Australia/Lord_Howe",
            "Europe/Dublin",
            "America/Nuuk",
            "Asia/Jerusalem",
            "Africa/Cairo",
            "Asia/Kolkata",
        ),
    ],
)
def test_zones_go_on_for_ever(key):
    zone, read = ZoneInfo(key), calendar_zones.component(key, 2025).to_tz(lookup_tzid=False)
    text = calendar_zones.component(key, 2025).to_ical().decode()
    assert "RDATE" not in text
    for year in (2026, 2027, 2037, 2038, 2039, 2086, 2100):
        for month in range(1, 13):
            for day in (1, 8, 15, 22, 28):
                local = datetime(year, month, day, 12)  # noqa: DTZ001 (the zones are compared)
                assert local.replace(tzinfo=read).utcoffset() == local.replace(tzinfo=zone).utcoffset(), local


def test_other_programs_read_the_same_instants(ctx, alice):
    wanted = {}
    for case in CORPUS:
        if not case["valid"] or case.get("never"):
            continue
        day, _, at = case["dtstart"].partition("T")
        given = {"title": case["id"], "due_date": day, "recurrence": case["rrule"]}
        given |= {"due_time": at, "timezone": case["tzid"]} if at else {}
        services.create_task(ctx(alice), given)
        wanted[case["id"]] = feeds.meant(given)
    feed = calendar_feed.render(alice.id, date(2020, 1, 1))
    assert feeds.by_icalendar(feed) == wanted
    assert feeds.by_icaljs(feed) == wanted
    assert feeds.by_libical(feed) == wanted


def test_other_programs_read_the_demo_workspace(ctx, alice):
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    made = {}
    for event in storyline(7, now, people=3, tasks=150, months=2):
        if event.verb == "create" and event.fields.get("due_date"):
            made[event.task] = services.create_task(
                ctx(alice, now), event.fields | {"title": event.task}
            ).task
    feed = calendar_feed.render(alice.id, date(2020, 1, 1))
    assert any(task.recurrence for task in made.values())
    wanted = {
        title: feeds.meant(task.attribute_values)
        for title, task in made.items()
        if task.status in OPEN_STATUSES
    }
    for read in (feeds.by_icalendar, feeds.by_icaljs, feeds.by_libical):
        assert read(feed) == wanted, read.__name__
