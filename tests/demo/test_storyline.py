"""The demo's history as data: the same every time, legal, and with shapes worth a chart."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from identity.fields import PROFILE_CHANGES
from store.validation import clean
from tasks.demo.storyline import storyline
from tasks.demo.vocabulary import categories
from tasks.fields import NEW_TASK, TASK_CHANGES
from tests.demo.model import OPEN, Model

SEED = 20_260_101
# A Sunday with August in its half year, and one in March with the new year in it.
MOMENTS = [datetime(2026, 11, 22, 17, tzinfo=UTC), datetime(2026, 3, 10, 9, tzinfo=UTC)]


def digest(events):
    return hashlib.sha256(repr(events).encode()).hexdigest()


def monday(moment):
    return moment.date() - timedelta(days=moment.weekday())


@pytest.fixture(scope="module", params=MOMENTS, ids=str)
def told(request):
    events = storyline(SEED, request.param)
    return request.param, events, Model(events)


def test_the_history_has_all_kinds_of_events(told):
    now, events, model = told
    verbs = Counter(event.verb for event in events)
    assert verbs["join"] == verbs["profile"] == 40
    assert verbs["create"] == 2000
    assert 5_000 < len(events) < 8_000
    assert verbs["delete"] > 60
    assert verbs["restore"] >= 6
    assert {"person@example.com", "manager@example.com", "admin@example.com"} < set(model.profiles)
    assert all(email.endswith("@example.com") and email.isascii() for email in model.profiles)
    assert now - min(event.at for event in events) > timedelta(days=175)


def test_the_same_arguments_tell_the_same_story_in_another_process(told):
    now, events, _ = told
    program = (
        "import hashlib, sys, datetime; from tasks.demo.storyline import storyline;"
        f"events = storyline({SEED}, datetime.datetime.fromisoformat({now.isoformat()!r}));"
        "print(hashlib.sha256(repr(events).encode()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR,
        env={"PYTHONHASHSEED": "7"},
        capture_output=True,
    )
    assert run.stdout.decode().strip() == digest(events), run.stderr.decode()
    assert digest(storyline(SEED + 1, now)) != digest(events)


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    now=st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    people=st.integers(3, 50),
    tasks_each=st.integers(1, 12),
    months=st.integers(1, 9),
)
def test_every_story_is_legal_ordered_and_over_by_now(seed, now, people, tasks_each, months):
    events = storyline(seed, now, people=people, tasks=people * tasks_each, months=months)
    Model(events)
    assert sum(event.verb == "create" for event in events) == people * tasks_each
    assert all(a.at <= b.at for a, b in pairwise(events))
    assert [event.id for event in events] == sorted({event.id for event in events})
    start = now - timedelta(days=31 * months)
    assert all(start < event.at < now for event in events)
    deleted = {event.task: event.at for event in events if event.verb == "delete"}
    restored = [event for event in events if event.verb == "restore"]
    assert all(deleted[event.task] > now - timedelta(days=30) for event in restored), "the trash may be swept"
    own = defaultdict(list)
    for event in events:
        own[event.email].append(event)
    for story in own.values():
        assert [event.verb for event in story[:2]] == ["join", "profile"]
        assert all(b.at - a.at >= timedelta(milliseconds=1) for a, b in pairwise(story))


def test_fields_pass_the_domain_unchanged(told):
    adapters = {
        "join": PROFILE_CHANGES,
        "profile": PROFILE_CHANGES,
        "create": NEW_TASK,
        "update": TASK_CHANGES,
    }
    for event in told[1]:
        if event.verb in adapters:
            assert clean(adapters[event.verb], event.fields) == event.fields


def test_titles_are_concrete_and_rarely_repeat(told):
    titles = Counter(event.fields["title"] for event in told[1] if event.verb == "create")
    assert len(titles) > 1_700
    assert not [title for title in titles if "{" in title or not title[0].isupper() or len(title) < 9]


def test_tasks_are_varied(told):
    created = [event.fields for event in told[1] if event.verb == "create"]
    assert Counter(fields.get("category") for fields in created).keys() >= {
        each.name for each in categories()
    }
    for name, low, high in (
        ("description", 0.1, 0.4),
        ("checklist", 0.05, 0.25),
        ("tags", 0.4, 0.8),
        ("due_date", 0.5, 0.9),
        ("due_time", 0.02, 0.15),
        ("recurrence", 0.003, 0.02),
    ):
        assert low < sum(name in fields for fields in created) / len(created) < high, name


def test_finished_and_overdue_shares(told):
    now, _, model = told
    status = Counter(task["status"] for task in model.tasks.values())
    assert 0.6 <= status["completed"] / len(model.tasks) <= 0.7
    todo = [task for task in model.tasks.values() if task["status"] in OPEN]
    late = [task for task in todo if task.get("due_date", "9") < now.date().isoformat()]
    assert 0.08 <= len(late) / len(todo) <= 0.12


def test_the_newcomers_list_has_every_group_filled(told):
    now, _, model = told
    today = now.date().isoformat()
    tasks = model.of("person@example.com")
    assert 50 <= len(tasks) <= 62
    dates = [task.get("due_date") for task in tasks if task["status"] in OPEN]
    assert 3 <= sum(due is not None and due < today for due in dates) <= 7
    assert 3 <= sum(due == today for due in dates) <= 7
    assert sum(due is not None and due > today for due in dates) >= 8
    assert sum(due is None for due in dates) >= 4


def weekly(model, reached):
    return Counter(monday(event.at) for event, before, after in model.history if after == reached != before)


def test_the_launch_is_busy_and_the_company_grows(told):
    _, events, model = told
    created = [count for _, count in sorted(weekly(model, "pending").items())][1:-1]
    weeks = len(created)
    early, late = created[: weeks // 3], created[-weeks // 3 :]
    launch = created[weeks // 2 : 2 * weeks // 3]
    assert median(late) > 1.5 * median(early)
    assert max(launch) > 1.3 * median(late)
    seen = defaultdict(set)
    for event in events:
        seen[monday(event.at)].add(event.email)
    active = [len(people) for _, people in sorted(seen.items())]
    assert max(active[:4]) < 12 < 22 < max(active) < 40


def test_work_in_progress_widens_and_narrows(told):
    now, _, model = told
    open_on, level = {}, 0
    for event, before, after in model.history:
        level += (after in OPEN) - (before in OPEN)
        open_on[event.at.date()] = level
    start = now.date() - timedelta(days=182)

    def at(place):
        day = start + timedelta(days=round(182 * place))
        return open_on[max(each for each in open_on if each <= day)]

    assert at(0.73) > 2 * at(0.45)
    assert at(0.86) < 0.85 * at(0.73)


def test_days_have_office_hours_and_evenings(told):
    heat = Counter((event.at.isoweekday(), event.at.hour) for event in told[1])
    total = heat.total()
    office = sum(heat[day, hour] for day in range(1, 6) for hour in range(8, 17))
    night = sum(heat[day, hour] for day in range(1, 8) for hour in range(5))
    weekend = sum(heat[day, hour] for day in (6, 7) for hour in range(24))
    evening = sum(heat[day, hour] for day in range(1, 6) for hour in range(17, 22))
    assert office > 0.55 * total
    assert 0.1 * total < evening < 0.3 * total
    assert 0.02 * total < weekend < 0.12 * total
    assert night < 0.03 * total


def test_categories_take_their_own_time(told):
    created, hours = {}, defaultdict(list)
    for event, before, after in told[2].history:
        if event.verb == "create":
            created[event.task] = event
        elif after == "completed" != before:
            begun = created[event.task]
            hours[begun.fields.get("category")].append((event.at - begun.at) / timedelta(hours=1))
    assert all(len(values) >= 20 for values in hours.values())
    middle = {name: median(values) for name, values in hours.items()}
    assert middle["Support"] < middle["Errands"] < middle["Engineering"] < middle["Hiring"]
    assert middle["Hiring"] > 4 * middle["Support"]


def test_some_stay_and_some_leave(told):
    now, events, _ = told
    first, last = {}, {}
    for event in events:
        first.setdefault(event.email, event.at)
        last[event.email] = event.at
    old = [email for email in first if first[email] < now - timedelta(days=60)]
    gone = [email for email in old if last[email] < now - timedelta(days=21)]
    assert 0.1 <= len(gone) / len(old) <= 0.45
    assert len({monday(moment) for moment in first.values()}) >= 8


def test_a_small_story_still_makes_sense():
    now = MOMENTS[0]
    model = Model(storyline(1, now, people=3, tasks=40, months=2))
    assert len(model.profiles) == 3
    assert {model.owners[name] for name in model.owners} == set(model.profiles)
    assert min(date.fromisoformat(profile["created_at"][:10]) for profile in model.profiles.values()) > date(
        2026, 9, 20
    )
