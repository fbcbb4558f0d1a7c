"""Deleting, and taking it back."""

import pytest

from tasks.errors import TaskNotFound
from tests.web.conftest import HTMX, read


def test_it_works(browser, add, stored):
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


def test_deleting_or_restoring_twice_says_that_it_is_gone(browser, add):
    task = add("Pay rent")
    codes = [
        browser.post(f"/tasks/{task.id}/{verb}/").status_code
        for verb in ("delete", "delete", "restore", "restore")
    ]
    assert codes == [302, 404, 302, 404]


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
