"""The admin in Chromium: a strict CSP, wide and narrow, light and dark, as admin, viewer and somebody else."""

import itertools
import os
import re

import pytest
from playwright.sync_api import expect

from dynamo_admin import query
from etl.lake.config import lake_config
from etl.run import local_lake
from tasks import services
from tests.roles import LAKE
from tests.web.conftest import REFUSALS, site
from tests.web.site import BROWSER_TIMEOUT_MS
from web import athena

__all__ = ["site"]
pytestmark = pytest.mark.browser
expect.set_options(timeout=BROWSER_TIMEOUT_MS)
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
    assert [text for text in problems if not REFUSALS.match(text)] == []


LOOKED_AT = tuple(path for path in PAGES if not path.endswith("add/"))
# What sends something that changes something; searching, filtering and signing out do not.
WRITING = "#content form[method='post'] :is(button, input[type='submit']), .deletelink, .addlink"
RETRY = ("Retry quarantine", "Retry quarantine")
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def shot(page, name):
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_task_is_found_changed_and_its_history_read(enter, make_account, add, alice):
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


@pytest.mark.long
def test_bulk_actions_ask_first_and_back_keeps_the_filter(enter, make_account, add, alice):
    add("One"), add("Two")
    page = enter(make_account("Root", groups=("admins",)))
    own = f"/admin/tasks/task/?user_id__exact={alice.id}"
    page.goto(own)
    ask_for(page, "change_category")
    shot(page, "ask-category")
    page.get_by_role("link", name="No, take me back").click()
    expect(page).to_have_url(re.compile(re.escape(own)))
    ask_for(page, "change_category")
    page.get_by_label("Category").fill("Work")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".messagelist")).to_contain_text("2 tasks moved to the category “Work”.")
    expect(page).to_have_url(re.compile(re.escape(own)))
    shot(page, "bulk")
    run_action(page, "move_to_trash")
    expect(page.locator(".messagelist")).to_contain_text("2 tasks moved to the trash.")
    page.get_by_role("link", name="Undo it there").click()
    expect(page.locator(".field-title")).to_have_count(2)
    run_action(page, "restore")
    expect(page.locator(".messagelist")).to_contain_text("restored.")


def test_people_are_suggested_as_one_types(enter, make_account, add, alice, known):
    known(alice)
    add("Pay rent")
    page = enter(make_account("Root", groups=("admins",)))
    page.goto("/admin/tasks/task/")
    box = page.locator("#changelist-filter input[name='user_id__exact']")
    box.press_sequentially(alice.username[:12])
    expect(page.locator(f"datalist option[value='{alice.email}']")).to_have_count(1)
    box.fill(alice.email)
    page.locator("#changelist-filter form:has(input[name='user_id__exact']) button").click()
    expect(page.locator(".field-title")).to_have_text(["Pay rent"])
    page.locator(".field-user_id a").click()
    expect(page.get_by_role("heading", name=alice.email)).to_be_visible()


@pytest.mark.long
def test_every_page_fits_and_is_quiet(enter, make_account, add, alice, known):
    """Wide and narrow, light and dark: each page is opened once and looked at in all four."""
    known(alice)
    task = add(
        "Pay rent", category="Home", tags=["bank"], checklist=[{"text": "Call"}], description="**Soon**"
    )
    page = enter(make_account("Root", groups=("admins",)))
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
        name = path.replace(key, "x").replace(alice.id, "x").replace("/", "_")
        for size, scheme in itertools.product(SIZES, ("light", "dark")):
            page.set_viewport_size(SIZES[size])
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(TOO_WIDE) <= 0, f"{path} is too wide, {size}"
            shot(page, f"{name}-{size}-{scheme}")


def ask_for(page, action):
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option(action)
    page.locator(".actions button[name='index']").click()


def run_action(page, action):
    ask_for(page, action)
    page.get_by_role("button", name="Yes").click()


