"""Erasing a person, by each of the three doors: nothing of theirs is left in the table."""

import io
import json
import os
import time

import pytest
from django.core.management import call_command
from django.test import Client

from etl.jobs import job_requests
from etl.lake.storage import Bucket
from identity import profiles, recovery_codes
from identity.items import revoked_subject
from store import audit, rate_limits
from store.model import INDEX_KEYS, KEYS, TTL_ATTRIBUTE, Item, KeysAtLeast
from store.reading import get
from tests.api.client import TASKS, Api
from tests.conftest import PASSWORD
from tests.etl.test_operations import capturing
from tests.etl.test_restore import captured  # noqa: F401  a fixture
from tests.roles import OWNER
from todo_site.erasure import person
from todo_site.management.commands import erase_user

TABLE = "todo-app-data"
# Every kind of item that the product writes for a person.
KINDS = {
    "ACCESS_TOKEN",
    "AUDIT",
    "CALENDAR_FEED",
    "EMAIL",
    "EXPORT",
    "IDEMPOTENCY",
    "IMPORT",
    "IMPORTROWS",
    "PLACE",
    "PREFERENCES",
    "RATE",
    "RECOVERY_CODES",
    "SESSION",
    "SIGN_IN",
    "TASK",
    "TRASH",
    "USER",
}
# Those that say nothing about anybody; revocations and tries name nobody, and expire by themselves.
OF_NOBODY = {"REVOCATION", "TRIES", "TURN", "WORKSPACE"}


def traces(*texts):
    """Return the items of the table that hold one of ``texts`` anywhere, as DynamoDB has them."""
    pages = OWNER.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    items = (item for page in pages for item in page["Items"])
    return [item for item in items if any(text in json.dumps(item, default=str) for text in texts)]


def kinds(items):
    return {item["entity_type"]["S"] for item in items}


@pytest.fixture
def planted(alice, api, client_for, ctx, root, settings):
    """Let Alice and an admin use everything that stores something of hers; return her browser."""
    settings.RATE_LIMIT_PER_MINUTE = 6000
    rate_limits.forget()
    profiles.known.clear()
    client_for(alice).post("/account/security/sign-out/")
    browser, as_alice, secret = client_for(alice), Api(api(alice)), f"Ring {alice.username}'s doctor"
    key = {"Idempotency_Key": "one"}
    task = as_alice("POST", TASKS, {"title": secret}, **key).json()
    trashed, purged = (as_alice.create(title=secret) for _ in range(2))
    for gone in (trashed, purged):
        assert as_alice("DELETE", f"{TASKS}/{gone['id']}").status_code == 204
    assert as_alice("DELETE", f"/api/v1/trash/{purged['id']}").status_code == 204
    assert as_alice("POST", "/api/v1/tokens", {"name": secret}, Idempotency_Key="two").status_code == 201
    assert as_alice("POST", "/api/v1/calendar").status_code == 201
    export = as_alice("POST", "/api/v1/exports", {"format": "csv"}).json()["id"]
    assert as_alice("POST", f"/api/v1/exports/{export}/continue").json()["status"] == "done"
    rows = [{"title": secret, "priority": "hgih"}]
    begun = as_alice("POST", "/api/v1/imports", {"bytes": len(json.dumps(rows))}).json()["id"]
    assert as_alice("POST", f"/api/v1/imports/{begun}/continue?offset=0", rows).json()["remarks"] == 1
    assert as_alice("PUT", "/api/v1/users", {"name": "Alice Liddell"}, Idempotency_Key="3").status_code == 200
    browser.post("/filters/", {"name": secret, "q": "doctor"})
    recovery_codes.make(ctx(alice))
    moved = f"moved-{alice.email}"
    assert root.save(f"tasks/user/{alice.id}/change/", email=moved).status_code == 302
    assert root.save(f"tasks/task/{alice.id}.{task['id']}/change/", priority="high").status_code == 302
    assert kinds(traces(alice.id)) == KINDS
    assert files(alice)
    yield browser
    rate_limits.forget()


def forget_profile(alice):
    OWNER.client("dynamodb").delete_item(
        TableName=TABLE, Key={"PK": {"S": f"USER#{alice.id}"}, "SK": {"S": "METADATA"}}
    )


def files(alice):
    """Return the versions of the files that Alice has exported."""
    found = OWNER.client("s3").list_object_versions(
        Bucket=os.environ["GOLD_BUCKET"], Prefix=f"exports/{alice.id}/"
    )
    return [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]


def left(alice):
    """Return what is left of Alice."""
    return [*traces(alice.id, alice.username), *files(alice)]


