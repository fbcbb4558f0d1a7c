"""People are named by their addresses, wherever an id is: in lists, filters, forms and links."""

import re

import pytest

from identity import access_tokens

LIST = "tasks/task/"


def rows(page):
    return re.findall(r'name="_selected_action" value="([^"]*)"', page)


def test_an_owner_is_a_person_with_a_link(root, add, alice, known):
    known(alice)
    add("Pay rent")
    page = root.page(f"{LIST}?user_id__exact={alice.id}")
    assert (
        f'<td class="field-user_id"><a href="/admin/tasks/user/{alice.id}/change/">{alice.email}</a>' in page
    )
    assert f'value="{alice.email}"' in page  # in the filter


def test_names_of_a_page_are_read_at_once(root, ctx, make_account, known, calls_to_dynamodb):
    from tasks import services

    people = [known(make_account(f"P{number}")) for number in range(3)]
    for account in people:
        services.create_task(ctx(account), {"title": "Hers"})
    calls_to_dynamodb.clear()
    page = root.page(LIST)
    assert all(account.email in page for account in people)
    assert calls_to_dynamodb.count("BatchGetItem") == 1


@pytest.fixture
def calls_to_dynamodb():
    from store.model import table

    seen = []
    events = table().client.meta.events
    note = lambda params, model, **_: seen.append(model.name)  # noqa: E731
    events.register("before-parameter-build.dynamodb", note)
    yield seen
    events.unregister("before-parameter-build.dynamodb", note)


@pytest.mark.parametrize("spelling", [str, str.upper, lambda email: f"  {email} "])
@pytest.mark.parametrize("has_profile", [True, False])
def test_filters_take_an_address(root, add, alice, bob, known, ctx, spelling, has_profile):
    from tasks import services

    if has_profile:
        known(alice)
    task = add("Pay rent")
    services.create_task(ctx(bob), {"title": "His"})
    address = spelling(alice.email)
    assert rows(root.page(f"{LIST}?user_id__exact={address}")) == [f"{alice.id}.{task.id}"]
    export = root.page(f"{LIST}export.csv?user_id__exact={address}")
    assert "Pay rent" in export
    assert "His" not in export
    assert rows(root.page(f"{LIST}?q={address}")) == [f"{alice.id}.{task.id}"]


def test_an_address_that_nobody_has_shows_nobodys_rows(root, add):
    add("Pay rent")
    for path in (LIST, "tasks/session/", "tasks/trashedtask/", "tasks/accesstoken/"):
        page = root.page(f"{path}?user_id__exact=nobody@example.org")
        assert "Nobody has the address nobody@example.org." in page
        assert rows(page) == []


def test_sessions_tokens_and_keys_by_address(root, alice, known, client_for, ctx, api):
    known(alice), client_for(alice)
    access_tokens.create(ctx(alice), "Backup script")
    api(alice).post("/api/v1/tasks", {"title": "x"}, "application/json", headers={"idempotency-key": "once"})
    for path in ("session", "accesstoken"):
        page = root.page(f"tasks/{path}/?user_id__exact={alice.email}")
        assert len(rows(page)) == 1
        assert f">{alice.email}</a>" in page
    page = root.page(f"tasks/idempotencyrecord/?q={alice.email}")
    assert len(rows(page)) == 1
    assert f">{alice.email}</a>" in page


def test_a_task_is_added_for_an_address(root, alice, known):
    known(alice)
    given = {"title": "From above", "priority": "high", "status": "pending"}
    assert root.save(f"{LIST}add/", user_id=alice.email.upper(), **given).status_code == 302
    assert len(rows(root.page(f"{LIST}?user_id__exact={alice.id}"))) == 1
    page = root.save(f"{LIST}add/", user_id="nobody@example.org", **given).content.decode()
    assert "Nobody has the address nobody@example.org." in page


def test_people_are_suggested(root, viewer, alice, known, client_for):
    known(alice)
    for admin in (root, viewer):
        found = admin.get(f"people/?q={alice.email[:12].upper()}").json()["people"]
        assert {"value": alice.email, "label": alice.name} in found
        assert admin.get("people/?q=a").json() == {"people": []}
        assert admin.get(f"people/?q={'a' * 300}").json() == {"people": []}
    assert client_for(alice).get("/admin/people/?q=alice").status_code == 403


def test_the_page_of_a_person_leads_to_all_that_is_theirs(root, alice, known, add):
    known(alice)
    task = add("Pay rent")
    root.save(f"{LIST}{alice.id}.{task.id}/change/", title="Pay the rent")
    page = root.page(f"tasks/user/{alice.id}/change/")
    for link in re.findall(r'href="(/admin/tasks/\w+/\?[^"]*__exact=[^"]*)"', page):
        assert root.client.get(link).status_code == 200, link
    for name in ("task", "trashedtask", "session", "accesstoken"):
        assert f"/admin/tasks/{name}/?user_id__exact={alice.id}" in page
    about = root.page(f"tasks/auditentry/?subject_id__exact={alice.id}")
    assert "Pay the rent" in about
    assert "Task changed" in about
    assert "Pay the rent" in root.page(f"tasks/auditentry/?actor_id__exact={root.account.email}")
    assert f"/admin/tasks/auditentry/?actor_id__exact={alice.id}" in page


def test_somebody_who_is_gone_is_an_id(root, add, alice):
    add("Pay rent")
    assert f'<td class="field-user_id">{alice.id}</td>' in root.page(f"{LIST}?user_id__exact={alice.id}")
