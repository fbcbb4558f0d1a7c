"""The sheet of keys lists what there is, and the keys of the trash and of one task work."""

import html
import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.web.conftest import read, ready, session_cookie

ALIASES = {
    "a",
    "o",
    "Delete",
    "k",
    "]",
    "l",
    "2",
    "3",
    "4",
}  # another key's, or named together with their neighbour


def test_the_sheet_lists_every_key_of_the_script(browser, pytestconfig):
    script = (pytestconfig.rootpath / "static/js/keys.js").read_text(encoding="utf-8")
    body = re.search(r"const KEYS = \{(.*?)\n  \};", script, re.DOTALL)[1]
    keys = set(re.findall(r'^    "?([^\s":]+)"?:', body, re.MULTILINE))
    assert {"n", "/", "[", "?", "g"} <= keys
    sheet = browser.get("/").content.decode().partition('id="keys"')[2]
    shown = {key.lower() for key in re.findall(r"<kbd>([^<]+)</kbd>", sheet)}
    assert {key for key in keys - ALIASES if key.lower() not in shown} == set()
    places = re.search(r"const places = \{(.*?)\}", script)[1]
    assert {key for key in re.findall(r"(\w): ", places) if key not in shown} == set()


@pytest.mark.parametrize("language", ["en", "de"])
def test_what_the_sheet_says_of_lines_and_searches_is_so(browser, language):
    browser.cookies["language"] = language
    sheet = browser.get("/").content.decode().partition('id="keys"')[2]
    examples = [html.unescape(text) for text in re.findall(r"<code>([^<]+)</code>", sheet)]
    assert len(examples) == 10
    for line in examples[:5]:
        (part,) = browser.get("/tasks/parse/", {"line": f"Rent {line}"}).json()["parts"]
        assert part["text"] == line
    for text in examples[5:]:
        assert "q-error" not in browser.get("/", {"q": text}).content.decode()


def test_everybody_gets_to_their_insights(browser):
    assert "/insights/me/" in read(browser.get("/")).attributes("data-insights")


@pytest.mark.browser
def test_keys_of_the_trash_and_of_one_task(visit, client_for, alice, site, browser, add, stored, today):
    kept, gone = add("Come back", due_date=str(today + timedelta(days=1))), add("Go away")
    for task in (kept, gone):
        browser.post(f"/tasks/{task.id}/delete/")
    page = visit()
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    page.goto("/trash/")
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("#")
    expect(page.get_by_text("This task is deleted for ever.").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".trashed .task-title")).to_have_text(["Come back"])
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    page.goto(f"/tasks/{kept.id}/")
    page.wait_for_load_state()
    page.keyboard.press("d")
    expect(page.locator(".toast")).to_contain_text("This is a copy of “Come back”")
    page.keyboard.press("#")
    expect(page.locator(".toast")).to_contain_text("Deleted “Come back”")
    page.goto("/calendar/")
    page.keyboard.press("w")
    expect(page.locator("table.calendar-week")).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator("td.today")).to_have_count(0)
    page.keyboard.press("t")
    expect(page.locator("td.today")).to_have_count(1)
    add("Read")
    page.keyboard.press("g")
    page.keyboard.press("t")
    ready(page, "Tasks")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="Changed 1 task")).to_be_visible()
