"""On paper, without motion, from right to left, and installed."""

import pytest
from playwright.sync_api import expect

from tests.web.conftest import row
from tests.web.site import SIZES

pytestmark = pytest.mark.browser
MOVES = """() => [...document.querySelectorAll("*")].flatMap((one) => ["", "::before", "::after"].map((part) => {
  const style = getComputedStyle(one, part || null);
  return [style.animationName === "none" ? "0s" : style.animationDuration, style.transitionDuration].join(", ");
})).filter((times) => times.split(", ").some((time) => parseFloat(time) > 0)).length"""
CHROME = "header, nav, #quick-add, .search, #bulk, .toasts, .icon-button, #more, .skip"


def test_a_printed_list_has_tasks_without_controls(open_as, alice, add, today):
    add("Pay rent", due_date=str(today), category="Home", priority="urgent")
    add("Read")
    page = open_as(alice, color_scheme="dark")
    page.get_by_role("button", name="Complete “Read”").click()
    expect(page.locator(".toast")).to_be_visible()
    page.emulate_media(media="print")
    expect(row(page, "Pay rent")).to_contain_text("Home")
    expect(row(page, "Read")).to_be_visible()
    expect(page.locator(CHROME).and_(page.locator(":visible"))).to_have_count(0)
    dark = page.locator(".task-title").first.evaluate(
        "one => getComputedStyle(one).color.match(/[\\d.]+/g).slice(0, 3).every(part => part < 90)"
    )
    assert dark  # paper is white, whatever the colours of the screen are
    assert page.pdf(format="A4").startswith(b"%PDF")


@pytest.mark.parametrize("url", ["/board/", "/calendar/", "/tasks/{}/"])
def test_other_pages_on_paper(open_as, alice, add, today, url):
    task = add("Pay rent", due_date=str(today), description="By **bank**.")
    page = open_as(alice, url.format(task.id))
    page.emulate_media(media="print")
    shown = page.get_by_label("Title") if "tasks" in url else page.get_by_role("link", name="Pay rent")
    expect(shown).to_be_visible()
    expect(page.locator("header, nav, .back, #quick-add").and_(page.locator(":visible"))).to_have_count(0)


@pytest.mark.parametrize("url", ["/", "/board/"])
def test_nothing_moves_for_those_who_ask_for_it(open_as, alice, add, url):
    task = add("Pay rent")
    page = open_as(alice, url)
    assert page.evaluate(MOVES) > 0
    page.emulate_media(reduced_motion="reduce")
    if url == "/":
        page.locator(f"#t-{task.id} .check").click()
        expect(page.locator(".toast")).to_be_visible()
    assert page.evaluate(MOVES) == 0


@pytest.mark.parametrize("size", SIZES)
def test_lines_run_from_right_to_left(open_as, alice, add, size):
    add("חדשות: לקנות חלב", category="בית")
    page = open_as(alice, size=size)
    page.evaluate("document.documentElement.dir = 'rtl'")
    check, title, bin_ = (
        page.locator(f".task {part}").first.bounding_box()["x"]
        for part in (".check", ".task-body", "[formaction$='/delete/']")
    )
    assert check > title > bin_


def test_it_can_be_installed(open_as, alice, site):
    page = open_as(alice)
    cdp = page.context.new_cdp_session(page)
    manifest = cdp.send("Page.getAppManifest")
    assert manifest["url"] == f"{site}/manifest.webmanifest"
    assert manifest["errors"] == []
    reasons = {error["errorId"] for error in cdp.send("Page.getInstallabilityErrors")["installabilityErrors"]}
    assert reasons <= {"in-incognito"}  # as every browser that a test opens
    content = page.request.get("/manifest.webmanifest").json()
    for icon in content["icons"]:
        answer = page.request.get(icon["src"])
        assert (answer.status, answer.headers["content-type"]) == (200, icon["type"])
    for shortcut in content["shortcuts"]:
        assert page.request.get(shortcut["url"]).ok
