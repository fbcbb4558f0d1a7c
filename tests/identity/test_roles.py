"""A person's groups as a process knows them."""

from django.test import Client

from identity import access_tokens, directory, roles
from identity.errors import IdentityUnavailable
from identity.users import Person


def test_a_change_is_known_once_the_groups_are_read_again(charlie, cognito, settings):
    assert roles.groups.get(charlie.username) == {"managers"}
    cognito.admin_remove_user_from_group(
        UserPoolId=settings.USER_POOL_ID, Username=charlie.username, GroupName="managers"
    )
    assert roles.groups.get(charlie.username) == {"managers"}
    roles.groups.forget(charlie.username)
    assert roles.groups.get(charlie.username) == set()


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
