"""What was done, read by people: recent actions, histories, the trail with its filters."""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.admin.utils import quote

from store import audit

TASKS, TRAIL = "tasks/task/", "tasks/auditentry/"


def listed(page):
    """The names of the objects of a list of entries."""
    cells = re.findall(r'<td class="field-object_link">(.*?)</td>', page)
    return [re.sub("<[^>]*>", "", cell) for cell in cells]


def recent(root):
    """What the overview says of the last actions: link, name, and what was done."""
    items = re.findall(r"<li>\s*<a href=\"([^\"]*)\">([^<]*)</a>\s*<span[^>]*>\s*([^<]*)<", root.page(""))
    return [(link, name, " ".join(done.split())) for link, name, done in items]


def test_recent_actions_say_what_was_done_and_lead_to_what_is_there(root, add, alice, known, client_for):
    known(alice), client_for(alice)
    task = add("Pay rent")
    key = f"{alice.id}.{task.id}"
    root.carry_out(TASKS, "complete", key)
    (session,) = re.findall(
        r'name="_selected_action" value="([^"]*)"', root.page(f"tasks/session/?user_id__exact={alice.id}")
    )
    root.save(f"tasks/session/{session}/delete/")
    root.carry_out("tasks/user/", "sign_out_everywhere", alice.id)
    root.carry_out(TASKS, "move_to_trash", key)
    found = recent(root)
    assert [done for _, _, done in found] == [
        "Task moved to the trash", "User signed out everywhere", "Session ended", "Task completed",
    ]  # fmt: skip
    assert found[0][0] == found[3][0] == f"/admin/tasks/trashedtask/{key}/change/"
    assert found[1][0] == f"/admin/tasks/user/{alice.id}/change/"
    assert found[2][0].startswith("/admin/tasks/auditentry/")  # the session is gone
    for link, _, _ in found:
        assert root.client.get(link).status_code == 200
    root.save(f"tasks/trashedtask/{key}/delete/")
    assert {link.split("/")[3] for link, name, _ in recent(root) if name == "Pay rent"} == {"auditentry"}


def test_an_entry_has_its_second_its_zone_and_its_links(root, add, alice, known):
    known(alice), known(root.account)
    task = add("Pay rent", status="pending")
    key = f"{alice.id}.{task.id}"
    root.save(f"{TASKS}{key}/change/", status="in_progress", tags="a\nb")
    entry = audit.history("task", key)[0]
    moment = datetime.fromisoformat(entry.created_at).astimezone(UTC)
    page = root.page(f"{TRAIL}?object_id__exact={key}&kind__exact=task")
    assert f"{moment:%Y-%m-%d %H:%M:%S} UTC" in page
    assert f'<a href="/admin/tasks/user/{root.account.id}/change/">{root.account.email}</a>' in page
    assert f'<a href="/admin/tasks/task/{key}/change/">Pay rent</a>' in page
    assert f"?request_id__exact={entry.request_id}" in page
    page = root.page(f"{TRAIL}{quote(f'task#{key}|{entry.id}')}/change/")
    assert '<th scope="row">status</th><td>To do</td><td>In progress</td>' in page
    assert '<th scope="row">tags</th><td></td><td>a, b</td>' in page
    assert alice.email in page


def test_roles_read_as_words(root, alice, known):
    known(alice)
    root.save(f"tasks/user/{alice.id}/change/", roles=["viewers", "managers"])
    assert "roles: “” → “managers, viewers”" in root.page(f"tasks/user/{alice.id}/history/")


