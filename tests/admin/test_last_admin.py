"""Nobody takes away their own role as an admin, and nobody that of the last one."""

import os
import threading

import pytest

from identity import administration, cognito, directory, last_admin, profiles
from store.errors import DomainError
from todo_site.erasure import person

LIST = "tasks/user/"


@pytest.fixture
def only(monkeypatch):
    """Return a function that makes these accounts the only admins: the pool is shared with other tests."""
    members = directory.members_of

    def among(*accounts):
        names = {account.username for account in accounts}
        shown = lambda group: (member for member in members(group) if member.username in names)  # noqa: E731
        monkeypatch.setattr(directory, "members_of", shown)

    return among


def is_admin(account):
    try:
        return last_admin.is_admin(account.username)
    except DomainError:
        return False


def test_nobody_takes_away_their_own_role(root, other_root, known):
    known(root.account)
    for roles in ([], ["viewers"], ["managers", "viewers"]):
        page = root.save(f"{LIST}{root.account.id}/change/", roles=roles).content.decode()
        assert "You cannot take away your own admin role" in page
    assert is_admin(root.account)
    assert root.save(f"{LIST}{root.account.id}/change/", roles=["admins", "viewers"]).status_code == 302


def test_another_admin_may(root, other_root, known):
    known(root.account)
    assert other_root.save(f"{LIST}{root.account.id}/change/", roles=["viewers"]).status_code == 302
    assert not is_admin(root.account)


def test_the_last_admin_stays(root, other_root, known, only):
    """As an admin whose own role is gone from Cognito, but not from their session yet, would do it."""
    known(root.account)
    only(root.account)
    path = f"{LIST}{root.account.id}"
    page = other_root.save(f"{path}/change/", roles=[]).content.decode()
    assert "This is the last admin who can sign in" in page
    assert "This is the last admin who can sign in" in other_root.carry_out(LIST, "disable", root.account.id)
    page = other_root.send(f"{path}/delete/", {"post": "yes", "_version": "1"}, follow=True).content.decode()
    assert "This is the last admin who can sign in" in page
    data = {"action": "delete_selected", "_selected_action": [root.account.id], "post": "yes"}
    page = other_root.send(LIST, data, follow=True).content.decode()
    assert "This is the last admin who can sign in" in page
    assert is_admin(root.account)
    assert profiles.get_profile(root.account.id).disabled_at is None


def test_a_disabled_admin_is_none(root, other_root, known, only, make_account):
    third = known(make_account("Third", groups=("admins",)))
    known(root.account)
    only(root.account, third)
    pool = os.environ["USER_POOL_ID"]
    cognito.client().admin_disable_user(UserPoolId=pool, Username=third.username)
    page = other_root.save(f"{LIST}{root.account.id}/change/", roles=[]).content.decode()
    assert "This is the last admin who can sign in" in page
    assert other_root.save(f"{LIST}{third.id}/change/", roles=[]).status_code == 302  # was none before


def test_the_account_of_the_last_admin_stays(root, known, only, ctx):
    known(root.account)
    only(root.account)
    with pytest.raises(administration.Refused, match="last admin"):
        person.erase(ctx(root.account), root.account.username)
    assert is_admin(root.account)


@pytest.mark.parametrize("way", ["roles", "disable"])
def test_two_admins_do_not_take_each_others_role_at_once(make_account, known, only, ctx, way):
    one, two = (known(make_account(name, groups=("admins",))) for name in ("One", "Two"))
    only(one, two)
    start, refused = threading.Barrier(2), []

    def take(actor, target):
        from dataclasses import replace

        context = replace(ctx(target), updated_by=actor.id)
        profile = profiles.get_profile(target.id)
        start.wait()
        try:
            if way == "roles":
                administration.change_groups(context, profile, frozenset())
            else:
                administration.disable_user(context, profile)
        except DomainError as error:
            refused.append(error)

    threads = [threading.Thread(target=take, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert [is_admin(one), is_admin(two)].count(True) == 1


def test_a_turn_is_given_back_and_ends_by_itself(monkeypatch):
    with last_admin.turn():
        pass
    with pytest.raises(ZeroDivisionError), last_admin.turn():
        raise ZeroDivisionError
    monkeypatch.setattr(last_admin, "TURN_SECONDS", -1)
    with last_admin.turn(), last_admin.turn():
        pass
