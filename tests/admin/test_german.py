"""The admin in German: no label, choice or button is left in English."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.admin.conftest import Admin
from todo_site.operations import pipeline
from todo_site.operations.service_checks import PACKAGES

TASK = "tasks/task/"
# Words that are the same in both languages, or names.
SAME = {
    *("Name", "Status", "Version", "Id", "Filter", "Pipeline", "Job", "Admins", "Managers", "Viewers"),
    # Services and packages.
    *("Silver", "Gold", "S3: Bronze", "S3: Silver", "S3: Gold", "Athena", "CloudWatch", "Cognito", "Glue"),
    *("Todo with Insights", "Python", *PACKAGES),
}  # fmt: skip
# Hashes.
_NAMES = re.compile(r"[0-9a-f]{12}(…|\.\.\.)?")
LABELLING = {
    "th",
    "label",
    "summary",
    "h1",
    "h2",
    "h3",
    "legend",
    "option",
    "button",
    "caption",
    "dt",
    "title",
}
ATTRIBUTES = ("aria-label", "placeholder", "title")


class Labels(HTMLParser):
    """What a page calls its fields, columns, choices and buttons, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        kind = given.get("class") or ""
        if (
            tag in LABELLING and not kind.startswith("field-")
        ) or "help" in kind:  # no cells with what is stored
            self._open.append(tag)
        if tag == "input" and given.get("type") == "submit":
            self.found.append(given["value"])
        self.found += [given[name] for name in ATTRIBUTES if given.get(name)]

    def handle_endtag(self, tag):
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data):
        if self._open and data.strip():
            self.found.append(" ".join(data.split()))


def english(root: Admin, path: str, data: set[str]) -> set[str]:
    """Return the labels of a page that are the same in German."""
    labels = []
    for language in ("en", "de"):
        answer = root.client.get(f"/admin/{path}", headers={"accept-language": language})
        assert answer.status_code == 200, path
        labels.append({text.strip(" :*") for text in Labels(answer.getvalue().decode()).found})
    same = {text for text in labels[0] & labels[1] if not _NAMES.fullmatch(text)}
    return {text for text in same - SAME if any(letter.isalpha() for letter in text) and not data & {text}
            and not any(name in text for name in data)}  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        "", TASK, f"{TASK}add/", f"{TASK}{{task}}/change/", f"{TASK}{{task}}/delete/", f"{TASK}{{task}}/history/",
        "tasks/trashedtask/", "tasks/user/", "tasks/user/add/", "tasks/user/{alice}/change/",
        "tasks/user/{alice}/delete/", "tasks/session/", "tasks/accesstoken/", "tasks/idempotencyrecord/",
        "tasks/auditentry/", "insights/quarantinedevent/", "pipeline/", "health/", "tasks/trashedtask/{gone}/change/",
        f"{TASK}?foo=1",
    ],
)  # fmt: skip
def test_no_label_is_left_in_english(root, add, alice, known, client_for, path):
    known(alice), client_for(alice)
    task, gone = add("Aufgabe", category="Heim", checklist=[{"text": "Anruf"}]), add("Weg")
    keys = {"task": f"{alice.id}.{task.id}", "gone": f"{alice.id}.{gone.id}", "alice": alice.id}
    root.save(f"{TASK}{keys['task']}/change/", priority="high")
    root.carry_out(TASK, "move_to_trash", keys["gone"])
    data = {
        "Aufgabe",
        "Weg",
        "Heim",
        "Anruf",
        alice.email,
        alice.name,
        root.account.email,
        root.account.name,
        "UTC",
    }
    assert english(root, path.format(**keys), data | {"-", task.id}) == set()


def test_what_was_done_is_said_in_german(root, add, alice):
    task = add("Aufgabe")
    key = f"{alice.id}.{task.id}"
    root.save(f"{TASK}{key}/change/", priority="high", status="in_progress")
    german = {"accept-language": "de"}
    page = root.client.get(f"/admin/{TASK}{key}/history/", headers=german).getvalue().decode()
    for text in ("Geändert", "Priorität", "Mittel", "Hoch", "In Arbeit"):
        assert text in page


def test_every_check_of_the_lake_has_a_name_in_german():
    """A check of a table is named after it; the others are in the SQL and in the code that asks it."""
    sql, code = (Path(file).read_text() for file in ("etl/sql/checks/quality.sql", "etl/jobs/quality.py"))
    names = set(re.findall(r"SELECT '([A-Z][^']+)'", sql)) | set(re.findall(r'Check\("([A-Z][^"]+)"', code))
    assert len(names) > 10
    assert names <= pipeline.CHECKS.keys()
