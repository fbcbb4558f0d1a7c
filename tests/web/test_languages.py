"""German is complete, and nothing in it is broken."""

import ast
import re
from html.parser import HTMLParser

import pytest
from babel.messages.pofile import read_po
from django.utils import translation

from localcloud.translations import CATALOGUES, extracted, updated
from tests.web.conftest import read

CATALOGUE = "locale/de/LC_MESSAGES/django.po"
_PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|\{\}|<[^>]+>")


@pytest.fixture(scope="module")
def german(pytestconfig):
    """The German translations by their English texts: texts, or tuples of singular and plural."""
    with (pytestconfig.rootpath / CATALOGUE).open("rb") as file:
        catalogue = read_po(file, locale="de", abort_invalid=True)
    return {message.id: message.string for message in catalogue if message.id and not message.fuzzy}


def forms(text):
    return text if isinstance(text, tuple) else (text,)


def test_every_text_is_translated_and_nothing_else_is(german):
    wanted = {message.id for message in extracted() if message.id}
    assert len(wanted) > 300
    assert [text for text in wanted if not all(forms(german.get(text, "")))] == []
    assert german.keys() - wanted == set()


def test_bringing_the_catalogues_up_to_date_changes_nothing():
    """``make messages`` on a clean tree: each text has its one place, wherever it is used"""
    assert [path.parts[-3] for path in CATALOGUES] == ["de"]
    assert [path for path in CATALOGUES if updated(path)[0] != path.read_bytes()] == []


def test_every_placeholder_is_there(german):
    broken = [
        text
        for text, found in german.items()
        if set(_PLACEHOLDERS.findall(forms(found)[-1])) != set(_PLACEHOLDERS.findall(forms(text)[-1]))
    ]
    assert broken == []


# Said the same in every language; and what is not looked at here: developers' pages, and what speaks to programs.
NAMES = {"Todo", "with", "Insights", "CSV", "JSON", "SVG", "UTC", "ms"}
OTHER_PAGES = re.compile(r"styleguide\.html|api/.*")
OTHER_CODE = re.compile(r"(tasks/api|tasks/demo|todo_site/management).*")
_SILENT = {"script", "style", "kbd", "code"}
_SPOKEN = {"aria-label", "aria-description", "placeholder", "title", "alt", "label", "value"}
_TAGS = re.compile(
    r"{%\s*comment.*?endcomment\s*%}|{%\s*block (?:main_class|body_attributes).*?endblock\s*%}"
    r"|{%\s*blocktrans.*?endblocktrans(?:late)?\s*%}|{%.*?%}|{{.*?}}|{#.*?#}",
    re.DOTALL,
)


class Texts(HTMLParser):
    """What a template says by itself: text, and attributes that are read out or shown."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found, self._within = [], []
        self.feed(_TAGS.sub(" ", source))

    def handle_starttag(self, tag, attrs):
        if tag not in {"input", "img", "link", "meta", "br", "hr", "hx-partial"}:
            self._within.append(tag)
        if tag != "option":
            self.found += [value for name, value in attrs if name in _SPOKEN - {"value"} and value]

    def handle_endtag(self, tag):
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data):
        if not _SILENT & set(self._within):
            self.found.append(data)

    def words(self) -> set[str]:
        """Return its words of two letters and more that are no names."""
        return {word for text in self.found for word in re.findall(r"[^\W\d_]{2,}", text)} - NAMES


TEMPLATES = ("templates", "dynamo_admin/templates")


def test_templates_say_nothing_by_themselves(pytestconfig):
    spoken = {
        str(path.relative_to(folder)): words
        for folder in (pytestconfig.rootpath / name for name in TEMPLATES)
        for path in sorted(folder.rglob("*.html"))
        if (words := Texts(path.read_text(encoding="utf-8")).words())
    }
    assert {name: words for name, words in spoken.items() if not OTHER_PAGES.fullmatch(name)} == {}


# What these are given is shown to people, by the place of the argument.
SHOWN = {
    "Drawing": 0, "Fact": 0, "Column": 1, "Change": 0, "Figure": 0, "BadRequest": 0, "PermissionDenied": 0,
    "add_error": 1, "success": 1, "error": 1, "warning": 1, "answer": 1, "_wrong": 1, "refuse": 1,
}  # fmt: skip


def test_code_shows_nothing_that_is_not_translated(pytestconfig):
    paths = [
        path
        for folder in ("tasks", "insights", "todo_site")
        for path in (pytestconfig.rootpath / folder).rglob("*.py")
    ]
    names = {str(path.relative_to(pytestconfig.rootpath)): path for path in paths}
    people = {name: path for name, path in names.items() if not OTHER_CODE.fullmatch(name)}
    assert {name: found for name, path in people.items() if (found := list(_plain(path)))} == {}


def test_programs_are_spoken_to_in_english(client):
    answer = client.get("/api/v1/tasks", headers={"accept-language": "de"})
    assert answer.json()["detail"].startswith("Sign in")


def _plain(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        place = SHOWN.get(getattr(node.func, "id", getattr(node.func, "attr", "")))
        if place is None or len(node.args) <= place or "_log" in ast.unparse(node.func):
            continue
        given = node.args[place]
        if isinstance(given, ast.JoinedStr) or (
            isinstance(given, ast.Constant) and re.search(r"[A-Za-z]{2}", str(given.value))
        ):
            yield ast.unparse(node)[:100]


def test_the_compiled_catalogue_is_up_to_date(german):
    with translation.override("de"):
        assert translation.gettext("Tasks") == "Aufgaben"
        assert translation.ngettext("Every day", "Every %(number)d days", 3) == "Alle %(number)d Tage"
        texts = [text for text in german if isinstance(text, str)]
        assert [text for text in texts if translation.gettext(text) != german[text]] == []


PAGES = [
    "/",
    "/?view=done",
    "/board/",
    "/calendar/",
    "/trash/",
    "/account/",
    "/account/email/",
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
    browser.post("/tasks/", {"title": "Miete zahlen !hoch jede Woche"})
    (task,) = selectors.list_tasks(alice.id).items
    assert (task.title, task.priority, task.recurrence) == ("Miete zahlen", "high", "FREQ=WEEKLY")


def test_the_browsers_language_counts_until_one_is_chosen(client):
    answer = client.get("/login/", headers={"accept-language": "de-AT,de;q=0.9"})
    assert "Schön, dass du da bist" in read(answer).text
    with translation.override("en"):
        assert "Good to see you" in read(client.get("/login/", headers={"accept-language": "fr"})).text
