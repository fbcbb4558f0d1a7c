"""A manager in a real Chromium: figures are drawn, follow the theme, and nothing breaks the page's rules."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from insights.periods import Period
from insights.questions import BY_SLUG, CHARTS
from tests.insights.lake import TODAY, Workspace
from tests.web.site import BROWSER_TIMEOUT_MS
from web import athena

pytestmark = pytest.mark.browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
]
PERIOD = Period(30, TODAY)
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
DRAWN = [question.slug for question in CHARTS if question.slug != "top-users"]
# The marks that prove that a figure of this kind was drawn.
MARKS = {
    "cycle-time": ".bars path",
    "retention": ".heatmaplayer image",
    "throughput": ".bars path",
    "cumulative-flow": ".scatterlayer .js-fill",
    "lead-time": ".bars path",
    "categories": ".bars path",
    "ageing": ".bars path",
    "activity": ".heatmaplayer image",
}


@pytest.fixture
def visit(chromium, site, client_for, charlie, settings):
    """Return a function that opens the site as a manager; afterwards nothing may have gone wrong or left it."""
    settings.INSIGHTS_PAGE_SECONDS = 30
    expect.set_options(
        timeout=30_000
    )  # a busy machine may take its time; what never comes fails all the same
    contexts, problems = [], []
    signed_in = client_for(charlie).cookies[settings.SESSION_COOKIE_NAME].value

    def open_site(size="wide", **options) -> Page:
        context = chromium.new_context(viewport=SIZES[size], base_url=site, **options)
        context.set_default_timeout(BROWSER_TIMEOUT_MS)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": signed_in, "url": site}])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"script: {error}"))
        page.on(
            "console", lambda message: message.type in {"error", "warning"} and problems.append(message.text)
        )
        page.on("request", lambda request: _is_ours(site, request.url) or problems.append(request.url))
        page.problems = problems
        return page

    yield open_site
    for context in contexts:
        context.close()
    assert problems == []


AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def violations(page: Page) -> list[str]:
    """What axe-core has against the page as it is now."""
    page.evaluate(AXE.read_text() + ";0")  # by the debugger's door, which the page's policy does not guard
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", list(RULES))["violations"]
    return [f"{v['id']}: {[node['target'] for node in v['nodes'][:3]]}" for v in found]


def _is_ours(site: str, url: str) -> bool:
    return url.startswith((f"{site}/", "data:", "blob:"))


def wait_for_figures(page: Page) -> None:
    for slug in DRAWN:
        expect(page.locator(f"#card-{slug} .chart")).to_have_attribute("data-drawn", "true")


def bar(page: Page):
    """A mark whose colour is a colour of the page."""
    return page.locator("#card-throughput .bars path").first


def token(page: Page, name: str) -> str:
    """A colour of the page as the browser computes it."""
    return page.evaluate(
        """name => {
          const probe = document.body.appendChild(document.createElement("i"));
          probe.style.color = `var(${name})`;
          const colour = getComputedStyle(probe).color;
          probe.remove();
          return colour;
        }""",
        name,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_figure_is_drawn_and_fits_its_card(visit, gold_lake, size, scheme):
    page = visit(size, color_scheme=scheme)
    page.goto("/insights/")
    wait_for_figures(page)
    for slug, marks in MARKS.items():
        assert page.locator(f"#card-{slug} {marks}").count() > 0, slug
    expect(bar(page)).to_have_css("fill", token(page, "--chart-1"))
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for slug in DRAWN:
        inside = page.locator(f"#card-{slug} .main-svg").first.bounding_box()
        around = page.locator(f"#card-{slug}").bounding_box()
        assert around["x"] <= inside["x"]
        assert inside["x"] + inside["width"] <= around["x"] + around["width"]
    assert violations(page) == []


@pytest.mark.long
def test_figures_follow_the_theme_while_the_page_is_open(visit, gold_lake):
    page = visit(color_scheme="light")
    page.goto("/insights/")
    wait_for_figures(page)
    light = token(page, "--chart-1")
    expect(bar(page)).to_have_css("fill", light)
    page.emulate_media(color_scheme="dark")
    dark = token(page, "--chart-1")
    expect(bar(page)).to_have_css("fill", dark)
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    expect(bar(page)).to_have_css("fill", light)
    assert light != dark


@pytest.mark.long
def test_drawing_moves_nothing(visit, gold_lake):
    """The place of every card is the same before and after Plotly has arrived."""
    page = visit()
    page.route(
        "**/plotly-cartesian*.js", lambda route: route.fulfill(content_type="text/javascript", body="")
    )
    page.goto("/insights/")
    places = "[...document.querySelectorAll('.insight')].map(card => [card.offsetTop, card.offsetHeight])"
    before = page.evaluate(places)
    assert page.locator("[data-drawn]").count() == 0
    expect(page.get_by_text("cannot be drawn here")).to_have_count(len(DRAWN))
    page.problems.clear()  # without Plotly the page says that it cannot draw
    page.unroute("**/plotly-cartesian*.js")
    page.reload()
    wait_for_figures(page)
    assert page.evaluate(places) == before


def test_without_scripts_words_and_tables_remain(visit, gold_lake):
    page = visit(java_script_enabled=False)
    page.goto("/insights/")
    expect(page.locator("#card-throughput .chart")).to_be_hidden()
    page.locator("#card-throughput summary", has_text="Data").click()
    expect(page.locator("#card-throughput tbody tr").first).to_be_visible()
    page.get_by_role("button", name="90 days").click()
    expect(page).to_have_url("/insights/?days=90")
    assert page.locator("#card-throughput tbody tr").count() == 90


def test_definitions_are_one_click_away(visit, gold_lake):
    page = visit()
    page.goto("/insights/")
    for question in CHARTS:
        card = page.locator(f"#card-{question.slug}")
        card.locator("summary", has_text="Definition").click()
        expect(card.get_by_text(str(question.definition))).to_be_visible()


def test_pointing_at_a_day_shows_its_numbers(visit, gold_lake):
    page = visit()
    page.goto("/insights/")
    wait_for_figures(page)
    box = page.locator("#card-throughput .chart").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    hover = page.locator("#card-throughput .hoverlayer")
    expect(hover).to_contain_text("Completed")
    expect(hover).to_contain_text("2026")


@pytest.mark.long
def test_a_failed_card_is_tried_again_by_itself(visit, fresh_lake, monkeypatch):
    original, wanted = athena.run, BY_SLUG["ageing"].sql

    def run(sql, values=(), timeout=20):
        if sql == wanted:
            raise athena.AthenaError("not now", "query-1")
        return original(sql, values, timeout)

    monkeypatch.setattr(athena, "run", run)
    page = visit()
    page.goto("/insights/")
    wait = page.locator("#card-ageing")
    expect(wait).to_contain_text("This could not be loaded")
    page.evaluate("window.stillHere = true")
    monkeypatch.setattr(athena, "run", original)
    wait.get_by_role("link", name="Try again").click()
    wait_for_figures(page)
    assert page.evaluate("window.stillHere")


def test_a_card_that_was_not_ready_loads_by_itself(visit, fresh_lake, settings):
    page = visit()
    settings.INSIGHTS_PAGE_SECONDS = 0
    page.goto("/insights/?days=90")
    wait_for_figures(page)
    expect(page.locator(".tile").first).to_be_visible()
    expect(page.locator("[data-pending]")).to_have_count(0)


@pytest.mark.parametrize(
    ("size", "scheme"), [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
)
def test_a_managers_journey(visit, client_for, make_account, settings, gold_lake, size, scheme):
    """Filter, compare, drill through, export, and share the URL with another manager."""
    page = visit(size, color_scheme=scheme, accept_downloads=True)
    page.goto("/insights/")
    wait_for_figures(page)
    page.get_by_label("Category").select_option("Support")
    expect(page).to_have_url("/insights/?days=30&category=Support")
    expect(page.locator("#card-throughput .insight-finding")).to_contain_text("against the 30 days before")
    page.get_by_label("Compare").uncheck()
    expect(page).to_have_url("/insights/?days=30&category=Support&compare=no")
    expect(page.locator(".insight-finding")).to_have_count(0)
    wait_for_figures(page)
    shared = page.url

    with page.expect_download() as download:
        page.get_by_role("link", name="Created and completed as CSV").click()
    assert download.value.suggested_filename == "throughput-30-days.csv"
    assert len(Path(download.value.path()).read_text().splitlines()) == 31
    with page.expect_download() as download:
        page.get_by_role("button", name="Created and completed as SVG").click()
    assert download.value.suggested_filename == "throughput.svg"
    drawn = Path(download.value.path()).read_text()
    assert drawn.startswith("<svg")
    assert "<path" in drawn

    bars = page.locator("#card-ageing .bars .point path")
    overdue = page.locator("#card-ageing .facts dd").nth(1).inner_text()
    assert int(overdue) > 0
    tallest = max(range(bars.count()), key=lambda n: bars.nth(n).bounding_box()["height"])
    bars.nth(tallest).click(force=True)
    expect(page.get_by_role("heading", level=1)).to_contain_text("at the end of 22 Nov 2026")
    expect(page.locator(".drill-down-filters")).to_have_text("Category: Support")
    assert page.locator(".drill-down tbody tr").count() > 0
    assert violations(page) == []
    page.get_by_role("link", name="Back to Insights").click()
    wait_for_figures(page)

    other = client_for(make_account("Dana", groups=("managers",)))
    answer = other.get(shared.removeprefix(page.evaluate("location.origin")))
    assert '<option value="Support" selected>' in answer.content.decode()


def test_ones_own_page(visit, lake, workspace, charlie):
    tasks = [replace(task, user_id=charlie.id) for task in workspace.tasks if task.user_id == "user-07"]
    lake.publish(Workspace(tasks, {charlie.id: charlie.name}))
    page = visit("narrow", color_scheme="dark")
    page.goto("/insights/me/")
    expect(page.locator("#card-weeks .chart")).to_have_attribute("data-drawn", "true")
    page.get_by_label("Tasks a week").fill("9")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".goal")).to_contain_text("of 9 tasks this week")
    expect(page.locator("#card-streaks")).to_contain_text("Longest streak")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert violations(page) == []


def test_who_is_no_manager_is_told_why(visit, client_for, alice, settings, gold_lake):
    page = visit()
    signed_in = client_for(alice).cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": signed_in, "domain": "127.0.0.1", "path": "/"}]
    )
    answer = page.goto("/insights/")
    assert answer
    assert answer.status == 403
    expect(page.locator("main")).to_contain_text("Everybody's figures are for managers")
    assert violations(page) == []
    page.problems.clear()  # the browser notes the 403


@pytest.mark.long
def test_on_paper_there_are_no_controls(visit, gold_lake):
    page = visit()
    page.goto("/insights/")
    wait_for_figures(page)
    page.emulate_media(media="print")
    for control in (".header", ".filters", ".range", ".insight-files"):
        expect(page.locator(control).first).to_be_hidden()
    expect(page.locator("#card-throughput .main-svg").first).to_be_visible()
    expect(page.locator(".freshness")).to_be_visible()


OVERLAPPING = """() => [...document.querySelectorAll(".chart")].flatMap(chart =>
  [".xtick text", ".ytick text"].flatMap(axis => {
    const boxes = [...chart.querySelectorAll(axis)].map(label => label.getBoundingClientRect());
    const before = (a, b) => a.right <= b.left + 1 || a.bottom <= b.top + 2;
    const apart = (a, b) => before(a, b) || before(b, a);
    return boxes.flatMap((a, n) => boxes.slice(n + 1).filter(b => !apart(a, b)).map(() => chart.dataset.figure + axis));
  }))"""


@pytest.mark.long
@pytest.mark.sliced
@pytest.mark.parametrize(("people", "number"), [(1, 3), (400, 16_000)])
def test_tiny_and_large_workspaces_draw_sensibly(visit, lake, workspace, people, number):
    """One user with three tasks; and many people, each with a category of their own."""
    some = [task for task in workspace.tasks if task.completed and task.completed.date() >= PERIOD.start]
    tasks = [
        replace(t, id=f"t{n}", user_id=f"user-{n % people}", category=f"Category number {n % people}")
        for n, t in zip(range(number), cycle(some), strict=False)
    ]
    lake.publish(Workspace(tasks, {f"user-{n}": f"Person {n}" for n in range(people)}))
    page = visit("narrow")
    page.goto("/insights/")
    expect(page.locator("#card-retention .chart, #card-retention .insight-table").first).to_be_visible()
    expect(page.locator("[data-figure]:not([data-drawn])")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.evaluate(OVERLAPPING) == []
    labels = page.locator("#card-categories .ytick text")
    assert labels.count() == min(people, 9)
    if people > 1:
        expect(labels.filter(has_text="others")).to_have_text(f"{people - 8} others")
        expect(page.locator("#card-categories .xtick text").filter(has_text="10k")).to_have_count(1)
        expect(page.locator("#card-top-users tbody tr").last).to_contain_text(f"{people - 10} others")


def test_an_empty_workspace_says_what_to_do(visit, lake):
    lake.publish(Workspace([]))
    page = visit("narrow", color_scheme="dark")
    page.goto("/insights/")
    expect(page.get_by_role("heading", name="Nothing to draw yet")).to_be_visible()
    expect(page.get_by_role("link", name="Go to the tasks")).to_be_visible()
    assert violations(page) == []
