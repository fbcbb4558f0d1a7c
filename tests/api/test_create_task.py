"""POST /api/v1/tasks"""

from concurrent.futures import ThreadPoolExecutor

from identity import profiles
from tests.api.client import TASKS, Api, assert_problem


def test_creates_a_task_with_one_call(as_alice, alice, calls):
    answer = as_alice("POST", TASKS, {"title": "Buy milk", "priority": "high", "tags": ["shop"]})

    assert answer.status_code == 201
    assert calls.names == ["PutItem"]
    task = answer.json()
    assert answer["Location"] == f"{TASKS}/{task['id']}"
    assert answer["ETag"] == '"1"'
    assert task == {
        "id": task["id"],
        "user_id": alice.id,
        "title": "Buy milk",
        "description": None,
        "status": "pending",
        "priority": "high",
        "category": None,
        "tags": ["shop"],
        "due_date": None,
        "due_time": None,
        "timezone": None,
        "checklist": [],
        "recurrence": None,
        "repeat_from": "due",
        "next_task_id": None,
        "created_at": task["created_at"],
        "updated_at": task["created_at"],
        "completed_at": None,
        "deleted_at": None,
        "version": 1,
    }
    assert as_alice("GET", answer["Location"]).json() == task


def test_the_very_first_call_of_a_person_makes_their_profile_too(api, alice, calls):
    profiles.known.clear()
    as_alice = Api(api(alice))
    calls.clear()
    as_alice.create()
    assert calls.names == ["TransactWriteItems"]
    assert as_alice("GET", "/api/v1/users").json()["email"] == alice.email


def test_idempotency_key(as_alice, calls):
    first = as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="a b")
    assert calls.names == ["TransactWriteItems"]
    assert "Idempotency-Replayed" not in first
    calls.clear()
    again = as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="a b")

    assert calls.names == ["TransactWriteItems"]
    assert (again.status_code, again.content) == (201, first.content)
    assert {name: again[name] for name in ("ETag", "Location", "Content-Type")} == {
        name: first[name] for name in ("ETag", "Location", "Content-Type")
    }
    assert again["Idempotency-Replayed"] == "true"
    assert len(as_alice("GET", TASKS).json()) == 1


def test_the_first_call_of_all_can_be_repeated(api, alice):
    profiles.known.clear()
    as_alice = Api(api(alice))
    first = as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="k")
    profiles.known.clear()
    assert as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="k").content == first.content


def test_the_order_of_fields_does_not_matter_but_their_values_do(as_alice):
    as_alice("POST", TASKS, {"title": "x", "priority": "low"}, Idempotency_Key="k")
    same = as_alice("POST", TASKS, {"priority": "low", "title": "x"}, Idempotency_Key="k")
    assert same["Idempotency-Replayed"] == "true"
    assert_problem(as_alice("POST", TASKS, {"title": "y"}, Idempotency_Key="k"), 422)


def test_a_refusal_is_not_remembered(as_alice):
    assert_problem(as_alice("POST", TASKS, {"title": ""}, Idempotency_Key="k"), 422, fields={"title"})
    assert as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="k").status_code == 201


def test_unusable_keys(as_alice, calls):
    for key in ("", " ", "k" * 256, "schlüssel", "tab\there"):
        assert_problem(as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key=key), 400)
    assert not calls


def test_sixteen_at_once_make_one_task(as_alice):
    def send(_):
        return as_alice("POST", TASKS, {"title": "once"}, Idempotency_Key="k")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in answers) == 1
    assert len(as_alice("GET", TASKS).json()) == 1


def test_one_in_flight(as_alice, unreliable):
    from tests.dynamodb import conflict

    unreliable("TransactWriteItems", conflict, times=99)
    answer = as_alice("POST", TASKS, {"title": "x"}, Idempotency_Key="k")
    assert assert_problem(answer, 409)["type"] == "urn:todo:problem:idempotency-in-flight"
    assert answer["Retry-After"]
