"""The pages as an app: typing, keys, dragging, two windows, many tasks. In a real Chromium."""

import re

import pytest
from playwright.sync_api import expect

from tasks import selectors
from tests.web.conftest import no_sideways_scrolling, point_at_toast, ready, row
from tests.web.site import SIZES

pytestmark = pytest.mark.browser


def titles(page, status):
    return page.locator(f".column-{status} .task-title")


@pytest.mark.parametrize("size", SIZES)
def test_a_task_is_added_by_quick_add(open_as, alice, size):
    page = open_as(alice, size=size)
    line = page.get_by_label("New task")
    line.press_sequentially("Pay rent tomorrow 9am !high #home every week")
    expect(page.locator(".part")).to_have_text(["Tomorrow 09:00", "High", "#home", "Every week"])
    expect(page.locator(".quick-marks mark")).to_have_text(["tomorrow 9am", "!high", "#home", "every week"])
    page.get_by_role("button", name="Leave “#home” in the title").click()
    expect(page.locator(".part")).to_have_text(["Tomorrow 09:00", "High", "Every week"])
    no_sideways_scrolling(page)
    line.press("Enter")
    expect(row(page, "Pay rent #home")).to_contain_text("Tomorrow 09:00")
    (task,) = selectors.list_tasks(alice.id).items
    assert (task.title, task.priority, task.recurrence) == ("Pay rent #home", "high", "FREQ=WEEKLY")
    expect(page.locator(".part")).to_have_count(0)


def test_an_example_shows_how_it_goes(open_as, alice):
    page = open_as(alice)
    page.get_by_role("button", name="Call Mum tomorrow 18:00").click()
    expect(page.locator(".part")).to_have_text(["Tomorrow 18:00"])
    page.keyboard.press("Enter")
    expect(row(page, "Call Mum")).to_be_visible()


def test_from_signing_in_to_done_with_keys_only(visit, alice):
    page = visit()
    page.goto("/login/")
    expect(
        page.get_by_label("E-mail or username")
    ).to_be_focused()  # by itself, some time after it has loaded
    page.keyboard.type(alice.email)
    page.keyboard.press("Tab")
    page.keyboard.type(alice.password)
    page.keyboard.press("Enter")
    ready(page, "Tasks")
    page.keyboard.press("n")
    page.keyboard.type("Only keys\n")
    expect(row(page, "Only keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("2")
    expect(row(page, "Only keys")).to_contain_text("High")
    page.keyboard.press("j")
    page.keyboard.press("e")
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.type("!")
    page.keyboard.press("Control+Enter")
    expect(row(page, "Only keys!")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator(".task.closed")).to_contain_text("Only keys!")
    page.keyboard.press("z")
    expect(page.locator(".task.closed")).to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("#")
    expect(page.locator(".task:not([hidden])")).to_have_count(0)
    page.keyboard.press("Escape")  # without a next task, the new-task line has the focus
    page.keyboard.press("g")
    page.keyboard.press("x")
    ready(page, "Trash")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("New task")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_cards_are_dragged_and_moved_by_keys(open_as, alice, add, stored):
    dragged, pressed = add("Drag me"), add("Press me")
    page = open_as(alice, "/board/")
    page.locator(f"#c-{dragged.id}").drag_to(page.locator(".column-in_progress"))
    expect(titles(page, "in_progress")).to_have_text(["Drag me"])
    expect(page.locator(".toast")).to_contain_text("Started “Drag me”")
    page.get_by_role("link", name="Press me").focus()
    page.keyboard.press("]")
    expect(titles(page, "in_progress")).to_have_text(["Press me", "Drag me"])
    expect(page.get_by_role("link", name="Press me")).to_be_focused()
    page.keyboard.press("]")
    expect(titles(page, "completed")).to_have_text(["Press me"])
    assert (stored(dragged).status, stored(pressed).status) == ("in_progress", "completed")
    page.keyboard.press("[")
    expect(titles(page, "in_progress")).to_have_text(["Press me", "Drag me"])


def test_many_are_selected_and_changed(open_as, alice, add, stored):
    tasks = [add(f"Task {number}") for number in range(4)]
    page = open_as(alice)
    page.get_by_role("link", name="Select", exact=True).click()
    page.get_by_label("Select “Task 3”").check()
    page.get_by_label("Select “Task 1”").click(modifiers=["Shift"])
    expect(page.locator("#bulk-count")).to_have_text("3")
    page.get_by_label("Set priority").select_option("urgent")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(".task", has_text="Urgent")).to_have_count(3)
    assert [stored(task).priority for task in tasks] == ["medium", "urgent", "urgent", "urgent"]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".task", has_text="Urgent")).to_have_count(0)


