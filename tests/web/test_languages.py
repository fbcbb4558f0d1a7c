"""German is complete, and nothing in it is broken."""

import re

import pytest
from django.utils import translation

from tests.web.conftest import read
from todo_site import translations
from todo_site.management.commands.makemessages import texts

CATALOGUE = "locale/de/LC_MESSAGES/django.po"
_PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|\{\}|<[^>]+>")


@pytest.fixture(scope="module")
def german(pytestconfig):
    return translations.read_po((pytestconfig.rootpath / CATALOGUE).read_text(encoding="utf-8"))


def test_it_works(german, pytestconfig):
    wanted = texts(pytestconfig.rootpath)
    assert len(wanted) > 300
    assert [text for text in wanted if not all(german.get(text, [""]))] == []
    assert sorted(german.keys() - set(wanted) - {""}) == []


def test_every_placeholder_is_there(german):
    broken = [
        text
        for text, found in german.items()
        if text
        and set(_PLACEHOLDERS.findall(found[-1]))
        != set(_PLACEHOLDERS.findall(text.partition("\0")[2] or text))
    ]
    assert broken == []


def test_compiled_catalogues_say_the_same(tmp_path, german):
    import gettext

    path = tmp_path / "django.mo"
    path.write_bytes(translations.write_mo(german))
    with path.open("rb") as file:
        loaded = gettext.GNUTranslations(file)
    assert loaded.gettext("Tasks") == "Aufgaben"
    assert loaded.ngettext("Every day", "Every %(number)d days", 3) == "Alle %(number)d Tage"


def test_catalogues_go_round(german):
    assert translations.read_po(translations.write_po(german)) == german


PAGES = [
    "/",
    "/?view=done",
    "/board/",
    "/calendar/",
    "/trash/",
    "/account/",
    "/account/security/",
    "/account/access/",
    "/account/data/",
    "/nowhere/",
]


@pytest.mark.parametrize("url", PAGES)
def test_pages_in_german(browser, add, url):
    add("Miete", priority="urgent", status="in_progress")
    browser.cookies["language"] = "de"
    page = read(browser.get(url))
    assert '<html lang="de"' in page.html
    english = [text for text in ENGLISH if re.search(rf"\b{text}\b", page.text)]
    assert english == []


ENGLISH = [
    "Tasks",
    "Settings",
    "Save",
    "Delete",
    "Search",
    "Add",
    "Sign out",
    "Trash",
    "Password",
    "There is nothing here",
    "Today",
    "Undo",
]


def test_the_line_is_understood_in_german(browser, alice):
    from tasks import selectors

    browser.cookies["language"] = "de"
    browser.post("/tasks/", {"title": "Miete zahlen !hoch jeden Monat"})
    (task,) = selectors.list_tasks(alice.id).items
    assert (task.title, task.priority, task.recurrence) == ("Miete zahlen", "high", "FREQ=MONTHLY")


def test_the_browsers_language_counts_until_one_is_chosen(client):
    answer = client.get("/login/", headers={"accept-language": "de-AT,de;q=0.9"})
    assert "Schön, dass du da bist" in read(answer).text
    with translation.override("en"):
        assert "Good to see you" in read(client.get("/login/", headers={"accept-language": "fr"})).text
