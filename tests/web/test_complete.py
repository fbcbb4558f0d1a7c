"""Completing and reopening from the list."""

import pytest

from tasks import selectors, services
from tests.web.conftest import HTMX, read


def url(task) -> str:
    return f"/tasks/{task.id}/complete/"


def test_completing_offers_to_undo_it(browser, add, stored):
    task = add("Pay rent")
    answer = browser.post(url(task), {"to": "completed"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert stored(task).status == "completed"
    page = read(browser.get("/"))
    assert "Completed “Pay rent”" in page.text
    assert [u for u in page.attributes("formaction") if "undo" in u] == [f"{url(task)}?to=pending&undo=1"]


def test_without_a_wish_it_toggles(browser, add, stored):
    task = add("Pay rent")
    states = []
    for _ in range(3):
        browser.post(url(task))
        states.append(stored(task).status)
    assert states == ["completed", "pending", "completed"]


def test_pressing_twice_is_not_an_undo(browser, add, stored):
    task = add("Pay rent")
    for _ in range(2):
        browser.post(url(task), {"to": "completed"})
    assert (stored(task).status, stored(task).version) == ("completed", 2)


def test_undo_gives_back_the_status_it_had(browser, add, stored):
    task = add("Pay rent", status="in_progress")
    row = read(browser.get("/"))
    action = next(u for u in row.attributes("formaction") if "complete" in u)
    part = read(browser.post(action, {"to": "completed"}, headers=HTMX))
    undo = next(u for u in part.attributes("formaction") if "undo" in u)
    assert browser.post(undo, headers=HTMX).status_code == 200
    assert stored(task).status == "in_progress"
    assert stored(task).completed_at is None


def test_htmx_gets_the_changed_row_in_its_place_and_a_toast(browser, add):
    task = add("Pay rent")
    part = browser.post(url(task), {"to": "completed"}, headers=HTMX).content.decode()
    assert f'hx-target="#t-{task.id}" hx-swap="outerHTML"' in part
    assert "Reopen “Pay rent”" in part
    assert 'hx-target="#toasts"' in part
    assert "<html" not in part


def test_one_stays_on_the_page_of_the_list_one_was_on(browser, add):
    referer = {"referer": "http://testserver/?view=all&cursor=abc"}
    assert browser.post(url(add("A")), headers=referer)["Location"] == "/?view=all&cursor=abc"
    foreign = {"referer": "https://evil.example/?view=all"}
    assert browser.post(url(add("B")), headers=foreign)["Location"] == "/"


@pytest.mark.parametrize("to", ["finished", "completed ", "\0"])
def test_an_unknown_status_is_refused(browser, add, stored, to):
    task = add("Pay rent")
    assert browser.post(url(task), {"to": to}).status_code == 400
    assert stored(task).version == 1


def test_other_peoples_tasks_are_not_there(client_for, bob, add, stored):
    task = add("Alice's")
    answer = client_for(bob).post(url(task), {"to": "completed"})
    assert answer.status_code == 404
    assert stored(task).status == "pending"


def test_only_posts_complete(browser, add, stored):
    task = add("Pay rent")
    assert browser.get(url(task)).status_code == 405
    assert stored(task).version == 1


@pytest.mark.parametrize("many", [False, True])
def test_undoing_takes_back_the_next_occurrence_too(browser, add, alice, stored, today, many):
    task = add("Water the plants", recurrence="FREQ=DAILY", due_date=str(today))
    for _ in range(2):  # and the chain goes on
        if many:
            part = read(browser.post("/tasks/bulk/", {"ids": task.id, "do": "complete"}, headers=HTMX))
        else:
            answer = browser.post(f"{url(task)}?was=pending", {"to": "completed"}, headers=HTMX)
            part = read(answer)
            assert answer["HX-Trigger"] == "tasks:look"
        following = stored(task).next_task_id
        assert len(selectors.list_tasks(alice.id).items) == 2
        undo = next(attrs for tag, attrs in part.tags if "toast-action" in attrs.get("class", ""))
        browser.post(undo["formaction"], {"token": undo.get("value", "")}, headers=HTMX)
        (left,) = selectors.list_tasks(alice.id).items
        assert (left.id, left.status, left.next_task_id) == (task.id, "pending", None)
        assert following in [gone.id for gone in selectors.get_trashed(alice.id).items]


def test_undoing_leaves_a_next_occurrence_that_was_changed(browser, add, ctx, alice, stored, today):
    task = add("Water the plants", recurrence="FREQ=DAILY", due_date=str(today))
    browser.post(url(task), {"to": "completed"})
    services.update_task(ctx(alice), stored(task).next_task_id, {"title": "Water the cactus"})
    browser.post(f"{url(task)}?undo=1", {"to": "pending"})
    titles = {found.title for found in selectors.list_tasks(alice.id).items}
    assert titles == {"Water the plants", "Water the cactus"}