def erase_by_page(browser):
    answer = browser.post("/account/data/delete/", {"password": PASSWORD, "sure": "on"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/deleted/?receipt=")


def erase_by_command(capture, alice, monkeypatch):
    monkeypatch.setattr(erase_user, "client", OWNER.client)
    out = io.StringIO()
    with capturing(capture), OWNER.scanning():
        call_command("erase_user", alice.id, "--wait", "60", stdout=out, stderr=io.StringIO())
    assert f"Nothing of {alice.id} is left, except the id in the order" in out.getvalue()


def test_by_their_own_page(planted, alice, bob, api):
    Api(api(bob)).create(title="Bob's")
    others = [item for item in traces(bob.id) if kinds([item]) != {"RATE"}]
    token = api(alice)
    erase_by_page(planted)
    assert left(alice) == []
    assert [item for item in traces(bob.id) if kinds([item]) != {"RATE"}] == others
    assert token.get(TASKS).status_code == 401
    assert Client().post("/login/", {"identifier": alice.username, "password": PASSWORD}).status_code == 422
    (revocation,) = traces(revoked_subject(alice.id))
    assert time.time() < int(revocation["expires_at"]["N"]) < time.time() + 15 * 24 * 3600


def test_by_their_own_page_in_portions_and_without_a_profile(planted, alice, monkeypatch):
    monkeypatch.setattr(person, "MAX_ERASED", 2)
    forget_profile(alice)
    erase_by_page(planted)
    assert left(alice) == []


@pytest.mark.long
@pytest.mark.sliced
@pytest.mark.parametrize("with_profile", [True, False], ids=["with a profile", "without a profile"])
def test_by_the_command(planted, alice, captured, with_profile, monkeypatch):  # noqa: F811
    if not with_profile:
        forget_profile(alice)
    erase_by_command(captured, alice, monkeypatch)
    assert left(alice) == []


def test_by_an_admin_whose_deed_stays_on_the_trail(planted, root, alice):
    assert root.save(f"tasks/user/{alice.id}/delete/").status_code == 302
    assert left(alice) == []
    deleted = audit.by_actor(root.account.id)[0]
    assert (deleted.action, deleted.kind, deleted.object_name) == ("delete", "user", "erased user")
    order = job_requests.erasure_of(Bucket(os.environ["SILVER_BUCKET"], OWNER.client("s3")), alice.id)
    assert (order.state, order.ordered_by) == ("waiting", root.account.email)
    assert deleted.object_id == order.subject
    assert "erased user" in root.page("")


def spoil(items):
    """Overwrite every attribute of items that is neither a key nor its end of life: no class can read them."""
    for item in items:
        place = item["PK"]["S"], item["SK"]["S"]
        rest = item.keys() - KEYS - INDEX_KEYS - {TTL_ATTRIBUTE, "updated_at", "entity_type"}
        spoilt = {name: {"NS": ["1", "2"]} for name in rest} | {"entity_type": item["entity_type"]}
        keys = {name: value for name, value in item.items() if name not in rest}
        OWNER.client("dynamodb").put_item(TableName=TABLE, Item={**keys, **spoilt})
        assert isinstance(get(KeysAtLeast, place), KeysAtLeast), place


def spoil_all(alice, but=frozenset()):
    found = [item for item in traces(alice.id) if kinds([item]).isdisjoint({"REVOCATION", "RATE", *but})]
    assert {"TASK", "TRASH", "EXPORT", "ACCESS_TOKEN", "IDEMPOTENCY", "EMAIL", "PLACE"} <= kinds(found)
    spoil(found)


def test_by_their_own_page_with_items_that_nobody_can_read(planted, alice):
    spoil_all(alice, but={"SESSION", "USER", "PREFERENCES"})
    erase_by_page(planted)
    assert left(alice) == []


@pytest.mark.sliced
def test_by_the_command_with_items_that_nobody_can_read(planted, alice, captured, monkeypatch):  # noqa: F811
    spoil_all(alice)
    erase_by_command(captured, alice, monkeypatch)
    assert left(alice) == []


def test_by_an_admin_with_items_that_nobody_can_read(planted, root, alice):
    spoil_all(alice, but={"USER"})
    assert "Cannot be read: TASK#" in root.page(f"tasks/user/{alice.id}/delete/")
    assert root.save(f"tasks/user/{alice.id}/delete/").status_code == 302
    assert left(alice) == []


def test_sessions_and_tokens_that_nobody_can_read_end_with_the_others(planted, root, alice):
    spoil([item for item in traces(alice.id) if kinds([item]) & {"SESSION", "ACCESS_TOKEN"}])
    root.carry_out("tasks/user/", "disable", alice.id)
    assert not kinds(traces(alice.id)) & {"SESSION", "ACCESS_TOKEN"}


def test_every_kind_of_item_is_planted():
    ours = {kind for kind, model in Item.TYPES.items() if not model.__module__.startswith("tests.")}
    assert ours - OF_NOBODY == KINDS
