"""Items that are not as their models declare them: a page says so, and shows the others."""

import pytest
from django.contrib.admin.utils import quote

from identity.items import user_key
from store import audit
from store.model import KeysAtLeast, table
from store.reading import get
from tasks.items import task_key, trash_key

LIST = "tasks/task/"
# Attributes that the API would never store, as DynamoDB's JSON; None removes one.
SPOILT = [
    {"created_at": {"S": "the day before"}},
    {"created_at": {"S": "2026-13-01T00:00:00Z"}},
    {"created_at": {"S": "2026-01-01T00:00:00"}},
    {"created_at": {"L": []}},
    {"created_at": None},
    {"due_date": {"S": "2026-99-99"}},
    {"title": {"N": "5"}},
    {"title": {"BOOL": True}},
    {"status": {"S": "paused"}},
    {"priority": {"M": {}}},
    {"tags": {"S": "a"}},
    {"checklist": {"L": [{"M": {"text": {"S": "no id"}}}]}},
    {"checklist": {"L": [{"S": "Milk"}]}},
    {"version": {"S": "one"}},
    {"version": {"N": "1.5"}},
    {"completed_at": {"S": "0001-01-01T00:00:00Z"}},
    {"entity_type": {"S": "SESSION"}},
    {"entity_type": {"S": "NOTHING"}},
    {"id": None},
    {"user_id": {"N": "1"}},
]


def spoil(place, typed):
    """Overwrite or remove attributes of a stored item."""
    for name, value in typed.items():
        change = "SET #name = :value" if value else "REMOVE #name"
        table().client.update_item(
            TableName=table().table_name,
            Key={"PK": {"S": place[0]}, "SK": {"S": place[1]}},
            UpdateExpression=change,
            ExpressionAttributeNames={"#name": name},
            **({"ExpressionAttributeValues": {":value": value}} if value else {}),
        )


@pytest.mark.sliced
@pytest.mark.parametrize("typed", SPOILT, ids=str)
def test_a_task_that_cannot_be_read_hides_no_other_and_breaks_no_page(root, add, alice, typed):
    good, bad = add("Pay rent"), add("Spoilt")
    place = task_key(alice.id, bad.id)
    spoil(place, typed)
    own = f"?user_id__exact={alice.id}"
    root.page(LIST)  # its first page may be full of other tests' tasks
    for query in (own, f"{own}&o=1", f"{own}&status__exact=pending", f"{own}&q=rent"):
        page = root.page(f"{LIST}{query}")
        assert "Pay rent" in page, query
        assert bad.id in page or query.endswith("rent") or "status" in query, query
    assert "cannot be read" in root.page(f"{LIST}{own}")
    for view in ("change", "delete", "history"):
        page = root.page(f"{LIST}{alice.id}.{bad.id}/{view}/")
        assert "This task cannot be read" in page
        assert place[0] in page
    assert "Pay rent" in root.page(f"{LIST}export.csv{own}")
    for path in (f"{LIST}?q={bad.id}", "", "pipeline/", f"tasks/user/?q={alice.id}", "people/?q=alice"):
        assert root.get(path).status_code == 200, path
    root.carry_out(f"{LIST}{own}", "move_to_trash", f"{alice.id}.{bad.id}")
    root.carry_out(f"{LIST}{own}", "complete", f"{alice.id}.{good.id}", f"{alice.id}.{bad.id}")
    assert table().client.get_item(
        TableName=table().table_name, Key={"PK": {"S": place[0]}, "SK": {"S": place[1]}}
    )["Item"]


def test_viewers_see_why_but_no_value(viewer, add, alice):
    bad = add("Spoilt")
    spoil(task_key(alice.id, bad.id), {"title": {"L": [{"S": "a secret"}]}})
    for path in (f"{LIST}?user_id__exact={alice.id}", f"{LIST}{alice.id}.{bad.id}/change/"):
        page = viewer.page(path)
        assert "a list is stored, and it should be text" in page
        assert "a secret" not in page


