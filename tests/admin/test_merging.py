"""Merging two accounts: asked first, in steps, on the record; what is interrupted loses and doubles nothing."""

import pytest
from django.test import Client

from identity import access_tokens, profiles, sessions
from store import audit
from store.errors import WriteContention
from tasks import handing_over, selectors, services
from todo_site.operations import merging


def merge_of(account):
    return f"tasks/user/{account.id}/merge/"


@pytest.fixture
def pair(alice, bob, known, ctx):
    """Bob has three tasks, one in the trash, a tombstone and a token; Alice has a task."""
    known(alice), known(bob)
    services.create_task(ctx(alice), {"title": "Alice's"})
    for title in ("One", "Two", "Three"):
        services.create_task(ctx(bob), {"title": title, "category": "Home", "due_date": "2026-12-24"})
    for title in ("In the trash", "Gone for good"):
        task = services.create_task(ctx(bob), {"title": title}).task
        services.delete_task(ctx(bob), task.id)
    services.purge_task(ctx(bob), task.id)
    return alice, bob


def titles(account):
    return sorted(task.title for task in selectors.list_tasks(account.id).items)


def trash(account):
    return [task.title for task in selectors.get_trashed(account.id).items]


def go_on(admin, path, times=20):
    """Press the button as the page's script does, until it presses no more; return how often."""
    answer = admin.send(path, {})
    for number in range(1, times):
        page = admin.client.get(answer["Location"]).getvalue().decode()
        if "data-goes-on" not in page:
            return number, page
        answer = admin.client.post(answer["Location"], {})
    raise AssertionError("it does not end")


def test_it_asks_first_with_counts(root, pair, ctx):
    alice, bob = pair
    access_tokens.create(ctx(bob), "His script")
    assert "E-mail address or id of the account that stays" in root.page(merge_of(bob))
    page = root.page(f"{merge_of(bob)}?into={alice.id}")
    assert f"Merge {bob.email} into {alice.email}?" in page
    assert "3 tasks, 1 in the trash and 1 access tokens move" in page
    assert titles(bob) == ["One", "Three", "Two"]


@pytest.mark.parametrize("step", [100, 1])
def test_everything_moves_and_the_other_account_is_disabled(root, pair, ctx, client_for, step, monkeypatch):
    monkeypatch.setattr(merging, "STEP", step)
    alice, bob = pair
    browser = client_for(bob)
    _, secret = access_tokens.create(ctx(bob), "His script", "write")
    before = {task.id: task for task in selectors.list_tasks(bob.id).items}
    steps, page = go_on(root, f"{merge_of(bob)}?into={alice.id}")
    assert (steps > 3) == (step == 1)
    assert f"Everything is with {alice.email} now." in page
    assert f"/admin/tasks/user/{bob.id}/delete/" in page
    assert titles(alice) == ["Alice's", "One", "Three", "Two"]
    assert trash(alice) == ["In the trash"]
    assert (titles(bob), trash(bob)) == ([], [])
    moved = {task.id: task for task in selectors.list_tasks(alice.id).items if task.id in before}
    for key, task in moved.items():
        assert (task.user_id, task.category, task.due_date) == (alice.id, "Home", "2026-12-24")
        assert (task.created_at, task.version) == (before[key].created_at, before[key].version + 1)
    home = selectors.list_tasks(alice.id, filters=selectors.TaskFilters(category="Home"))
    assert len(home.items) == 3
    script = Client(headers={"authorization": f"Bearer {secret}"})
    assert len(script.get("/api/v1/tasks").json()) == 4
    assert script.post("/api/v1/tasks", {"title": "New"}, content_type="application/json").status_code == 201
    assert "New" in titles(alice)
    assert [token.name for token in access_tokens.list_tokens(alice.id)] == ["His script"]
    assert browser.get("/").status_code == 302
    assert list(sessions.of_person(bob.id)) == []
    assert profiles.get_profile(bob.id).disabled_at
    assert [entry.action for entry in audit.history("user", bob.id)] == ["disable", "merge"]
    assert [entry.action for entry in audit.history("user", alice.id)] == ["merge"]
    assert root.save(f"tasks/user/{bob.id}/delete/").status_code == 302
    assert titles(alice) == ["Alice's", "New", "One", "Three", "Two"]
    assert script.get("/api/v1/tasks").status_code == 200


