"""Users in the admin: the profile in the table and the account in Cognito, as one."""

import os
import threading
import time

import pytest
from botocore.exceptions import ClientError
from django.test import Client

from identity import (
    access_tokens,
    accounts,
    cognito,
    directory,
    email_addresses,
    errors,
    preferences,
    profiles,
    revocations,
    sessions,
    sign_ins,
)
from store import audit
from tasks import services
from tests.web.totp import totp

LIST = "tasks/user/"


@pytest.fixture
def pool():
    return os.environ["USER_POOL_ID"]


def change(account):
    return f"{LIST}{account.id}/change/"


def enabled(account, pool):
    return cognito.client().admin_get_user(UserPoolId=pool, Username=account.username)["Enabled"]


def groups(account, pool):
    answer = cognito.client().admin_list_groups_for_user(UserPoolId=pool, Username=account.username)
    return {group["GroupName"] for group in answer["Groups"]}


def test_a_change_of_a_profile_is_stored_and_recorded(root, alice, known):
    known(alice)
    answer = root.save(change(alice), name="Alice Liddell", timezone="Europe/London")
    assert answer.status_code == 302
    profile = profiles.get_profile(alice.id)
    assert (profile.name, profile.timezone, profile.updated_by) == (
        "Alice Liddell",
        "Europe/London",
        root.account.id,
    )
    assert audit.history("user", alice.id)[0].request_id == answer["X-Request-ID"]


def test_add(root, pool, cognito):
    email = f"new-{os.urandom(4).hex()}@example.com"
    answer = root.save(f"{LIST}add/", email=email, name="New Person", roles=["managers"])
    assert answer.status_code == 302
    (user,) = cognito.list_users(UserPoolId=pool, Filter=f'email = "{email}"')["Users"]
    sub = next(pair["Value"] for pair in user["Attributes"] if pair["Name"] == "sub")
    assert profiles.get_profile(sub).email == email
    found = cognito.admin_list_groups_for_user(UserPoolId=pool, Username=user["Username"])["Groups"]
    assert [group["GroupName"] for group in found] == ["managers"]
    assert [entry.action for entry in audit.history("user", sub)] == ["add"]


def test_add_without_an_address(root):
    assert "This field is required." in root.save(f"{LIST}add/", name="No address").content.decode()


def test_an_address_is_one_persons(root, alice, bob, known):
    known(alice), known(bob)
    page = root.save(change(bob), email=alice.email.upper()).content.decode()
    assert "Another user has this e-mail address." in page
    assert profiles.get_profile(bob.id).email == bob.email


