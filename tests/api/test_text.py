"""Text on its way through the API: stored in one form, compared in another"""

import unicodedata
from urllib.parse import urlencode

import pytest
import regex
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from tests.api.client import TASKS, assert_problem
from tests.old_tasks import plant

CAFE, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"
UNFIT = regex.compile(
    r"[\p{Cc}--[\t\n\r]]|[\u202a-\u202e\u2066-\u2069\ufeff]|\p{Noncharacter_Code_Point}", regex.V1
)
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def listed(api, **query):
    return [task["title"] for task in api("GET", f"{TASKS}?{urlencode(query)}").json()]


def test_text_is_stored_composed_and_without_what_hides(as_alice):
    task = as_alice.create(
        title=f"\u202e{DECOMPOSED}\u200b",
        description=f"\ufeff{DECOMPOSED}\r\n\u2066x\u2069",
        category=DECOMPOSED,
        tags=[DECOMPOSED, CAFE, "CAF\u00c9", "x"],
        checklist=[{"text": f" {DECOMPOSED} "}],
    )
    assert as_alice("GET", f"{TASKS}/{task['id']}").json() == task
    assert (task["title"], task["description"], task["category"]) == (CAFE, f"{CAFE}\nx", CAFE)
    assert (task["tags"], task["checklist"][0]["text"]) == ([CAFE, "x"], CAFE)


def test_limits_count_what_is_stored(as_alice):
    title, tag = "\u1ec7" * 200, "\u1ec7" * 50
    task = as_alice.create(
        title=unicodedata.normalize("NFD", title), tags=[unicodedata.normalize("NFD", tag)]
    )
    assert (task["title"], task["tags"]) == (title, [tag])
    # Some characters are longer when they are composed.
    assert_problem(as_alice("POST", TASKS, {"title": "\ufb2c" * 150}), 422, fields={"title"})
    assert_problem(as_alice("POST", TASKS, {"title": title + "x"}), 422, fields={"title"})


@pytest.mark.parametrize("name", ["title", "description", "category"])
@pytest.mark.parametrize("value", ["a\x00b", "a\x9bb", "a\ufdd0", "a\U0001fffe", "a" + "\u0301" * 40])
def test_text_is_refused_in_words(as_alice, name, value):
    problem = assert_problem(as_alice("POST", TASKS, {"title": "x", name: value}), 422, fields={name})
    assert (
        problem["errors"][0]["message"].startswith("Must not")
        or "one line" in problem["errors"][0]["message"]
    )


@pytest.mark.parametrize("value", ["\u200b\u200b", "\u2800", "\u3164", "\u202e", " \u200e "])
def test_text_that_shows_nothing_is_blank(as_alice, value):
    assert_problem(as_alice("POST", TASKS, {"title": value}), 422, fields={"title"})
    assert_problem(as_alice("POST", TASKS, {"title": "x", "tags": [value]}), 422, fields={"tags.0"})
    task = as_alice.create(category=value, description=value)
    assert (task["category"], task["description"]) == (None, None)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("asked", [CAFE, "CAF\u00c9", "caf\u00e9", "\uff23afe\u0301", "Ca\u00adf\u00e9"])
def test_a_filter_finds_every_spelling(as_alice, form, asked):
    for number, spelling in enumerate((CAFE, "CAF\u00c9", DECOMPOSED)):
        as_alice.create(title=f"{number}", category=spelling, tags=[spelling])
    as_alice.create(title="other", category="Cafe", tags=["Cafe"])
    asked = unicodedata.normalize(form, asked)
    for query in ({"category": asked}, {"tag": asked}, {"q": asked}, {"category": asked, "sort": "-created"}):
        assert listed(as_alice, **query) == ["2", "1", "0"]
        assert listed(as_alice, **query, status="completed") == []
    for query in ({"sort": "created"}, {"sort": "due"}, {"sort": "priority"}, {"sort": "updated"}):
        assert listed(as_alice, **query, category=asked) == ["0", "1", "2"] or query == {"sort": "priority"}
    assert sorted(listed(as_alice, category=asked, sort="priority")) == ["0", "1", "2"]


def test_a_category_of_long_characters_has_a_key(as_alice):
    category = "\ufdfa" * 50  # each stands for four words
    as_alice.create(title="long", category=category)
    assert listed(as_alice, category=category) == ["long"]
    assert listed(as_alice, category="\ufdfa" * 49) == []


def test_tasks_that_were_stored_as_they_came_are_found(as_alice, alice):
    plant(alice, 1, title=f"{DECOMPOSED} 1", category=DECOMPOSED, tags=[DECOMPOSED])
    as_alice.create(title=f"{CAFE} 2", category="CAF\u00c9", tags=[CAFE])
    plant(alice, 3000, title=f"{DECOMPOSED} 3", category=CAFE, tags=[DECOMPOSED])
    found = [f"{DECOMPOSED} 3", f"{CAFE} 2", f"{DECOMPOSED} 1"]
    for query in ({"q": "caf\u00e9"}, {"category": CAFE}, {"category": DECOMPOSED}, {"tag": "caf\u00e9"}):
        assert listed(as_alice, **query) == found
    address, pages = f"{TASKS}?{urlencode({'category': CAFE})}&limit=1", []
    while address:
        answer = as_alice("GET", address)
        pages += [task["title"] for task in answer.json()]
        address = answer["Link"].partition(">")[0][1:] if "Link" in answer else ""
    assert pages == found


