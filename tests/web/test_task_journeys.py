"""One task with everything in it, and the same tasks looked at in every view. Wide, narrow, and without JavaScript."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tasks import selectors
from tests.web.conftest import no_sideways_scrolling, ready, row
from tests.web.writes import writes_of
from web import athena

pytestmark = pytest.mark.browser
WAYS = pytest.mark.parametrize(
    ("size", "script"),
    [("wide", True), ("narrow", True), ("narrow", False)],
    ids=["wide", "narrow", "plain"],
)


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@WAYS
def test_every_field_of_a_task_is_edited_and_shown(open_as, alice, add, stored, today, size, script):
    task = add("Trip", checklist=[{"text": "Ask"}])
    page = open_as(alice, "/", size, java_script_enabled=script, timezone_id="Europe/Berlin")
    page.reload()  # the second page knows the time zone of the browser
    page.get_by_role("link", name="Trip").click()
    ready(page, "Edit “Trip”")
    page.get_by_label("Title").fill("Summer trip")
    page.get_by_label("Description").fill(
        "Where shall we **go**?\n\n<script>alert(1)</script>[x](javascript:alert(1))"
    )
    page.get_by_label("Status").select_option("in_progress")
    page.get_by_label("Priority").select_option("urgent")
    page.get_by_label("Category").fill("Travel")
    page.get_by_label("Tags").fill("family, 2027")
    page.get_by_label("Due date").fill(str(today + timedelta(days=3)))
    page.get_by_label("Time", exact=True).fill("20:00")
    page.get_by_label("Repeats").select_option("FREQ=WEEKLY")
    if script:
        page.locator(".steps").get_by_role("checkbox").check()
    else:
        page.get_by_label("Checklist").fill("[x] Ask")
    no_sideways_scrolling(page)
    press(page, "Save")
    line = row(page, "Summer trip")
    for part in ("In progress", "Urgent", "#family", "Travel", "20:00"):
        expect(line).to_contain_text(part)
    saved = stored(task)
    assert (saved.status, saved.recurrence, [entry["done"] for entry in saved.checklist]) == (
        "in_progress",
        "FREQ=WEEKLY",
        [True],
    )
    assert saved.timezone == ("Europe/Berlin" if script else "UTC")

    page.get_by_role("link", name="Summer trip").click()
    ready(page, "Edit “Summer trip”")
    expect(page.locator(".prose strong")).to_have_text("go")
    expect(page.locator(".prose script, .prose [href^=javascript]")).to_have_count(0)
    no_sideways_scrolling(page)
    page.get_by_text("More", exact=True).click()
    press(page, "Skip this one")
    expect(page.locator(".toast").last).to_contain_text("Skipped")
    assert stored(task).due_date == str(today + timedelta(days=10))
    page.locator(".toast", has_text="Skipped").get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="Undone")).to_be_visible()
    assert stored(task).due_date == str(today + timedelta(days=3))

    page.goto(f"/tasks/{task.id}/")
    page.get_by_text("More", exact=True).click()
    press(page, "Duplicate")
    expect(page.locator(".toast")).to_contain_text("copy")
    page.get_by_label("Title").fill("Winter trip")
    press(page, "Save")
    expect(row(page, "Winter trip")).to_be_visible()
    page.get_by_role("link", name="Summer trip").click()
    ready(page, "Edit “Summer trip”")
    press(page, "Delete")
    expect(page.locator(".toast").last).to_contain_text("Deleted “Summer trip”")
    expect(page.locator(".task:visible")).to_have_count(1)
    page.goto("/trash/")
    no_sideways_scrolling(page)
    page.get_by_role("button", name="Restore “Summer trip”").click()
    expect(page.locator(".trashed:visible")).to_have_count(0)
    page.goto("/")
    expect(row(page, "Summer trip")).to_contain_text("Urgent")


@WAYS
def test_every_view_of_the_same_tasks(open_as, alice, add, stored, today, size, script):
    add("Late", due_date=str(today - timedelta(days=2)))
    rent = add("Rent", due_date=str(today), tags=["home"], priority="high")
    add("Later", due_date=str(today + timedelta(days=40)))
    add("Some day")
    page = open_as(alice, "/", size, java_script_enabled=script)
    for section, title in (
        ("overdue", "Late"),
        ("today", "Rent"),
        ("upcoming", "Later"),
        ("undated", "Some day"),
    ):
        expect(page.locator(f"#s-{section} .task-title")).to_have_text([title])

    tabs = page.get_by_role("navigation", name="Which tasks")
    tabs.get_by_role("link", name="Board").click()
    ready(page, "Board")
    card = page.locator(f"#c-{rent.id}")
    card.locator(".move summary").click()
    card.get_by_role("button", name="Move to In progress").click()
    expect(page.locator(".column-in_progress .task-title")).to_have_text(["Rent"])
    no_sideways_scrolling(page)
    assert stored(rent).status == "in_progress"

    tabs.get_by_role("link", name="Calendar").click()
    expect(page.locator("table.calendar")).to_contain_text("Rent")
    no_sideways_scrolling(page)
    page.get_by_role("link", name="Week", exact=True).click()
    expect(page.locator("table.calendar-week")).to_contain_text("Rent")
    page.get_by_role("link", name="Later", exact=True).first.click()
    expect(page).to_have_url(re.compile(r"week=\d"))
    expect(page.locator("table.calendar-week").get_by_role("link", name="Rent")).to_have_count(0)
    page.get_by_role("link", name="Today", exact=True).click()
    page.get_by_role("link", name="Rent").click()
    ready(page, "Edit “Rent”")
    press(page, "Save")
    expect(page.locator("table.calendar")).to_be_visible()  # back where one came from

    page.goto("/")
    box = page.get_by_role("searchbox")
    box.fill("priority>=high due<+7d #home")
    if not script:
        box.press("Enter")
    expect(page.locator(".task-title")).to_have_text(["Rent"])
    expect(page).to_have_url(re.compile(r"q=priority%3E%3Dhigh"))
    page.reload()  # the address says it all
    expect(page.locator(".task-title")).to_have_text(["Rent"])
    page.locator("#keep-search summary").click()
    page.get_by_label("Name of this search").fill("Soon")
    press(page, "Keep search")
    expect(page.locator(".toast")).to_contain_text("Kept the search")
    page.goto("/")
    page.get_by_role("link", name="Soon", exact=True).click()
    expect(page.locator(".task-title")).to_have_text(["Rent"])
    page.get_by_role("button", name="Forget the search “Soon”").click()
    expect(page.get_by_role("link", name="Soon", exact=True)).to_have_count(0)


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_many_at_once_on_a_narrow_page(open_as, alice, add, stored, script):
    tasks = [add(f"Task {number}") for number in range(3)]
    page = open_as(alice, "/", "narrow", java_script_enabled=script)
    page.get_by_role("link", name="Select", exact=True).click()
    for number in (0, 2):
        page.get_by_label(f"Select “Task {number}”").check()
    no_sideways_scrolling(page)
    page.get_by_label("Set priority").select_option("urgent")
    press(page, "Apply")
    expect(page.locator(".task", has_text="Urgent")).to_have_count(2)
    assert [stored(task).priority for task in tasks] == ["urgent", "medium", "urgent"]
    press(page, "Undo")
    expect(page.locator(".task", has_text="Urgent")).to_have_count(0)
    assert len(selectors.list_tasks(alice.id).items) == 3


@pytest.mark.parametrize("size", ["narrow"])
def test_a_line_is_edited_where_it_is(open_as, alice, add, stored, size):
    task = add("Rent")
    page = open_as(alice, "/", size)
    page.get_by_role("button", name="Edit “Rent” here").click()
    page.get_by_label("Title").fill("Pay rent")
    no_sideways_scrolling(page)
    page.keyboard.press("Enter")
    expect(row(page, "Pay rent")).to_be_visible()
    page.get_by_role("button", name="Edit “Pay rent” here").click()
    page.get_by_label("Title").fill("Never mind")
    page.keyboard.press("Escape")
    expect(row(page, "Pay rent")).to_be_visible()
    assert (stored(task).title, stored(task).version) == ("Pay rent", 2)


@pytest.fixture
def lake_of_writes(monkeypatch):
    monkeypatch.setattr(athena, "run", writes_of)


@WAYS
def test_who_changed_what_and_when(open_as, alice, lake_of_writes, size, script):
    page = open_as(alice, "/", size, java_script_enabled=script)
    page.get_by_label("New task").fill("Pay rent")
    press(page, "Add task")
    page.get_by_role("link", name="Pay rent").click()
    ready(page, "Edit “Pay rent”")
    page.get_by_label("Title").fill("Pay the rent")
    page.get_by_label("Priority").select_option("urgent")
    press(page, "Save")
    page.get_by_role("button", name="Delete “Pay the rent”").click()
    page.locator(".toast", has_text="Deleted").get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Complete “Pay the rent”").click()
    expect(page.locator(".toast", has_text="Completed")).to_be_visible()
    (task,) = selectors.list_tasks(alice.id).items
    page.goto(f"/tasks/{task.id}/")
    ready(page, "Edit “Pay the rent”")
    page.locator("#history-title").click()
    if not script:
        page.get_by_role("link", name="Who changed what, and when").click()
    events = page.locator(".events > li")
    expect(events).to_have_count(5)
    for number, said in enumerate(
        [
            "You changed it",
            "You restored it",
            "You moved it to the trash",
            "You changed it",
            "You added this task",
        ]
    ):
        expect(events.nth(number)).to_contain_text(said)
    expect(events.nth(0)).to_contain_text("Status: To do Done")
    expect(events.nth(3)).to_contain_text("Title: Pay rent Pay the rent")
    expect(events.nth(3)).to_contain_text("Priority: Medium Urgent")
    expect(events.nth(0).locator("time")).to_be_visible()
    no_sideways_scrolling(page)


@WAYS
def test_a_repeat_is_built_and_read_in_words(open_as, alice, add, stored, size, script):
    task = add("Stand-up", due_date="2027-02-01")
    page = open_as(alice, f"/tasks/{task.id}/", size, java_script_enabled=script, timezone_id="Europe/Berlin")
    friday, place = page.get_by_role("checkbox", name="Fri"), page.get_by_label("Which of them in the month")
    expect(friday).to_be_hidden()
    page.get_by_label("Repeats").select_option("custom")
    page.get_by_label("Days, weeks, months or years", exact=True).select_option("MONTHLY")
    expect(friday).to_be_hidden()
    page.get_by_label("On which day").select_option("weekday")
    expect(place).to_be_visible()
    page.get_by_label("Days, weeks, months or years", exact=True).select_option("WEEKLY")
    expect(place).to_be_hidden()
    page.get_by_label("How many days, weeks, months or years").fill("2")
    friday.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Mon")).to_be_checked()
    expect(page.get_by_label("How many times")).to_be_hidden()
    page.get_by_label("Ends").select_option("until")
    page.get_by_label("Last day").fill("2027-03-31")
    no_sideways_scrolling(page)
    if not script:
        press(page, "Show the next dates")
    preview = page.locator("#repeat-preview")
    expect(preview).to_contain_text("Every 2 weeks on Monday and Friday, until 31 March 2027")
    expect(preview.get_by_role("listitem")).to_have_text(
        ["Fri 5 Feb 2027", "Mon 15 Feb 2027", "Fri 19 Feb 2027"]
    )
    press(page, "Save")
    expect(row(page, "Stand-up")).to_be_visible()
    assert stored(task).recurrence == "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20270331"
    page.goto(f"/tasks/{task.id}/")
    expect(page.get_by_label("Repeats").locator("option:checked")).to_have_text(
        "Every 2 weeks on Monday and Friday, until 31 March 2027"
    )
    expect(page.locator("body")).not_to_contain_text("FREQ=")
