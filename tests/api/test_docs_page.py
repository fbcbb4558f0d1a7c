"""/api/docs: works offline, under the strict content security policy, and tries calls with a token"""

import re

import pytest

from tests.api.client import TASKS
from tests.web.site import serving


@pytest.fixture
def page(chromium):
    """A page of a real browser, and what went wrong in it: errors, and requests to other hosts."""
    page = chromium.new_page()
    trouble = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda said: trouble.append(said.text) if said.type == "error" else None)
    page.on("requestfailed", lambda request: trouble.append(request.url))
    yield page, trouble
    page.close()


@pytest.mark.browser
def test_an_operation_can_be_tried_with_a_token(page, alice, token_for, as_alice):
    page, trouble = page
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    with serving() as address:
        answer = page.goto(f"{address}/api/docs")
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        page.get_by_role("button", name="Authorize").first.click()
        page.get_by_label("auth-bearer-value").fill(token_for(alice))
        page.get_by_label("Apply credentials").first.click()
        page.get_by_role("button", name="Close").first.click()
        page.locator("#operations-tasks-create_task button.opblock-summary-control").click()
        page.get_by_role("button", name="Try it out").click()
        page.locator("#operations-tasks-create_task textarea").first.fill('{"title": "From the docs"}')
        page.locator("#operations-tasks-create_task button.execute").click()
        page.locator("#operations-tasks-create_task .live-responses-table .response-col_status").get_by_text(
            "201"
        ).wait_for()
    assert [task["title"] for task in as_alice("GET", TASKS).json()] == ["From the docs"]
    assert trouble == []
    assert {request.partition("/api")[0].partition("/static")[0] for request in requests} <= {address}


def test_files_are_kept_for_ever(client):
    page = client.get("/api/docs").content.decode()
    (script,) = re.findall(r'src="(/api/docs/[^"]+)"', page)
    answer = client.get(script)
    assert answer["Content-Encoding"] == "gzip"
    assert "immutable" in answer["Cache-Control"]
    assert client.get(script.replace("/docs/", "/docs/x")).status_code == 404
    assert "<script>" not in page
    assert "style=" not in page
