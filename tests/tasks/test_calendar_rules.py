"""Series of random rules in a feed, as calendar programs read them, and what a feed may cost"""

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from store.steps import Steps
from tasks import calendar_feed, calendar_rules, recurrence
from tasks.calendar_feed import Room
from tasks.recurrence import InvalidRule, Start, fitted
from tests import feeds
from tests.slices import WHOLE
from tests.tasks.test_rules import DAYS, rules

TODAY = date(2026, 11, 30)
LONG_AGO = date(1990, 1, 1)
# In these, clocks change at different hours of the night; in the last one, never.
ZONES = [
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "America/Santiago"),
    *("Asia/Gaza", "Asia/Kolkata"),
]
TIMES = ["00:00", "00:30", "01:30", "01:45", "02:00", "02:30", "03:00", "03:15", "09:00", "23:30"]
ENDS = st.sampled_from(["", "", ";COUNT=3", ";COUNT=40", ";UNTIL=20290615"])


def task_of(title, rule, day, at=None, zone=None):
    made = "2026-11-01T12:00:00+00:00"
    return {
        "id": f"id-{title}", "title": title, "due_date": f"{day}", "due_time": at, "timezone": zone,
        "recurrence": rule, "updated_at": made, "created_at": made, "version": 1, "priority": "medium",
    }  # fmt: skip


@st.composite
def series(draw):
    """Return a rule, and the day, time and zone that it starts with, and that it comes before programs end it."""
    rule, day = draw(rules()) + draw(ENDS), draw(DAYS)
    at, zone = draw(st.sampled_from([(None, None), *((at, zone) for at in TIMES for zone in ZONES)]))
    start = Start(day, at and time.fromisoformat(at), zone and ZoneInfo(zone))
    try:
        rule = fitted(rule, start)
    except InvalidRule:
        assume(False)
    assume(recurrence.first_days(rule, start, feeds.MOST)[-1].year < 2090)
    return rule, day, at, zone


def room(today=LONG_AGO, **more):
    return Room(today, lambda: ZoneInfo("UTC"), **more)


def in_the_first_years(read, meant):
    """Return what of both lies before rules are no longer completed by days of their own."""
    end = {
        title: f"{date.fromisoformat(moments[0][:10]) + calendar_rules.AHEAD}"
        for title, moments in meant.items()
    }
    return [
        {title: [it for it in moments if it < end[title]] for title, moments in each.items()}
        for each in (read, meant)
    ]


@pytest.mark.sliced
@settings(max_examples=24 if WHOLE else 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(series(), min_size=30, max_size=60))
def test_programs_read_the_same_instants_of_any_rule(found):
    tasks = [task_of(f"{number}", *each) for number, each in enumerate(found)]
    meant = {task["title"]: feeds.meant(task) for task in tasks}
    feed = calendar_feed.written("alice", tasks, room())
    for read in (feeds.by_icalendar, feeds.by_icaljs, feeds.by_libical):
        theirs, ours = in_the_first_years(read(feed), meant)
        assert theirs == ours, read.__name__


def test_a_list_has_the_coming_days_and_an_end():
    rule, start = "FREQ=DAILY;BYMONTHDAY=-1,-2,-3,-4,-5,-6,-7,-8", Start(date(2026, 1, 24))

    def listed(today):
        return [piece.day for piece in calendar_rules.pieces(rule, start, today, Steps(10**5))]

    assert listed(LONG_AGO)[0] == start.day
    assert len(listed(LONG_AGO)) == calendar_rules.LISTED
    later = listed(date(2026, 7, 24))
    assert later[0] == start.day
    assert later == listed(date(2026, 7, 31))  # it changes with the month
    assert sum(day >= date(2026, 7, 1) for day in later) == calendar_rules.LISTED
    assert len(listed(date(2028, 1, 1))) == calendar_rules.MOST_LISTED


@pytest.mark.parametrize(
    ("rule", "start", "events"),
    [
        # what we write for "every month" on the 30th: the day itself as a rule, and the ends of February
        (
            "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
            Start(date(2026, 11, 30)),
            [
                ("2026-11-30", "FREQ=MONTHLY;BYMONTHDAY=30"),
                *((day, None) for day in ("2027-02-28", "2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28")),
            ],
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1;COUNT=4",
            Start(date(2026, 12, 29)),
            [("2026-12-29", "FREQ=MONTHLY;BYMONTHDAY=29;UNTIL=20270329"), ("2027-02-28", None)],
        ),
        # a time that the clocks skip on one of the days
        (
            "FREQ=DAILY;COUNT=4",
            Start(date(2027, 3, 27), time(2, 30), ZoneInfo("Europe/Berlin")),
            [
                ("2027-03-27", "FREQ=DAILY;UNTIL=20270327T225959Z"),
                ("2027-03-28", None),
                ("2027-03-29", "FREQ=DAILY;UNTIL=20270330T215959Z"),
            ],
        ),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE;BYSETPOS=-1", Start(date(2026, 12, 2)), [("2026-12-02", "FREQ=WEEKLY;BYDAY=WE")]),
        ("FREQ=DAILY;UNTIL=20261101", Start(date(2026, 12, 2)), []),
    ],
)  # fmt: skip
def test_the_events_of_a_rule(rule, start, events):
    found = calendar_rules.pieces(rule, start, TODAY, Steps(10**5))
    assert [(f"{piece.day}", piece.rule) for piece in found] == events


def test_a_feed_with_too_many_events_or_steps_leaves_out_rules_and_says_so(caplog):
    listed, plain = "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO,TU", "FREQ=DAILY"
    tasks = [task_of(f"{number}", listed, date(2026, 12, 1)) for number in range(3)]
    tasks.append(task_of("plain", plain, date(2026, 12, 2)))
    for more in ({"events": 40}, {"steps": Steps(2500)}):
        caplog.clear()
        feed = calendar_feed.written("alice", tasks, room(TODAY, **more))
        events = [str(event["summary"]) for event in Calendar.from_ical(feed).walk("VEVENT")]
        assert set(events) == {"0", "1", "2", "plain"}
        assert len(events) < 3 * calendar_rules.LISTED
        assert len(caplog.records) >= 2


def test_an_event_of_its_own_has_its_own_name_and_the_page_of_its_task():
    feed = calendar_feed.written("alice", [task_of("x", "FREQ=YEARLY;BYDAY=20MO", date(2026, 12, 1))], room())
    events = Calendar.from_ical(feed).walk("VEVENT")
    names = [str(event["uid"]) for event in events]
    assert len(set(names)) == len(names) == 1 + calendar_rules.LISTED
    assert {"id-x@tasks", "id-x.20270517@tasks"} < set(names)
    assert {str(event["url"]).rsplit("/tasks/")[1] for event in events} == {"id-x/"}


def test_a_time_that_comes_twice_is_the_first_one():
    task = task_of("x", None, date(2026, 11, 1), "01:30", "America/New_York")
    feed = calendar_feed.written("alice", [task], room())
    for read in (feeds.by_icalendar, feeds.by_icaljs, feeds.by_libical):
        assert read(feed) == {"x": ["2026-11-01T05:30:00Z"]}