@pytest.mark.parametrize("at", range(4))
def test_an_interrupted_step_loses_and_doubles_nothing(root, pair, at, monkeypatch):
    """The process dies after any number of transactions, before or after the answer of the last one came."""
    alice, bob = pair
    real, done = handing_over.write, []

    def dies(actions):
        if len(done) == at:
            if at % 2:
                real(actions)
            raise WriteContention
        done.append(real(actions))

    with monkeypatch.context() as patch:
        patch.setattr(handing_over, "write", dies)
        root.send(f"{merge_of(bob)}?into={alice.id}", {})
    assert sorted(titles(alice) + titles(bob)) == ["Alice's", "One", "Three", "Two"]
    assert sorted(trash(alice) + trash(bob)) == ["In the trash"]
    go_on(root, f"{merge_of(bob)}?into={alice.id}")
    assert titles(alice) == ["Alice's", "One", "Three", "Two"]
    assert (trash(alice), titles(bob), trash(bob)) == (["In the trash"], [], [])


def test_a_task_that_changes_meanwhile_moves_as_it_is_then(pair, ctx, monkeypatch):
    alice, bob = pair
    task = next(task for task in selectors.list_tasks(bob.id).items if task.title == "One")
    real = handing_over.write

    def changed_first(actions):
        monkeypatch.setattr(handing_over, "write", real)
        services.update_task(ctx(bob), task.id, {"title": "One, changed"})
        real(actions)

    found = [item for item in handing_over.movable(bob.id) if item.id == task.id]
    monkeypatch.setattr(handing_over, "movable", lambda user_id: iter(found))
    monkeypatch.setattr(handing_over, "write", changed_first)
    assert handing_over.hand_over(ctx(bob), alice.id, 10) == 0
    monkeypatch.undo()
    assert handing_over.hand_over(ctx(bob), alice.id, 10) == 4
    assert "One, changed" in titles(alice)


def test_a_token_that_the_index_still_shows_survives_the_disabling(pair, ctx, monkeypatch):
    alice, bob = pair
    _, secret = access_tokens.create(ctx(bob), "His script")
    stale = list(access_tokens.stored(bob.id))
    access_tokens.hand_over(ctx(bob), profiles.get_profile(alice.id))
    monkeypatch.setattr(access_tokens, "stored", lambda user_id: iter(stale))
    access_tokens.revoke_all(bob.id)
    assert access_tokens.verify(secret).id == alice.id


def test_what_cannot_be_merged(root, pair, other_root, known):
    alice, bob = pair
    known(root.account), known(other_root.account)
    for account, into, problem in (
        (bob, "nobody", "There is no user with this address or id."),
        (bob, bob.id, "An account cannot be merged into itself."),
        (root.account, alice.id, "You cannot disable or delete yourself."),
        (other_root.account, alice.id, "This is an admin&#x27;s account."),
    ):
        for answer in (
            root.get(f"{merge_of(account)}?into={into}"),
            root.send(f"{merge_of(account)}?into={into}", {}),
        ):
            assert problem in answer.getvalue().decode()
    root.carry_out("tasks/user/", "disable", alice.id)
    assert "The account that stays is disabled." in root.page(f"{merge_of(bob)}?into={alice.id}")
    assert titles(bob) == ["One", "Three", "Two"]
    assert not profiles.get_profile(bob.id).disabled_at


def test_who_may_merge(viewer, admin_of, pair):
    alice, bob = pair
    for admin in (viewer, admin_of(alice)):
        assert admin.get(merge_of(bob)).status_code == 403
        assert admin.send(f"{merge_of(bob)}?into={alice.id}", {}).status_code == 403
    assert titles(bob) == ["One", "Three", "Two"]
