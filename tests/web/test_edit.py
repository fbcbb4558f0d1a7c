"""One task as a form; and what happens when two people, or two windows, edit it at once."""

import pytest

from tasks import services
from tests.web.conftest import read


def url(task) -> str:
    return f"/tasks/{task.id}/"


@pytest.fixture
def opened(browser):
    """Return a function that opens a task and returns its form as a browser would send it."""
    return lambda task: read(browser.get(url(task))).fields


WHOLE = {
    "title": "Pay the rent", "description": "First line\r\n\r\n- second", "status": "in_progress", "priority": "urgent",
    "category": "Home", "tags": "bank, #monthly, bank", "due_date": "2030-02-28", "due_time": "09:30",
}  # fmt: skip


def test_saves_every_field(browser, add, stored, opened):
    task = add("Pay rent")
    answer = browser.post(url(task), opened(task) | WHOLE)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    saved = stored(task)
    assert (saved.title, saved.status, saved.priority) == ("Pay the rent", "in_progress", "urgent")
    assert (saved.description, saved.category, saved.tags) == (
        "First line\n\n- second", "Home", ["bank", "monthly"],
    )  # fmt: skip
    assert (saved.due_date, saved.due_time, saved.version) == ("2030-02-28", "09:30", 2)


def test_everything_stored_is_shown(browser, add, opened):
    fields = opened(add("Pay rent", description="<i>Hi</i>\n\nthere", tags=["a", "b"], due_date="2030-01-01"))
    assert fields["description"] == "<i>Hi</i>\n\nthere"
    assert (fields["tags"], fields["due_date"], fields["version"]) == ("a, b", "2030-01-01", "1")


def test_optional_fields_can_be_emptied(browser, add, stored, opened):
    task = add("Pay rent", description="d", category="c", tags=["t"], due_date="2030-01-01", due_time="08:00")
    empty = dict.fromkeys(("description", "category", "tags", "due_date", "due_time"), "")
    browser.post(url(task), opened(task) | empty)
    saved = stored(task)
    assert [getattr(saved, name) for name in empty] == [None] * 5


def test_saving_without_a_change_writes_nothing(browser, add, stored, opened):
    task = add("Pay rent", description="one\ntwo", tags=["a", "b"])
    sent = opened(task) | {"description": "one\r\ntwo", "initial-description": "one\r\ntwo", "tags": "a,b"}
    assert browser.post(url(task), sent).status_code == 302
    assert stored(task).version == 1


def test_a_stale_edit_shows_what_changed_and_saves_nothing(browser, add, stored, opened, ctx, alice):
    task = add("Pay rent", priority="low")
    form = opened(task)
    services.update_task(ctx(alice), task.id, {"title": "Pay the landlord", "priority": "high"})
    answer = browser.post(url(task), form | {"title": "Pay Mr Brown"})
    assert answer.status_code == 409
    page = read(answer)
    assert "This task changed while you were editing it" in page.text
    assert "Title Pay rent Pay the landlord Pay Mr Brown" in page.text
    assert "Priority Low High not changed" in page.text
    assert stored(task).title == "Pay the landlord"
    assert (page.fields["title"], page.fields["priority"], page.fields["version"]) == (
        "Pay Mr Brown",
        "high",
        "2",
    )


def test_saving_again_after_a_conflict_keeps_mine_and_the_others_other_fields(
    browser, add, stored, opened, ctx, alice
):
    task = add("Pay rent", priority="low")
    form = opened(task)
    services.update_task(ctx(alice), task.id, {"title": "Pay the landlord", "priority": "high"})
    again = read(browser.post(url(task), form | {"title": "Pay Mr Brown"})).fields
    assert browser.post(url(task), again).status_code == 302
    assert (stored(task).title, stored(task).priority) == ("Pay Mr Brown", "high")


def test_sending_an_edit_twice_is_no_conflict(browser, add, stored, opened):
    task = add("Pay rent")
    sent = opened(task) | WHOLE
    assert [browser.post(url(task), sent).status_code for _ in range(2)] == [302, 302]
    assert stored(task).version == 2


BAD = [
    ({"title": ""}, "Give the task a title."),
    ({"title": "x" * 201}, "200"),
    ({"description": "x" * 10_001}, "10000"),
    ({"status": "finished"}, "Choose one of the listed values."),
    ({"priority": "mighty"}, "Choose one of the listed values."),
    ({"due_date": "tomorrow"}, "YYYY-MM-DD"),
    ({"due_time": "25:00", "due_date": "2030-01-01"}, "HH:MM"),
    ({"due_time": "09:00"}, "A time of day needs a due date."),
    ({"tags": ",".join(f"t{n}" for n in range(21))}, "Keep at most 20 tags."),
    ({"tags": "x" * 51}, "Shorten every tag to 50 characters."),
    ({"version": ""}, "Reload it"),
    ({"version": "one"}, "Reload it"),
    ({"version": "-1"}, "Reload it"),
]


@pytest.mark.parametrize(("change", "says"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_told_and_nothing_is_saved(browser, add, stored, opened, change, says):
    task = add("Pay rent")
    answer = browser.post(url(task), opened(task) | change)
    assert answer.status_code == 422
    assert says in read(answer).text
    assert stored(task).version == 1


def test_an_empty_post_is_told(browser, add):
    assert browser.post(url(add("Pay rent"))).status_code == 422


@pytest.mark.parametrize("method", ["get", "post"])
def test_other_peoples_tasks_are_not_there(client_for, bob, add, method):
    form = {"title": "Mine now", "status": "pending", "priority": "low", "version": "1"}
    answer = getattr(client_for(bob), method)(url(add("Alice's")), form)
    assert answer.status_code == 404
    assert "Alice's" not in read(answer).text
