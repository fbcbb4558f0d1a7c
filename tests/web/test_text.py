"""Text in the pages: what is typed is stored in one form, found in another, and never repeated as it should not be"""

import unicodedata
from urllib.parse import quote, urlencode

import pytest
import regex

from identity import preferences
from tasks import selectors
from tests.old_tasks import plant
from tests.web.conftest import HTMX, read

CAFE, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"
OVERRIDE = "\u202e"
UNFIT = regex.compile(
    r"[\p{Cc}--[\t\n\r]]|[\u202a-\u202e\u2066-\u2069\ufeff]|\p{Noncharacter_Code_Point}", regex.V1
)


def new(browser, **fields):
    form = read(browser.get("/")).fields
    return browser.post("/tasks/", {**form, **fields}, headers=HTMX)


def test_quick_add_reads_composed_and_decomposed_letters_alike(browser, alice):
    hindi = "\u0939\u093f\u0928\u094d\u0926\u0940"
    decomposed = unicodedata.normalize("NFD", f"M\u00fcsli @k\u00fcche #caf\u00e9 #{hindi}")
    assert new(browser, title=f"{OVERRIDE}{decomposed}\u200b").status_code == 200
    (task,) = selectors.list_tasks(alice.id).items
    assert (task.title, task.category) == ("M\u00fcsli", "k\u00fcche")
    assert task.tags == ["caf\u00e9", hindi]


def test_parts_are_marked_where_they_stand_in_the_line_that_comes_back(browser):
    line = unicodedata.normalize("NFD", "Caf\u00e9 caf\u00e9 tomorrow")
    found = browser.get(f"/tasks/parse/?{urlencode({'line': line})}").json()
    (part,) = found["parts"]
    assert found["line"][part["start"] : part["end"]] == "tomorrow"
    kept = browser.get(f"/tasks/parse/?{urlencode({'line': line, 'keep': 'ＴＯＭＯＲＲＯＷ'})}").json()  # noqa: RUF001
    assert kept["parts"] == []


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize(
    "query",
    ["caf\u00e9", "#CAF\u00c9", "@caf\u00e9", "title:caf\u00e9", '"\uff43af\u00e9"', "category:caf\u00e9"],
)
def test_a_search_finds_every_spelling(browser, add, form, query):
    for spelling in (CAFE, DECOMPOSED, "CAFE\u0301"):
        add(spelling, category=spelling, tags=[spelling])
    add("Cafe", category="Cafe", tags=["Cafe"])
    page = read(browser.get(f"/?{urlencode({'q': unicodedata.normalize(form, query)})}"))
    assert page.sections()["undated"] == ["CAF\u00c9", CAFE, CAFE]


def test_words_of_a_query_are_known_however_they_are_typed(browser, add):
    add("late", due_date="2020-01-01")
    typed = unicodedata.normalize("NFD", "f\u00e4llig<heute")
    assert read(browser.get(f"/?{urlencode({'q': typed})}")).sections()["overdue"] == ["late"]


def test_a_category_is_suggested_once(browser, add):
    for spelling in ("home", "HOME", "\uff28ome", "garden"):
        add("x", category=spelling)
    options = [
        attrs["value"] for tag, attrs in read(browser.get("/")).tags if tag == "option" and "value" in attrs
    ]
    assert [name for name in options if "ome" in name.lower() or name == "garden"] == ["garden", "\uff28ome"]


def test_two_spellings_of_a_name_are_one_saved_search(browser, alice):
    browser.post("/filters/", {"name": f"{CAFE}", "q": "#a"})
    browser.post("/filters/", {"name": f" CAFE\u0301{OVERRIDE} ", "q": f"#{DECOMPOSED}{OVERRIDE}"})
    assert preferences.saved_filters(alice.id) == [{"name": "CAF\u00c9", "query": f"#{CAFE}"}]
    browser.post("/filters/", {"forget": DECOMPOSED})
    assert preferences.saved_filters(alice.id) == []


@pytest.mark.parametrize("name", ["\u200b", OVERRIDE, " \u200e "])
def test_a_saved_search_has_a_name_that_can_be_seen(browser, name):
    assert browser.post("/filters/", {"name": name, "q": "x"}).status_code == 400


def test_tags_that_are_added_are_not_doubled(browser, add, stored):
    task = add("x", tags=[CAFE])
    browser.post(
        "/tasks/bulk/",
        {"ids": [task.id], "do": "apply", "add_tags": f"#CAFE\u0301, {DECOMPOSED}, new, \u200b"},
    )
    assert stored(task).tags == [CAFE, "new"]


