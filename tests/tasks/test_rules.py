"""The engine of recurrence rules: the corpus, another library over random rules, and a bound on its steps"""

import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from store.steps import OutOfStepsError, Steps
from tasks import recurrence
from tasks.recurrence import MAX_STEPS, WEEKDAYS, InvalidRule, Start, fitted, following, occurrences
from tests.slices import WHOLE
from tests.tasks import other_libraries

CORPUS = json.loads((Path(__file__).parent / "corpora/recurrence.json").read_text())


def start_of(text, zone=None):
    day, _, at = text.partition("T")
    return Start(date.fromisoformat(day), time.fromisoformat(at) if at else None, zone and ZoneInfo(zone))


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case["id"])
def test_corpus(case):
    start = start_of(case["dtstart"], case.get("tzid"))
    if not case["valid"] or case.get("never"):
        with pytest.raises(InvalidRule, match=r"\w"):
            fitted(case["rrule"], start)
        return
    rule = fitted(case["rrule"], start)
    at = case["dtstart"].partition("T")[2]
    shown = [f"{day}T{at}" if at else str(day) for day in islice(occurrences(rule, start), 5)]
    assert shown == case["first5"]
    assert fitted(rule, start) == rule


def numbers(low, high, signed=True):
    one = st.integers(low, high).flatmap(lambda n: st.sampled_from([n, -n] if signed else [n]))
    return st.lists(one, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))


@st.composite
def rules(draw):
    frequency = draw(st.sampled_from(recurrence.FREQUENCIES))
    parts = [f"FREQ={frequency}"]

    def maybe(name, values):
        if draw(st.booleans()):
            parts.append(f"{name}={draw(values)}")

    maybe("INTERVAL", st.sampled_from([1, 2, 3, 4, 5, 7, 12, 13, 21, 27, 189, 400, 999]))
    maybe("BYMONTH", numbers(1, 12, signed=False))
    if frequency == "YEARLY":
        maybe("BYWEEKNO", numbers(1, 53))
        maybe("BYYEARDAY", numbers(1, 366))
    if frequency != "WEEKLY":
        maybe("BYMONTHDAY", numbers(1, 31))
    place = st.just("")
    if frequency in {"MONTHLY", "YEARLY"} and not any(part.startswith("BYWEEKNO") for part in parts):
        place = st.sampled_from(["", "1", "+2", "-1", "5", "-5", "53"])
    weekday = st.tuples(place, st.sampled_from(WEEKDAYS)).map("".join)
    maybe("BYDAY", st.lists(weekday, min_size=1, max_size=4).map(",".join))
    if any(part.startswith("BY") for part in parts):
        maybe("BYSETPOS", numbers(1, 366) | numbers(1, 5))
    maybe("WKST", st.sampled_from(WEEKDAYS))
    return ";".join(parts)


DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@pytest.mark.sliced
@settings(max_examples=1500 if WHOLE else 120, deadline=None)
@given(rules(), DAYS)
def test_the_same_days_as_others_give(rule, start):
    try:
        rule = fitted(rule, Start(start))
    except InvalidRule:
        assume(False)
    days = list(islice(occurrences(rule, Start(start)), 6))
    asked = 0
    for library in other_libraries.LIBRARIES:
        theirs = [day for day in days if day.year < library.ends]
        if theirs and not library.differs(rule):
            asked += 1
            assert list(islice(library.days(rule, start, theirs), 6)) == theirs, library.name
    event(f"asked {asked} others")
    assert asked or days[0].year >= 2200