def test_another_window_hears_of_changes(open_as, alice, add):
    task = add("Rent")
    page = open_as(alice)
    other = page.context.new_page()
    other.goto(f"/tasks/{task.id}/")
    page.bring_to_front()
    page.get_by_role("button", name="Complete “Rent”").click()
    point_at_toast(page)
    expect(other.locator("#stale")).to_contain_text("changed elsewhere")
    third = page.context.new_page()
    third.goto("/board/")
    expect(titles(third, "completed")).to_have_text(["Rent"])
    page.get_by_role("button", name="Undo").click()
    expect(titles(third, "pending")).to_have_text(["Rent"])


def test_going_back_after_sending_neither_loses_nor_doubles(open_as, alice):
    page = open_as(alice, java_script_enabled=False)
    page.get_by_label("New task").fill("Once")
    page.get_by_role("button", name="Add task").dblclick()
    expect(row(page, "Once")).to_have_count(1)
    page.go_back()
    page.reload()
    expect(row(page, "Once")).to_have_count(1)


def test_searching_while_one_types_stays_in_the_address(open_as, alice, add):
    add("Pay rent", priority="high")
    add("Buy milk")
    page = open_as(alice)
    page.evaluate("window.stillHere = true")
    page.keyboard.press("/")
    page.keyboard.type("priority:high")
    expect(page.locator(".task-title")).to_have_text(["Pay rent"])
    expect(page).to_have_url(re.compile(r"q=priority%3Ahigh"))
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.locator("#keep-search summary").click()
    page.get_by_label("Name of this search").fill("Important")
    assert page.evaluate("window.stillHere")
    page.get_by_role("button", name="Keep search").click()
    expect(page.get_by_role("link", name="Important")).to_be_visible()


def test_a_checklist_is_made_of_boxes(open_as, alice, add, stored):
    task = add("Trip", checklist=[{"text": "Ask"}, {"text": "Go"}])
    page = open_as(alice, f"/tasks/{task.id}/")
    steps = page.locator(".steps li")
    steps.nth(0).get_by_role("checkbox").check()
    steps.nth(0).get_by_role("textbox").press("Enter")
    page.keyboard.type("Book")
    page.get_by_label("Repeats").select_option("custom")
    page.get_by_label("Or in words").fill("every 3 weeks")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("Saved")
    saved = stored(task)
    assert [(e["text"], e["done"]) for e in saved.checklist] == [
        ("Ask", True),
        ("Book", False),
        ("Go", False),
    ]
    assert saved.recurrence == "FREQ=WEEKLY;INTERVAL=3"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("url", ["/board/", "/calendar/", "/trash/", "/account/", "/account/security/"])
def test_pages_work_without_script(open_as, alice, add, today, url, size):
    add("Rent", due_date=str(today))
    page = open_as(alice, url, size, java_script_enabled=False)
    no_sideways_scrolling(page)
    expect(page.locator("main h1")).to_be_visible()
    if url == "/board/":
        page.locator(".move summary").first.click()
        page.get_by_role("button", name="Move to Done").first.click()
        expect(page.locator(".column-completed .task-card")).to_have_count(1)


def test_a_kept_search_is_forgotten_and_brought_back(open_as, browser, alice, add):
    add("Pay rent", tags=["home"])
    browser.post("/filters/", {"name": "At home", "q": "#home"})
    page = open_as(alice)
    page.get_by_role("button", name="Forget the search “At home”").click()
    expect(page.locator(".saved-one")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".saved-one")).to_have_text(re.compile("At home"))