def test_a_stored_task_is_normalised_when_it_is_changed(as_alice, alice):
    fields = {"title": DECOMPOSED, "category": DECOMPOSED, "tags": [DECOMPOSED], "description": DECOMPOSED}
    task_id = plant(alice, 1, **fields, checklist=[{"id": "1", "text": DECOMPOSED, "done": False}])
    path = f"{TASKS}/{task_id}"
    assert as_alice("GET", path).json()["title"] == DECOMPOSED
    changed = as_alice("PATCH", path, {"status": "in_progress"}).json()
    assert [changed[name] for name in fields] == [CAFE, CAFE, [CAFE], CAFE]
    assert (changed["checklist"][0]["text"], changed["version"]) == (CAFE, 2)
    assert listed(as_alice, category="CAF\u00c9") == [CAFE]


def test_a_category_in_small_letters_takes_one_call(as_alice, calls):
    as_alice.create(category="home")
    calls.clear()
    assert listed(as_alice, category="home") == ["Task"]
    assert calls.names == ["Query"]


ODD = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("\u200b\u202e\u2067\ufeff\x85\x9b\x1b\u2028\ufffe\u200d\u0301e \n"),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=ODD, category=ODD, description=ODD)
def test_no_answer_holds_what_reorders_or_controls_text(as_alice, title, category, description):
    body = {"title": title, "category": category, "description": description, "tags": [category], category: 1}
    answers = [as_alice("POST", TASKS, body)]
    del body[category]
    answers += [
        as_alice("POST", TASKS, body | {"due_date": "2099-12-01"}),
        as_alice("GET", f"{TASKS}?{urlencode({'q': title, category: description})}"),
        as_alice("GET", f"{TASKS}/{title}"),
        as_alice("GET", TASKS),
        as_alice("GET", "/api/v1/export?format=csv"),
        as_alice("GET", "/api/v1/export"),
    ]
    for answer in answers:
        assert answer.status_code < 500
        text = answer.content.decode().removeprefix(
            "\ufeff"
        )  # by which spreadsheets know a CSV file's encoding
        assert not UNFIT.search(text), text


def test_the_calendar_holds_no_control_characters(as_alice):
    as_alice.create(title="\u202eDue\u200b", description="a\u2028b\u2069", due_date="2099-12-01")
    content = Client().get(as_alice("POST", "/api/v1/calendar").json()["url"]).content.decode()
    assert not UNFIT.search(content)
    (event,) = Calendar.from_ical(content).walk("VEVENT")
    assert (event["summary"], event["description"]) == ("Due", "a\nb")


def test_a_stored_task_is_in_the_calendar_without_control_characters(as_alice, alice):
    fields = {
        "title": "a\x9bb\u202e",
        "tags": ["c\x85d"],
        "checklist": [{"id": "1", "text": "e\x9bf", "done": False}],
    }
    plant(alice, 1, due_date="2099-12-01", **fields)
    content = Client().get(as_alice("POST", "/api/v1/calendar").json()["url"]).content.decode()
    assert not UNFIT.search(content)
    (event,) = Calendar.from_ical(content).walk("VEVENT")
    assert (event["summary"], event["categories"].to_ical()) == ("ab", b"cd")


def test_names_of_tokens_and_people_are_text_as_well(as_alice):
    made = as_alice("POST", "/api/v1/tokens", {"name": f"\u2066{DECOMPOSED}\u2069"})
    assert made.json()["name"] == CAFE
    assert_problem(as_alice("POST", "/api/v1/tokens", {"name": "\u200b"}), 422, fields={"name"})
    saved = as_alice("PUT", "/api/v1/users", {"name": f"{DECOMPOSED}\u202e", "given_name": "\u200b"})
    assert (saved.json()["name"], saved.json()["given_name"]) == (CAFE, None)
    assert_problem(as_alice("PUT", "/api/v1/users", {"name": "a\x9bb"}), 422, fields={"name"})


def test_an_import_takes_text_as_the_api_does(as_alice):
    content = f'title,tags,category\n{DECOMPOSED},"{DECOMPOSED},{CAFE}",{DECOMPOSED}\n\u200b,,\n\u202ex,,\n'.encode()
    answer = as_alice.client.post("/api/v1/import", content, "text/csv").json()
    assert [row["status"] for row in answer["results"]] == ["created", "invalid", "created"]
    (task,) = as_alice("GET", f"{TASKS}?{urlencode({'tag': CAFE})}").json()
    assert (task["title"], task["tags"], task["category"]) == (CAFE, [CAFE], CAFE)


@pytest.mark.parametrize(
    "zone", ["localtime", "Factory", "right/UTC", "posix/UTC", "/etc/localtime", "posixrules"]
)
def test_only_zones_of_the_database(as_alice, zone):
    task = {"title": "x", "due_date": "2026-12-01", "due_time": "09:00", "timezone": zone}
    assert_problem(as_alice("POST", TASKS, task), 422, fields={"timezone"})
    assert_problem(as_alice("PUT", "/api/v1/users", {"timezone": zone}), 422, fields={"timezone"})
    query = urlencode({"rule": "FREQ=DAILY", "timezone": zone})
    assert_problem(as_alice("GET", f"/api/v1/recurrence?{query}"), 422, fields={"timezone"})


def test_a_zone_in_other_letters_is_spelled_right_or_suggested(as_alice):
    assert (
        as_alice("PUT", "/api/v1/users", {"timezone": "europe/BERLIN"}).json()["timezone"] == "Europe/Berlin"
    )
    problem = assert_problem(
        as_alice("PUT", "/api/v1/users", {"timezone": "Berlin"}), 422, fields={"timezone"}
    )
    assert problem["errors"][0]["message"].endswith("Did you mean Europe/Berlin?")
