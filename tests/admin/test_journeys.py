"""The admin in Chromium: a strict CSP, wide and narrow, light and dark, as admin, viewer and somebody else."""

import os

import pytest
from playwright.sync_api import expect

from tests.web.conftest import site
from tests.web.site import BROWSER_TIMEOUT_MS

__all__ = ["site"]
pytestmark = pytest.mark.browser
ARGUMENTS = ["--no-sandbox", "--headless", "--disable-gpu", "--disable-dev-shm-usage"]
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
PAGES = (
    *("", "tasks/task/", "tasks/task/add/", "tasks/user/", "tasks/user/add/", "tasks/session/"),
    *("tasks/auditentry/", "tasks/trashedtask/", "insights/quarantinedevent/", "pipeline/", "health/"),
)


@pytest.fixture
def enter(chromium, site):
    """Return a function that signs somebody in at the admin; afterwards the console must have been quiet."""
    contexts, problems = [], []

    def sign_in(account, size="wide", **options):
        context = chromium.new_context(viewport=SIZES[size], base_url=site, **options)
        context.set_default_timeout(BROWSER_TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))
        page.on(
            "console", lambda message: message.type in {"error", "warning"} and problems.append(message.text)
        )
        page.goto("/admin/")
        page.get_by_label("E-mail or username").fill(account.email)
        page.get_by_label("Password", exact=True).fill(account.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state()
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert [text for text in problems if "403" not in text] == []


def shot(page, name):
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_it_works(enter, make_account, add, alice):
    add("Pay rent", category="Home")
    page = enter(make_account("Root", groups=("admins",)))
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto(f"/admin/tasks/task/?user_id__exact={alice.id}")
    page.get_by_role("link", name="Pay rent").click()
    page.locator("#id_title").fill("Pay the rent")
    page.locator("#id_due_date").fill("2026-12-01")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
    page.get_by_role("link", name="Pay the rent").first.click()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("title: “Pay rent” → “Pay the rent”")).to_be_visible()


def test_bulk_actions(enter, make_account, add, alice):
    add("One"), add("Two")
    page = enter(make_account("Root", groups=("admins",)))
    page.goto(f"/admin/tasks/task/?user_id__exact={alice.id}")
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("change_category")
    page.get_by_role("button", name="Run").or_(
        page.get_by_role("button", name="Go", exact=True).first
    ).last.click()
    page.get_by_label("Category").fill("Work")
    page.get_by_role("button", name="Change category").click()
    expect(page.locator(".messagelist")).to_contain_text("2 tasks moved to the category.")
    shot(page, "bulk")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_every_page_fits_and_is_quiet(enter, make_account, add, alice, known, size, scheme):
    known(alice)
    task = add(
        "Pay rent", category="Home", tags=["bank"], checklist=[{"text": "Call"}], description="**Soon**"
    )
    page = enter(make_account("Root", groups=("admins",)), size, color_scheme=scheme)
    key = f"{alice.id}.{task.id}"
    more = (
        f"tasks/task/{key}/change/",
        f"tasks/task/{key}/delete/",
        f"tasks/task/{key}/history/",
        f"tasks/user/{alice.id}/change/",
        f"tasks/user/{alice.id}/delete/",
    )
    for path in (*PAGES, *more):
        assert page.goto(f"/admin/{path}").status == 200
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, f"{path} is {width} px too wide"
        shot(page, f"{size}-{scheme}-{path.split(key)[0].replace('/', '_')}{path[-9:-1].replace('/', '_')}")


def test_a_viewer_sees_no_buttons(enter, make_account, add, alice):
    add("Pay rent")
    page = enter(make_account("Viewer", groups=("viewers",)))
    page.goto(f"/admin/tasks/task/?user_id__exact={alice.id}")
    page.get_by_role("link", name="Pay rent").click()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    shot(page, "viewer")


def test_somebody_else_is_told_why(enter, alice):
    page = enter(alice)
    expect(page.get_by_text("groups admins and viewers")).to_be_visible()
    shot(page, "forbidden")
