"""The board, the calendar, the trash, searching and saved searches, as pages."""

import re
from datetime import timedelta

import pytest

from tasks import selectors, services
from tests.web.conftest import HTMX, read


def columns(page) -> dict[str, list[str]]:
    """Return the titles in each column of the board."""
    found = re.findall(r'data-status="(\w+)">(.*?)</section>', page.html, re.DOTALL)
    return {name: re.findall(r'class="task-title"[^>]*>([^<]*)<', cards) for name, cards in found}


def test_the_board_has_a_column_for_each_status(browser, add):
    add("To do")
    add("Doing", status="in_progress")
    add("Did", status="completed")
    add("Dropped", status="cancelled")
    assert columns(read(browser.get("/board/"))) == {
        "pending": ["To do"], "in_progress": ["Doing"], "completed": ["Did"], "cancelled": ["Dropped"],
    }  # fmt: skip


def test_a_card_moves_without_script_and_one_stays_on_the_board(browser, add, stored):
    task = add("Move me")
    page = read(browser.get("/board/?q=move"))
    action = next(u for u in page.attributes("formaction") if "complete" in u)
    answer = browser.post(
        action, {"to": "in_progress"}, headers={"referer": "http://testserver/board/?q=move"}
    )
    assert answer["Location"] == "/board/?q=move"
    assert stored(task).status == "in_progress"
    undo = next(u for u in read(browser.get("/board/")).attributes("formaction") if "undo" in u)
    browser.post(undo)
    assert stored(task).status == "pending"


def test_the_month_shows_what_is_due(browser, add, today):
    add("Now", due_date=str(today), due_time="09:30")
    add("Done", due_date=str(today), status="completed")
    page = read(browser.get("/calendar/"))
    assert "09:30 Now" in page.text
    assert "Done Done" not in page.text
    assert page.attributes("aria-current").count("date") == 1


def test_a_full_day_says_how_many_more_there_are(browser, add):
    for number in range(7):
        add(f"Task {number}", due_date="2031-05-04")
    page = read(browser.get("/calendar/?month=2031-05"))
    assert "3 more" in page.text
    assert "/?q=due:2031-05-04" in page.attributes("href")
    assert "3 more" not in read(browser.get("/calendar/?week=2031-05-04")).text


@pytest.mark.parametrize(
    ("query", "before", "after"),
    [
        ("month=2031-12", "month=2031-11", "month=2032-01"),
        ("month=2031-01", "month=2030-12", "month=2031-02"),
        ("week=2031-01-01", "week=2030-12-23", "week=2031-01-06"),
    ],
)
def test_one_goes_from_month_to_month_and_week_to_week(browser, query, before, after):
    links = read(browser.get(f"/calendar/?{query}")).attributes("href")
    assert f"/calendar/?{before}" in links
    assert f"/calendar/?{after}" in links


@pytest.mark.parametrize(
    "query",
    ["month=nonsense", "week=2031-02-30", "month=99999-01", "month=0001-01", "week=9999-12-31", "month="],
)
def test_a_strange_date_is_no_error(browser, query):
    assert browser.get(f"/calendar/?{query}").status_code == 200


def test_the_trash_gives_back_and_shows_how_long(browser, add, stored):
    task = add("Pay rent", category="Home")
    browser.post(f"/tasks/{task.id}/delete/")
    page = read(browser.get("/trash/"))
    assert "Pay rent" in page.text
    assert "30 days left" in page.text
    answer = browser.post(f"/tasks/{task.id}/restore/", headers={"referer": "http://testserver/trash/"})
    assert answer["Location"] == "/trash/"
    assert stored(task).category == "Home"
    assert "The trash is empty" in read(browser.get("/trash/")).text


