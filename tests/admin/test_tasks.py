"""Tasks in the admin: everything goes through the services, and onto the record."""

import csv
import io
import re
import threading
import uuid
from datetime import UTC, datetime

import pytest
from django.contrib.admin.utils import quote

from store import audit
from store.model import Item
from store.request_context import RequestContext, timestamp
from store.writing import check, update, write
from tasks import selectors, services
from tasks.errors import TaskNotFound
from web import answers

LIST = "tasks/task/"


def key(task):
    return f"{task.user_id}.{task.id}"


def change(task):
    return f"{LIST}{key(task)}/change/"


def titles(page):
    return re.findall(r"field-title[^>]*><a [^>]*>([^<]*)</a>", page)


def test_a_change_of_a_task_is_stored(root, add, alice):
    task = add("Pay rent", category="Home")
    answer = root.save(change(task), title="Pay the rent", tags="bank\n \nmonthly\n", due_date="2026-12-01")
    assert answer.status_code == 302
    stored = selectors.get_task(alice.id, task.id)
    assert (stored.title, stored.tags, stored.due_date) == ("Pay the rent", ["bank", "monthly"], "2026-12-01")
    assert (stored.updated_by, stored.version) == (root.account.id, 2)


def test_what_was_done_is_on_the_record(root, add):
    task = add("Pay rent")
    answer = root.save(change(task), title="Pay the rent")
    (entry,) = audit.history("task", key(task))
    assert (entry.actor_id, entry.request_id) == (root.account.id, answer["X-Request-ID"])
    assert entry.attribute_values["changes"] == [
        {"field": "title", "before": "Pay rent", "after": "Pay the rent"}
    ]
    assert "Pay the rent" in root.page(f"{LIST}{key(task)}/history/")
    assert "Pay the rent" in root.page("")  # recent actions


def test_the_record_and_the_change_are_one_transaction(root, add, alice, monkeypatch):
    """If the entry cannot be stored, the task is not changed."""
    task = add("Pay rent")
    never = check(("NOBODY", "NOTHING"), Item.PK.exists())
    monkeypatch.setattr(audit, "entry", lambda *args, **kwargs: never)
    root.client.raise_request_exception = False
    root.save(change(task), title="Changed")
    assert selectors.get_task(alice.id, task.id).title == "Pay rent"


def test_the_domain_validates(root, add, alice):
    task = add("Pay rent")
    page = root.save(change(task), recurrence="every now and then", title="x" * 201).content.decode()
    assert "at most 200 characters" in page
    page = root.save(change(task), recurrence="every now and then", due_time="09:00").content.decode()
    assert "Say how it repeats" in page
    assert selectors.get_task(alice.id, task.id).version == 1


def test_add(root, alice, known):
    known(alice)
    answer = root.save(f"{LIST}add/", user_id=alice.id, title="From above", priority="high", status="pending")
    assert answer.status_code == 302
    (task,) = selectors.list_tasks(alice.id).items
    assert (task.title, task.priority, task.updated_by) == ("From above", "high", root.account.id)


def test_add_for_nobody(root):
    page = root.save(
        f"{LIST}add/", user_id="nobody", title="Lost", priority="low", status="pending"
    ).content.decode()
    assert "There is no user with this id." in page


def test_a_stale_form_is_refused(root, other_root, add, alice):
    task = add("Pay rent")
    mine = root.fill(change(task), title="Mine")
    assert other_root.save(change(task), category="Home").status_code == 302
    page = root.send(change(task), mine).content.decode()
    assert "somebody else changed this after you opened it" in page
    assert 'value="Mine"' in page  # what was typed is still there
    assert "somebody else" in root.send(change(task), mine).content.decode()  # sending it again does not help
    stored = selectors.get_task(alice.id, task.id)
    assert (stored.title, stored.category) == ("Pay rent", "Home")


def test_a_race_between_read_and_write_is_refused(root, add, alice, ctx, monkeypatch):
    task = add("Pay rent")
    update = services.update_task

    def late(context, task_id, changes, **kwargs):
        update(ctx(alice), task_id, {"priority": "urgent"})
        return update(context, task_id, changes, **kwargs)

    monkeypatch.setattr("tasks.services.update_task", late)
    assert "somebody else" in root.save(change(task), title="Mine").content.decode()
    assert selectors.get_task(alice.id, task.id).priority == "urgent"


