"""Pages of lists show fewer rows where an answer cannot hold as many: nothing is lost or doubled"""

import json
import random
import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse

from identity import browsers
from tasks import fields, services
from tests.web.conftest import HTMX
from tests.web.proxy import document
from web import answers

FILLINGS = {
    "quotation marks": lambda length, seed: '"' * length,
    "emoji": lambda length, seed: "😀" * length,
    "what does not compress": lambda length, seed: "".join(
        chr(point) for point in random.Random(seed).sample(range(0x20000, 0x2A000), length)
    ),
}
BUDGET = 150_000  # of a page that is 30 KB without rows; a row here is up to 15 KB
ID = re.compile(r'<li[^>]* id="[a-z]-([0-9a-f-]{36})"')


def filled(kind, number, **more):
    """Return the fields of a task whose row is as long as a row may be."""
    text = FILLINGS[kind]
    tags = [f"{place:02}{text(fields.TAG_MAX - 2, f'{number} {place}')}" for place in range(fields.TAGS_MAX)]
    return {
        "title": text(fields.TITLE_MAX, number),
        "category": text(fields.CATEGORY_MAX, number),
        "tags": tags,
        "priority": "urgent",
        **more,
    }


@pytest.fixture(params=FILLINGS)
def make(request, alice, ctx):
    """Return a function that gives Alice a number of tasks with long rows, and a short one; and returns their ids."""

    def run(count, **given):
        long = [filled(request.param, number, **given) for number in range(count)]
        return [services.create_task(ctx(alice), one).task.id for one in (*long, {"title": "short", **given})]

    return run


def walked(browser, address, following, **options):
    """Return the ids on each page of a list, from its first page to its last."""
    pages = []
    while address:
        answer = browser.get(address, **options)
        assert answer.status_code == 200
        text = answer.content.decode()
        pages.append(ID.findall(text))
        if len(pages[-1]) > 1:
            assert answers.cost(answer.content) <= answers.BUDGET
        found = following.search(text)
        address = found and unescape(found[1])
        if address and address.startswith("?"):
            address = answer.wsgi_request.path + address
    return pages


def same(browser, monkeypatch, address, following, **options):
    """Return the pages of a list within the small budget, after comparing them with those within the real one."""
    whole = [task for page in walked(browser, address, following, **options) for task in page]
    monkeypatch.setattr(answers, "BUDGET", BUDGET)
    pages = walked(browser, address, following, **options)
    assert [task for page in pages for task in page] == whole
    return pages


MORE = re.compile(r'id="more">\s*<a class="button" href="([^"]+)"')


@pytest.mark.sliced
@pytest.mark.parametrize(
    ("address", "given"),
    [
        ("/", {"due_date": "2026-12-01"}),
        ("/", {}),
        ("/?view=done", {"status": "completed"}),
        ("/?view=all", {}),
        ("/?q=is:open", {}),
    ],
)
def test_a_list_shows_fewer_rows(browser, make, monkeypatch, address, given):
    made = make(24, **given)
    pages = same(browser, monkeypatch, address, MORE)
    assert sorted(task for page in pages for task in page) == sorted(made)
    assert len(pages) > 2


@pytest.mark.sliced
def test_rows_that_htmx_adds_are_fewer_too(browser, make, monkeypatch):
    make(74)
    following = MORE.search(browser.get("/").content.decode())
    monkeypatch.setattr(answers, "BUDGET", BUDGET)
    answer = browser.get(unescape(following[1]), headers=HTMX)
    assert "<html" not in answer.content.decode()
    assert 1 < len(ID.findall(answer.content.decode())) < 25
    assert answers.cost(answer.content) <= BUDGET
    assert MORE.search(answer.content.decode())


@pytest.mark.sliced
def test_a_board_shows_fewer_cards(browser, make, monkeypatch):
    made = [make(20, status=status) for status in ("pending", "in_progress", "completed")]
    for status, ids in zip(("pending", "in_progress", "completed"), made, strict=True):
        column = re.compile(rf'<a class="button" href="(\?from-{status}=[^"]+)"')
        monkeypatch.setattr(answers, "BUDGET", BUDGET)
        pages = walked(browser, "/board/", column)
        assert [task for page in pages for task in page if task in ids] == ids[::-1]
        assert len(pages) > 2


@pytest.mark.sliced
def test_a_trash_shows_fewer_rows(browser, make, monkeypatch, alice, ctx):
    made = make(49)
    for task in made:
        services.delete_task(ctx(alice), task)
    pages = same(
        browser,
        monkeypatch,
        "/trash/",
        re.compile(r'<p class="more no-print"><a class="button" href="([^"]+)"'),
    )
    assert sorted(task for page in pages for task in page) == sorted(made)
    assert len(pages) > 1


@pytest.mark.sliced
def test_a_day_of_the_calendar_shows_fewer_tasks_and_the_number_of_the_others(browser, make, monkeypatch):
    make(49, due_date="2026-12-01")
    text = browser.get("/calendar/?week=2026-12-01").content.decode()
    assert (len(ID.findall(text)), 'class="rest"' in text) == (50, False)
    monkeypatch.setattr(answers, "BUDGET", 70_000)
    answer = browser.get("/calendar/?week=2026-12-01")
    shown = len(ID.findall(answer.content.decode()))
    assert 1 < shown < 50
    assert f"{50 - shown} more" in answer.content.decode()
    assert answers.cost(answer.content) <= 70_000


def test_a_page_that_fits_is_built_once():
    built = []
    assert answers.fit_page(lambda rows: built.append(rows) or _page(rows), 50).content == b"x" * 50
    assert built == [50]


def test_a_single_row_is_shown_however_long_it_is(monkeypatch):
    monkeypatch.setattr(answers, "BUDGET", 10)
    assert answers.fit_page(lambda rows: _page(20 * rows), 50).content == b"x" * 20


def _page(size):
    return HttpResponse(b"x" * size)


def test_sessions_are_shown_as_far_as_they_fit(browser, monkeypatch):
    """A program that signs in for each of its runs"""
    since = datetime.now(UTC)
    one = browsers.SignedIn(id="f" * 64, browser="Another program", since=since, current=False)
    monkeypatch.setattr(browsers, "signed_in", lambda *_: [one] * 12_000)
    answer = browser.get("/account/security/", headers={"accept-encoding": ""})
    shown = answer.content.count(b"Another program</strong>")
    assert (answer.status_code, len(document(answer)) < answers.MOST_BYTES) == (200, True)
    assert 4000 < shown < 12_000
    assert f"… and {12_000 - shown} more" in answer.content.decode()


def test_remarks_about_an_import_are_shown_as_far_as_they_fit(browser, monkeypatch):
    monkeypatch.setattr(answers, "BUDGET", 200_000)
    row = {"title": "t", "checklist": [{"\u0027" * 80: 1}] * 11}
    file = SimpleUploadedFile("t.json", json.dumps([row] * 1000, separators=(",", ":")).encode())
    answer = browser.post("/account/data/", {"file": file, "dry_run": "1"}, headers={"accept-encoding": ""})
    page = answer.content.decode()
    assert (answer.status_code, len(document(answer)) < 200_000) == (200, True)
    shown = page.count("<li>Row ")
    assert shown > 100
    assert f"… and {1000 - shown} more" in page
    assert "1000 rows: 1000 new" in page
