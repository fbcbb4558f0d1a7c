"""More than anybody needs: each refusal says what was measured and what would pass, in the words of API and pages"""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from identity import sessions
from store.cursors import MAX_LENGTH
from tasks.views import undo
from tests.api.client import TASKS, Api, assert_problem
from tests.web.conftest import HTMX
from web import markdown

PAGE_CODES = {413, 414, 422}


@pytest.fixture
def as_alice(api, alice):
    return Api(api(alice))


# --- Bodies, addresses, forms ---


def test_a_body_is_measured_before_it_is_read(as_alice, browser):
    most = 1024 * 1024
    said = f"The request has {most + 1} bytes, and at most {most} are accepted."
    answer = as_alice.client.generic("POST", TASKS, b"x" * (most + 1), "application/json")
    assert assert_problem(answer, 413)["detail"] == said
    page = browser.post("/tasks/", b"x" * (most + 1), "application/x-www-form-urlencoded")
    assert (page.status_code, said in page.content.decode()) == (413, True)


def test_an_address_has_so_many_parameters(as_alice, browser):
    query = "q=" + "x" * (32 * 1024 - 1)
    said = "The address has 32769 bytes of parameters, and at most 32768 are accepted."
    assert assert_problem(as_alice("GET", f"{TASKS}?{query}"), 414)["detail"] == said
    page = browser.get(f"/?{query}")
    assert (page.status_code, said in page.content.decode()) == (414, True)
    assert browser.get(f"/?{query[:-1]}").status_code == 200


def test_a_form_has_so_many_fields_and_files(browser):
    many = browser.post("/tasks/bulk/", {"ids": [str(n) for n in range(201)]})
    assert many.status_code == 413
    assert "The request has more than 200 fields or parameters. Send fewer." in many.content.decode()
    files = [SimpleUploadedFile(f"{n}.csv", b"title\nx\n", "text/csv") for n in range(2)]
    two = browser.post("/account/data/", {"file": files})
    assert two.status_code == 413
    assert "The request has more than 1 files. Send fewer." in two.content.decode()


def test_such_words_are_in_the_language_of_their_reader(browser, as_alice):
    query = "x" * (32 * 1024 + 1)
    german = browser.get(f"/?{query}", headers={"accept-language": "de"})
    assert "Die Adresse hat 32769 Bytes" in german.content.decode()
    english = as_alice("GET", f"{TASKS}?{query}", Accept_Language="de")
    assert assert_problem(english, 414)["detail"].startswith("The address has 32769 bytes")


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (
            {"title": "x", "tags": [[]] * 20_000},
            413,
            "The body has 20003 values, and at most 20000 are accepted. Send fewer at a time.",
        ),
        (
            '{"title":' + "[" * 32 + "]" * 32 + "}",
            422,
            "The body is nested too deeply: it has more than 32 levels, and at most 32 are accepted.",
        ),
        (
            '{"title":' + "[" * 5000 + "]" * 5000 + "}",
            422,
            "The body is nested too deeply: it has far more levels, and at most 32 are accepted.",
        ),
    ],
)
def test_a_body_has_so_many_values_and_levels(as_alice, body, status, detail):
    content = body if isinstance(body, str) else json.dumps(body)
    answer = as_alice.client.generic("POST", TASKS, content.encode(), "application/json")
    assert assert_problem(answer, status)["detail"] == detail


def test_commas_in_texts_are_no_values(as_alice):
    text = ",[{" * 3000
    operations = [{"op": "create", "task": {"title": "x", "description": text}}] * 25
    answer = as_alice("POST", f"{TASKS}/batch", {"operations": operations})
    assert [result["status"] for result in answer.json()["results"]] == [201] * 25


# --- Cursors, searches ---


def test_a_cursor_is_refused_by_its_length_before_anything_looks_at_it(as_alice, browser):
    cursor = "x" * (MAX_LENGTH + 1)
    problem = assert_problem(as_alice("GET", f"{TASKS}?cursor={cursor}"), 422)
    assert problem["errors"][0]["message"] == "Must be at most 2048 characters; these are 2049."
    assert browser.get(f"/?cursor={cursor}").status_code == 302, "the page begins anew"