def test_a_task_from_the_form_to_the_trash_and_back(enter, make_account, alice, known, add):
    """Add, search, order, export, complete, delete with what goes, restore, history, recent actions."""
    known(alice)
    add("Another", category="=Home")
    page = enter(make_account("Root", groups=("admins",)))
    page.goto("/admin/tasks/task/add/")
    page.locator("#id_user_id").fill(alice.id)
    page.locator("#id_title").fill("Move house")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was added successfully")

    page.locator("#changelist-filter input[name='user_id__exact']").fill(alice.id)
    page.locator("#changelist-filter form:has(input[name='user_id__exact']) button").click()
    expect(page.locator(".field-title")).to_have_text(["Move house", "Another"])
    page.locator("#result_list").get_by_role("link", name="Title").click()
    expect(page.locator(".field-title")).to_have_text(["Another", "Move house"])
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    assert "'=Home" in download.value.path().read_text()
    page.locator("#searchbar").fill("move")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".field-title")).to_have_text(["Move house"])

    run_action(page, "complete")
    expect(page.locator(".messagelist")).to_contain_text("1 task completed.")
    page.locator("#result_list").get_by_role("link", name="Move house").click()
    page.locator(".deletelink").click()
    expect(page.locator("#content")).to_contain_text("It stays in the trash for 30 days")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".messagelist")).to_contain_text("was deleted successfully")

    page.goto(f"/admin/tasks/trashedtask/?user_id__exact={alice.id}")
    run_action(page, "restore")
    expect(page.locator(".messagelist")).to_contain_text("restored.")
    page.goto("/admin/")
    expect(page.locator("#recent-actions-module")).to_contain_text("Move house")
    page.goto(f"/admin/tasks/task/?user_id__exact={alice.id}")
    page.get_by_role("link", name="Move house").click()
    page.get_by_role("link", name="History").click()
    expect(page.locator("#change-history tbody tr")).to_have_count(4)


def test_two_admins_and_the_person_they_shut_out(enter, make_account, known, alice, settings):
    """A stale form is refused with what was typed kept; disabling ends the person's session at their next click."""
    settings.DEBUG = True
    known(alice)
    hers = enter(alice)
    hers.goto("/")
    expect(hers.locator("#id_title").first).to_be_visible()
    mine, theirs = (enter(make_account(name, groups=("admins",))) for name in ("Root", "Other"))
    for page, name in ((mine, "Mine"), (theirs, "Theirs")):
        page.goto(f"/admin/tasks/user/{alice.id}/change/")
        page.locator("#id_name").fill(name)
    theirs.get_by_role("button", name="Save", exact=True).click()
    expect(theirs.locator(".messagelist")).to_contain_text("was changed successfully")
    mine.get_by_role("button", name="Save", exact=True).click()
    expect(mine.locator(".errornote, .errorlist").last).to_contain_text("somebody else changed this")
    expect(mine.locator("#id_name")).to_have_value("Mine")
    shot(mine, "stale")

    mine.goto(f"/admin/tasks/user/?q={alice.email}")
    expect(mine.locator(".paginator")).to_contain_text("items read")
    run_action(mine, "disable")
    expect(mine.locator(".messagelist")).to_contain_text("1 user disabled.")
    hers.reload()
    expect(hers.get_by_role("button", name="Sign in")).to_be_visible()
    hers.get_by_label("E-mail or username").fill(alice.email)
    hers.get_by_label("Password", exact=True).fill(alice.password)
    hers.get_by_role("button", name="Sign in").click()
    expect(hers.get_by_role("alert")).to_be_visible()


@pytest.mark.long
def test_the_lake_is_run_replayed_and_watched(enter, make_account, tmp_path):
    page = enter(make_account("Root", groups=("admins",)))
    lake = local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), tmp_path)
    page.goto("/admin/pipeline/")
    for button, name in (("Run now", "Run now"), ("Replay these days", "Replay days"), RETRY):
        page.get_by_role("button", name=button).click()
        expect(page.locator(".messagelist")).to_contain_text(f"{name}: requested.")
        order = page.locator("table", has_text="Job requests").locator("tbody tr").first
        expect(order).to_contain_text(name)
        expect(order.locator(".state")).to_have_text("waiting")
        lake.carry_out_requests()
        expect(order.locator(".state")).to_have_text("done")  # the page loads itself again
    shot(page, "pipeline-run")
    page.get_by_role("link", name="Health").click()
    expect(page.get_by_text("Everything answers")).to_be_visible()  # but nothing captures the tests' tasks
    expect(page.locator("tr", has_text="Firehose: changes").locator(".state")).to_have_text("up")