@pytest.mark.parametrize(
    "typed", [{"disabled_at": {"S": "soon"}}, {"email": {"N": "1"}}, {"username": {"L": []}}]
)
def test_a_person_that_cannot_be_read(root, add, alice, known, typed):
    add("Pay rent")
    known(alice)
    spoil(user_key(alice.id), typed)
    own = f"tasks/user/{alice.id}"
    for path in (
        *("tasks/user/", f"tasks/user/?q={alice.id}", f"{own}/change/", f"{own}/delete/", "people/?q=alice"),
        *(f"{LIST}?user_id__exact={alice.id}", "tasks/auditentry/"),
    ):
        assert root.get(path).status_code == 200, path
    assert "This user cannot be read" in root.page(f"tasks/user/{alice.id}/change/")
    assert "Pay rent" in root.page(f"{LIST}?user_id__exact={alice.id}")


@pytest.mark.parametrize(
    "typed",
    [
        {"created_at": {"S": "x"}},
        {"changes": {"S": "x"}},
        {"changes": {"L": [{"M": {}}]}},
        {"actor_name": None},
        {"action": {"N": "1"}},
        {"object_id": None},
    ],
)
def test_an_entry_of_the_trail_that_cannot_be_read(root, add, alice, typed):
    task = add("Pay rent")
    key = f"{alice.id}.{task.id}"
    root.save(f"{LIST}{key}/change/", title="One")
    root.save(f"{LIST}{key}/change/", title="Two")
    entry = audit.history("task", key)[0]
    spoil(entry.key, typed)
    pages = {path: root.page(path) for path in ("", "tasks/auditentry/", f"{LIST}{key}/history/")}
    assert "“One”" in pages[f"{LIST}{key}/history/"]
    root.page(f"tasks/auditentry/{quote(f'task#{key}|{entry.id}')}/change/")
    root.page(f"tasks/auditentry/export.csv?actor_id__exact={root.account.id}")


def test_a_task_in_the_trash_and_a_session_that_cannot_be_read(root, add, alice, client_for):
    task, client = add("Pay rent"), client_for(alice)
    root.carry_out(LIST, "move_to_trash", f"{alice.id}.{task.id}")
    spoil(trash_key(alice.id, task.id), {"deleted_at": {"S": "x"}, "expires_at": {"S": "x"}})
    assert "cannot be read" in root.page(f"tasks/trashedtask/?user_id__exact={alice.id}")
    assert "cannot be read" in root.page(f"tasks/trashedtask/{alice.id}.{task.id}/change/")
    from identity.items import session_key

    spoil(session_key(client.session.session_key), {"expires_at": {"S": "x"}})
    assert "cannot be read" in root.page(f"tasks/session/?user_id__exact={alice.id}")


def test_a_user_with_an_item_that_cannot_be_read_is_deleted_with_it(root, add, alice, known):
    known(alice)
    task = add("Pay rent")
    spoil(task_key(alice.id, task.id), {"title": {"N": "5"}})
    place = " ".join(task_key(alice.id, task.id))
    assert f"Cannot be read: {place}" in root.page(f"tasks/user/{alice.id}/delete/")
    root.save(f"tasks/user/{alice.id}/delete/")
    assert get(KeysAtLeast, task_key(alice.id, task.id)) is None
    assert get(KeysAtLeast, user_key(alice.id)) is None


UNSERVED = (
    *("foo=1", "title__regex=(", "created_at__gte=yesterday", "created_at__from=2026-02-30", "o=99", "o=x"),
    *("p=3", "after=zzz", "e=1", "all=", "q=%00", "state=x", "user_id__exact=nobody@example.org"),
    *("created_at__range=1", "status__in__x=1", "version__gte=many", "created_at__isnull=perhaps"),
)


@pytest.mark.parametrize("path", [LIST, "tasks/user/", "tasks/auditentry/", "tasks/session/"])
def test_what_cannot_be_served_is_refused_and_shows_nobodys_rows(root, add, alice, known, path):
    known(alice)
    add("Pay rent")
    for query in UNSERVED:
        page = root.page(f"{path}?{query}")
        assert '<li class="error">' in page, query
        assert 'name="_selected_action"' not in page, query
        assert "/change/" not in page.partition('id="result_list"')[2], query
    for query in ("foo=1", "q=%00", "user_id__exact=nobody@example.org"):
        export = root.client.get(f"/admin/{path}export.csv?{query}", follow=True)
        assert '<li class="error">' in export.getvalue().decode(), query