@pytest.mark.sliced
@settings(max_examples=1500 if WHOLE else 200, deadline=None)
@given(rules() | st.text("FREQ=DAILYWKMONTHBSPU;,0123456789-+", max_size=220), DAYS, DAYS)
def test_no_rule_takes_more_steps_than_the_bound(rule, start, today):
    steps = Steps(MAX_STEPS)
    try:
        known = recurrence.parse(rule)
    except InvalidRule:
        return
    list(islice(occurrences(known, Start(start), steps), 3))
    assert steps.taken < MAX_STEPS
    steps = Steps(MAX_STEPS)
    following(known, Start(start), datetime.combine(today, time(12), UTC), steps=steps)
    assert steps.taken < MAX_STEPS


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=YEARLY;BYWEEKNO=1;BYMONTHDAY=20",
        "FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=MONTHLY;BYSETPOS=366;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        "FREQ=YEARLY;BYMONTH=2;BYDAY=53MO",
    ],
)
def test_what_never_comes_is_refused_before_the_bound(rule, monkeypatch):
    counted = []
    monkeypatch.setattr(recurrence, "Steps", lambda limit: counted.append(Steps(limit)) or counted[-1])
    recurrence._read.cache_clear()
    with pytest.raises(InvalidRule, match="never"):
        recurrence.parse(rule)
    assert sum(steps.taken for steps in counted) < MAX_STEPS
    before = len(counted)
    with pytest.raises(InvalidRule):
        recurrence.parse(rule)
    assert len(counted) == before  # a refusal is remembered


def test_a_rule_that_takes_too_many_steps_is_refused(monkeypatch):
    monkeypatch.setattr(recurrence, "MAX_STEPS", 50)
    recurrence._read.cache_clear()
    with pytest.raises(InvalidRule, match="too many steps"):
        recurrence.parse("FREQ=YEARLY;BYMONTHDAY=31")
    known, start = "FREQ=MONTHLY;BYMONTHDAY=31", date(2026, 1, 1)
    recurrence._read.cache_clear()
    assert fitted(known, Start(start)) == known
    with pytest.raises(OutOfStepsError):
        following(known, Start(start), datetime(2026, 2, 1, 12, tzinfo=UTC))
    recurrence._read.cache_clear()


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "2026-01-01"),
        ("FREQ=DAILY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", "2026-01-01"),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", "2096-02-29"),
    ],
)
def test_what_seldom_comes_is_found(rule, start):
    assert len(list(islice(occurrences(fitted(rule, start_of(start)), start_of(start)), 3))) == 3


@pytest.mark.parametrize(
    ("rule", "start"),
    [
        ("FREQ=MONTHLY;INTERVAL=2;BYMONTH=1", "2026-02-10"),
        ("FREQ=DAILY;UNTIL=20260101", "2026-02-10"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "2026-11-30"),
    ],
)
def test_what_never_comes_from_its_start_is_refused(rule, start):
    with pytest.raises(InvalidRule, match="never"):
        fitted(rule, start_of(start))


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        ("rrule:freq=weekly;byday=fr,MO;interval=02", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR"),
        ("BYMONTHDAY=-1,+15,1;FREQ=MONTHLY;INTERVAL=1;WKST=MO", "FREQ=MONTHLY;BYMONTHDAY=1,15,-1"),
        ("COUNT=0000000003;FREQ=DAILY", "FREQ=DAILY;COUNT=3"),
    ],
)
def test_normal_form(given_, stored):
    assert recurrence.parse(given_) == stored


@pytest.mark.parametrize(
    ("rule", "start", "zone", "now", "done", "next_"),
    [
        ("FREQ=DAILY", "2026-11-27", "Pacific/Auckland", "2026-11-29T23:01Z", False, "2026-11-30"),
        ("FREQ=DAILY", "2026-11-27", "America/Los_Angeles", "2026-11-30T03:00Z", False, "2026-11-29"),
        ("FREQ=DAILY", "2026-11-27T09:00", "Europe/Berlin", "2026-11-30T07:59Z", False, "2026-11-30"),
        ("FREQ=DAILY", "2026-11-27T09:00", "Europe/Berlin", "2026-11-30T08:01Z", False, "2026-12-01"),
        ("FREQ=DAILY;INTERVAL=3", "2026-11-20", "UTC", "2026-11-29T12:00Z", False, "2026-11-29"),
        ("FREQ=DAILY;INTERVAL=3", "2026-11-20", "UTC", "2026-11-29T12:00Z", True, "2026-12-02"),
        ("FREQ=WEEKLY;BYDAY=MO", "2026-11-23", "UTC", "2026-11-25T12:00Z", True, "2026-11-30"),
        ("FREQ=DAILY;UNTIL=20261203T075959Z", "2026-12-02T08:00", "America/Los_Angeles", "2026-12-02T17:00Z", 0, None),
        ("FREQ=DAILY;COUNT=1", "2026-11-20", "UTC", "2026-11-20T12:00Z", True, None),
    ],
)  # fmt: skip
def test_the_next_occurrence(rule, start, zone, now, done, next_):
    here = datetime.fromisoformat(now).astimezone(ZoneInfo(zone))
    found = following(rule, start_of(start, zone), here, from_done=done)
    assert (found and str(found[0])) == next_


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_comes_every_month(month):
    for day in (28, 29, 30, 31):
        try:
            start = date(2027, month, day)
        except ValueError:
            continue
        rule = recurrence.every("FREQ=MONTHLY", start)
        days = list(islice(occurrences(rule, Start(start)), 24))
        assert days[0] == start
        months = [each.year * 12 + each.month for each in days]
        assert months == list(range(months[0], months[0] + 24))


