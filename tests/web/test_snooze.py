"""Moving tasks to another day: the menu, words, and what becomes of a series."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from playwright.sync_api import expect

from tasks import snooze
from tasks.items import TaskItem
from tasks.snooze import NotUnderstood, When
from tests.web.conftest import HTMX, read

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 30, 10, 20, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (
            MONDAY,
            {
                "Later today": "2026-11-30T14:00",
                "Tomorrow": "2026-12-01",
                "This weekend": "2026-12-05",
                "Next week": "2026-12-07",
                "No date": "none",
            },
        ),
        (  # late on a Saturday: today is not put off to today
            datetime(2026, 12, 5, 21, 30, tzinfo=BERLIN),
            {"Tomorrow": "2026-12-06", "Next week": "2026-12-12", "No date": "none"},
        ),
        (  # at eight in the evening it is still today
            datetime(2026, 12, 31, 20, 0, tzinfo=BERLIN),
            {
                "Later today": "2026-12-31T23:00",
                "Tomorrow": "2027-01-01",
                "This weekend": "2027-01-02",
                "Next week": "2027-01-07",
                "No date": "none",
            },
        ),
    ],
)
def test_the_choices_are_days_of_the_person(now, expected):
    assert {label: when.value for label, when in snooze.choices(now)} == expected


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("in 3 days", "en", "2026-12-03"),
        ("fri 9am", "en", "2026-12-04T09:00"),
        ("10.12.", "en", "2026-12-10"),
        ("10.12.", "de", "2026-12-10"),
        ("am 10.12. um 9", "de", "2026-12-10T09:00"),
        ("übermorgen", "de", "2026-12-02"),
        ("in 2 hours", "en", "2026-11-30T12:20"),
        ("9am", "en", "2026-12-01T09:00"),
        ("mañana", "es", "2026-12-01"),
        ("no date", "en", "none"),
        ("Ohne Datum", "de", "none"),
        ("2026-12-24T18:30", "de", "2026-12-24T18:30"),
    ],
)
def test_any_phrase_of_the_line_is_a_day(text, language, value):
    with translation.override(language):
        assert snooze.read(text, MONDAY, language).value == value


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_examples_of_the_menu_are_understood(language):
    with translation.override(language):
        examples = translation.gettext("in 3 days, fri 9am, 24 dec").split(", ")
        days = [snooze.read(text, MONDAY, language).value for text in examples]
        with pytest.raises(NotUnderstood) as refused:
            snooze.read("soonish", MONDAY, language)
    assert days == ["2026-12-03", "2026-12-04T09:00", "2026-12-24"]
    assert [text for text in examples if text not in str(refused.value)] == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Say when, such as “in 3 days” or “fri 9am”."),
        ("soonish", "“soonish” is not a day or time. Try “in 3 days”, “fri 9am” or “24 dec”."),
        ("fri or sat", "“fri or sat” is not a day or time. Try “in 3 days”, “fri 9am” or “24 dec”."),
        ("every monday", "“every monday” says how a task repeats. Its page is the place for that."),
        ("yesterday", "“yesterday” is in the past."),
        ("2020-01-01", "“2020-01-01” is in the past."),
    ],
)
def test_what_is_no_day_to_come_is_refused_with_the_reason(text, reason):
    with pytest.raises(NotUnderstood) as refused:
        snooze.read(text, MONDAY, "en")
    assert str(refused.value) == reason


@pytest.mark.parametrize(
    ("task", "when", "changes"),
    [
        ({"due_date": "2026-11-30"}, "2026-12-05", {"due_date": "2026-12-05"}),
        ({}, "2026-12-05", {"due_date": "2026-12-05"}),
        ({"due_date": "2026-11-30"}, "", {"due_date": None}),
        (
            {"due_date": "2026-11-30"},
            "2026-12-05 09:00",
            {"due_date": "2026-12-05", "due_time": "09:00", "timezone": "Europe/Berlin"},
        ),
        (  # a time there is on the day before: 22:00 in Los Angeles is 07:00 in Berlin
            {"due_date": "2026-11-30", "due_time": "22:00", "timezone": "America/Los_Angeles"},
            "2026-12-05",
            {"due_date": "2026-12-04"},
        ),
        (  # this occurrence only: the others stay on Mondays
            {"due_date": "2026-11-30", "recurrence": "FREQ=WEEKLY"},
            "2026-12-02",
            {"due_date": "2026-12-02", "recurrence": "FREQ=WEEKLY;BYDAY=MO"},
        ),
        (
            {"due_date": "2026-11-30", "recurrence": "FREQ=MONTHLY;COUNT=3"},
            "2026-12-02",
            {"due_date": "2026-12-02", "recurrence": "FREQ=MONTHLY;BYMONTHDAY=30;COUNT=2"},
        ),
        (
            {"due_date": "2026-11-30", "recurrence": "FREQ=WEEKLY;BYDAY=MO;COUNT=1"},
            "2026-12-02",
            {"due_date": "2026-12-02", "recurrence": None},
        ),
        (
            {"due_date": "2026-11-30", "recurrence": "FREQ=WEEKLY", "repeat_from": "done"},
            "2026-12-02",
            {"due_date": "2026-12-02"},
        ),
    ],
)
def test_what_moving_changes(task, when, changes):
    day, _, time = when.partition(" ")
    there = When(datetime.fromisoformat(day).date() if day else None, time)
    assert snooze.changes(TaskItem(**task), there, MONDAY) == changes


def test_the_menu_works_without_javascript(browser, add, stored):
    task = add("Pay rent")
    menu = read(browser.get(f"/tasks/snooze/?ids={task.id}"))
    assert "Move “Pay rent”" in menu.text
    tomorrow = next(a["value"] for tag, a in menu.tags if tag == "button" and a.get("name") == "to")
    answer = browser.post("/tasks/snooze/", {"ids": task.id, "to": tomorrow, "back": menu.fields["back"]})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert stored(task).due_date == tomorrow[:10]
    token = read(browser.get("/"))
    undo = next(a for tag, a in token.tags if a.get("formaction") == "/tasks/undo/")
    browser.post("/tasks/undo/", {"token": undo["value"]})
    assert stored(task).due_date is None


def test_words_are_shown_before_they_are_saved(browser, add, stored):
    task = add("Pay rent")
    shown = browser.post("/tasks/snooze/", {"ids": task.id, "phrase": "24 dec 2040 9am"})
    assert shown.status_code == 200
    assert "Move to Mon 24 Dec 2040 09:00" in read(shown).text
    assert stored(task).due_date is None
    stale = {"ids": task.id, "phrase": "25 dec 2040", "to": "2040-12-24T09:00"}
    assert "Move to Tue 25 Dec 2040" in read(browser.post("/tasks/snooze/", stale)).text
    browser.post("/tasks/snooze/", stale | {"to": "2040-12-25"})
    assert stored(task).due_date == "2040-12-25"


def test_words_that_say_no_day_are_refused(browser, add, stored):
    task = add("Pay rent", due_date="2030-01-01")
    refused = browser.post("/tasks/snooze/", {"ids": task.id, "phrase": "soonish"}, headers=HTMX)
    assert refused.status_code == 422
    assert "“soonish” is not a day or time." in read(refused).text
    assert stored(task).due_date == "2030-01-01"


def test_a_blank_time_keeps_the_tasks_own_and_says_so(browser, add):
    task = add("Call", due_date="2030-01-01", due_time="09:30", timezone="UTC")
    means = browser.get(f"/tasks/snooze/means/?ids={task.id}&phrase=24 dec 2040")
    assert "Move to Mon 24 Dec 2040 09:30" in read(means).text
    assert read(browser.get(f"/tasks/snooze/means/?ids={task.id}&phrase=")).text == ""
    assert "is in the past" in read(browser.get(f"/tasks/snooze/means/?ids={task.id}&phrase=yesterday")).text


def test_selected_tasks_move_together_and_come_back_together(browser, add, stored):
    tasks = [add("One", due_date="2030-01-01"), add("Two")]
    ids = [task.id for task in tasks]
    menu = browser.post("/tasks/snooze/", {"ids": ids})
    assert "Move 2 tasks" in read(menu).text
    answer = browser.post("/tasks/snooze/", {"ids": ids, "to": "2040-12-24"}, headers=HTMX)
    assert "Changed 2 tasks" in read(answer).text
    assert answer["HX-Trigger"] == "tasks:snoozed"
    assert [stored(task).due_date for task in tasks] == ["2040-12-24"] * 2
    undo = next(a for tag, a in read(answer).tags if a.get("formaction") == "/tasks/undo/")
    browser.post("/tasks/undo/", {"token": undo["value"]})
    assert [stored(task).due_date for task in tasks] == ["2030-01-01", None]


def test_htmx_gets_the_row_in_its_new_section(browser, add):
    task = add("Pay rent")
    headers = HTMX | {"HX-Current-URL": "http://testserver/"}
    answer = read(browser.post("/tasks/snooze/", {"ids": task.id, "to": "2040-12-24"}, headers=headers))
    assert 'hx-target="#s-upcoming, #s-all"' in answer.html
    assert "“Pay rent” is due: 24 Dec 2040" in answer.text


def test_a_moved_occurrence_leaves_the_others_where_they_are(browser, add, stored, alice):
    from tasks import selectors

    task = add("Water", due_date="2040-01-02", recurrence="FREQ=WEEKLY")  # a Monday
    browser.post("/tasks/snooze/", {"ids": task.id, "to": "2040-01-04"})
    browser.post(f"/tasks/{task.id}/complete/", {"to": "completed"})
    following = selectors.get_task(alice.id, stored(task).next_task_id)
    assert following.due_date == "2040-01-09"


def test_another_persons_task_is_not_there(client_for, bob, add):
    task = add("Secret")
    browser = client_for(bob)
    assert browser.get(f"/tasks/snooze/?ids={task.id}").status_code == 404
    assert browser.post("/tasks/snooze/", {"ids": task.id, "to": "2040-12-24"}).status_code == 404
    assert browser.get(f"/tasks/snooze/means/?ids={task.id}&phrase=friday").status_code == 404


@pytest.mark.parametrize("given", [{}, {"to": "soonish"}])
def test_a_request_that_no_page_sends_is_answered(browser, add, given):
    ids = {"ids": add("One").id} if given else {}
    assert browser.post("/tasks/snooze/", ids | given).status_code in {302, 400}


@pytest.mark.browser
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_a_row_moves_by_words_and_comes_back_by_a_key(open_as, alice, add, stored, size):
    task = add("Pay rent")
    page = open_as(alice, "/", size, timezone_id="Europe/Berlin")
    page.get_by_role("link", name="Pay rent", exact=True).focus()
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Move “Pay rent”")
    expect(dialog.get_by_role("button", name="Tomorrow")).to_be_visible()
    words = dialog.get_by_label("Or say when")
    words.fill("soonish")
    expect(dialog.get_by_text("“soonish” is not a day or time.")).to_be_visible()
    words.fill("24 dec 2040 9am")
    expect(dialog.get_by_role("button", name="Move to Mon 24 Dec 2040 09:00")).to_be_visible()
    words.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator(".section-upcoming").get_by_role("link", name="Pay rent", exact=True)).to_be_focused()
    saved = stored(task)
    assert (saved.due_date, saved.due_time, saved.timezone) == ("2040-12-24", "09:00", "Europe/Berlin")
    page.keyboard.press("z")
    expect(page.locator(".section-undated").get_by_role("link", name="Pay rent", exact=True)).to_be_visible()


@pytest.mark.browser
def test_words_that_are_sent_before_they_were_understood_are_shown_first(open_as, alice, add, stored):
    task = add("Pay rent")
    page = open_as(alice, "/")
    page.route("**/tasks/snooze/means/**", lambda route: route.abort())
    page.get_by_role("link", name="Pay rent", exact=True).focus()
    page.keyboard.press("s")
    page.get_by_label("Or say when").fill("24 dec 2040")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Move to Mon 24 Dec 2040").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert stored(task).due_date == "2040-12-24"


@pytest.mark.browser
def test_selected_tasks_and_an_open_task_move_too(open_as, alice, add, stored):
    tasks = [add("One"), add("Two")]
    page = open_as(alice, "/")
    page.get_by_role("link", name="Select", exact=True).click()
    for box in page.locator(".select").all():
        box.check()
    page.get_by_role("button", name="Move to another day").click()
    dialog = page.get_by_role("dialog", name="Move 2 tasks")
    dialog.get_by_role("button", name="Tomorrow").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".section-upcoming .task")).to_have_count(2)
    days = {stored(task).due_date for task in tasks}
    assert len(days) == 1
    page.goto(f"/tasks/{tasks[0].id}/")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Move to another day").click()
    page.get_by_role("dialog").get_by_role("button", name="No date").click()
    expect(page.get_by_label("Due date")).to_have_value("")
    expect(page.get_by_text("“One” is due: no date")).to_be_visible()
    assert stored(tasks[0]).due_date is None


@pytest.mark.browser
def test_the_menu_of_a_row_is_a_page_without_script(open_as, alice, add, stored):
    task = add("Pay rent")
    page = open_as(alice, "/", "narrow", java_script_enabled=False)
    page.get_by_role("button", name="Move “Pay rent” to another day").click()
    page.get_by_label("Or say when").fill("24 dec 2040")
    page.get_by_role("button", name="Show the day").click()
    page.get_by_role("button", name="Move to Mon 24 Dec 2040").click()
    expect(page.get_by_text("“Pay rent” is due: 24 Dec 2040")).to_be_visible()
    assert stored(task).due_date == "2040-12-24"
