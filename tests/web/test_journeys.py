"""Whole journeys in a real Chromium: wide and narrow, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import no_sideways_scrolling, row, sign_in

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("size", "script"),
    [("wide", True), ("narrow", True), ("narrow", False)],
    ids=["wide", "narrow", "plain"],
)
def test_a_person_signs_in_works_on_a_task_and_signs_out(visit, alice, size, script):
    page = visit(size, java_script_enabled=script)
    sign_in(page, alice)
    if script:
        page.evaluate("window.stillHere = true")

    page.get_by_label("New task").fill("Pay rent")
    page.get_by_label("Due date", exact=True).fill("2031-05-04")
    page.get_by_label("Priority", exact=True).select_option("high")
    page.get_by_label("Category", exact=True).fill("Home")
    page.get_by_role("button", name="Add task").click()
    expect(row(page, "Pay rent")).to_contain_text("4 May 2031")
    expect(page.locator("#s-upcoming .task")).to_have_count(1)

    page.get_by_role("button", name="Complete “Pay rent”").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Complete “Pay rent”")).to_be_visible()

    page.get_by_role("button", name="Delete “Pay rent”").click()
    expect(row(page, "Pay rent").and_(page.locator(":visible"))).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#s-upcoming .task")).to_have_count(1)
    if script:
        assert page.evaluate("window.stillHere")  # nothing was reloaded

    page.get_by_role("link", name="Pay rent").click()
    page.get_by_label("Title").fill("Pay the rent")
    page.get_by_label("Description").fill("By bank transfer.\n\n- January")
    page.get_by_label("Tags").fill("bank, monthly")
    no_sideways_scrolling(page)
    page.get_by_role("button", name="Save").click()
    expect(row(page, "Pay the rent")).to_contain_text("#monthly")
    no_sideways_scrolling(page)

    page.get_by_role("button", name="Complete “Pay the rent”").click()
    expect(page.locator(".toast")).to_contain_text(["Completed “Pay the rent”"])
    page.goto("/?view=done")
    expect(row(page, "Pay the rent")).to_be_visible()

    page.locator("#account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Good to see you")).to_be_visible()
    page.goto("/")
    expect(page).to_have_url(re.compile("/login/"))


def test_from_an_empty_list_one_key_leads_to_the_first_task(open_as, alice):
    page = open_as(alice)
    expect(page.get_by_role("heading", name="A clear head starts here")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("First\nSecond\nThird\n")
    expect(page.locator("#s-undated .task-title")).to_have_text(["Third", "Second", "First"])
    expect(page.get_by_role("heading", name="A clear head starts here")).to_be_hidden()
    expect(page.locator("#h-undated .count")).to_have_text("3")
    expect(page.get_by_label("New task")).to_be_focused()


def test_new_rows_come_where_a_reload_shows_them(open_as, alice):
    page = open_as(alice)
    for title, due in (
        ("Middle", "2031-05-04"),
        ("Last", "2031-06-04"),
        ("First", "2031-04-04"),
        ("Free", ""),
    ):
        page.get_by_label("New task").fill(title)
        page.get_by_label("Due date", exact=True).fill(due)
        page.keyboard.press("Enter")
        expect(row(page, title)).to_be_visible()
    shown = page.locator(".task-title").all_text_contents()
    assert shown == ["First", "Middle", "Last", "Free"]
    page.get_by_role("button", name="Delete “Middle”").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".task-title")).to_have_text(shown)
    page.reload()
    assert page.locator(".task-title").all_text_contents() == shown


def test_many_quick_clicks_are_all_kept(open_as, alice, add, stored):
    tasks = [add(f"Task {number}") for number in range(8)]
    page = open_as(alice)
    for task in tasks:
        page.locator(f"#t-{task.id} .check").click(no_wait_after=True)
    expect(page.locator(".task.closed")).to_have_count(8)
    assert [stored(task).status for task in tasks] == ["completed"] * 8
    expect(page.locator(".toast")).to_have_count(3)


def test_a_refused_task_stays_in_the_line(open_as, alice):
    page = open_as(alice, size="narrow")
    page.get_by_label("New task").fill("x" * 201)
    page.get_by_role("button", name="Add task").click()
    expect(page.get_by_role("alert")).to_contain_text("200")
    assert page.get_by_label("New task").input_value() == "x" * 201
    no_sideways_scrolling(page)


def test_a_lost_connection_loses_no_words(chromium, site, alice):
    context = chromium.new_context(base_url=site)
    page = context.new_page()
    sign_in(page, alice)
    context.set_offline(True)
    page.get_by_label("New task").fill("Written on the train")
    page.get_by_role("button", name="Add task").click()
    expect(page.locator(".toast")).to_contain_text("could not be saved")
    assert page.get_by_label("New task").input_value() == "Written on the train"
    context.set_offline(False)
    page.get_by_role("button", name="Add task").click()
    expect(row(page, "Written on the train")).to_have_count(1)
    context.close()


def test_signed_out_in_another_window_leads_to_signing_in(open_as, alice, add):
    add("Pay rent")
    page = open_as(alice)
    other = page.context.new_page()
    other.goto("/")
    other.locator("#account summary").click()
    other.get_by_role("button", name="Sign out").click()
    expect(other).to_have_url(re.compile("/login/"))
    page.get_by_role("button", name="Complete “Pay rent”").click()
    expect(page).to_have_url(re.compile("/login/"))


def test_the_theme_changes_at_once_and_is_kept(open_as, alice):
    page = open_as(alice, color_scheme="light")

    def background():
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = background()
    page.locator("#account summary").click()
    page.get_by_role("button", name="Dark").click()
    assert background() != light
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.keyboard.press("Escape")
    page.locator("#account summary").click()
    page.get_by_role("button", name="System").click()
    assert background() == light


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])  # UTC+14 and UTC-11
def test_today_is_the_day_of_the_viewer(open_as, alice, add, zone):
    page = open_as(alice, timezone_id=zone)
    page.get_by_label("New task").fill("Now")
    page.get_by_label("Due date", exact=True).fill(
        page.evaluate("new Intl.DateTimeFormat('en-CA').format(new Date())")
    )
    page.keyboard.press("Enter")
    expect(page.locator("#s-today .task-title")).to_have_text(["Now"])


def test_show_more_adds_to_the_list_without_a_reload(open_as, alice, add):
    for number in range(70):
        add(f"Task {number:02}")
    page = open_as(alice)
    page.evaluate("window.stillHere = true")
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".task")).to_have_count(70)
    expect(page.get_by_role("link", name="Show more")).to_have_count(0)
    expect(page.locator("#h-undated .count")).to_have_text("70")
    assert page.evaluate("window.stillHere")
