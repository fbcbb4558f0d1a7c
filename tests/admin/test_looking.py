"""Looking as a person: read-only at one place, on the record, for half an hour, never as an admin."""

import time

import pytest
from django.test import Client

from identity import access_tokens, calendar_address, profiles, roles, sign_ins
from store import audit
from tasks import services
from tests.api.client import TASKS
from tests.api.test_access_matrix import rows
from todo_site import settings as site_settings

ENDED = "/looking/end/"


def text(answer):
    return answer.getvalue().decode()


@pytest.fixture
def look(root, alice, known):
    """Return a function that lets an admin look as somebody, by default Alice; it returns their browser."""

    def begin(account=alice, admin=root):
        known(account)
        answer = admin.send(f"tasks/user/{account.id}/help/", {"do": "look as"})
        return answer, admin.client

    return begin


def actions(account):
    return [entry.action for entry in audit.history("user", account.id)]


def test_an_admin_sees_what_the_person_sees(look, root, alice, ctx, add):
    add("Pay Alice's rent")
    services.create_task(ctx(root.account), {"title": "The admin's own"})
    answer, browser = look()
    assert (answer.status_code, answer["Location"]) == (302, "/")
    page = text(browser.get("/"))
    assert "Pay Alice&#x27;s rent" in page
    assert "The admin&#x27;s own" not in page
    assert f"You look as <strong>{alice.name}</strong> ({alice.email})" in page
    assert [task["title"] for task in browser.get(TASKS).json()] == ["Pay Alice's rent"]
    (entry,) = audit.history("user", alice.id)
    assert (entry.action, entry.actor_id) == ("look as", root.account.id)


def test_it_asks_first(root, alice, known):
    known(alice)
    page = root.page(f"tasks/user/{alice.id}/help/?do=look+as")
    assert "for half an hour at most, and can change nothing" in page
    assert actions(alice) == []


def test_it_ends_when_the_admin_says_so(look, root, alice):
    _, browser = look()
    answer = browser.post(ENDED)
    assert answer["Location"] == f"/admin/tasks/user/{alice.id}/help/"
    assert browser.get("/admin/").status_code == 200
    assert "You look as" not in text(browser.get("/"))
    assert actions(alice) == ["stop looking as", "look as"]
    assert audit.history("user", alice.id)[0].actor_id == root.account.id
    assert browser.post(ENDED).status_code == 302
    assert actions(alice) == ["stop looking as", "look as"]


def test_it_ends_after_half_an_hour(look, alice, monkeypatch):
    _, browser = look()
    now = time.time()
    monkeypatch.setattr("identity.looking.time.time", lambda: now + 1801)
    assert "You look as" not in text(browser.get("/"))
    assert actions(alice) == ["stop looking as", "look as"]


def test_it_ends_with_the_role(look, root, alice, cognito, settings):
    settings.GROUPS_SECONDS = 0
    _, browser = look()
    cognito.admin_remove_user_from_group(
        UserPoolId=settings.USER_POOL_ID, Username=root.account.username, GroupName="admins"
    )
    roles.groups.clear()
    assert "You look as" not in text(browser.get("/"))
    assert actions(alice) == ["stop looking as", "look as"]


def test_signing_out_ends_both(look, alice):
    _, browser = look()
    assert browser.post("/logout/")["Location"] == "/login/"
    assert browser.get("/").status_code == 302
    assert actions(alice) == ["stop looking as", "look as"]


def test_a_session_that_is_ended_ends_it(look, root, ctx):
    from identity import sessions

    _, browser = look()
    sessions.end_all(root.account.id)
    assert browser.get("/").status_code == 302


def test_nobody_looks_as_an_admin_or_themselves(root, look, make_account, known, other_root):
    for account in (other_root.account, root.account):
        answer, browser = look(account)
        assert "Nobody looks as an admin." in text(browser.get(answer["Location"]))
        assert actions(account) == []


def test_viewers_and_others_do_not_look(look, viewer, admin_of, bob, alice):
    for admin in (viewer, admin_of(bob)):
        answer, browser = look(admin=admin)
        assert answer.status_code == 403
        assert "You look as" not in text(browser.get("/"))
    assert actions(alice) == []


def test_every_write_of_the_api_is_refused(look, add, alice):
    task = add("Pay rent")
    _, browser = look()
    writes = [operation.split() for operation in rows() if not operation.startswith("GET")]
    assert len(writes) > 10
    for method, path in writes:
        answer = browser.generic(method, path.replace("ID", task.id), b"{}", "application/json")
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "read-only"), path


def pages():
    """Return the addresses of all pages that take no argument, and those of a task's."""
    from django.urls import get_resolver

    found = []

    def collect(patterns, before):
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                collect(pattern.url_patterns, route)
            else:
                found.append("/" + route)

    collect(get_resolver(site_settings.ROOT_URLCONF).url_patterns, "")
    return found


def test_every_write_of_the_pages_is_refused(look, add, alice, ctx):
    task = add("Pay rent")
    _, browser = look()
    before = profiles.get_profile(alice.id)
    for route in pages():
        path = route.replace("<str:task_id>", task.id).replace("<task_id>", task.id)
        if "<" in path or path in {ENDED, "/logout/"}:
            continue
        # The health check answers without the store, so it does not know who asks; nothing can be written there.
        refused = 405 if path == "/health" else 403
        assert browser.post(path, {"title": "x", "theme": "dark"}).status_code == refused, path
    assert profiles.get_profile(alice.id) == before
    assert browser.get(f"{TASKS}/{task.id}").json()["version"] == 1


def test_secrets_are_hidden(look, alice, ctx):
    access_tokens.create(ctx(alice), "script")
    calendar_address.enable(ctx(alice))
    _, browser = look()
    for path in ("/account/", "/account/access/", "/account/security/", "/account/data/export/", "/admin/"):
        assert browser.get(path).status_code == 403, path
    for path in ("/api/v1/tokens", "/api/v1/calendar", "/api/v1/exports"):
        assert browser.get(path).status_code == 403, path


def test_what_the_person_is_told_of_themselves_stays(look, alice, client_for, settings, root):
    client_for(alice)
    at = sign_ins.last_of(alice.id)
    taken = []
    settings.PAGE_LIMIT_PER_MINUTE = settings.RATE_LIMIT_PER_MINUTE = 1000
    from identity import allowance

    real = allowance.begin
    allowance.begin = lambda request, principal, limit: (
        taken.append(principal) or real(request, principal, limit)
    )
    try:
        _, browser = look()
        taken.clear()
        browser.get("/")
        browser.get(TASKS)
    finally:
        allowance.begin = real
    assert taken == [f"{root.account.id}#pages", root.account.id]
    assert sign_ins.last_of(alice.id) == at


def test_days_are_those_of_the_person_and_afterwards_ones_own(look, root, alice, known, ctx):
    known(alice)
    profiles.update_profile(ctx(alice), {"timezone": "Asia/Tokyo"})
    own = root.client.session.get("timezone")
    _, browser = look()
    assert browser.session["timezone"] == "Asia/Tokyo"
    browser.post(ENDED)
    assert browser.session["timezone"] == own


def test_a_token_of_ones_own_still_writes(look, root, api):
    """What the admin's programs send is theirs, whatever their browser looks at."""
    _, browser = look()
    token = api(root.account)
    token.cookies = browser.cookies
    assert token.post(TASKS, {"title": "Mine"}, content_type="application/json").status_code == 201
    assert Client().get("/").status_code == 302
