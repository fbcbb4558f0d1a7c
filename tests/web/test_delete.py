"""Deleting, and taking it back."""

import re

import pytest

from tasks.errors import TaskNotFound
from tests.web.conftest import HTMX, read


def test_a_deleted_task_comes_back_by_undo(browser, add, stored):
    task = add("Pay rent", category="Home")
    answer = browser.post(f"/tasks/{task.id}/delete/")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    with pytest.raises(TaskNotFound):
        stored(task)
    page = read(browser.get("/"))
    assert "Deleted “Pay rent”" in page.text
    undo = next(u for u in page.attributes("formaction") if "restore" in u)
    assert browser.post(undo)["Location"] == "/"
    assert (stored(task).title, stored(task).category) == ("Pay rent", "Home")
    assert read(browser.get("/")).sections()["undated"] == ["Pay rent"]


def test_the_message_is_shown_once(browser, add):
    browser.post(f"/tasks/{add('Pay rent').id}/delete/")
    assert "Deleted" in read(browser.get("/")).text
    assert "Deleted" not in read(browser.get("/")).text


def test_htmx_gets_an_empty_place_and_an_undo(browser, add):
    task = add("Pay rent")
    part = browser.post(f"/tasks/{task.id}/delete/", headers=HTMX).content.decode()
    assert f'<li id="t-{task.id}" hidden></li>' in part
    assert f"/tasks/{task.id}/restore/" in part


def test_htmx_restores_the_row_into_its_section(browser, add, today):
    task = add("Pay rent", due_date=str(today))
    browser.post(f"/tasks/{task.id}/delete/", headers=HTMX)
    part = browser.post(f"/tasks/{task.id}/restore/?undo=1", headers=HTMX).content.decode()
    assert 'hx-target="#s-today, #s-all"' in part
    assert "Restored “Pay rent”" in part


def test_pressing_twice_says_that_it_is_done(browser, add):
    task = add("Pay rent")
    for verb, done in (("delete", "deleted"), ("restore", "restored")):
        for said in (f"{done.capitalize()} “Pay rent”", f"“Pay rent” was already {done}"):
            answer = browser.post(f"/tasks/{task.id}/{verb}/", follow=True)
            assert answer.status_code == 200
            assert said in read(answer).text
        part = browser.post(f"/tasks/{task.id}/{verb}/", headers=HTMX)
        assert f"was already {done}" in read(part).text


def test_other_peoples_tasks_are_not_there(client_for, bob, add, stored):
    task = add("Alice's")
    browser = client_for(bob)
    assert browser.post(f"/tasks/{task.id}/delete/").status_code == 404
    assert stored(task).title == "Alice's"
    assert browser.post(f"/tasks/{task.id}/restore/").status_code == 404


def test_a_malformed_id_is_not_found(browser):
    assert browser.post("/tasks/nonsense/delete/").status_code == 404


def test_only_posts_delete(browser, add, stored):
    task = add("Pay rent")
    assert browser.get(f"/tasks/{task.id}/delete/").status_code == 405
    assert browser.get(f"/tasks/{task.id}/restore/").status_code == 405
    assert stored(task).version == 1


def titles_in_trash(browser) -> list[str]:
    return re.findall(r'class="task-title"[^>]*>([^<]*)<', browser.get("/trash/").content.decode())


def test_deleting_for_ever(browser, add):
    kept, gone = add("Keep"), add("Secret")
    for task in (kept, gone):
        browser.post(f"/tasks/{task.id}/delete/")
    assert browser.post(f"/tasks/{gone.id}/purge/")["Location"] == "/"
    assert titles_in_trash(browser) == ["Keep"]
    assert [browser.post(f"/tasks/{gone.id}/{verb}/").status_code for verb in ("purge", "restore")] == [
        302,  # pressed twice
        404,
    ]
    assert browser.get(f"/tasks/{kept.id}/purge/").status_code == 405


def test_what_is_not_in_the_trash_is_not_deleted_for_ever(browser, client_for, bob, add, stored):
    task = add("Pay rent")
    assert browser.post(f"/tasks/{task.id}/purge/").status_code == 404
    browser.post(f"/tasks/{task.id}/delete/")
    assert client_for(bob).post(f"/tasks/{task.id}/purge/").status_code == 404
    assert titles_in_trash(browser) == ["Pay rent"]


def test_emptying_the_trash(browser, client_for, bob, ctx, add, stored, monkeypatch):
    from tasks import services

    monkeypatch.setattr(services, "EMPTIED_AT_ONCE", 2)
    kept = add("Not deleted")
    for number in range(3):
        browser.post(f"/tasks/{add(f'Task {number}').id}/delete/")
    others = services.create_task(ctx(bob), {"title": "Of Bob"}).task
    client_for(bob).post(f"/tasks/{others.id}/delete/")
    answer = browser.post("/trash/empty/", headers=HTMX)
    assert "Permanently deleted 3 tasks" in read(answer).text
    assert titles_in_trash(browser) == []
    assert stored(kept).title == "Not deleted"
    assert titles_in_trash(client_for(bob)) == ["Of Bob"]


def test_very_much_trash_goes_in_parts(browser, add, monkeypatch):
    from tasks import services

    monkeypatch.setattr(services, "EMPTIED_AT_ONCE", 1)
    monkeypatch.setattr(services, "EMPTIED", 2)
    for number in range(3):
        browser.post(f"/tasks/{add(f'Task {number}').id}/delete/")
    first, second = (read(browser.post("/trash/empty/", headers=HTMX)).text for _ in range(2))
    assert "Permanently deleted 2 tasks. The trash is not empty yet" in first
    assert "Permanently deleted 1 task" in second
    assert "There are more" not in second
