"""The privacy notice: open to all, complete, in both languages, and true: its figures are those of code and stacks."""

import re
from pathlib import Path

import pytest
from django.test import Client

from tests.web.conftest import read
from todo_site import privacy
from todo_site.settings import LANGUAGES

ROOT = Path(__file__).resolve().parents[2]
PAGE = "/privacy/"


@pytest.mark.parametrize("path", ["/sign-up/"])
def test_strangers_find_it_where_they_give_their_data(client, path):
    assert f'href="{PAGE}"' in client.get(path).content.decode()
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize("path", ["/account/", "/account/data/"])
def test_people_find_it_where_their_data_are(alice, client_for, path):
    browser = client_for(alice)
    assert f'href="{PAGE}"' in browser.get(path).getvalue().decode()
    page = browser.get(PAGE).content.decode()
    assert 'href="/account/data/"' in page
    assert 'href="/account/"' in page


def test_it_says_what_where_how_long_who_and_what_can_be_done(client):
    page = read(client.get(PAGE))
    for words in (
        "in the sign-in service (Amazon Cognito), until you delete your account",
        "stays in the trash for 30 days",
        "ends after 3 days without use, and after 14 days in any case",
        "in logs for 30 days, and in files for 365 days",
        "for 24 hours at most",
        "Exports, and the results of imports, for 24 hours.",
        "within the last 35 days",
        "for 180 days",
        "Managers: the figures of everybody",
        "neither titles nor descriptions of your tasks",
        "Administrators, and those who may look but not change",
        "“All my data” makes one file of it",
        "Delete your account.",
    ):
        assert words in page.text


def test_managers_see_titles_where_a_stage_allows_it(client, settings):
    settings.INSIGHTS_SHOW_TITLES = True
    page = read(client.get(PAGE)).text
    assert "and the titles of tasks behind them" in page
    assert "neither titles" not in page


def test_every_kind_of_item_about_people_is_named(client):
    """A new kind of item has to be said here; this is the list of those that are."""
    words = read(client.get(PAGE)).text
    named = {
        "USER": "Your profile",
        "PREFERENCES": "saved searches",
        "SIGN_IN": "when you last signed in",
        "SESSION": "Where you are signed in",
        "ACCESS_TOKEN": "Access tokens",
        "CALENDAR_FEED": "the address of your calendar",
        "RECOVERY_CODES": "recovery codes",
        "TRIES": "Tries to sign in",
        "TASK": "Your tasks",
        "TRASH": "in the trash",
        "AUDIT": "What administrators did",
        "IDEMPOTENCY": "Answers to programs",
        "EXPORT": "Exports",
        "IMPORT": "the results of imports",
        "IMPORTROWS": "the results of imports",
    }
    assert not [kind for kind, said in named.items() if said.lower() not in words.lower()]
    # Of nobody, or what stands in for one of the above: counters, marks of deleted tasks, places of counted things.
    others = {"RATE", "REVOCATION", "WORKSPACE", "EMAIL", "TOMBSTONE", "PLACE", "TURN"}
    kinds = {
        kind
        for folder in ("identity", "store", "tasks")
        for path in (ROOT / folder).rglob("*.py")
        for kind in re.findall(r'^    ENTITY_TYPE(?:: [\w\[\]]+)? = "(\w+)"', path.read_text(), re.MULTILINE)
    }
    assert kinds - set(named) - others == set()


def test_the_figures_of_the_stacks():
    data = (ROOT / "infra" / "data_stack.py").read_text()
    assert f"RECOVERY_DAYS = {privacy.BACKUP_DAYS}\n" in data
    assert "recovery_period_in_days=RECOVERY_DAYS" in data
    assert "retention=logs.RetentionDays.ONE_MONTH" in (ROOT / "infra" / "functions.py").read_text()
    assert privacy.LOG_DAYS == 30


@pytest.mark.parametrize("language", [code for code, _ in LANGUAGES])
def test_in_every_language(language):
    client = Client(headers={"accept-language": language})
    answer = client.get(PAGE)
    assert answer["Content-Language"] == language
    if language != "en":
        english = sentences(Client())
        assert not [line for line in sentences(client) if line in english and len(line.split()) > 2]


def sentences(client):
    return set(re.split(r"[.:] |\n", read(client.get(PAGE)).text))