def test_an_address_stays_one_persons_under_a_race(make_account, known, admin_of):
    people = [known(make_account(f"P{number}")) for number in range(4)]
    admins = [admin_of(make_account(f"R{number}", groups=("admins",))) for number in range(4)]
    email = f"wanted-{os.urandom(4).hex()}@example.com"
    forms = [admin.fill(change(person), email=email) for admin, person in zip(admins, people, strict=True)]
    start = threading.Barrier(4)

    def send(admin, person, form):
        start.wait()
        admin.send(change(person), form)

    threads = [threading.Thread(target=send, args=pair) for pair in zip(admins, people, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holders = [person for person in people if profiles.get_profile(person.id).email == email]
    assert len(holders) == 1
    assert email_addresses.holder_of(email) == holders[0].id


def test_a_new_address_signs_in_and_the_old_one_is_free(root, alice, bob, known):
    known(alice), known(bob)
    email = f"moved-{os.urandom(4).hex()}@example.com"
    assert root.save(change(alice), email=email).status_code == 302
    assert cognito.sign_in(email, alice.password)
    assert root.save(change(bob), email=alice.email).status_code == 302


def test_a_stale_form_is_refused(root, other_root, alice, known):
    known(alice)
    mine = root.fill(change(alice), name="Mine")
    other_root.save(change(alice), name="Theirs")
    assert "somebody else changed this" in root.send(change(alice), mine).content.decode()
    assert profiles.get_profile(alice.id).name == "Theirs"


def test_disabling_shuts_out_at_once(root, alice, known, client_for, api, ctx, pool):
    known(alice)
    browser, token = client_for(alice), api(alice)
    services.create_task(ctx(alice), {"title": "Hers"})
    secret = access_tokens.create(ctx(alice), "script")[1]
    script = Client(headers={"authorization": f"Bearer {secret}"})
    assert token.get("/api/v1/tasks").status_code == 200
    assert "1 user disabled." in root.carry_out(LIST, "disable", alice.id)
    assert browser.get("/").status_code == 302
    assert token.get("/api/v1/tasks").status_code == 401
    assert script.get("/api/v1/tasks").status_code == 401
    assert not enabled(alice, pool)
    with pytest.raises(errors.IdentityError):
        cognito.sign_in(alice.email, alice.password)
    assert list(sessions.of_person(alice.id)) == []
    assert access_tokens.list_tokens(alice.id) == []
    assert audit.history("user", alice.id)[0].action == "disable"
    assert 'alt="False"' in root.page(f"{LIST}?state=disabled&q={alice.email}")


def test_enabled_again(root, alice, known, client_for):
    known(alice)
    root.carry_out(LIST, "disable", alice.id)
    assert "1 user enabled." in root.carry_out(LIST, "enable", alice.id)
    # A sign-in within the second of being shut out has to be repeated.
    assert revocations.cached.get().of(alice.id)
    assert cognito.sign_in(alice.email, alice.password)


def test_a_second_factor_is_removed_on_the_record(root, alice, known, pool):
    known(alice)
    issued = cognito.sign_in(alice.email, alice.password)
    accounts.finish_totp(issued.access_token, totp(accounts.begin_totp(issued.access_token)))
    with pytest.raises(errors.ChallengeRequired):
        cognito.sign_in(alice.email, alice.password)
    assert "1 user may sign in without a second factor." in root.carry_out(
        LIST, "remove_second_factor", alice.id
    )
    assert cognito.sign_in(alice.email, alice.password)
    assert audit.history("user", alice.id)[0].action == "remove second factor"


def test_sign_out_everywhere(root, alice, known, client_for, api):
    known(alice)
    browser, token = client_for(alice), api(alice)
    assert "1 user signed out everywhere." in root.carry_out(LIST, "sign_out_everywhere", alice.id)
    assert browser.get("/").status_code == 302
    assert token.get("/api/v1/tasks").status_code == 401
    assert cognito.sign_in(alice.email, alice.password)


def test_nobody_shuts_themselves_out(root, known):
    known(root.account)
    assert "You cannot disable or delete yourself" in root.carry_out(LIST, "disable", root.account.id)
    assert root.get(LIST).status_code == 200


def test_roles_take_effect(root, alice, known, client_for, pool, settings):
    settings.GROUPS_SECONDS = 0
    known(alice)
    browser = client_for(alice)
    assert browser.get("/admin/").status_code == 403
    assert root.save(change(alice), roles=["viewers"]).status_code == 302
    assert groups(alice, pool) == {"viewers"}
    assert browser.get("/admin/").status_code == 200
    assert root.save(change(alice), roles=[]).status_code == 302
    assert browser.get("/admin/").status_code == 403
    assert audit.history("user", alice.id)[0].action == "change roles"


def test_roles_changed_in_cognito_take_effect_within_a_minute(
    alice, charlie, client_for, api, pool, cognito, settings, monkeypatch
):
    assert settings.GROUPS_SECONDS < 60
    browser, token, path = client_for(alice), api(charlie), "/api/v1/insights"
    assert browser.get("/admin/").status_code == 403
    assert token.get(path).status_code == 200
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=alice.username, GroupName="admins")
    cognito.admin_remove_user_from_group(UserPoolId=pool, Username=charlie.username, GroupName="managers")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 60)
    assert browser.get("/admin/").status_code == 200
    assert token.get(path).status_code == 403


