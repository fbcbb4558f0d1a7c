"""Everything about a person in one file: for themselves, or for an admin whom they have asked."""

import json
import re
import urllib.request

import pytest

from etl.lake.config import lake_config
from etl.run import local_lake
from identity import access_tokens, calendar_address, preferences, profiles, recovery_codes
from store import audit
from tasks import services
from tasks.transfer import changes, export_jobs
from tests.etl.test_restore import captured  # noqa: F401  a fixture
from tests.roles import LAKE
from web import athena


def data_of(account):
    return f"tasks/user/{account.id}/data/"


@pytest.fixture
def full(alice, known, ctx, client_for, root):
    """Let Alice have one of everything; return the texts that must not leave."""
    known(alice)
    browser = client_for(alice)
    services.create_task(ctx(alice), {"title": "Pay rent", "tags": ["home"]})
    gone = services.create_task(ctx(alice), {"title": "In her trash"}).task
    services.delete_task(ctx(alice), gone.id)
    token, secret = access_tokens.create(ctx(alice), "Her script")
    address = calendar_address.enable(ctx(alice))
    codes = recovery_codes.make(ctx(alice))
    preferences.save(ctx(alice), theme="dark")
    root.save(f"tasks/user/{alice.id}/change/", name="Alice L.")
    return [secret, token.id, address, *codes, browser.cookies["session"].value, root.account.email]


def fetched(answer):
    assert answer.status_code == 302
    with urllib.request.urlopen(answer["Location"]) as file:
        disposition = file.headers["Content-Disposition"]
        return file.read().decode(), disposition


def complete(content, secrets):
    found = json.loads(content)
    names = ["person", "sessions", "access_tokens", "tasks", "trash", "done_by_admins", "changes"]
    assert list(found) == ["about", *names]
    assert set(found["about"][0]) == {*names, "not_in_this_file"}
    (person,) = found["person"]
    assert (person["profile"]["name"], person["preferences"]) == ("Alice L.", {"theme": "dark"})
    assert person["last_sign_in"]
    assert person["recovery_codes_left"] == 10
    assert [token["name"] for token in found["access_tokens"]] == ["Her script"]
    assert [task["title"] for task in found["tasks"]] == ["Pay rent"]
    assert [task["title"] for task in found["trash"]] == ["In her trash"]
    assert found["sessions"]
    assert found["done_by_admins"][0]["action"] == "change"
    for secret in secrets:
        assert str(secret) not in content


@pytest.mark.parametrize("part", [1, 5 * 1024 * 1024], ids=["many parts", "one part"])
def test_an_admin_makes_it_in_steps_on_the_record(root, alice, full, part, monkeypatch):
    if part == 1:
        monkeypatch.setattr("tasks.transfer.everything.PAGE", 1)
        monkeypatch.setattr(export_jobs, "PART_BYTES", 1)
        monkeypatch.setattr(export_jobs, "_next_part", in_memory())
    assert "Make a file of everything about this person?" in root.page(data_of(alice))
    answer = root.send(data_of(alice), {})
    here = answer["Location"].removeprefix("/admin/")
    steps = 1
    while "data-goes-on" in root.page(here):
        answer = root.send(here, {})
        assert answer.status_code == 302
        steps += 1
        assert steps < 30
    assert (steps > 5) == (part == 1)
    if part == 1:
        complete(MEMORY.pop().decode(), full)
        return
    content, disposition = fetched(root.send(here, {"download": "1"}))
    complete(content, full)
    assert "all-my-data-" in disposition
    actions = [entry.action for entry in audit.history("user", alice.id)]
    assert actions[:2] == ["download data", "gather data"]


MEMORY: list[bytearray] = []


def in_memory():
    """Return a stand-in for the part of a step that writes to S3, whose parts have at least 5 MB."""
    MEMORY[:] = [bytearray()]

    def write_part(item, read):
        content, tasks, cursor = export_jobs._read(item, read)
        MEMORY[0] += content
        status = {"status": export_jobs.DONE} if cursor is None else {}
        counted = {"tasks": item.tasks + tasks, "bytes": item.bytes + len(content), "cursor": cursor}
        return {**counted, **status}

    return write_part


def test_a_person_makes_it_themselves(alice, full, client_for):
    browser = client_for(alice)
    assert "All my data" in browser.get("/account/data/").getvalue().decode()
    steps = "/account/data/export/steps/"
    page = browser.post(steps, {"format": "everything"}).getvalue().decode()
    assert "The file is ready: 1 task" in page
    link = re.search(r'href="(/account/data/export/[0-9a-f-]{36}/)"', page)[1]
    content, _ = fetched(browser.get(link))
    complete(content, full)


def test_programs_see_exports_of_tasks_only(alice, ctx, api):
    export = export_jobs.start(ctx(alice), "everything").known.id
    program = api(alice)
    assert program.get("/api/v1/exports").json() == []
    assert program.get(f"/api/v1/exports/{export}").status_code == 404
    assert program.post(f"/api/v1/exports/{export}/continue").status_code == 404


