"""Sessions, access tokens, idempotency records and the audit trail in the admin: looked at, and ended."""

import re

import pytest
from django.contrib.admin.utils import quote
from django.test import Client

from identity import access_tokens, sessions
from store import audit
from tasks import selectors

TASKS = "/api/v1/tasks"


def found(page):
    """The keys of the rows of a list."""
    return re.findall(r'name="_selected_action" value="([^"]*)"', page)


def bearer(secret):
    return Client(headers={"authorization": f"Bearer {secret}"})


def test_ending_a_session_signs_its_browser_out(root, alice, client_for):
    """Ending a session signs its browser out, and is on the record; her other browser stays signed in."""
    ended, other = client_for(alice), client_for(alice)
    keys = found(root.page(f"tasks/session/?user_id__exact={alice.id}"))
    (mine,) = [key for key in keys if key != _key(other)]
    assert alice.id in root.page(f"tasks/session/{mine}/change/")
    assert root.save(f"tasks/session/{mine}/delete/").status_code == 302
    assert ended.get("/").status_code == 302
    assert other.get("/").status_code == 200
    (entry,) = audit.history("session", mine)
    assert (entry.action, entry.actor_id, entry.subject_id) == ("end session", root.account.id, alice.id)


def _key(browser):
    from identity.items import session_key

    return session_key(browser.session.session_key)[0].removeprefix("SESSION#")


def test_many_sessions_at_once(root, alice, client_for):
    browsers = [client_for(alice), client_for(alice)]
    path = f"tasks/session/?user_id__exact={alice.id}"
    keys = found(root.page(path))
    assert "Session: " in root.act(path, "delete_selected", *keys)
    root.act(path, "delete_selected", *keys, post="yes")
    assert list(sessions.of_person(alice.id)) == []
    assert [browser.get("/").status_code for browser in browsers] == [302, 302]


def test_an_access_token_is_revoked(root, alice, ctx):
    script = bearer(access_tokens.create(ctx(alice), "Backup script")[1])
    assert script.get(TASKS).status_code == 200
    page = root.page(f"tasks/accesstoken/?user_id__exact={alice.id}")
    (key,) = found(page)
    assert "Backup script" in page
    assert root.save(f"tasks/accesstoken/{key}/delete/").status_code == 302
    assert script.get(TASKS).status_code == 401
    assert audit.history("access_token", key)[0].action == "revoke"


def test_an_idempotency_record_is_forgotten(root, alice, api):
    client, headers = api(alice), {"idempotency-key": f"once-{alice.id}"}

    def send():
        return client.post(TASKS, {"title": "Once"}, "application/json", headers=headers)

    first = send()
    assert send()["Idempotency-Replayed"] == "true"
    key = quote(*found(root.page(f"tasks/idempotencyrecord/?q=once-{alice.id}")))
    page = root.page(f"tasks/idempotencyrecord/{key}/change/")
    assert "201" in page
    assert first.json()["id"] in page
    assert root.save(f"tasks/idempotencyrecord/{key}/delete/").status_code == 302
    assert send().json()["id"] != first.json()["id"]
    assert len(selectors.list_tasks(alice.id).items) == 2


def test_the_audit_trail_is_found_and_stays(root, other_root, add, alice):
    task, other = add("Pay rent"), add("Call Jordan")
    key = f"{alice.id}.{task.id}"
    root.carry_out("tasks/task/", "complete", key)
    other_root.act("tasks/task/", "change_category", key, apply="1", category="Home")
    root.carry_out("tasks/task/", "complete", f"{alice.id}.{other.id}")
    of_the_task = root.page(f"tasks/auditentry/?kind__exact=task&object_id__exact={key}")
    assert "2 audit entries on this page" in " ".join(of_the_task.split())
    of_the_actor = root.page(f"tasks/auditentry/?actor_id__exact={root.account.id}")
    assert "2 audit entries on this page" in " ".join(of_the_actor.split())
    assert "Call Jordan" in of_the_actor
    assert "1 audit entry on this page" in " ".join(
        root.page(f"tasks/auditentry/?actor_id__exact={root.account.id}&q=Jordan").split()
    )
    path = re.search(r'href="/admin/(tasks/auditentry/[^"]*/change/[^"]*)"', of_the_task)[1]
    assert 'name="_save"' not in root.page(path.replace("&amp;", "&"))
    assert root.get(path.partition("change/")[0] + "delete/").status_code == 403


def test_nobody_reads_what_a_stored_reply_says(root, viewer, alice, api):
    client, headers = api(alice), {"idempotency-key": f"once-{alice.id}"}
    client.post(TASKS, {"title": "Private matter"}, "application/json", headers=headers)
    made = client.post("/api/v1/tokens", {"name": "My script"}, "application/json", headers=headers | {
        "idempotency-key": f"once-{alice.id}-token"
    })  # fmt: skip
    assert made.status_code == 201
    path, query = "tasks/idempotencyrecord", f"?q=once-{alice.id}"
    keys = found(root.page(f"{path}/{query}"))
    assert len(keys) == 2
    for admin in (root, viewer):
        paths = [f"{path}/{query}", f"{path}/export.csv{query}"]
        paths += [f"{path}/{quote(key)}/change/" for key in keys]
        for page in map(admin.page, paths):
            assert "201" in page
            assert "Private matter" not in page
            assert "My script" not in page
            assert "nonce" not in page


@pytest.mark.parametrize("path", ["session", "accesstoken", "idempotencyrecord"])
def test_viewers_end_nothing(viewer, alice, client_for, ctx, api, path):
    browser = client_for(alice)
    script = bearer(access_tokens.create(ctx(alice), "Backup script")[1])
    api(alice).post(TASKS, {"title": "x"}, "application/json", headers={"idempotency-key": alice.id})
    query = f"?q={alice.id}" if path == "idempotencyrecord" else f"?user_id__exact={alice.id}"
    page = viewer.page(f"tasks/{path}/{query}")
    (key, *_) = re.findall(rf"/admin/tasks/{path}/([^/?]+)/change/", page)
    assert viewer.get(f"tasks/{path}/{key}/change/").status_code == 200
    assert viewer.send(f"tasks/{path}/{key}/delete/", {"post": "yes"}).status_code == 403
    viewer.act(f"tasks/{path}/{query}", "delete_selected", key, post="yes")
    assert browser.get("/").status_code == 200
    assert script.get(TASKS).status_code == 200
    assert found(viewer.page(f"tasks/{path}/{query}")) == []  # nothing to select for those who only look