@pytest.mark.long
def test_a_list_goes_on_and_says_what_it_cannot(enter, make_account, add, alice, ctx, monkeypatch):
    """Page by page; what the domain refuses beside its field; too much to sort; to the trash, and a stale deletion."""
    tasks = [add(f"Task {number}") for number in range(27)]
    page = enter(make_account("Root", groups=("admins",)))
    mine = f"/admin/tasks/task/?user_id__exact={alice.id}"
    page.goto(mine)
    expect(page.locator(".field-title")).to_have_count(25)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator(".field-title")).to_have_text(["Task 1", "Task 0"])
    page.get_by_role("link", name="Task 0").click()
    page.locator("#id_due_time").fill("09:00")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".field-due_time .errorlist")).to_have_text("A time of day needs a due date.")

    monkeypatch.setattr(query, "READ_BUDGET", 10)
    monkeypatch.setattr(athena, "current_snapshot", lambda: None)  # with Gold published, Gold would sort
    page.goto(mine)
    page.locator("#result_list").get_by_role("link", name="Title").click()
    expect(page.locator(".messagelist")).to_contain_text("Sorting would need more than 10 tasks")
    page.goto(f"{mine}&q=nowhere")
    expect(page.get_by_role("link", name="Look further")).to_be_visible()
    monkeypatch.undo()

    page.goto(f'{mine}&q="Task 26"')  # quoted: the number alone is also in ids of requests
    run_action(page, "move_to_trash")
    expect(page.locator(".messagelist")).to_contain_text("1 task moved to the trash.")
    page.goto(f"/admin/tasks/task/{alice.id}.{tasks[0].id}/delete/")
    services.update_task(ctx(alice), tasks[0].id, {"title": "Keep this"})
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".messagelist")).to_contain_text("Not deleted: somebody else changed this")
    expect(page.locator("#deleted-objects")).to_contain_text("Keep this")


@pytest.mark.long
def test_roles_and_signing_out_reach_an_open_browser(enter, make_account, known, alice):
    known(alice)
    hers, page = enter(alice), enter(make_account("Root", groups=("admins",)))
    page.goto(f"/admin/tasks/user/{alice.id}/change/")
    page.get_by_label("Viewers").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
    hers.goto("/")
    hers.get_by_role("link", name="Admin", exact=True).click()
    expect(hers.get_by_role("heading", name="Overview")).to_be_visible()
    page.goto(f"/admin/tasks/user/?q={alice.email}")
    run_action(page, "sign_out_everywhere")
    expect(page.locator(".messagelist")).to_contain_text("1 user signed out everywhere.")
    hers.reload()
    expect(hers.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_viewer_sees_everything_and_no_buttons(enter, make_account, add, alice, known):
    known(alice)
    task = add("Pay rent")
    page = enter(make_account("Viewer", groups=("viewers",)))
    key = f"{alice.id}.{task.id}"
    own = (f"tasks/task/{key}/change/", f"tasks/task/{key}/history/", f"tasks/user/{alice.id}/change/")
    for path in (*LOOKED_AT, *own):
        assert page.goto(f"/admin/{path}").status == 200, path
        expect(page.locator("#content")).to_be_visible()
        assert page.locator(WRITING).count() == 0, path
    for path in ("tasks/task/add/", f"tasks/task/{key}/delete/", "tasks/user/add/"):
        assert page.goto(f"/admin/{path}").status == 403, path
    page.goto("/admin/pipeline/")
    expect(page.get_by_role("heading", name="Stream lag")).to_be_visible()
    shot(page, "viewer")


def test_somebody_else_is_told_why_everywhere(enter, alice):
    page = enter(alice)
    expect(page.get_by_text("groups admins and viewers")).to_be_visible()
    shot(page, "forbidden")
    for path in PAGES:
        assert page.goto(f"/admin/{path}").status == 403, path
