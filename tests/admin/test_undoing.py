"""Undoing a bulk action: asked first, on the record, and only for tasks that nobody has changed since."""

import re

import pytest

from store import audit
from tasks import selectors, services
from tasks.admin import undoing

LIST = "tasks/task/"


def link(page: str) -> str:
    """Return the address behind "Undo" in the message of a page, below /admin/."""
    return re.search(r'<a href="/admin/([^"]*undo/[^"]*)">Undo</a>', page)[1]


@pytest.fixture
def keys(add, alice):
    """Two tasks of Alice's in different categories, as the list knows them."""
    return [f"{alice.id}.{add(title, category=title).id}" for title in ("Home", "Work")]


def tasks_of(person) -> dict[str, tuple[str, str | None]]:
    return {task.title: (task.status, task.category) for task in selectors.list_tasks(person.id).items}


def test_completing_is_undone_after_a_question(root, alice, keys):
    page = root.carry_out(LIST, "complete", *keys)
    assert "2 tasks completed. <a" in page
    asked = root.page(link(page))
    assert "Undo what was done to 2 tasks?" in asked
    assert "They were: completed." in asked
    assert {status for status, _ in tasks_of(alice).values()} == {"completed"}
    done = root.send(link(page), {}, follow=True).content.decode()
    assert "Undone: 2 tasks are as they were" in done
    assert tasks_of(alice) == {"Home": ("pending", "Home"), "Work": ("pending", "Work")}
    entries = audit.history("task", keys[0])
    assert [entry.action for entry in entries] == ["undo", "complete"]
    assert "change undone" in root.page(f"{LIST}{keys[0]}/history/").lower()
    assert "can no longer be undone" in root.send(link(page), {}, follow=True).content.decode(), "once only"


def test_each_task_gets_its_own_category_back(root, alice, keys):
    page = root.carry_out(LIST, "change_category", *keys, category="Both")
    assert tasks_of(alice) == {"Home": ("pending", "Both"), "Work": ("pending", "Both")}
    root.send(link(page), {})
    assert tasks_of(alice) == {"Home": ("pending", "Home"), "Work": ("pending", "Work")}


def test_what_changed_since_stays(root, alice, keys, ctx):
    page = root.carry_out(LIST, "change_category", *keys, category="Both")
    services.update_task(ctx(alice), keys[0].rpartition(".")[2], {"category": "Mine"})
    done = root.send(link(page), {}, follow=True).content.decode()
    assert "Undone: 1 task is as it was" in done
    assert "1 task has changed since and was left as it is" in done
    assert tasks_of(alice) == {"Home": ("pending", "Mine"), "Work": ("pending", "Work")}


def test_a_completion_that_made_the_next_occurrence_is_undone_with_it(root, alice, add):
    task = add("Water", recurrence="FREQ=DAILY", due_date="2026-11-30")
    page = root.carry_out(LIST, "complete", f"{alice.id}.{task.id}")
    assert len(selectors.list_tasks(alice.id).items) == 2
    root.send(link(page), {})
    still_open = [one for one in selectors.list_tasks(alice.id).items if one.status != "completed"]
    assert sum(bool(one.recurrence) for one in still_open) == 1, "at most one of a series repeats"
    assert any(one.id == task.id for one in still_open)


def test_nothing_was_changed_so_nothing_is_undone(root, keys):
    page = root.carry_out(LIST, "change_category", keys[0], category="Home")
    assert ">Undo</a>" not in page


def test_only_the_last_action_of_the_same_admin_is_undone(root, other_root, viewer, keys, alice, monkeypatch):
    first = root.carry_out(LIST, "change_category", keys[0], category="One")
    second = root.carry_out(LIST, "change_category", keys[1], category="Two")
    assert "can no longer be undone" in root.send(link(first), {}, follow=True).content.decode()
    assert "can no longer be undone" in other_root.send(link(second), {}, follow=True).content.decode()
    assert viewer.send(link(second), {}).status_code == 403
    monkeypatch.setattr(undoing, "KEPT_SECONDS", 0)
    assert "can no longer be undone" in root.send(link(second), {}, follow=True).content.decode()
    assert tasks_of(alice) == {"Home": ("pending", "One"), "Work": ("pending", "Two")}