def test_other_peoples_things_are_on_no_page(client_for, bob, add, today):
    services_task = add("Secret", due_date=str(today))
    theirs = client_for(bob)
    for url in ("/board/", "/calendar/", "/trash/", "/?q=secret&view=all"):
        assert "Secret" not in read(theirs.get(url)).text.replace("q=secret", "")
    for url in ("duplicate", "skip"):
        assert theirs.post(f"/tasks/{services_task.id}/{url}/").status_code == 404
    for url in ("history", "fresh"):
        assert theirs.get(f"/tasks/{services_task.id}/{url}/").status_code in {404, 200}
    assert "Secret" not in theirs.get(f"/tasks/{services_task.id}/fresh/").content.decode()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/?q=rent", ["Pay rent"]),
        ("/?view=all&q=status:completed", ["Rent a van"]),
        ("/?q=priority>=high", ["Pay rent"]),
        ("/?q=due%3C%2B7d", ["Soon"]),
        ("/?q=nothing-like-it", []),
    ],
)
def test_searching(browser, add, today, url, shown):
    add("Pay rent", priority="high")
    add("Rent a van", status="completed")
    add("Soon", due_date=str(today + timedelta(days=2)))
    sections = read(browser.get(url)).sections()
    assert [title for titles in sections.values() for title in titles] == shown


def test_a_search_that_is_wrong_says_so_and_stays_in_its_field(browser, add):
    add("Pay rent")
    page = read(browser.get("/?q=status:odd"))
    assert "status cannot be “odd”" in page.text
    assert page.fields["q"] == "status:odd"
    assert page.sections()["undated"] == []


def test_a_search_goes_on_where_it_stopped(browser, add):
    wanted = [add(f"Needle {n}" if n % 10 == 0 else f"Straw {n}").title for n in range(65)][::10]
    url, found = "/?q=needle", []
    while url:
        page = read(browser.get(url))
        found += [title for titles in page.sections().values() for title in titles]
        url = next((href for href in page.attributes("href") if "cursor=" in href), "")
        assert not url or "q=needle" in url
    assert sorted(found) == sorted(wanted)


def test_searches_are_kept_and_forgotten(browser):
    answer = browser.post("/filters/", {"name": "Urgent at home", "q": "priority:urgent #home"})
    assert answer["Location"] == "/?q=priority%3Aurgent+%23home"
    browser.post("/filters/", {"name": "Urgent at home", "q": "priority:urgent"})
    page = read(browser.get("/board/"))
    assert page.text.count("Urgent at home") >= 1
    assert "?q=priority%3Aurgent" in page.attributes("href")
    browser.post("/filters/", {"forget": "Urgent at home"})
    browser.get("/")
    assert "Urgent at home" not in read(browser.get("/")).text


@pytest.mark.parametrize(
    "form", [{}, {"name": "x"}, {"q": "x"}, {"name": "x" * 61, "q": "x"}, {"name": " ", "q": "x"}]
)
def test_a_search_needs_a_name_to_be_kept(browser, form):
    assert browser.post("/filters/", form).status_code == 400


# --- Many at once, and undoing -------------------------------------------------------------------------------


def undo_token(page) -> str:
    return next(attrs["value"] for tag, attrs in page.tags if attrs.get("name") == "token")


def test_many_tasks_are_changed_and_given_back(browser, add, stored):
    tasks = [add(f"Task {n}", priority="low", tags=["old"]) for n in range(3)]
    form = {
        "ids": [t.id for t in tasks],
        "do": "apply",
        "priority": "urgent",
        "add_tags": "new",
        "due_date": "2031-01-01",
    }
    part = read(browser.post("/tasks/bulk/", form, headers=HTMX))
    assert "Changed 3 tasks" in part.text
    assert [(stored(t).priority, stored(t).tags, stored(t).due_date) for t in tasks] == [
        ("urgent", ["old", "new"], "2031-01-01")
    ] * 3
    browser.post("/tasks/undo/", {"token": undo_token(part)}, headers=HTMX)
    assert [(stored(t).priority, stored(t).tags, stored(t).due_date) for t in tasks] == [
        ("low", ["old"], None)
    ] * 3


