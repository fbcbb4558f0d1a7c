"""axe-core finds nothing wrong with any page or state of it, in light and dark; and every one fits a narrow window."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.template.loader import render_to_string

from tests.conftest import PASSWORD
from tests.screenshot_states import ACTS
from tests.web import workspace
from tests.web.conftest import no_sideways_scrolling, ready
from tests.web.site import SIZES
from tests.web.totp import totp
from tests.web.writes import writes_of
from web import athena

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
# Of what axe loads beforehand only media: for style sheets that import others it would add inline styles, which the
# pages' policy refuses, and the only rule that reads those sheets is experimental and off.
RUN = (
    "async (rules) => (await axe.run(document, "
    "{resultTypes: ['violations'], preload: {assets: ['media']}, ...rules})).violations"
    ".map(v => [v.id, v.nodes.map(n => n.html.slice(0, 160))])"
)
# The rules that look at colours: the others say the same in the dark as in the light.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
PAGES = {
    "list": "/", "done": "/?view=done", "all": "/?view=all", "search": "/?q=priority%3E%3Dhigh",
    "wrong": "/?q=colour:red",
    "selecting": "/?select=1", "board": "/board/", "month": "/calendar/", "week": "/calendar/?week=",
    "trash": "/trash/",
    "task": "/tasks/{task}/", "snooze": "/tasks/snooze/?ids={task}",
    "profile": "/account/", "email": "/account/email/", "security": "/account/security/",
    "second-factor": "/account/security/second-factor/", "access": "/account/access/", "data": "/account/data/",
    "privacy": "/privacy/", "nowhere": "/nowhere/", "forbidden": "/insights/", "deleted": "/account/deleted/",
}  # fmt: skip
ERRORS = ("400", "403", "403_csrf", "404", "413", "500")


@pytest.fixture
def full(alice, ctx):
    """Alice's workspace, full; the id of the task with everything in it."""
    start = datetime.now(UTC) - timedelta(hours=3)
    return workspace.fill(ctx(alice), lambda number: ctx(alice, start + timedelta(minutes=number)))


def judge(page, name: str, found: dict[str, list]) -> None:
    """Add to ``found`` what axe says of the page as it is now, in both themes, and check that both sizes fit."""
    if page.evaluate("!window.axe"):
        page.evaluate(AXE.read_text())  # by the debugger's door, which the page's policy does not guard
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found[f"{name}, light"] = page.evaluate(RUN, {})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found[f"{name}, dark"] = page.evaluate(RUN, COLOURS)
    for size in ("narrow", "wide"):
        page.set_viewport_size(SIZES[size])
        no_sideways_scrolling(page)


def wrong(found: dict[str, list]) -> dict[str, list]:
    return {name: violations for name, violations in found.items() if violations}


def look(page, urls, **named) -> dict[str, list]:
    """Return what axe has against these pages."""
    found = {}
    for name, url in urls.items():
        page.goto(url.format(**named))
        judge(page, name, found)
    return wrong(found)


def test_axe_finds_nothing_on_any_page(open_as, alice, full):
    assert look(open_as(alice), PAGES, task=full) == {}


@pytest.mark.long
def test_what_opens_and_what_is_said(open_as, alice, full, monkeypatch):
    monkeypatch.setattr(athena, "run", writes_of)
    page, found = open_as(alice), {}
    for name, (path, act) in ACTS.items():
        if "german" in name or "right-to-left" in name:
            continue
        page.goto(path.format(task=full))
        act(page)
        judge(page, name, found)
        page.emulate_media(media="screen")
    assert wrong(found) == {}


@pytest.mark.long
def test_empty_pages(open_as, bob):
    urls = {
        "list": "/",
        "done": "/?view=done",
        "board": "/board/",
        "trash": "/trash/",
        "calendar": "/calendar/",
    }
    assert look(open_as(bob), urls) == {}


def test_the_style_guide(visit, settings):
    settings.DEBUG = True
    assert look(visit(), {"styleguide": "/styleguide/"}) == {}


def test_the_errors_of_the_api(visit):
    assert look(visit(), {"errors": "/api/docs/errors"}) == {}


@pytest.mark.long
def test_the_way_into_an_account(visit, settings):
    settings.DEMO_PASSWORD = ""
    page, found = visit(), {}

    def press(name, fields, then):
        for label, value in fields.items():
            page.get_by_label(label).fill(value)
        page.get_by_role("button", name=name, exact=True).click()
        ready(page, then)
        judge(page, f"{name}: {then}", found)

    page.goto("/account/deleted/")
    judge(page, "deleted", found)
    page.goto("/login/")
    judge(page, "sign-in", found)
    press("Sign in", {"E-mail or username": "nobody@example.com", "Password": "x"}, "Good to see you")
    page.goto("/sign-up/")
    judge(page, "sign-up", found)
    press("Create account", {}, "Create an account")
    whole = {"First name": "Ada", "E-mail": "axe@example.com", "Password": PASSWORD}
    press("Create account", whole, "Confirm your e-mail address")
    press("Confirm", {"Code": "000000"}, "Confirm your e-mail address")
    page.goto("/password/forgotten/")
    judge(page, "forgotten", found)
    press("Send a code", {"E-mail or username": "axe@example.com"}, "Choose a new password")
    press("Change password", {"Code": "000000", "Password": "x"}, "Choose a new password")
    assert wrong(found) == {}


@pytest.mark.long
def test_a_second_factor(open_as, alice):
    page, found = open_as(alice, "/account/security/second-factor/"), {}
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set up an app").click()
    ready(page, "Set up your app")
    judge(page, "enrolment", found)
    page.get_by_label("Code that the app shows now").fill(totp(page.locator("#secret").text_content()))
    page.get_by_role("button", name="Finish").click()
    ready(page, "Recovery codes")
    judge(page, "recovery codes", found)
    page.get_by_role("link", name="I have kept them").click()
    ready(page, "Security")
    judge(page, "enrolled", found)
    page.context.clear_cookies()
    page.goto("/login/")
    page.get_by_label("E-mail or username").fill(alice.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    ready(page, "One more step")
    judge(page, "challenge", found)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    ready(page, "One more step")
    judge(page, "wrong code", found)
    page.get_by_role("link", name="Use a recovery code").click()
    ready(page, "Use a recovery code")
    judge(page, "recovery", found)
    assert wrong(found) == {}


def _answer(html: str, route) -> None:
    route.fulfill(body=html, content_type="text/html")


def test_pages_for_what_goes_wrong(visit):
    page, found = visit(), {}
    for name in ERRORS:
        html = render_to_string(f"{name}.html", {"detail": "Because only managers see everybody's figures."})
        page.route(f"**/{name}", partial(_answer, html))
        page.goto(f"/{name}")
        judge(page, name, found)
    page.unroute_all()
    assert wrong(found) == {}


def test_the_question_whether_one_is_sure(open_as, alice, full):
    page, found = open_as(alice, "/trash/", "narrow"), {}
    for number, question in enumerate(page.locator(".sure summary").all()):
        page.set_viewport_size(SIZES["narrow"])
        question.click()
        judge(page, f"question {number}", found)
    assert wrong(found) == {}


def test_pages_read_from_right_to_left(open_as, alice, full):
    page = open_as(alice)
    for url in ("/", "/board/", "/calendar/", "/trash/", "/account/"):
        page.goto(url)
        page.evaluate("document.documentElement.dir = 'rtl'")
        for size in SIZES.values():
            page.set_viewport_size(size)
            no_sideways_scrolling(page)
