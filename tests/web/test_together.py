"""Two browsers at once, sending twice, going back, slow answers: nothing is lost and nothing is doubled."""

import re
from dataclasses import dataclass, field
from threading import Event
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from identity import access_tokens
from tasks import selectors, services
from tasks.views import listing
from tests.web.conftest import point_at_toast, ready, row

pytestmark = pytest.mark.browser


@pytest.fixture
def all_titles(alice):
    """Return a function that reads the titles of all of Alice's tasks."""
    return lambda: sorted(task.title for task in selectors.list_tasks(alice.id).items)


@dataclass
class Gate:
    """Keeps back the answer to one request whose work is done."""

    done: Event = field(default_factory=Event)
    opened: Event = field(default_factory=Event)

    def reached(self) -> None:
        """Wait for the work to be done."""
        assert self.done.wait(10)

    def open(self) -> None:
        """Let the answer through."""
        self.opened.set()


@pytest.fixture
def gate(monkeypatch):
    """Return a function that keeps back the answer to the next request that calls ``module.name``."""
    gates = []

    def keep_back(module, name) -> Gate:
        one, act = Gate(), getattr(module, name)
        gates.append(one)

        def slow(*args, **kwargs):
            try:
                return act(*args, **kwargs)
            finally:
                if not one.done.is_set():
                    one.done.set()
                    one.opened.wait(10)

        monkeypatch.setattr(module, name, slow)
        return one

    yield keep_back
    for one in gates:
        one.open()


@pytest.fixture
def press_twice(gate):
    """Return a function that presses a button again when ``module.name`` is done, but before the page hears of it."""

    def press(button, module, name):
        answer = gate(module, name)
        button.scroll_into_view_if_needed()
        box, mouse = button.bounding_box(), button.page.mouse
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        mouse.click(*middle)  # a locator would wait for the page that comes
        answer.reached()
        mouse.click(*middle)
        answer.open()

    return press


def asked(url: str) -> str:
    """Return the search in an address."""
    return parse_qs(urlsplit(url).query).get("q", [""])[0]


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_the_second_editor_is_told_and_nothing_is_lost(open_as, alice, add, stored, script):
    task = add("Pay rent", priority="low")
    one, two = (open_as(alice, f"/tasks/{task.id}/", java_script_enabled=script) for _ in range(2))
    one.get_by_label("Title").fill("Pay the landlord")
    one.get_by_label("Category").fill("Home")
    one.get_by_role("button", name="Save").click()
    expect(row(one, "Pay the landlord")).to_be_visible()
    two.get_by_label("Title").fill("Pay Mr Brown")
    two.get_by_label("Priority").select_option("urgent")
    two.get_by_role("button", name="Save").click()
    expect(two.get_by_role("alert")).to_contain_text("changed while you were editing")
    assert (stored(task).title, stored(task).priority) == ("Pay the landlord", "low")
    expect(two.get_by_label("Title")).to_have_value("Pay Mr Brown")
    two.get_by_role("button", name="Save").click()
    expect(row(two, "Pay Mr Brown")).to_be_visible()
    assert (stored(task).title, stored(task).priority, stored(task).category) == (
        "Pay Mr Brown",
        "urgent",
        "Home",
    )


