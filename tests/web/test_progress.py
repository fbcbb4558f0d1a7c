"""What takes long says so while it lasts, and cannot be sent twice meanwhile."""

import pytest
from playwright.sync_api import expect

from tests.web.conftest import session_cookie

pytestmark = [pytest.mark.browser, pytest.mark.slow]


# Playwright asks nothing of a page that is being left, so the page writes down what it shows meanwhile.
WATCH = """() => document.addEventListener('submit', () => setTimeout(() => {
  const form = document.querySelector('form[aria-busy=true]');
  sessionStorage.said = form.querySelector('[role=status] progress') && form.querySelector('[role=status]').textContent;
  sessionStorage.disabled = [...form.querySelectorAll('button')].every((button) => button.disabled);
}, 0))"""


def test_it_works(visit, client_for, alice, site):
    page = visit()
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    page.goto("/account/data/")
    page.get_by_label("File").set_input_files(
        {"name": "t.csv", "mimeType": "text/csv", "buffer": b"title\nPay rent\n"}
    )
    page.evaluate(WATCH)
    page.get_by_role("button", name="Import").click()
    expect(page.locator(".toast")).to_contain_text("Imported 1 task")
    assert page.evaluate("sessionStorage.said").startswith("Importing.")
    assert page.evaluate("sessionStorage.disabled") == "true"
    expect(page.get_by_role("button", name="Import")).to_be_enabled()


def test_an_export_is_announced(visit, client_for, alice, site, add):
    add("Pay rent")
    page = visit()
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    page.goto("/account/data/")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    assert waiting.value.suggested_filename.endswith(".csv")
    expect(page.locator(".toast")).to_contain_text("on its way")