def test_the_longest_cursor_that_we_make_leads_on(as_alice):
    """Emoji have twelve characters in JSON, before base64."""
    category = "😀" * 50
    for due in ("2030-01-01", None):
        for _ in range(2):
            as_alice.create(category=category, due_date=due)
    found, address = [], f"{TASKS}?sort=due&limit=1&category={category}"
    for _ in range(4):
        answer = as_alice("GET", address)
        assert answer.status_code == 200, answer.content
        found += [task["id"] for task in answer.json()]
        address = answer.get("Link", "").partition(">")[0].removeprefix("<")
    assert len(set(found)) == 4


def test_a_search_has_so_many_characters_and_parts(browser):
    page = browser.get("/", {"q": "x" * 501}).content.decode()
    assert "This search has 501 characters. Use at most 500." in page
    page = browser.get("/", {"q": "due:tomorrow " * 21}).content.decode()
    assert "This search has 21 parts. Use at most 20." in page


def test_a_month_of_a_search_is_read_so_far(browser, ctx, alice, monkeypatch, calls):
    from tasks import services

    for number in range(12):
        services.create_task(ctx(alice), {"title": f"Task {number}", "due_date": "2030-01-15"})
    monkeypatch.setattr("tasks.views.calendar.PAGE_SIZE", 2)
    monkeypatch.setattr("tasks.views.calendar.MAX_READS", 3)
    monkeypatch.setattr("tasks.views.search.MAX_PAGES", 1)
    calls.clear()
    page = browser.get("/calendar/", {"month": "2030-01", "q": "nothing"})
    assert (page.status_code, calls["Query"]) == (200, 3)
    assert page.context["complete"] is False


# --- Markdown ---


@pytest.mark.parametrize(
    "text",
    [
        "a|" * 1000 + "\n" + "-|" * 1000 + "\n" + "|\n" * 2500,
        "x" * (markdown.MAX_CHARACTERS + 1),
    ],
    ids=["a table of a million cells", "a text too long"],
)
def test_markdown_of_too_many_pieces_is_shown_as_it_was_typed(text):
    html = markdown.render(text)
    assert "<td>" not in html
    assert html.startswith("<p>")
    assert len(html) < 2 * len(text) + 30_000
    assert "<script>" not in markdown.render("<script>" + text)


@pytest.mark.parametrize(
    "piece", ["* a\n", "[a](b) ", "**a** ", "> a\n\n", "# a\n", "`a` ", "a|b\n-|-\nc|d\n\n"]
)
def test_the_longest_description_of_any_usual_kind_is_still_markdown(piece):
    text = (piece * markdown.MAX_CHARACTERS)[: markdown.MAX_CHARACTERS]
    assert markdown.render(text).count("<") > 1000


# --- What pages carry from one request to the next ---


def test_a_change_too_long_to_carry_has_no_undo(browser, as_alice, monkeypatch):
    monkeypatch.setattr(undo, "MAX_TOKEN", 300)
    ids = [as_alice.create()["id"] for _ in range(12)]
    one = browser.post("/tasks/bulk/", {"do": "complete", "ids": ids[:1]}, headers=HTMX).content.decode()
    many = browser.post("/tasks/bulk/", {"do": "cancel", "ids": ids}, headers=HTMX).content.decode()
    assert ("/tasks/undo/" in one, "/tasks/undo/" in many) == (True, False)
    assert "Changed 12 tasks" in many


def test_a_session_keeps_what_it_is_for_when_there_is_too_much_to_tell(browser, as_alice, monkeypatch):
    monkeypatch.setattr(sessions, "MAX_DATA", 4000)
    for number in range(60):
        task = as_alice.create(
            title=f"Task {number} " + "".join(chr(0x4E00 + (number * 97 + n) % 9000) for n in range(150))
        )
        assert browser.post(f"/tasks/{task['id']}/complete/").status_code == 302
    page = browser.get("/")
    assert page.status_code == 200
    assert "Sign out" in page.content.decode() or "logout" in page.content.decode()