def test_a_line_that_changed_elsewhere_keeps_what_was_typed(open_as, alice, add, stored):
    add("Pay rent")
    one, two = open_as(alice), open_as(alice)
    two.get_by_role("button", name="Edit “Pay rent” here").click()
    one.get_by_role("button", name="Edit “Pay rent” here").click()
    one.get_by_label("Title").fill("Pay the landlord")
    one.keyboard.press("Enter")
    expect(row(one, "Pay the landlord")).to_be_visible()
    two.get_by_label("Title").fill("Pay Mr Brown")
    two.keyboard.press("Enter")
    expect(two.get_by_role("alert").filter(has_text="changed while")).to_contain_text("Pay the landlord")
    expect(two.get_by_label("Title")).to_have_value("Pay Mr Brown")
    two.get_by_role("button", name="Save").click()
    expect(row(two, "Pay Mr Brown")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_words_for_a_task_deleted_elsewhere_are_not_lost(open_as, alice, add, stored, script):
    task = add("Pay rent")
    one = open_as(alice, java_script_enabled=script)
    two = open_as(alice, f"/tasks/{task.id}/", java_script_enabled=script)
    one.get_by_role("button", name="Delete “Pay rent”").click()
    expect(one.locator(".toast")).to_contain_text("Deleted")
    two.get_by_label("Description").fill("A long thought")
    two.get_by_role("button", name="Save").click()
    expect(two.get_by_role("alert")).to_contain_text("deleted")
    expect(two.get_by_label("Description")).to_have_value("A long thought")
    two.get_by_role("button", name="Restore and save").click()
    expect(row(two, "Pay rent")).to_be_visible()
    assert stored(task).description == "A long thought"


def test_one_browser_deletes_what_the_other_completes(open_as, alice, add):
    add("Pay rent")
    one, two = open_as(alice), open_as(alice)
    one.get_by_role("button", name="Delete “Pay rent”").click()
    expect(one.locator(".toast")).to_contain_text("Deleted")
    point_at_toast(one)
    two.get_by_role("button", name="Complete “Pay rent”").click()
    expect(two.locator(".toast")).to_contain_text("no longer here")
    one.get_by_role("button", name="Undo").click()
    expect(row(one, "Pay rent")).to_be_visible()
    two.get_by_role("button", name="Complete “Pay rent”").click()
    expect(two.locator(".task.closed")).to_have_count(1)


# --- Sent twice ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_pressing_twice_does_once(open_as, alice, add, stored, today, all_titles, press_twice, script):
    rent = add("Rent", recurrence="FREQ=DAILY;COUNT=9", due_date=str(today))
    page = open_as(alice, java_script_enabled=script)

    def press(name, act):
        press_twice(page.get_by_role("button", name=name).first, services, act)

    page.get_by_label("New task").fill("Once")
    press("Add task", "create_task")
    expect(row(page, "Once")).to_have_count(1)
    page.goto(f"/tasks/{rent.id}/")
    page.get_by_text("More", exact=True).click()
    press("Duplicate", "duplicate_task")
    expect(page.locator(".toast")).to_contain_text("copy")
    assert all_titles() == ["Once", "Rent", "Rent"]
    page.goto(f"/tasks/{rent.id}/")
    page.get_by_text("More", exact=True).click()
    press("Skip this one", "skip_task")
    ready(page, "Tasks")
    assert stored(rent).recurrence == "FREQ=DAILY;COUNT=8"  # one was skipped, not two
    press("Complete “Rent”", "update_task")
    expect(page.locator(".toast", has_text="Completed")).not_to_have_count(0)
    assert all_titles() == ["Once", "Rent", "Rent", "Rent"]  # the next one, once
    press("Delete “Once”", "delete_task")
    expect(row(page, "Once").and_(page.locator(":visible"))).to_have_count(0)
    assert [task.title for task in selectors.get_trashed(alice.id).items] == ["Once"]


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_token_made_twice_is_one_token(open_as, alice, press_twice, script):
    page = open_as(alice, "/account/access/", java_script_enabled=script)
    page.get_by_label("What is it for?").fill("backup")
    press_twice(page.get_by_role("button", name="Make a token"), access_tokens, "create")
    expect(page.locator("#new-token")).to_be_visible()
    expect(page.locator(".entries strong", has_text="backup")).to_have_count(1)
    assert len(access_tokens.list_tokens(alice.id)) == 1


# --- Going back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_going_back_after_saving_overwrites_nothing(open_as, alice, add, stored, script):
    task = add("Pay rent")
    page = open_as(alice, java_script_enabled=script)
    page.get_by_role("link", name="Pay rent").click()
    page.get_by_label("Title").fill("Pay the rent")
    page.get_by_role("button", name="Save").click()
    ready(page, "Tasks")
    page.go_back()
    expect(page.get_by_label("Title")).to_have_value("Pay the rent")
    page.get_by_label("Category").fill("Home")
    page.get_by_role("button", name="Save").click()
    expect(row(page, "Pay the rent")).to_contain_text("Home")
    assert (stored(task).title, stored(task).category, stored(task).version) == ("Pay the rent", "Home", 3)


def test_going_back_after_signing_out_shows_nothing(open_as, alice, add):
    add("Secret")
    page = open_as(alice)
    page.locator("#account summary").click()
    page.get_by_role("button", name="Sign out").click()
    ready(page, "Good to see you")
    page.go_back()
    expect(page).to_have_url(re.compile("/login/"))
    expect(page.get_by_text("Secret")).to_have_count(0)


# --- Answers that take their time ----------------------------------------------------------------------------


def look_again(page) -> None:
    """Make the list look again, as it does when another window has changed something."""
    page.evaluate("tasks.refresh(0)")


def let_through(page, answer: Gate) -> None:
    """Open the gate, and wait until the page has the answer."""
    with page.expect_event("requestfinished", lambda request: urlsplit(request.url).path == "/"):
        answer.open()


def test_looking_again_does_not_end_an_edit(open_as, alice, add, stored, gate):
    task = add("Pay rent")
    page = open_as(alice)
    answer = gate(selectors, "list_tasks")
    look_again(page)
    answer.reached()
    page.get_by_role("button", name="Edit “Pay rent” here").click()
    page.get_by_label("Title").fill("Half a thou")
    let_through(page, answer)
    page.get_by_label("Title").press_sequentially("ght")
    page.keyboard.press("Enter")
    expect(row(page, "Half a thought")).to_be_visible()
    assert stored(task).title == "Half a thought"


def test_looking_again_does_not_hide_what_was_added_since(open_as, alice, add, gate):
    add("Pay rent")
    page = open_as(alice)
    answer = gate(listing, "_list_context")  # all of it is read
    look_again(page)
    answer.reached()
    page.get_by_label("New task").fill("Added meanwhile")
    page.keyboard.press("Enter")
    expect(row(page, "Added meanwhile")).to_be_visible()
    row(page, "Added meanwhile").evaluate("line => { line.mine = true; }")
    let_through(page, answer)
    page.get_by_label("New task").fill("And another")
    page.keyboard.press("Enter")
    expect(row(page, "And another")).to_be_visible()
    assert row(page, "Added meanwhile").evaluate("line => line.mine")  # it has been there all the time


def test_the_latest_search_wins_and_typing_goes_on(open_as, alice, add, gate):
    for title in ("Apple", "Apricot", "Banana"):
        add(title)
    page = open_as(alice)
    box = page.get_by_role("searchbox")
    answer = gate(selectors, "list_tasks")
    box.press_sequentially("ap")
    answer.reached()
    box.press_sequentially("ri")
    box.press_sequentially("co")
    let_through(page, answer)
    expect(page.locator(".task-title")).to_have_text(["Apricot"])
    expect(box).to_have_value("aprico")
    expect(box).to_be_focused()
    assert asked(page.url) == "aprico"