def test_of_two_admins_saving_at_once_one_is_told(root, other_root, add, alice):
    """Whoever loses the race sees the message; nothing of the winner's is lost, nothing of the loser's half done."""
    task = add("Pay rent")
    admins = {"root": root, "other": other_root}
    forms = {name: admin.fill(change(task), title=name, tags=name) for name, admin in admins.items()}
    start, answers = threading.Barrier(2), {}

    def save(name):
        start.wait()
        answers[name] = admins[name].send(change(task), forms[name])

    threads = [threading.Thread(target=save, args=(name,)) for name in admins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [name for name, answer in answers.items() if answer.status_code == 302]
    (lost,) = admins.keys() - {won}
    assert "somebody else changed this" in answers[lost].content.decode()
    stored = selectors.get_task(alice.id, task.id)
    assert (stored.title, stored.tags, stored.version) == (won, [won], 2)
    assert [entry.actor_id for entry in audit.history("task", key(task))] == [admins[won].account.id]


def test_two_admins_acting_at_once_lose_nothing(root, other_root, add, alice):
    task = add("Pay rent")
    root.carry_out(LIST, "complete", key(task))
    other_root.act(LIST, "change_category", key(task), apply="1", category="Home")
    stored = selectors.get_task(alice.id, task.id)
    assert (stored.status, stored.category) == ("completed", "Home")
    assert [entry.actor_id for entry in audit.history("task", key(task))] == [
        other_root.account.id,
        root.account.id,
    ]


def test_how_a_task_repeats_is_read_and_written_in_words(root, viewer, add, alice):
    task = add("Water plants", recurrence="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", due_date="2026-11-30")
    shown = root.page(change(task))
    assert 'value="Every 2 weeks on Monday"' in shown
    root.save(change(task), title="Water all plants")
    assert selectors.get_task(alice.id, task.id).recurrence == "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"
    root.save(change(task), recurrence="every! 3 days")
    changed = selectors.get_task(alice.id, task.id)
    assert (changed.recurrence, changed.repeat_from) == ("FREQ=DAILY;INTERVAL=3", "done")
    history = root.page(f"{LIST}{key(task)}/history/")
    assert "repeats: “Every 2 weeks on Monday” → “Every 3 days”" in history
    entry = audit.history("task", key(task))[0]
    entries = [
        root.page("tasks/auditentry/"),
        root.page(f"tasks/auditentry/{quote(f'task#{key(task)}|{entry.id}')}/change/"),
    ]
    seen = [shown, history, root.page(""), root.page(change(task)), viewer.page(change(task)), *entries]
    assert "Every 3 days" in entries[1]
    assert "Every 3 days" in seen[4]
    assert [page for page in seen if "FREQ=" in page] == []
    root.save(change(task), recurrence="", repeat_from="")
    assert selectors.get_task(alice.id, task.id).recurrence is None


def test_a_rule_that_cannot_be_said_stays_what_it_is(root, add, alice):
    odd = "FREQ=MONTHLY;BYMONTHDAY=13,14;BYDAY=MO,TU;BYSETPOS=1,-2"
    task = add("Odd", recurrence=odd, due_date="2027-01-13")
    root.save(change(task), title="Odder")
    assert (
        selectors.get_task(alice.id, task.id).title,
        selectors.get_task(alice.id, task.id).recurrence,
    ) == (
        "Odder",
        odd,
    )


def test_a_rule_that_nobody_can_read_is_kept_unless_it_is_changed(root, viewer, add, alice):
    task = add("Broken", recurrence="FREQ=DAILY", due_date="2027-01-13")
    write([update(task, task.changed(recurrence="FREQ=MONTHLY;BYMONTHDAY=0"))])
    for admin in (root, viewer):
        page = admin.page(change(task))
        assert "Repeats in a way that cannot be read" in page
        assert "FREQ=" not in page
    root.save(change(task), title="Still broken")
    assert selectors.get_task(alice.id, task.id).recurrence == "FREQ=MONTHLY;BYMONTHDAY=0"
    root.save(change(task), recurrence="every month")
    assert selectors.get_task(alice.id, task.id).recurrence == "FREQ=MONTHLY"


def test_complete_creates_the_next_occurrence(root, add, alice):
    task = add("Water plants", recurrence="FREQ=DAILY", due_date="2026-01-01")
    assert "1 task completed." in root.carry_out(LIST, "complete", key(task))
    assert len(selectors.list_tasks(alice.id).items) == 2


def test_change_category_asks_first(root, add, alice):
    one, two = add("One"), add("Two")
    page = root.act(LIST, "change_category", key(one), key(two))
    assert "New category of 2 tasks" in page
    assert "2 tasks moved to the category “Work”." in root.act(
        LIST, "change_category", key(one), key(two), apply="1", category="Work"
    )
    assert {task.category for task in selectors.list_tasks(alice.id).items} == {"Work"}


def test_to_the_trash_and_back(root, add, alice):
    task = add("Pay rent")
    assert "1 task moved to the trash." in root.carry_out(LIST, "move_to_trash", key(task))
    with pytest.raises(TaskNotFound):
        selectors.get_task(alice.id, task.id)
    trash = f"tasks/trashedtask/?user_id__exact={alice.id}"
    assert titles(root.page(trash)) == ["Pay rent"]
    assert "restored." in root.carry_out(trash, "restore", key(task))
    assert selectors.get_task(alice.id, task.id).version == 3
    assert [entry.action for entry in audit.history("task", key(task))] == ["restore", "move to trash"]


def test_deleting_says_what_goes(root, add, alice):
    task = add("Move house", checklist=[{"text": "Call the landlord"}])
    page = root.page(f"{LIST}{key(task)}/delete/")
    assert "Checklist entry: Call the landlord" in page
    assert "What goes with them: 1" in page
    assert "It stays in the trash for 30 days" in page
    assert root.save(f"{LIST}{key(task)}/delete/").status_code == 302
    assert [item.title for item in selectors.get_trashed(alice.id).items] == ["Move house"]


def test_a_stale_deletion_is_refused(root, add, alice, ctx):
    """What was asked about is not what would be deleted: the page comes again, and shows what it is now."""
    task = add("Move house")
    asked = root.fill(f"{LIST}{key(task)}/delete/")
    services.update_task(ctx(alice), task.id, {"title": "Buy a house"})
    page = root.send(f"{LIST}{key(task)}/delete/", asked, follow=True).content.decode()
    assert "Not deleted: somebody else changed this" in page
    assert "Task: Buy a house" in page
    assert selectors.get_task(alice.id, task.id).version == 2


def test_deleting_for_good(root, add, alice):
    task = add("Secret")
    root.carry_out(LIST, "move_to_trash", key(task))
    assert root.save(f"tasks/trashedtask/{key(task)}/delete/").status_code == 302
    assert not selectors.get_trashed(alice.id).items
    assert audit.history("task", key(task))[0].action == "delete for good"
    for path in ("", f"?user_id__exact={alice.id}"):
        assert key(task) not in root.page(f"tasks/trashedtask/{path}")


def test_the_owners_client_learns_of_a_permanent_deletion(root, add, alice, api):
    task = add("Secret")
    services.delete_task(RequestContext(alice.id, alice.id, "request", datetime.now(UTC)), task.id)
    since = timestamp(datetime.now(UTC))
    assert root.save(f"tasks/trashedtask/{key(task)}/delete/").status_code == 302
    (deleted,) = api(alice).get(f"/api/v1/tasks?updated_since={since}").json()
    assert (deleted["id"], deleted["title"], deleted["version"]) == (task.id, "", 3)
    assert deleted["deleted_at"]


def test_everybodys_trash_the_latest_first(root, alice, bob, ctx):
    word, made = uuid.uuid4().hex, {}
    for account, title in ((alice, "First made"), (bob, "Then made"), (alice, "Last made")):
        made[title] = account, services.create_task(ctx(account), {"title": f"{title} {word}"}).task
    for title in ("Last made", "First made", "Then made"):
        account, task = made[title]
        services.delete_task(ctx(account), task.id)

    def listed(query):
        page = root.page(f"tasks/trashedtask/?q={word}{query}")
        return [title.removesuffix(f" {word}") for title in titles(page)]

    assert listed("") == ["Then made", "First made", "Last made"]
    assert listed(f"&user_id__exact={alice.id}") == ["First made", "Last made"]
    assert "restored." in root.carry_out("tasks/trashedtask/", "restore", key(made["Then made"][1]))
    assert listed("") == ["First made", "Last made"]


def test_filters_and_order(root, add, alice):
    add("Banana", status="in_progress", category="Fruit")
    add("apple", status="pending", category="Fruit", priority="high")
    add("Cherry", status="pending", category="Work#1")
    own = f"{LIST}?user_id__exact={alice.id}"
    assert titles(root.page(own)) == ["Cherry", "apple", "Banana"]
    assert titles(root.page(f"{own}&status__exact=pending")) == ["Cherry", "apple"]
    assert titles(root.page(f"{own}&category__exact=Work%231")) == ["Cherry"]
    assert titles(root.page(f"{own}&priority__exact=high")) == ["apple"]
    assert titles(root.page(f"{own}&o=1")) == ["apple", "Banana", "Cherry"]
    assert titles(root.page(f"{own}&o=-1")) == ["Cherry", "Banana", "apple"]
    assert titles(root.page(f"{own}&q=an")) == ["Banana"]


def test_search_by_id(root, add):
    add("Another")
    task = add("This one")
    assert titles(root.page(f"{LIST}?q={task.id}")) == ["This one"]
    assert titles(root.page(f"{LIST}?q={task.id[:-1]}{'0' if task.id[-1] != '0' else '1'}")) == []


def test_pages_miss_nothing_and_show_nothing_twice(root, add, alice):
    made = [add(f"Task {number:02}").title for number in range(60)]
    seen, url = [], f"{LIST}?user_id__exact={alice.id}"
    while url:
        page = root.page(url)
        seen += titles(page)
        following = re.search(r'<a href="(\?[^"]*)" rel="next">', page)
        url = following and LIST + following[1].replace("&amp;", "&")
    assert seen == made[::-1]


def test_export(root, add, alice):
    add("=1+1", tags=["a", "b"])
    add("Plain", status="completed")
    answer = root.get(f"{LIST}export.csv?user_id__exact={alice.id}&status__exact=pending")
    (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert (row["title"], row["tags"], row["user_id"]) == ("'=1+1", '["a", "b"]', alice.id)
    assert answer["X-Rows-Truncated"] == "false"


def test_an_export_ends_where_an_answer_is_full(root, add, alice, monkeypatch):
    monkeypatch.setattr(answers, "BUDGET", 6000)
    made = [add(f"Task {number}", description='"' * 500) for number in range(9)]
    answer = root.get(f"{LIST}export.csv?user_id__exact={alice.id}")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert 0 < len(rows) < 9
    assert [row["title"] for row in rows] == [task.title for task in made[::-1]][: len(rows)]
    assert answer["X-Rows-Truncated"] == "true"
    assert "-part.csv" in answer["Content-Disposition"]


def test_everything_at_once_is_not_offered(root, add, alice):
    task = add("Pay rent")
    page = root.carry_out(LIST, "move_to_trash", key(task), select_across="1")
    assert "all pages at once is not offered" in page
    assert selectors.get_task(alice.id, task.id)


def test_markup_is_text(root, add, alice):
    add("<script>alert(1)</script>")
    assert "<script>alert" not in root.page(f"{LIST}?user_id__exact={alice.id}")


@pytest.mark.parametrize(
    "query", ["title__regex=x", "nothing__exact=1", "user_id__exact=", "after=x&o=1", "q=%00", "o=99"]
)
def test_odd_questions_are_no_errors(root, query):
    assert root.client.get(f"/admin/{LIST}?{query}", follow=True).status_code in {200, 400}