def test_pages_offer_at_once_what_a_role_opens(root, alice, known, client_for):
    known(alice)
    browser = client_for(alice)
    browser.post("/insights/me/goal/", {"goal": "5"})
    assert 'href="/admin/"' not in browser.get("/").content.decode()
    root.save(change(alice), roles=["admins"])
    assert 'href="/admin/"' in browser.get("/").content.decode()
    assert browser.session["weekly_goal"] == {"goal": 5}
    root.save(change(alice), roles=[])
    assert 'href="/admin/"' not in browser.get("/").content.decode()


def test_delete_says_what_goes_and_takes_it(root, alice, known, ctx, client_for, pool, cognito):
    known(alice)
    client_for(alice)
    services.create_task(ctx(alice), {"title": "Hers"})
    gone = services.create_task(ctx(alice), {"title": "In her trash"}).task
    services.delete_task(ctx(alice), gone.id)
    access_tokens.create(ctx(alice), "Her script")
    preferences.save(ctx(alice), theme="dark")
    page = root.page(f"{LIST}{alice.id}/delete/")
    for line in (
        *("Task: Hers", "Task in the trash: In her trash", "Session: since", "Access token: Her script"),
        *("Preferences and saved filters", "The account in Cognito", "Copies in the lake"),
    ):
        assert line in page
    assert root.save(f"{LIST}{alice.id}/delete/").status_code == 302
    assert profiles.get_profile(alice.id) is None
    with pytest.raises(ClientError):
        cognito.admin_get_user(UserPoolId=pool, Username=alice.username)


def test_too_much_to_delete_says_so(root, alice, known, ctx, monkeypatch):
    known(alice)
    monkeypatch.setattr("todo_site.erasure.person.MAX_ERASED", 1)
    for number in range(3):
        services.create_task(ctx(alice), {"title": f"Task {number}"})
    page = root.page(f"{LIST}{alice.id}/delete/")
    assert f"manage.py erase_user {alice.id}" in page


def test_search(root, alice, known):
    known(alice)
    for text in (alice.email, alice.id, alice.username[:12]):
        assert alice.email in root.page(f"{LIST}?q={text}")
    assert "0 users" in root.page(f"{LIST}?q=nobody@example.org")


def test_the_list_of_users_shows_and_filters_roles_as_cognito_has_them(
    root, viewer, alice, known, make_account
):
    manager = known(make_account("Mona", groups=("managers",)))
    known(alice), known(root.account)
    rows = {role: root.page(f"tasks/user/?role={role}") for role in ("admins", "viewers", "managers")}
    assert '<td class="field-kept_roles">Managers</td>' in root.page(f"tasks/user/?q={manager.id}")
    assert manager.email in rows["managers"]
    assert manager.email not in rows["admins"] + rows["viewers"]
    assert root.account.email in rows["admins"].partition('id="result_list"')[2]
    assert alice.email not in "".join(rows.values())
    assert '<td class="field-kept_roles">-</td>' in root.page(f"tasks/user/?q={alice.id}")
    assert '<li class="error">' in root.page("tasks/user/?role=gods")


def test_the_list_of_users_without_cognito_shows_the_roles_of_the_profiles(root, alice, known, monkeypatch):
    known(alice)
    root.save(f"tasks/user/{alice.id}/change/", roles=["managers"])

    def unavailable(group):
        raise errors.IdentityUnavailable

    monkeypatch.setattr(directory, "members_of", unavailable)
    assert '<td class="field-kept_roles">Managers</td>' in root.page(f"tasks/user/?q={alice.id}")
    page = root.page("tasks/user/?role=managers")
    assert '<li class="error">' in page
    assert alice.email not in page.partition('id="result_list"')[2]


def test_the_list_of_users_shows_the_last_sign_in(root, alice, bob, known, client_for):
    known(alice), known(bob)
    client_for(alice)
    at = sign_ins.last_of(alice.id)
    assert f'<td class="field-last_sign_in">{at[:10]} {at[11:19]} UTC</td>' in root.page(
        f"tasks/user/?q={alice.id}"
    )
    assert '<td class="field-last_sign_in">-</td>' in root.page(f"tasks/user/?q={bob.id}")
    assert "the list cannot be sorted by the last one" in root.page("tasks/user/")