def test_nobody_else_makes_it(viewer, admin_of, alice, bob, known):
    known(alice)
    for admin in (viewer, admin_of(bob)):
        assert admin.get(data_of(alice)).status_code == 403
        assert admin.send(data_of(alice), {}).status_code == 403


def test_an_export_of_somebody_else_is_not_found_there(root, alice, bob, known, ctx):
    known(alice), known(bob)
    export = export_jobs.start(ctx(bob), "json").known.id
    page = root.send(f"{data_of(alice)}?id={export}", {"download": "1"}, follow=True).getvalue().decode()
    assert "There is no such export." in page


def test_a_person_with_nothing(root, alice, known):
    known(alice)
    here = root.send(data_of(alice), {})["Location"].removeprefix("/admin/")
    content, _ = fetched(root.send(here, {"download": "1"}))
    found = json.loads(content)
    assert found["tasks"] == []
    assert found["access_tokens"] == []


# --- What the lake keeps -------------------------------------------------------------------------------------


@pytest.fixture
def kept(alice, bob, known, ctx, captured, tmp_path):  # noqa: F811
    """Let Alice and Bob change things that the lake takes in; return the id of Alice's task."""
    known(alice), known(bob)
    task = services.create_task(ctx(alice), {"title": "Pay rent", "tags": ["home"]}).task
    services.update_task(ctx(alice), task.id, {"title": "Pay the rent", "description": "To the landlord"})
    services.delete_task(ctx(alice), task.id)
    profiles.update_profile(ctx(alice), {"name": "Alice L.", "timezone": "Europe/Berlin"})
    services.create_task(ctx(bob), {"title": "Something of Bob's"})
    captured()
    local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), tmp_path / "lake").run()
    return task.id


def changes_in(browser):
    """Make the file, step by step, and return its changes."""
    steps = "/account/data/export/steps/"
    page = browser.post(steps, {"format": "everything"}).getvalue().decode()
    link = re.search(r'href="(/account/data/export/[0-9a-f-]{36}/)"', page)[1]
    content, _ = fetched(browser.get(link))
    return json.loads(content)["changes"]


@pytest.mark.parametrize("most", [1, changes.MOST], ids=["a change a page", "one page"])
def test_the_history_of_tasks_and_profile_is_in_it(alice, bob, kept, client_for, monkeypatch, most):
    monkeypatch.setattr(changes, "MOST", most)
    found = changes_in(client_for(alice))
    about_task = [(one["what"], one["done"], one["version"]) for one in found if one["id"] == kept]
    assert sorted(about_task) == [
        ("task", "added", 1),
        ("task", "changed", 2),
        ("task", "removed", 2),
        ("task in the trash", "added", 3),
    ]
    (first,) = [one for one in found if one["id"] == kept and one["version"] == 1]
    assert first["values"] == {
        "title": "Pay rent",
        "status": "pending",
        "priority": "medium",
        "tags": ["home"],
    }
    assert first["by_you"] is True
    (second,) = [one for one in found if one["done"] == "changed" and one["id"] == kept]
    assert (second["values"]["title"], second["values"]["description"]) == ("Pay the rent", "To the landlord")
    profile = [one["values"] for one in found if one["what"] == "profile"]
    assert profile[-1]["name"] == "Alice L."
    assert profile[-1]["timezone"] == "Europe/Berlin"
    assert [one["at"] for one in found] == sorted(one["at"] for one in found)
    text = json.dumps(found)
    assert "Bob" not in text
    assert "GSI" not in text
    assert "PK" not in text


def test_a_page_has_one_change_however_large(alice, kept, client_for, monkeypatch):
    whole = changes.page_of(alice.id, None)
    monkeypatch.setattr(changes, "BYTES", 1)
    cursor, found = None, []
    for _ in whole.items:
        page = changes.page_of(alice.id, cursor)
        found += page.items
        cursor = page.next_cursor
    assert (found, cursor) == (whole.items, None)


def test_a_lake_that_does_not_answer_stops_it_until_it_does(alice, kept, client_for, monkeypatch):
    browser, steps = client_for(alice), "/account/data/export/steps/"

    def down(*_, **__):
        raise athena.AthenaError("down")

    with monkeypatch.context() as patched:
        patched.setattr(athena, "run", down)
        page = browser.post(steps, {"format": "everything"}).getvalue().decode()
    assert "The history of your changes cannot be read right now." in page
    here = re.search(r'action="(/account/data/export/steps/\?id=[0-9a-f-]{36})"', page)[1]
    assert "The file is ready" in browser.post(here).getvalue().decode()


def test_what_others_did_is_in_it_without_their_names(root, alice, known, captured, tmp_path, client_for):  # noqa: F811
    known(alice)
    root.save(f"tasks/user/{alice.id}/change/", name="Alice L.")
    captured()
    local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), tmp_path / "lake").run()
    found = changes_in(client_for(alice))
    assert [one["by_you"] for one in found if one["values"].get("name") == "Alice L."] == [False]
    assert root.account.id not in json.dumps(found)
