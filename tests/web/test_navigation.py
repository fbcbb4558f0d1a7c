"""From page to page nothing reloads: a mark left on the window outlives a tour, and what goes wrong loses nothing."""

import re
from threading import Event
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tasks import services
from tasks.views import board
from tests.web.conftest import no_sideways_scrolling, ready, row, session_cookie
from tests.web.site import SIZES

pytestmark = pytest.mark.browser
MARK = "window.stillHere = true"


def path(page) -> str:
    return urlsplit(page.url).path + ("?" + urlsplit(page.url).query if urlsplit(page.url).query else "")


def here(page) -> None:
    """Check that the document is the one that was loaded first, and that it is put together as if it were loaded."""
    assert page.evaluate("window.stillHere"), path(page)
    heads = page.evaluate("""async () => {
        const links = (page) => [...page.querySelectorAll('link[rel=stylesheet]')];
        const styles = (page) => links(page).map((link) => link.getAttribute('href'));
        const text = await (await fetch(location.href)).text();
        const loaded = new DOMParser().parseFromString(text, 'text/html');
        return [styles(document), styles(loaded), document.title, loaded.title];
    }""")
    assert sorted(heads[0]) == sorted(heads[1]), path(page)
    assert heads[2] == heads[3]


@pytest.mark.parametrize("size", SIZES)
def test_a_tour_of_all_pages_reloads_nothing(open_as, alice, add, today, size):
    add("Pay rent", due_date=str(today))
    gone = add("Buy a boat")
    page = open_as(alice, "/", size)
    page.evaluate(MARK)
    tour = []

    def arrived(heading: str) -> None:
        ready(page, heading)
        expect(page.get_by_role("heading", name=heading, level=1)).to_be_focused()
        here(page)
        no_sideways_scrolling(page)
        tour.append((path(page), heading))

    def tab(name: str, heading: str = "") -> None:
        page.get_by_role("navigation", name="Which tasks").get_by_role("link", name=name, exact=True).click()
        arrived(heading or name)

    def settings(name: str, heading: str) -> None:
        page.get_by_role("navigation", name="Settings").get_by_role("link", name=name).click()
        arrived(heading)

    page.get_by_role("button", name="Delete “Buy a boat”").click()
    expect(page.locator(".toast")).to_contain_text("Deleted")
    tour.append((path(page), "Tasks"))
    tab("Done")
    tab("All", "All tasks")
    tab("Board")
    tab("Trash")
    page.get_by_role("button", name=f"Restore “{gone.title}”").click()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    tab("Calendar", f"{today:%B %Y}")
    page.get_by_role("link", name="Week", exact=True).click()
    expect(page.locator("table.calendar-week")).to_be_visible()
    tour.append((path(page), page.locator("h1").inner_text()))
    page.get_by_role("link", name="Pay rent").click()
    arrived("Edit “Pay rent”")
    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="History").click()
    arrived("History")
    page.locator("#account summary").click()
    page.get_by_role("link", name="Settings").click()
    arrived("Profile")
    settings("Security", "Security")
    page.get_by_role("link", name="Set up, or stop using, an app").click()
    arrived("Second step at sign-in")
    settings("Access", "Access for programs")
    settings("Data", "Your data")
    page.keyboard.press("g")
    page.keyboard.press("t")
    arrived("Tasks")

    for act, steps in ((page.go_back, reversed(tour[:-1])), (page.go_forward, tour[1:])):
        for address, heading in steps:
            act()
            expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
            assert path(page) == address
            here(page)


def test_what_is_saved_leads_on_without_a_reload(open_as, alice, add, stored):
    task = add("Pay rent")
    page = open_as(alice, "/board/")
    page.evaluate(MARK)
    page.get_by_role("link", name="Pay rent").click()
    ready(page, "Edit “Pay rent”")
    page.get_by_label("Tags").fill("x" * 60)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Tags")).to_be_focused()  # it is what is wrong
    assert path(page) == f"/tasks/{task.id}/"
    page.get_by_label("Tags").fill("bank")
    page.get_by_role("button", name="Save").click()
    ready(page, "Board")
    expect(page.locator(".toast")).to_contain_text("Saved “Pay rent”")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".task-card")).not_to_contain_text("#bank")
    assert stored(task).tags is None or not stored(task).tags
    page.goto("/account/access/")
    page.evaluate(MARK)
    page.get_by_label("What is it for?").fill("backup")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("#new-token")).to_be_visible()
    page.get_by_role("button", name="Make an address").click()
    expect(page.locator("#feed-address")).to_be_visible()
    assert path(page) == "/account/access/"  # what only takes forms is nobody's address
    page.get_by_role("link", name="Profile").click()
    ready(page, "Profile")
    page.get_by_label("Language").select_option("de")
    page.get_by_role("button", name="Save").click()
    ready(page, "Profil")
    assert page.locator("html").get_attribute("lang") == "de"
    expect(page.get_by_role("link", name="Aufgaben")).to_be_visible()
    assert page.evaluate("window.stillHere")


def test_one_comes_back_to_where_one_was(open_as, alice, add):
    for number in range(70):
        add(f"Task {number:02}")
    page = open_as(alice)
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".task")).to_have_count(70)
    link = page.get_by_role("link", name="Task 03", exact=True)
    link.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    link.click()
    ready(page, "Edit “Task 03”")
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(page.locator(".task")).to_have_count(70)
    expect(link).to_be_focused()
    page.wait_for_function("before => Math.abs(scrollY - before) < 5", arg=before)


