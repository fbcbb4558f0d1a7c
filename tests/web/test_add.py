"""The quick-add line."""

import pytest

from tasks import selectors
from tests.web.conftest import HTMX, read


@pytest.fixture
def titles(alice):
    return lambda: [task.title for task in selectors.list_tasks(alice.id).items]


def test_a_posted_form_adds_a_task(browser, alice):
    answer = browser.post(
        "/tasks/", {"title": "Pay rent", "due_date": "2030-01-31", "priority": "high", "category": "Home"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/")
    (task,) = selectors.list_tasks(alice.id).items
    assert (task.title, task.due_date, task.priority, task.category) == (
        "Pay rent",
        "2030-01-31",
        "high",
        "Home",
    )
    assert task.updated_by == alice.id
    assert task.request_id


def test_htmx_gets_the_row_and_a_fresh_form(browser):
    form = read(browser.get("/")).fields
    answer = browser.post("/tasks/", {**form, "title": "Pay rent"}, headers=HTMX)
    page = read(answer)
    assert answer.status_code == 200
    assert "Pay rent" in page.text
    assert 'hx-target="#s-undated, #s-all"' in page.html
    assert page.fields["idempotency_key"] != form["idempotency_key"]


def test_sending_a_form_twice_adds_once(browser, titles):
    form = read(browser.get("/")).fields | {"title": "Pay rent"}
    answers = [browser.post("/tasks/", form, headers=HTMX) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert "Pay rent" in read(answers[2]).text
    assert titles() == ["Pay rent"]


def test_going_back_and_adding_something_else_adds_both(browser, titles):
    form = read(browser.get("/")).fields
    browser.post("/tasks/", {**form, "title": "One"})
    browser.post("/tasks/", {**form, "title": "Two"})
    assert titles() == ["Two", "One"]


def test_a_late_repeat_of_a_task_deleted_since_does_not_bring_it_back(browser, alice, titles):
    form = read(browser.get("/")).fields | {"title": "Pay rent"}
    browser.post("/tasks/", form)
    browser.post(f"/tasks/{selectors.list_tasks(alice.id).items[0].id}/delete/")
    assert browser.post("/tasks/", form, headers=HTMX).status_code == 200
    assert titles() == []


BAD = [
    ({"title": ""}, "Give the task a title."),
    ({"title": "   "}, "Give the task a title."),
    ({}, "Give the task a title."),
    ({"title": "x" * 201}, "Shorten the title to 200 characters."),
    ({"title": "x" * 900_000}, "200"),
    ({"title": "nul\0"}, "without control characters"),
    ({"title": "t", "due_date": "31/12/2026"}, "YYYY-MM-DD"),
    ({"title": "t", "due_date": "2026-02-30"}, "YYYY-MM-DD"),
    ({"title": "t", "due_date": "0001-01-01"}, "not before 1900"),
    ({"title": "t", "priority": "mighty"}, "Choose one of the listed values."),
    ({"title": "t", "category": "c" * 51}, "Shorten the category to 50 characters."),
    ({"title": "t", "idempotency_key": "k" * 65}, "64"),
]


@pytest.mark.parametrize(("form", "says"), BAD, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_bad_input_is_told_and_nothing_is_added(browser, titles, form, says, headers):
    answer = browser.post("/tasks/", form, headers=headers)
    assert answer.status_code == 422
    page = read(answer)
    assert says in page.text
    assert headers or page.fields["title"] == form.get("title", "").replace("\0", "")
    assert titles() == []


def test_a_body_larger_than_allowed_is_refused_politely(browser, titles):
    answer = browser.post("/tasks/", {"title": "x" * 2_000_000})
    assert answer.status_code == 413
    assert titles() == []


def test_only_posts_add(browser):
    assert browser.get("/tasks/").status_code == 405


def test_a_form_without_its_csrf_token_is_refused(client_for, alice, titles):
    browser = client_for(alice)
    browser.handler.enforce_csrf_checks = True
    answer = browser.post("/tasks/", {"title": "Forged"})
    assert answer.status_code == 403
    assert "out of date" in read(answer).text
    assert titles() == []


def test_signed_out_people_add_nothing(client):
    assert client.post("/tasks/", {"title": "Who am I"})["Location"].startswith("/login/")
    assert client.post("/tasks/", {"title": "Who am I"}, headers=HTMX)["HX-Redirect"].startswith("/login/")


# --- One line in natural language ----------------------------------------------------------------------------


def test_a_line_is_understood_without_script(browser, alice, today):
    browser.post(
        "/tasks/", {"title": "Pay rent today 23:59 !high #home @Flat every week", "priority": "medium"}
    )
    (task,) = selectors.list_tasks(alice.id).items
    assert (task.title, task.due_date, task.due_time) == ("Pay rent", str(today), "23:59")
    assert (task.priority, task.tags, task.category, task.recurrence) == (
        "high",
        ["home"],
        "Flat",
        "FREQ=WEEKLY",
    )


def test_what_is_taken_back_stays_in_the_title(browser, titles):
    browser.post("/tasks/", {"title": "Read Tomorrow and Tomorrow", "keep": ["tomorrow"]})
    assert titles() == ["Read Tomorrow and Tomorrow"]


def test_options_beat_the_line(browser, alice):
    browser.post("/tasks/", {"title": "Pay tomorrow !high", "priority": "low", "due_date": "2031-01-01"})
    (task,) = selectors.list_tasks(alice.id).items
    assert (task.priority, task.due_date) == ("low", "2031-01-01")


def test_the_page_asks_what_a_line_means(browser):
    answer = browser.get("/tasks/parse/", {"line": "Pay rent tomorrow !high #home", "keep": ["#home"]}).json()
    assert answer["title"] == "Pay rent #home"
    assert [(p["kind"], p["text"], p["means"]) for p in answer["parts"]] == [
        ("date", "tomorrow", "Tomorrow"), ("priority", "!high", "High"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("Haircut every! 6 weeks", "Every 6 weeks, counted from the day it is done, Today"),
        ("Haircut every 6 weeks starting tomorrow 9am", "Every 6 weeks, Tomorrow 09:00"),
        ("Tomorrow haircut every 6 weeks", "Every 6 weeks"),
    ],
)
def test_a_repeat_says_when_it_begins(browser, line, means):
    parts = browser.get("/tasks/parse/", {"line": line}).json()["parts"]
    assert [part["means"] for part in parts if part["kind"] == "repeat"] == [means]


def test_a_form_is_not_filled_from_the_address(browser, titles):
    """And a query not from a body: what one check has read, another part cannot read elsewhere."""
    assert browser.post("/tasks/?title=From+the+address", {"priority": "high"}).status_code == 422
    assert titles() == []
    browser.post("/tasks/?title=From+the+address", {"title": "From the form"})
    assert titles() == ["From the form"]
    page = browser.generic("GET", "/", b"view=done", "application/x-www-form-urlencoded")
    assert "From the form" in page.content.decode()
