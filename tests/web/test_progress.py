"""What takes long says so while it lasts, and cannot be sent twice meanwhile."""

import base64
import csv
import random
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tasks.transfer import export_jobs, exporting, import_jobs, importing
from tests.web.conftest import no_sideways_scrolling, session_cookie

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def small_steps(monkeypatch):
    """Make the steps of an import two rows long."""
    real = importing.import_part
    monkeypatch.setattr(
        importing, "import_part", lambda ctx, file, key, done, most: real(ctx, file, key, done, 2)
    )


WATCH = """() => {
  window.seen = [];
  new MutationObserver(() => {
    const bar = document.querySelector('progress.bar');
    if (bar) window.seen.push(`${bar.value} of ${bar.max}`);
    const form = document.querySelector('form[aria-busy=true]');
    if (form) window.busy = form.querySelector('[role=status]').textContent;
    if (form) window.disabled = [...form.querySelectorAll('button')].every((button) => button.disabled);
  }).observe(document.body, { childList: true, subtree: true, attributes: true });
}"""


@pytest.mark.parametrize(("size", "script"), [("wide", True), ("narrow", True), ("narrow", False)])
def test_an_import_reports_its_progress(open_as, alice, small_steps, size, script):
    page = open_as(alice, "/account/data/", size, java_script_enabled=script)
    content = "title\n" + "".join(f"Task {number}\n" for number in range(5))
    page.get_by_label("File").set_input_files(
        {"name": "t.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    if script:
        page.evaluate(WATCH)
    page.get_by_role("button", name="Import", exact=True).click()
    if not script:
        for done in (2, 4):
            expect(page.get_by_text(f"{done} of 5 rows are done.")).to_be_visible()
            no_sideways_scrolling(page)
            page.get_by_role("button", name="Go on").click()
    expect(page.locator(".toast")).to_contain_text("Imported 5 tasks")
    expect(page.get_by_text("5 rows: 5 new")).to_be_visible()
    if script:
        assert list(dict.fromkeys(page.evaluate("window.seen"))) == ["2 of 5", "4 of 5"]
        assert page.evaluate("window.busy").startswith("Importing.")
        assert page.evaluate("window.disabled")
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_enabled()
    page.get_by_role("link", name="Tasks").click()
    expect(page.locator(".task-title")).to_have_text([f"Task {number}" for number in range(5)])


PIECES = """() => {
  window.seen = [];
  const look = () => {
    const bar = document.querySelector('.busy-note progress');
    if (bar?.hasAttribute('value')) window.seen.push(bar.value);
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true });
}"""


def test_a_large_file_is_sent_in_pieces(open_as, alice, monkeypatch):
    """What the export wrote, whatever its size, goes up as it is: one file down, the same file up."""
    monkeypatch.setattr(import_jobs, "PIECE", 40_000)
    page = open_as(alice, "/account/data/")
    rows = [f"Task {number},{'x' * 9000},{'hgih' if number == 3 else ''}\n" for number in range(12)]
    content = "title,description,priority\n" + "".join(rows)
    upload = {"name": "t.csv", "mimeType": "text/csv", "buffer": content.encode()}
    for button, says in (
        ("Only try it out", "Only tried out, nothing was changed."),
        ("Import", "12 rows: 12 new, 0 there already, 0 not usable. 1 row has a remark."),
    ):
        page.get_by_label("File").set_input_files(upload)
        page.evaluate(PIECES)
        page.get_by_role("button", name=button, exact=True).click()
        expect(page.get_by_role("status").filter(has_text=says)).to_be_visible()
        assert len(set(page.evaluate("window.seen"))) >= 3
        expect(page.get_by_text("Row 5: priority:")).to_be_visible()
        no_sideways_scrolling(page)
        page.get_by_role("link", name="Back").click()
    page.get_by_role("link", name="Tasks").click()
    expect(page.locator(".task-title")).to_have_text([f"Task {number}" for number in range(12)])


def test_an_export_is_announced(visit, client_for, alice, site, add):
    add("Pay rent")
    page = visit()
    page.context.add_cookies([session_cookie(client_for(alice), site)])
    page.goto("/account/data/")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    assert waiting.value.suggested_filename.endswith(".csv")
    expect(page.locator(".toast")).to_contain_text("on its way")


@pytest.fixture
def large_tasks(monkeypatch):
    """Let two tasks of an export be as long as S3 wants a part to be, and a step end after them.

    The text hardly compresses, so that no answer holds five tasks.
    """
    text = base64.b64encode(random.Random(1).randbytes(2_000_000)).decode()
    monkeypatch.setattr(exporting, "PAGE", 2)
    monkeypatch.setattr(export_jobs, "PART_BYTES", 1)
    real = exporting.row
    monkeypatch.setattr(exporting, "row", lambda task: real(task) | {"description": text})


SAID = """() => {
  window.seen = [];
  new MutationObserver(() => {
    const text = document.querySelector('form[data-goes-on] [role=status]')?.textContent.trim();
    if (text) window.seen.push(text);
  }).observe(document.documentElement, { childList: true, subtree: true });
}"""


@pytest.mark.parametrize(("size", "script"), [("wide", True), ("narrow", True), ("narrow", False)])
def test_a_large_export_is_made_in_steps_and_fetched_from_s3(
    open_as, alice, add, large_tasks, size, script, tmp_path
):
    titles = [add(f"Task {number}").title for number in range(5)]
    page = open_as(alice, "/account/data/", size, java_script_enabled=script)
    if script:
        page.add_init_script(f"document.addEventListener('DOMContentLoaded', {SAID})")
    page.get_by_role("link", name="CSV").click()
    if not script:
        expect(page.get_by_text("the file is made step by step")).to_be_visible()
        for done in (2, 4):
            page.get_by_role("button", name="Go on").click()
            expect(page.get_by_text(f"{done} tasks so far")).to_be_visible()
            no_sideways_scrolling(page)
        page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("The file is ready: 5 tasks, 12.7")).to_be_visible()
    no_sideways_scrolling(page)
    if script:
        said = [text.split(",")[0] for text in dict.fromkeys(page.evaluate("window.seen"))]
        assert said[-2:] == ["2 tasks so far", "4 tasks so far"]
    _downloads(page, titles, tmp_path)
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text("CSV, 5 tasks, 12.7")).to_be_visible()
    no_sideways_scrolling(page)
    _downloads(page, titles, tmp_path)


def _downloads(page, titles, folder):
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename.endswith(".csv")
    path = folder / "exported.csv"
    waiting.value.save_as(path)
    csv.field_size_limit(10_000_000)
    with Path(path).open(newline="") as file:
        assert [row["title"] for row in csv.DictReader(file)] == titles[::-1]