def test_the_trail_by_period_kind_and_action(root, add, alice, known):
    known(alice)
    task = add("Pay rent")
    root.carry_out(TASKS, "complete", f"{alice.id}.{task.id}")
    root.carry_out("tasks/user/", "sign_out_everywhere", alice.id)
    own = f"{TRAIL}?actor_id__exact={root.account.email}"
    page = root.page(own)
    assert listed(page) == [alice.email, "Pay rent"]
    for name, value in (("kind", "task"), ("action", "complete")):
        assert re.search(rf'href="\?[^"]*{name}__exact={value}', page)
        assert listed(root.page(f"{own}&{name}__exact={value}")) == ["Pay rent"]
    assert 'type="date" name="created_at__from"' in page
    today = datetime.now(UTC).date().isoformat()
    for period, found in (
        (f"created_at__from={today}", 2),
        (f"created_at__from={today}&created_at__until={today}", 2),
        ("created_at__until=2020-01-01", 0),
        ("created_at__from=2020-01-01", 2),
        ("created_at__from=&created_at__until=", 2),
    ):
        assert len(listed(root.page(f"{own}&{period}"))) == found, period


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday", "0001-01-01", "9999-12-31", "20261"])
def test_what_is_no_day_is_refused(root, add, alice, day):
    task = add("Pay rent")
    root.carry_out(TASKS, "complete", f"{alice.id}.{task.id}")
    page = root.page(f"{TRAIL}?created_at__from={day}")
    assert "is not a day" in page
    assert listed(page) == []


def test_a_stale_form_shows_what_is_stored_now(root, other_root, add, alice):
    task = add("Pay rent", priority="low")
    path = f"{TASKS}{alice.id}.{task.id}/change/"
    mine = root.fill(path, title="Mine")
    other_root.save(path, title="Theirs", priority="urgent")
    page = root.send(path, mine).content.decode()
    assert '<th scope="row">Title</th><td>Theirs</td><td>Mine</td>' in page
    assert '<th scope="row">Priority</th><td>Urgent</td><td>Low</td>' in page
    assert f'href="/admin/{path}"' in page
    assert "<h2>Theirs</h2>" in page  # the heading names what is stored


def test_messages_leave_addresses_as_they_are(root, known):
    known(root.account)
    page = root.carry_out("tasks/user/", "disable", root.account.id)
    assert f">{root.account.email}: You cannot" in page


def test_a_checklist_is_edited_as_lines(root, add, alice):
    from tasks import selectors

    task = add("Move house", checklist=[{"text": "Call", "done": True}, {"text": "Pack"}])
    path = f"{TASKS}{alice.id}.{task.id}/change/"
    assert "[x] Call\n[ ] Pack" in root.page(path)
    root.save(path, title="Move")
    assert selectors.get_task(alice.id, task.id).checklist == task.checklist
    root.save(path, checklist="[x] Call\n[x] Pack\nRest")
    entries = selectors.get_task(alice.id, task.id).checklist
    assert [(entry["text"], entry["done"]) for entry in entries] == [
        ("Call", True),
        ("Pack", True),
        ("Rest", False),
    ]
    assert [entry["id"] for entry in entries[:2]] == [entry["id"] for entry in task.checklist]


def test_bulk_actions_ask_and_say_what_they_did(root, add, alice):
    from tasks import selectors

    keys = [f"{alice.id}.{add(name).id}" for name in ("One", "Two")]
    own = f"{TASKS}?user_id__exact={alice.id}&q=o"
    for action, question in (
        ("complete", "Complete 2 tasks?"),
        ("move_to_trash", "Move 2 tasks to the trash?"),
        ("change_category", "New category of 2 tasks"),
    ):
        page = root.act(own, action, *keys)
        assert question in page
        assert f'href="/admin/{own}"'.replace("&", "&amp;") in page  # back to the list as it was
    assert {task.status for task in selectors.list_tasks(alice.id).items} == {"pending"}
    assert "2 tasks moved to the category “Work”." in root.carry_out(
        own, "change_category", *keys, category="Work"
    )
    assert "2 tasks now without a category." in root.carry_out(own, "change_category", *keys, category="")
    root.carry_out(own, "complete", keys[0])
    page = root.carry_out(own, "complete", *keys)
    assert "1 task completed." in page
    assert "1 task was done already." in page
    page = root.carry_out(own, "move_to_trash", *keys)
    link = re.search(r'<a href="(/admin/tasks/trashedtask/\?[^"]*)">Undo it there', page)[1]
    there = root.client.get(link.replace("&amp;", "&")).getvalue().decode()
    assert re.findall(r"field-title[^>]*><a [^>]*>([^<]*)</a>", there) == ["Two", "One"]
