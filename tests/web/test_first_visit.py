"""A first visit of the task page: its weight, its hosts, its policy, and that nothing moves. And 2,000 tasks."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tasks import write_plans
from tasks.items import TaskItem
from tests.web.conftest import no_sideways_scrolling, row, session_cookie
from tests.web.site import SIZES

pytestmark = pytest.mark.browser
BUDGET = 60 * 1024
MOST_NODES = 4000
WATCH = """
window.shift = 0;
new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.shift += entry.value; }))
  .observe({type: 'layout-shift', buffered: true});
"""


@pytest.fixture
def fifty(add, today):
    """Give Alice fifty tasks of a usual size."""
    for number in range(50):
        add(
            f"Task {number} with a title of a usual length",
            category=f"Category {number % 7}",
            due_date=str(today + timedelta(days=number - 10)) if number % 3 else None,
            priority=("low", "medium", "high", "urgent")[number % 4],
            tags=["one", "two"][: number % 3],
        )


@pytest.mark.parametrize("size", SIZES)
def test_fifty_tasks_load_within_the_budget_and_nothing_moves(visit, client_for, alice, site, fifty, size):
    page = visit(size)
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    page.add_init_script(WATCH)
    requests = {}
    page.on("requestfinished", lambda request: requests.update({request.url: request}))
    page.goto("/", wait_until="networkidle")
    expect(page.locator(".task")).to_have_count(50)
    assert page.evaluate("window.shift") == 0

    sent = {url: _received(request.sizes()) for url, request in requests.items()}
    assert {urlsplit(url).netloc for url in sent} == {urlsplit(site).netloc}
    assert any("htmx" in url for url in sent)
    assert sum(sent.values()) <= BUDGET, sent


def _received(sizes) -> int:
    return sizes["responseBodySize"] + sizes["responseHeadersSize"]


def test_the_policy_stops_what_is_not_ours(chromium, client_for, alice, site):
    context = chromium.new_context(base_url=site)
    context.add_cookies([session_cookie(client_for(alice), site)])
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    policy = page.goto("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.evil = 1";
        document.body.append(script);
        const html = "<img src=x onerror='window.evil = 2'><p style='color: red'>x</p>";
        document.body.insertAdjacentHTML("beforeend", html);
    }""")
    assert page.evaluate("window.evil") is None
    assert sum("Content Security Policy" in text for text in said) >= 2
    context.close()


@pytest.fixture
def two_thousand(alice, ctx, today):
    """Give Alice 2,000 tasks, as quickly as the table takes them."""
    with TaskItem.batch_write() as batch:
        for number in range(2000):
            due = str(today + timedelta(days=number % 60 - 10)) if number % 3 else None
            batch.save(
                write_plans.create_task(ctx(alice), {"title": f"Task {number:04}", "due_date": due}).result
            )


@pytest.mark.long
def test_two_thousand_tasks_stay_smooth(open_as, alice, two_thousand):
    page = open_as(alice)
    for url in ("/?view=all", "/board/", "/calendar/", "/calendar/?week=", "/?q=task", "/"):
        page.goto(url)
        assert page.locator("*").count() < MOST_NODES, url
    page.get_by_label("New task").fill("One more")
    page.keyboard.press("Enter")
    expect(row(page, "One more")).to_be_visible()
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".task")).to_have_count(101)
    page.get_by_role("button", name="Complete “One more”").click()
    expect(page.locator(".task.closed")).to_contain_text("One more")
    page.get_by_role("searchbox").fill("Task 0061")
    expect(page.locator(".task")).to_have_count(1)
    page.set_viewport_size(SIZES["narrow"])
    no_sideways_scrolling(page)
