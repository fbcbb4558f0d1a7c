"""Everything about a person in one file: for themselves, or for an admin whom they have asked."""

import json
import re
import urllib.request

import pytest

from identity import access_tokens, calendar_address, preferences, recovery_codes
from store import audit
from tasks import services
from tasks.transfer import export_jobs


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
    assert list(found) == ["person", "sessions", "access_tokens", "tasks", "trash", "done_by_admins"]
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
