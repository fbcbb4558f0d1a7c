"""The pages about a person and the workspace in Chromium: strict CSP, axe, wide and narrow, light and dark, German."""

import re
import urllib.request

import pytest
from playwright.sync_api import expect

from identity import workspace
from store.writing import remove
from tests.admin.test_journeys import SIZES, TOO_WIDE, enter
from tests.web.conftest import site
from tests.web.test_accessibility import AXE, COLOURS, RUN

__all__ = ["enter", "site"]
pytestmark = pytest.mark.browser
BANNER = "Maintenance tonight, from ten to eleven: nothing can be saved in that hour"

# Django's admin fades from one colour to another.
SETTLED = "document.getAnimations().every((one) => one.playState !== 'running')"


@pytest.fixture(autouse=True)
def clean(site, settings):
    """The workspace as it is at first, before and after a test; the site reads it with each request."""
    settings.WORKSPACE_SECONDS = 0
    remove(workspace.workspace_key())
    urllib.request.urlopen(f"{site}/admin/", timeout=300).close()  # the first request imports much
    yield
    remove(workspace.workspace_key())
    workspace.cached.clear()


def judge(page, name):
    """Return what axe says of a page in both themes, and whether it is too wide."""
    page.evaluate(AXE.read_text())
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.wait_for_function(SETTLED)
    found = {f"{name}, light": page.evaluate(RUN, {})}
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.wait_for_function(SETTLED)
    found[f"{name}, dark"] = page.evaluate(RUN, COLOURS)
    for size, shape in SIZES.items():
        page.set_viewport_size(shape)
        found[f"{name}, {size}"] = ["too wide"] if page.evaluate(TOO_WIDE) > 0 else []
    return {where: wrong for where, wrong in found.items() if wrong}


def announce(page):
    page.goto("/admin/announcements/")
    page.locator("#id_text").fill(BANNER)
    page.get_by_label("Address of a link").fill("/account/")
    page.get_by_label("Level").select_option("warning")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Announcements")).to_contain_text(BANNER)


@pytest.mark.long
def test_every_page_passes_axe_and_fits(enter, make_account, alice, known, add):
    known(alice)
    add("Pay rent")
    page = enter(make_account("Root", groups=("admins",)))
    announce(page)
    person = f"/admin/tasks/user/{alice.id}"
    page.goto("/admin/announcements/")
    changed = page.get_by_role("link", name=re.compile(BANNER)).get_attribute("href")
    wrong = {}
    for path in (
        *("/admin/", "/admin/workspace/", "/admin/announcements/", f"/admin/announcements/{changed}"),
        f"/admin/announcements/{changed}&remove=1",
        *(
            f"{person}/help/",
            f"{person}/help/?do=reset+password",
            f"{person}/data/",
            "/admin/tasks/user/invite/",
        ),
        *("/", "/account/data/", "/sign-up/"),
    ):
        assert page.goto(path).status == 200, path
        wrong |= judge(page, path)
    assert wrong == {}


def test_an_announcement_is_dismissed(enter, make_account):
    page = enter(make_account("Root", groups=("admins",)))
    announce(page)
    page.goto("/")
    banner = page.get_by_role("region", name="Announcements")
    expect(banner).to_contain_text(BANNER)
    banner.get_by_role("button", name="Dismiss").click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(banner).to_have_count(0)


def test_looking_as_a_person_on_a_phone(enter, make_account, alice, known, add):
    known(alice)
    add("Pay rent")
    page = enter(make_account("Root", groups=("admins",)), "narrow")
    page.goto(f"/admin/tasks/user/{alice.id}/help/")
    page.get_by_role("link", name="Look as this person").click()
    page.get_by_role("button", name="Look as this person").click()
    expect(page.get_by_text("Pay rent").first).to_be_visible()
    banner = page.get_by_role("region", name="Looking as somebody else")
    expect(banner).to_contain_text(alice.name)
    assert judge(page, "looking") == {}
    page.set_viewport_size(SIZES["narrow"])
    banner.get_by_role("button", name="End").click()
    expect(page).to_have_url(re.compile(f"/admin/tasks/user/{alice.id}/help/$"))


def test_a_file_is_made_by_itself(enter, make_account, alice, known, add):
    known(alice)
    add("Pay rent")
    page = enter(make_account("Root", groups=("admins",)))
    page.goto(f"/admin/tasks/user/{alice.id}/data/")
    page.get_by_role("button", name="Make the file").click()
    expect(page.get_by_role("button", name="Download")).to_be_visible()


def test_in_german(enter, make_account, alice, known):
    known(alice)
    page = enter(make_account("Root", groups=("admins",)))
    page.context.add_cookies([{"name": "language", "value": "de", "url": page.url}])
    for path, words in (
        (f"tasks/user/{alice.id}/merge/", "Kontos, das bleibt"),
        (f"tasks/user/{alice.id}/data/", "Datei erstellen"),
        ("workspace/", "Wer sich registrieren darf"),
        ("announcements/", "Etwas ankündigen"),
        (f"tasks/user/{alice.id}/help/", "Letzte Anmeldung im Browser"),
        ("tasks/user/invite/", "E-Mail-Adressen"),
    ):
        page.goto(f"/admin/{path}")
        expect(page.locator("#content")).to_contain_text(words)
        english = page.locator("#content").inner_text()
        assert not re.search(r"\b(the|with|and|nobody|everybody)\b", english), (path, english)