def test_a_form_is_saved_composed_and_limits_count_that(browser, add, stored):
    task = add("x", checklist=[{"text": CAFE}])
    form = read(browser.get(f"/tasks/{task.id}/")).fields
    title = unicodedata.normalize("NFD", "\u1ec7" * 200)
    form |= {
        "title": title,
        "tags": f"#{DECOMPOSED}, {CAFE}",
        "description": f"{DECOMPOSED}\r\n",
        "checklist": f"[x] {DECOMPOSED}",
    }
    assert browser.post(f"/tasks/{task.id}/", form).status_code == 302
    saved = stored(task)
    assert (saved.title, saved.tags, saved.description) == ("\u1ec7" * 200, [CAFE], f"{CAFE}\n")
    (entry,) = saved.checklist
    assert (entry["id"], entry["text"], entry["done"]) == (task.checklist[0]["id"], CAFE, True)


def test_a_form_that_is_refused_says_why(browser, add):
    task = add("x")
    form = read(browser.get(f"/tasks/{task.id}/")).fields
    for fields, says in (
        ({"title": "\u200b\u200b"}, "Give the task a title."),
        ({"title": "a" + "\u0301" * 31}, "Must not have more than 30 accents on one letter."),
        ({"tags": "a, b" + "\u0301" * 31}, "Must not have more than 30 accents on one letter."),
        ({"title": "a\tb"}, "Must be one line without control characters."),
    ):
        answer = browser.post(f"/tasks/{task.id}/", form | fields)
        assert answer.status_code == 422
        assert says in read(answer).text


ODD = f"a{OVERRIDE}b\x9bc\x1bd\ufdd0e\u2066f\ufeff"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/?q={}",
            "/?view={}",
            "/?cursor={}",
            "/?q=status:{}",
            "/board/?q={}",
            "/calendar/?month={}&week={}",
        ),
        *(
            "/trash/?cursor={}",
            "/tasks/parse/?line={}+tomorrow",
            "/login/?next=/{}",
            "/insights/me/?period={}",
        ),
        *("/{}/", "/account/?{}={}"),
    ],
)
def test_no_page_repeats_what_reorders_or_controls_text(browser, add, path):
    add("x")
    answer = browser.get(path.replace("{}", quote(ODD)), follow=True)
    assert not UNFIT.search(answer.content.decode())


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/tasks/", {"title": f"{ODD} {'x' * 300}", "due_date": ODD, "priority": ODD}),
        (
            "/tasks/{id}/",
            {"title": ODD, "due_date": ODD, "status": ODD, "recurrence": ODD, "version": ODD, "tags": ODD},
        ),
        ("/account/", {"name": ODD, "timezone": ODD, "language": ODD}),
        ("/account/access/", {"name": ODD, "scope": ODD, "days": ODD}),
        ("/filters/", {"name": ODD, "q": ODD}),
        ("/tasks/bulk/", {"do": ODD, "ids": ODD}),
    ],
)
def test_no_form_repeats_it(browser, add, path, fields):
    task = add("x")
    answer = browser.post(path.replace("{id}", task.id), fields, follow=True)
    assert answer.status_code < 500
    assert not UNFIT.search(answer.content.decode())


@pytest.mark.parametrize("title", [f"a\x9bb{OVERRIDE}", "\u200b\u200b"])
def test_a_stored_task_with_such_text_is_shown_and_used(browser, alice, title):
    task_id = plant(alice, 1, title=title, description=title, category="c\x85d", tags=[f"e{OVERRIDE}f"])
    for path in ("/", f"/tasks/{task_id}/", "/board/", "/?q=ab"):
        assert not UNFIT.search(browser.get(path).content.decode())
    copied = browser.post(f"/tasks/{task_id}/duplicate/", follow=True)
    assert copied.status_code == 200
    titles = [task.title for task in selectors.list_tasks(alice.id).items]
    assert titles == (["ab", title] if "b" in title else [title])
    for action in ("complete", "delete", "restore"):
        assert browser.post(f"/tasks/{task_id}/{action}/").status_code == 302


def test_a_password_is_taken_as_it_is(client_for, make_account):
    from dataclasses import replace

    account = make_account("Odd")
    with pytest.raises(AssertionError):
        client_for(replace(account, password=f"{account.password}{OVERRIDE}"))


def test_the_page_of_a_task_that_is_not_ones_own_is_not_found(browser, client_for, bob, add):
    task = add("x")
    path = f"/tasks/{task.id}/fresh/?version=1"
    assert browser.get(path).status_code == 204
    assert client_for(bob).get(path).status_code == 404
    assert browser.get("/tasks/0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10/fresh/?version=1").status_code == 404
    browser.post(f"/tasks/{task.id}/delete/")
    assert "deleted" in browser.get(path).content.decode()
    assert client_for(bob).get(path).status_code == 404
    browser.post(f"/tasks/{task.id}/purge/")
    assert "deleted" in browser.get(path).content.decode()


@pytest.mark.parametrize("cookie", ["localtime", "posix/Asia/Tokyo", "../../etc/localtime", "\x00"])
def test_a_browser_reports_a_zone_of_the_database(browser, add, cookie):
    browser.cookies["tz"] = cookie
    assert browser.get("/").status_code == 200
