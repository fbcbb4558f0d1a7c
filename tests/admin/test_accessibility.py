"""axe-core finds nothing wrong with any page of the admin, in light and dark; and every one fits a narrow window."""

import pytest
from playwright.sync_api import expect

from store.model import table
from tasks.items import task_key
from tests.admin.test_journeys import PAGES, ask_for, shot
from tests.web.conftest import open_as, site, visit
from tests.web.test_accessibility import judge, wrong

__all__ = ["open_as", "site", "visit"]
pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture
def full(root, add, alice, known, client_for, api):
    """Something on every list, of every kind of action; return the tasks' keys by name."""
    known(alice), known(root.account), client_for(alice)
    tasks = {
        name: add(name, category="Home", tags=["bank"], checklist=[{"text": "Call"}], due_date="2026-12-24")
        for name in ("kept", "gone", "spoilt")
    }
    keys = {name: f"{alice.id}.{task.id}" for name, task in tasks.items()}
    root.save(f"tasks/task/{keys['kept']}/change/", title="Kept", status="in_progress", tags="a\nb")
    root.carry_out("tasks/task/", "complete", keys["kept"])
    root.carry_out("tasks/task/", "move_to_trash", keys["gone"])
    root.carry_out("tasks/user/", "sign_out_everywhere", alice.id)
    root.save(f"tasks/user/{alice.id}/change/", roles=["viewers"])
    headers = {"idempotency-key": "import#2026-11-30T00:23:05.123456Z#a-rather-long-key-of-a-client"}
    api(alice).post("/api/v1/tasks", {"title": "Once"}, "application/json", headers=headers)
    pk, sk = task_key(alice.id, tasks["spoilt"].id)
    table().client.update_item(
        TableName=table().table_name,
        Key={"PK": {"S": pk}, "SK": {"S": sk}},
        UpdateExpression="SET due_date = :day",
        ExpressionAttributeValues={":day": {"S": "2026-99-99"}},
    )
    return keys | {"alice": alice.id}


def test_axe_finds_nothing_in_the_admin(open_as, root, full):
    page, found = open_as(root.account, "/admin/"), {}
    own = f"user_id__exact={full['alice']}"
    paths = [
        *PAGES, "tasks/accesstoken/", "tasks/idempotencyrecord/", "tasks/task/?foo=1", f"tasks/task/?{own}",
        f"tasks/task/{full['kept']}/change/", f"tasks/task/{full['kept']}/history/",
        f"tasks/task/{full['kept']}/delete/", f"tasks/task/{full['spoilt']}/change/",
        f"tasks/trashedtask/{full['gone']}/change/", f"tasks/user/{full['alice']}/change/",
        f"tasks/user/{full['alice']}/delete/", f"tasks/user/{full['alice']}/history/",
    ]  # fmt: skip
    for path in paths:
        assert page.goto(f"/admin/{path}").status == 200, path
        look(page, path.replace(full["alice"], "x"), found)
    page.goto("/admin/tasks/auditentry/")
    page.locator("#result_list tbody a").first.click()
    look(page, "audit entry", found, "View audit entry")
    page.goto(f"/admin/tasks/task/?{own}")
    ask_for(page, "change_category")
    look(page, "asking", found, "New category of")
    page.goto(f"/admin/tasks/task/{full['kept']}/change/")
    root.save(f"tasks/task/{full['kept']}/change/", title="Theirs")
    page.locator("#id_title").fill("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    look(page, "stale", found, "somebody else changed this")
    page.goto("/admin/pipeline/")
    page.locator("[name=first_day]").fill("2020-01-01")
    page.get_by_role("button", name="Replay these days").click()
    look(page, "asking to replay", found, "No, take me back")
    assert wrong(found) == {}


def look(page, name, found, words=""):
    """Judge the page, once it shows these words, and take its picture in both sizes and themes."""
    if words:  # a click has led here, and does not wait for the page
        expect(page.locator("#content").get_by_text(words).first).to_be_visible()
        page.wait_for_load_state()
    judge(page, name, found)
    named = "".join(letter if letter.isalnum() else "_" for letter in name)[:60] or "index"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for size in ((1280, 800), (390, 844)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            shot(page, f"{named}-{size[0]}-{scheme}")