@pytest.mark.parametrize(
    ("act", "status"), [("complete", "completed"), ("cancel", "cancelled"), ("start", "in_progress")]
)
def test_many_tasks_get_a_status(browser, add, stored, act, status):
    tasks = [add(f"Task {n}") for n in range(2)]
    browser.post("/tasks/bulk/", {"ids": [t.id for t in tasks], "do": act})
    assert [stored(t).status for t in tasks] == [status] * 2
    browser.post("/tasks/undo/", {"token": undo_token(read(browser.get("/")))})
    assert [stored(t).status for t in tasks] == ["pending"] * 2


def test_many_tasks_are_deleted_and_come_back(browser, add, alice):
    tasks = [add(f"Task {n}") for n in range(3)]
    part = read(browser.post("/tasks/bulk/", {"ids": [t.id for t in tasks], "do": "delete"}, headers=HTMX))
    assert selectors.list_tasks(alice.id).items == []
    for _ in range(2):  # pressed twice
        answer = browser.post("/tasks/undo/", {"token": undo_token(part)}, headers=HTMX)
        assert "Undone: 3 tasks are as they were" in read(answer).text
    assert len(selectors.list_tasks(alice.id).items) == 3


def test_undo_pressed_twice_says_that_the_tasks_are_as_they_were(browser, add, stored):
    tasks = [add("Once"), add("Again", recurrence="FREQ=DAILY")]
    part = read(browser.post("/tasks/bulk/", {"ids": [t.id for t in tasks], "do": "complete"}, headers=HTMX))
    for _ in range(2):
        answer = browser.post("/tasks/undo/", {"token": undo_token(part)}, headers=HTMX)
        assert "Undone: 2 tasks are as they were" in read(answer).text
    assert [stored(t).status for t in tasks] == ["pending"] * 2


def test_undo_leaves_alone_what_was_changed_since(browser, add, stored, ctx, alice):
    tasks = [add(f"Task {n}") for n in range(2)]
    part = read(browser.post("/tasks/bulk/", {"ids": [t.id for t in tasks], "do": "complete"}, headers=HTMX))
    services.update_task(ctx(alice), tasks[0].id, {"title": "Mine now"})
    text = read(browser.post("/tasks/undo/", {"token": undo_token(part)}, headers=HTMX)).text
    assert "1 task has changed since" in text
    assert [stored(t).status for t in tasks] == ["completed", "pending"]


def test_undo_tokens_are_good_for_their_owner_only(browser, client_for, bob, add, stored):
    task = add("Alice's")
    part = read(browser.post("/tasks/bulk/", {"ids": task.id, "do": "complete"}, headers=HTMX))
    assert client_for(bob).post("/tasks/undo/", {"token": undo_token(part)}).status_code == 400
    assert browser.post("/tasks/undo/", {"token": undo_token(part)[:-2] + "xx"}).status_code == 400
    assert browser.post("/tasks/undo/").status_code == 400
    assert stored(task).status == "completed"


def test_what_cannot_be_done_to_many_is_told(browser, client_for, bob, add, stored):
    task = add("Alice's")
    assert "Select some tasks" in read(browser.post("/tasks/bulk/", {"do": "complete"}, headers=HTMX)).text
    assert (
        "Choose what to change"
        in read(browser.post("/tasks/bulk/", {"do": "apply", "ids": task.id}, headers=HTMX)).text
    )
    assert browser.post("/tasks/bulk/", {"do": "explode", "ids": task.id}).status_code == 400
    too_many = {"do": "complete", "ids": [f"x{n}" for n in range(101)]}
    said = "These are 101 at once, and at most 100 can be done. Do fewer at a time."
    for headers in ({}, HTMX):
        answer = browser.post("/tasks/bulk/", too_many, headers=headers)
        assert answer.status_code == 422
        assert said in read(answer).text
    text = read(client_for(bob).post("/tasks/bulk/", {"do": "delete", "ids": task.id}, headers=HTMX)).text
    assert "1 could not be changed" in text
    assert stored(task).version == 1