def test_words_wait_until_one_comes_back(open_as, alice, add, today):
    task = add("Pay rent")
    page = open_as(alice)
    page.get_by_label("New task").press_sequentially("Call Mum tomorrow")
    page.get_by_role("link", name="Board", exact=True).click()
    ready(page, "Board")
    expect(page.get_by_label("New task")).to_have_value("Call Mum tomorrow")
    expect(page.locator(".part")).to_have_count(1)
    page.get_by_role("link", name="Pay rent").click()
    ready(page, "Edit “Pay rent”")
    page.get_by_label("Category").fill("Home")
    page.get_by_role("button", name="Add a step").click()
    page.keyboard.type("Ask the landlord")
    page.go_back()
    ready(page, "Board")
    page.go_forward()
    expect(page.locator(".toast")).to_contain_text("is back")
    expect(page.get_by_label("Category")).to_have_value("Home")
    expect(page.get_by_label("Step", exact=True)).to_have_value("Ask the landlord")
    page.get_by_role("link", name="Cancel").click()
    page.goto(f"/tasks/{task.id}/")
    expect(page.get_by_label("Category")).to_have_value("")


def test_what_takes_long_says_so_and_is_asked_once(open_as, alice, add, monkeypatch):
    add("Pay rent")
    page = open_as(alice)
    opened, asked, real = Event(), [], board.render

    def slow(*args, **kwargs):
        asked.append(1)
        opened.wait(20)
        return real(*args, **kwargs)

    monkeypatch.setattr(board, "render", slow)
    link = page.get_by_role("link", name="Board", exact=True)
    link.click()
    link.click()
    expect(page.locator("html")).to_have_class(re.compile("going"))
    expect(page.get_by_role("status").filter(has_text="Loading…")).to_have_count(1)
    opened.set()
    ready(page, "Board")
    expect(page.locator("html")).not_to_have_class(re.compile("going"))
    assert len(asked) == 1


def test_without_a_connection_everything_stays(open_as, alice, add, chromium, site, client_for):
    add("Pay rent")
    context = chromium.new_context(base_url=site)  # of its own: a lost connection is written to the console
    context.add_cookies([session_cookie(client_for(alice), site)])
    page = context.new_page()
    page.goto("/")
    page.evaluate(MARK)
    page.get_by_role("link", name="Pay rent").click()
    ready(page, "Edit “Pay rent”")
    page.get_by_label("Category").fill("Home")
    context.set_offline(True)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("could not be saved")
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator(".toast").last).to_contain_text("could not be opened")
    expect(page.get_by_label("Category")).to_have_value("Home")
    page.go_back()
    expect(page.get_by_role("heading", name="This page could not be opened")).to_be_visible()
    context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    ready(page, "Tasks")
    page.go_forward()
    ready(page, "Edit “Pay rent”")
    expect(page.get_by_label("Category")).to_have_value("Home")
    page.get_by_role("button", name="Save").click()
    expect(row(page, "Pay rent")).to_contain_text("Home")
    assert page.evaluate("window.stillHere")
    context.close()


def test_signed_out_meanwhile_words_are_kept(open_as, alice, add, stored, client_for, site):
    task = add("Pay rent")
    page = open_as(alice, f"/tasks/{task.id}/")
    page.get_by_label("Category").fill("Home")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("You are signed out")
    expect(page.locator(".toast").get_by_role("link", name="Sign in")).to_have_attribute("target", "_blank")
    expect(page.get_by_label("Category")).to_have_value("Home")
    page.context.add_cookies([session_cookie(client_for(alice), site)])  # and no token of a form
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast").last).to_contain_text("press again")
    page.get_by_role("button", name="Save").click()
    expect(row(page, "Pay rent")).to_contain_text("Home")
    assert stored(task).category == "Home"


def test_the_latest_takes_no_words_away(open_as, alice, add, ctx):
    task = add("Pay rent")
    page = open_as(alice, f"/tasks/{task.id}/")
    page.evaluate(MARK)
    for title in ("Elsewhere", "Elsewhere again"):
        services.update_task(ctx(alice), task.id, {"title": title})
        page.evaluate("document.dispatchEvent(new CustomEvent('tasks:elsewhere'))")
        link = page.get_by_role("link", name="Show the latest")
        if title == "Elsewhere":
            link.click()
            ready(page, f"Edit “{title}”")
            assert page.evaluate("window.stillHere")
            page.get_by_label("Category").fill("Home")
    with page.expect_popup() as opened:
        link.click()
    ready(opened.value, f"Edit “{title}”")
    expect(page.get_by_label("Category")).to_have_value("Home")


def test_other_areas_are_loaded_as_ever(open_as, alice, add):
    task = add("Pay rent")
    page = open_as(alice)
    page.evaluate(MARK)
    page.get_by_role("link", name="Insights").click()
    ready(page, "My insights")
    assert page.evaluate("window.stillHere") is None
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.go_back()
    ready(page, "Tasks")
    page.goto(f"/tasks/{task.id}/")
    page.keyboard.press("#")
    ready(page, "Tasks")
    page.go_back()  # to a task that is no more: the page that says so
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


@pytest.mark.long
def test_a_long_day_fills_no_memory(open_as, alice, add):
    for number in range(20):
        add(f"Task {number:02}")
    page = open_as(alice)
    session = page.context.new_cdp_session(page)
    places = ["/board/", "/?view=all", "/calendar/", "/trash/", "/account/", "/"]

    def used() -> dict[str, int]:
        for _ in range(3):
            session.send("HeapProfiler.collectGarbage")
        return session.send("Memory.getDOMCounters")

    def rounds(count: int) -> None:
        for place in places * count:
            page.evaluate("place => nav.go(place)", place)

    rounds(2)
    before = used()
    rounds(6)
    after = used()
    assert after["nodes"] < before["nodes"] * 1.5, (before, after)
    assert after["jsEventListeners"] < before["jsEventListeners"] * 1.5, (before, after)
