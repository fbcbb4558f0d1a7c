"""A person's groups as a process knows them."""

import pytest
from django.test import Client

from identity import access_tokens, directory, roles
from identity.errors import IdentityUnavailable
from identity.users import Person


@pytest.fixture
def groups():
    made = roles.Groups()
    yield made
    made.let_go()


def test_it_works(groups, charlie, cognito, settings):
    assert groups.of(charlie.username) == {"managers"}
    cognito.admin_remove_user_from_group(
        UserPoolId=settings.USER_POOL_ID, Username=charlie.username, GroupName="managers"
    )
    assert groups.of(charlie.username) == {"managers"}
    groups.forget(charlie.username)
    assert groups.of(charlie.username) == set()


def test_an_answer_under_way_does_not_bring_back_what_was_forgotten(groups, monkeypatch):
    answers = [frozenset({"admins"}), frozenset()]

    def asked(username):
        if len(answers) == 2:
            groups.forget(username)
        return answers.pop(0)

    monkeypatch.setattr(directory, "groups_of", asked)
    groups.of("somebody")
    assert groups.of("somebody") == set()


def test_whom_nobody_asks_for_is_read_ahead_no_more(groups, monkeypatch, settings):
    monkeypatch.setattr(directory, "groups_of", lambda username: frozenset())
    groups.of("somebody")
    settings.GROUPS_SECONDS = 0
    assert groups._due() == ["somebody"]
    monkeypatch.setattr(roles, "ASKED_SECONDS", 0)
    assert groups._due() == []


def test_without_an_answer_the_groups_of_the_sign_in_count(monkeypatch):
    def silent(username):
        raise IdentityUnavailable

    person = Person("id", "", "somebody-unknown", "", frozenset({"managers"}))
    monkeypatch.setattr(directory, "groups_of", silent)
    assert roles.current(person) is person


def test_a_managers_access_token_has_no_roles(charlie, ctx):
    secret = access_tokens.create(ctx(charlie), "script")[1]
    script = Client(headers={"authorization": f"Bearer {secret}"})
    assert script.get("/api/v1/insights").status_code == 403
