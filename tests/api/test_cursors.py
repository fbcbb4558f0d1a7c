"""Walking a list while it changes: what existed throughout comes once, whatever is added or deleted meanwhile"""

import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from identity import profiles
from tests.api.client import TASKS, Api, assert_problem
from tests.api.model import PRIORITIES, SORTS, listed, today
from tests.api.test_list_tasks import following

DAYS = [(today() + timedelta(days=offset)).isoformat() for offset in (-1, 0, 1)]
STATUSES = ("pending", "in_progress", "completed", "cancelled")
TASK = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Milk", "Rent"]),
        "status": st.sampled_from(STATUSES),
        "priority": st.sampled_from(PRIORITIES),
        "category": st.sampled_from([None, "home"]),
        "tags": st.sampled_from([[], ["a"]]),
        "due_date": st.sampled_from([None, *DAYS]),
    }
)
QUERY = st.fixed_dictionaries(
    {},
    optional={
        "status": st.just("pending"),
        "priority": st.sampled_from(PRIORITIES),
        "category": st.just("home"),
        "tag": st.just("a"),
        "overdue": st.sampled_from(["true", "false"]),
        "due_after": st.sampled_from(DAYS),
        "q": st.just("milk"),
        "updated_since": st.just("2020-01-01T00:00:00Z"),
        "sort": st.sampled_from(SORTS),
    },
)


@pytest.fixture(scope="module", autouse=True)
def anybody():
    """A token is its person's name, and a page reads so little that it often ends before it is full."""
    from identity.users import Person

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "identity.cognito_tokens.person_of",
            lambda token: Person(id=token, email="", username=token, name=token),
        )
        patch.setattr("store.ranges.SIFTED", 4)
        patch.setattr("store.ranges.MAX_READS", 5)
        yield


def somebody():
    user = f"user-{uuid.uuid4()}"
    profiles.known.put(user, None)
    return Api(Client(headers={"authorization": f"Bearer {user}"}))


def add(api, tasks):
    operations = [{"op": "create", "task": task} for task in tasks]
    results = api("POST", f"{TASKS}/batch", {"operations": operations}).json()["results"]
    return [result["id"] for result in results]


def change(api, data, alive):
    """Add and delete some tasks; return the ids of both."""
    added = data.draw(st.lists(TASK, max_size=3), label="added")
    deleted = data.draw(st.lists(st.sampled_from(alive), max_size=2, unique=True) if alive else st.just([]))
    operations = [{"op": "create", "task": task} for task in added]
    operations += [{"op": "delete", "id": task_id} for task_id in deleted]
    if not operations:
        return set()
    answer = api("POST", f"{TASKS}/batch", {"operations": operations})
    return {result["id"] for result in answer.json()["results"]}


@given(data=st.data(), query=QUERY, limit=st.integers(1, 4), tasks=st.lists(TASK, min_size=4, max_size=16))
@settings(max_examples=30, deadline=None, suppress_health_check=[*HealthCheck])
def test_what_exists_throughout_a_walk_comes_once_and_in_order(data, query, limit, tasks):
    api = somebody()
    add(api, tasks)
    before = api("GET", f"{TASKS}?limit=100").json()
    alive, touched, found = [task["id"] for task in before], set(), []
    path = f"{TASKS}?{urlencode(query | {'limit': limit})}"
    while path:
        answer = api("GET", path)
        page = answer.json()
        assert len(page) <= limit
        found += [task["id"] for task in page if task["deleted_at"] is None]
        path = following(answer)
        if len(touched) < 20:  # a list that grows as fast as it is read has no end
            touched |= change(api, data, alive)
            alive = [task_id for task_id in alive if task_id not in touched]
    assert len(found) == len(set(found))
    throughout = [task["id"] for task in before if task["id"] in alive]
    wanted = [task["id"] for task in listed(before, query) if task["id"] in alive]
    seen = [task_id for task_id in found if task_id in throughout]
    # Those made in one batch were changed in one instant: among them there is no order by that.
    unordered = "updated" in query.get("sort", "") or ("updated_since" in query and "sort" not in query)
    assert (sorted(seen), len(seen)) == (sorted(wanted), len(wanted))
    assert unordered or seen == wanted


def test_a_cursor_is_good_for_nobody_and_nothing_else():
    alice, bob = somebody(), somebody()
    for api in (alice, bob):
        add(api, [{"title": f"Task {number}"} for number in range(3)])
    path = following(alice("GET", f"{TASKS}?limit=1&sort=due"))
    assert alice("GET", path).status_code == 200
    cursor = path.partition("cursor=")[2]
    assert_problem(bob("GET", path), 422)
    for query in ("sort=-due", "sort=due&status=pending", "", "sort=due&updated_since=2020-01-01T00:00:00Z"):
        assert_problem(alice("GET", f"{TASKS}?limit=1&{query}&cursor={cursor}"), 422)
    assert_problem(alice("GET", f"/api/v1/trash?cursor={cursor}"), 422)
    # Another size of page is the same list.
    assert alice("GET", f"{TASKS}?sort=due&limit=2&cursor={cursor}").status_code == 200
    for place in range(0, len(cursor), 7):
        changed = cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :]
        assert_problem(alice("GET", f"{TASKS}?sort=due&limit=1&cursor={changed}"), 422)