def test_an_end_follows_the_kind_of_the_start():
    berlin = ZoneInfo("Europe/Berlin")
    day, timed = Start(date(2026, 12, 1)), Start(date(2026, 12, 1), time(9), berlin)
    rule = fitted("FREQ=DAILY;UNTIL=20261231", timed)
    assert rule == "FREQ=DAILY;UNTIL=20261231T225959Z"
    assert recurrence.refitted(rule, day) == "FREQ=DAILY;UNTIL=20261231"
    assert recurrence.refitted(rule, timed) == rule


@settings(max_examples=50, deadline=None)
@given(rules(), DAYS, st.integers(-400, 800))
def test_the_next_day_is_later_and_not_past(rule, due, offset):
    today = due + timedelta(days=offset)
    try:
        known = fitted(rule, Start(due))
    except InvalidRule:
        assume(False)
    found = following(known, Start(due), datetime.combine(today, time(12), UTC))
    assert found is None or (found[0] > due and found[0] >= today)


# --- Moving one occurrence ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        *("FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=WEEKLY;BYDAY=MO,TH"),
        *(
            "FREQ=MONTHLY;BYDAY=2MO",
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            "FREQ=YEARLY;BYMONTH=2",
            "FREQ=WEEKLY;COUNT=4",
        ),
        *("FREQ=MONTHLY;COUNT=2", "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=3;WKST=SU", "FREQ=MONTHLY;UNTIL=20270601"),
    ],
)
def test_one_occurrence_moves_and_the_others_stay(rule):
    day = recurrence.first_days(rule, Start(date(2026, 12, 14)), 1)[0]
    now = datetime.combine(day, time(12))
    next_one = recurrence.following(rule, Start(day), now)
    assert next_one
    for days in range(1, min(20, (next_one[0] - day).days)):
        to = day + timedelta(days=days)
        moved = recurrence.without_moved(rule, day, to)
        assert recurrence.following(moved, Start(to), datetime.combine(to, time(12))) == (
            next_one[0],
            recurrence.without_moved(next_one[1], next_one[0], next_one[0]),
        )


@pytest.mark.parametrize("to", [date(2026, 12, 16), None])
def test_the_last_occurrence_that_moves_is_the_last_one(to):
    assert recurrence.without_moved("FREQ=WEEKLY;BYDAY=MO;COUNT=1", date(2026, 12, 14), to) is None
    assert recurrence.without_moved("FREQ=WEEKLY;COUNT=1", date(2026, 12, 14), date(2026, 12, 21)) == (
        "FREQ=WEEKLY;BYDAY=MO;COUNT=1"
    )


def test_a_refusal_that_is_remembered_keeps_nothing_alive():
    """It is raised anew each time: the traceback of one that is kept would grow by the frames of every request"""

    def refused() -> recurrence.InvalidRule:
        with pytest.raises(recurrence.InvalidRule) as caught:
            recurrence.parse("FREQ=NEVER")
        return caught.value

    first, second = refused(), refused()
    assert first is not second
    assert str(first) == str(second)
