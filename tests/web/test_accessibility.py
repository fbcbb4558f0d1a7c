"""axe-core finds nothing wrong with any page, in light and dark; and every page fits a narrow window."""

from pathlib import Path

import pytest

from tests.web import workspace
from tests.web.conftest import no_sideways_scrolling, session_cookie
from tests.web.site import SIZES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
RUN = (
    "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
    ".map(v => [v.id, v.nodes.map(n => n.html.slice(0, 160))])"
)
PAGES = {
    "list": "/", "done": "/?view=done", "all": "/?view=all", "search": "/?q=priority%3E%3Dhigh",
    "wrong": "/?q=colour:red",
    "selecting": "/?select=1", "board": "/board/", "month": "/calendar/", "week": "/calendar/?week=",
    "trash": "/trash/",
    "task": "/tasks/{task}/", "profile": "/account/", "security": "/account/security/",
    "second-factor": "/account/security/second-factor/", "access": "/account/access/", "data": "/account/data/",
    "nowhere": "/nowhere/",
}  # fmt: skip
SIGNED_OUT = {
    "sign-in": "/login/", "sign-up": "/sign-up/", "forgotten": "/password/forgotten/", "deleted": "/account/deleted/",
}  # fmt: skip


@pytest.fixture
def full(alice, ctx):
    """Alice's workspace, full; the id of the task with everything in it."""
    from datetime import UTC, datetime, timedelta

    start = datetime.now(UTC) - timedelta(hours=3)
    return workspace.fill(ctx(alice), lambda number: ctx(alice, start + timedelta(minutes=number)))


def violations(page) -> list:
    page.evaluate(AXE.read_text())
    return page.evaluate(RUN)


def look(page, urls, **named) -> dict[str, list]:
    """Return what axe finds on each page, in both themes, after checking that both sizes fit."""
    found = {}
    for name, url in urls.items():
        page.goto(url.format(**named))
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found[f"{name}, {theme}"] = violations(page)
        for size in SIZES.values():
            page.set_viewport_size(size)
            no_sideways_scrolling(page)
    return {name: wrong for name, wrong in found.items() if wrong}


def test_it_works(visit, client_for, alice, full, site):
    page = visit()
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    assert look(page, PAGES, task=full) == {}


def test_the_style_guide(visit, settings):
    settings.DEBUG = True
    assert look(visit(), {"styleguide": "/styleguide/"}) == {}


def test_pages_for_the_signed_out(visit):
    assert look(visit(), SIGNED_OUT) == {}


def test_empty_pages_and_what_opens(visit, client_for, bob, site):
    page = visit()
    page.context.add_cookies([session_cookie(client_for(bob), site)])
    assert look(page, {"list": "/", "board": "/board/", "trash": "/trash/", "calendar": "/calendar/"}) == {}
    page.goto("/")
    page.keyboard.press("?")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#account summary").click()
    assert violations(page) == []


def test_the_question_whether_one_is_sure(visit, client_for, alice, full, site):
    page = visit("narrow")
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    page.goto("/trash/")
    for question in page.locator(".sure summary").all():
        question.click()
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            assert violations(page) == []
        no_sideways_scrolling(page)


@pytest.mark.parametrize("url", ["/", "/board/", "/calendar/", "/trash/", "/account/"])
def test_pages_read_from_right_to_left(visit, client_for, alice, full, site, url):
    page = visit("narrow")
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    page.goto(url)
    page.evaluate("document.documentElement.dir = 'rtl'")
    no_sideways_scrolling(page)
    page.set_viewport_size(SIZES["wide"])
    no_sideways_scrolling(page)
