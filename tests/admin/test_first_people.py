"""``manage.py make_admin`` and ``make_manager``: the first people of a site get their roles."""

import os
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from identity import cognito, profiles
from store import audit


@pytest.fixture
def sign_up(make_account):
    """Return a function that signs somebody up, with this state of their e-mail address; account and address."""

    def make(verified="true", email=""):
        account = make_account("First")
        email = email or f"first-{os.urandom(4).hex()}@example.com"
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": verified}]
        cognito.client().admin_update_user_attributes(
            UserPoolId=os.environ["USER_POOL_ID"], Username=account.username, UserAttributes=attributes
        )
        return replace(account, email=email), email

    return make


def groups(account):
    answer = cognito.client().admin_list_groups_for_user(
        UserPoolId=os.environ["USER_POOL_ID"], Username=account.username
    )
    return {group["GroupName"] for group in answer["Groups"]}


def test_somebody_who_never_signed_in_becomes_an_admin_and_the_trail_says_so(sign_up, admin_of, capsys):
    account, email = sign_up()
    call_command("make_admin", email)
    assert groups(account) == {"admins"}
    assert f"{email} has the role admins" in capsys.readouterr().out
    (entry,) = audit.history("user", account.id)
    assert (entry.action, entry.actor_name.partition(" ")[0]) == ("change roles", "manage.py")
    assert [(each["field"], each["after"]) for each in entry.changes] == [("roles", "['admins']")]
    assert admin_of(account).get("").status_code == 200


def test_roles_add_up_and_are_taken_back_one_at_a_time(sign_up, known):
    account, email = sign_up()
    known(account)
    call_command("make_admin", email)
    call_command("make_manager", email)
    assert groups(account) == {"admins", "managers"}
    assert profiles.get_profile(account.id).roles == ["admins", "managers"]
    call_command("make_admin", email, remove=True)
    assert groups(account) == {"managers"}
    call_command("make_manager", email, remove=True)
    assert groups(account) == set()


def test_what_is_so_already_is_said_and_not_recorded(sign_up):
    account, email = sign_up()
    with pytest.raises(CommandError, match="does not have the role managers"):
        call_command("make_manager", email, remove=True)
    call_command("make_manager", email)
    recorded = len(audit.history("user", account.id))
    with pytest.raises(CommandError, match="already has the role managers"):
        call_command("make_manager", email)
    assert len(audit.history("user", account.id)) == recorded


@pytest.mark.parametrize("email", ["nobody@example.com", "", '" or email = "', "\\"])
def test_an_address_that_nobody_has(cognito, email):
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("make_admin", email)


def test_whoever_has_not_proved_the_address_gets_nothing(sign_up):
    """Anybody can sign up with somebody else's address."""
    account, email = sign_up(verified="false")
    with pytest.raises(CommandError, match="not confirmed"):
        call_command("make_admin", email)
    assert groups(account) == set()


def test_a_disabled_account_gets_nothing(sign_up):
    account, email = sign_up()
    cognito.client().admin_disable_user(UserPoolId=os.environ["USER_POOL_ID"], Username=account.username)
    with pytest.raises(CommandError, match="disabled"):
        call_command("make_admin", email)
    assert groups(account) == set()


def test_two_accounts_of_one_address_are_named(sign_up, monkeypatch):
    """Cognito keeps proved addresses unique; an import of accounts may have brought two all the same."""
    from identity import directory

    found = [directory.Account(name, name, True, "CONFIRMED") for name in ("one", "two")]
    monkeypatch.setattr(directory, "holders_of", lambda *_, **__: found)
    with pytest.raises(CommandError, match=r"2 accounts have the address a@example\.com: one, two"):
        call_command("make_admin", "a@example.com")
