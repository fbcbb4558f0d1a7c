"""/api/v1/users"""

import pytest

from identity import profiles
from tests.api.client import Api, assert_problem

USERS = "/api/v1/users"


@pytest.fixture(autouse=True)
def unknown():
    profiles.known.clear()


def test_a_profile_is_created_and_read(api, alice):
    as_alice = Api(api(alice))
    created = as_alice("POST", USERS, {"email": alice.email, "name": "Alice", "timezone": "Europe/Paris"})
    assert created.status_code == 201
    user = created.json()
    assert user == {
        "id": alice.id,
        "email": alice.email,
        "username": alice.username,
        "name": "Alice",
        "given_name": "Alice",
        "family_name": "Example",
        "timezone": "Europe/Paris",
        "first_day_of_week": None,
        "created_at": user["created_at"],
        "updated_at": user["created_at"],
        "version": 1,
    }
    assert as_alice("GET", USERS).json() == user
    assert as_alice("GET", f"{USERS}/{alice.id}").json() == user


def test_creating_again_changes_what_is_given(api, alice):
    as_alice = Api(api(alice))
    as_alice("POST", USERS, {"name": "One"})
    again = as_alice("POST", USERS, {"family_name": "Two"})
    assert again.status_code == 200
    assert (again.json()["name"], again.json()["family_name"], again.json()["version"]) == ("One", "Two", 2)


def test_it_is_there_when_asked_for(api, alice, calls):
    as_alice = Api(api(alice))
    assert as_alice("GET", USERS).json()["name"] == "Alice Example"
    calls.clear()
    as_alice("GET", USERS)
    assert calls.names == ["GetItem"]


def test_update(api, alice, calls):
    as_alice = Api(api(alice))
    assert as_alice("PUT", USERS, {"name": "First"}).json()["name"] == "First"
    calls.clear()
    changed = as_alice("PUT", USERS, {"name": "Second", "family_name": None})
    assert calls.names == ["GetItem", "UpdateItem"]
    assert (changed.json()["name"], changed.json()["family_name"]) == ("Second", None)
    assert as_alice("GET", USERS).json() == changed.json()


def test_what_sign_in_knows_cannot_be_contradicted(api, alice):
    as_alice = Api(api(alice))
    for method in ("POST", "PUT"):
        assert_problem(as_alice(method, USERS, {"email": "bob@example.com"}), 422, fields={"email"})
        assert_problem(as_alice(method, USERS, {"role": "admin"}), 422, fields={"role"})


def test_an_access_token_knows_no_email(token_for, alice):
    from django.test import Client

    as_alice = Api(Client(headers={"authorization": f"Bearer {token_for(alice, 'AccessToken')}"}))
    assert as_alice("GET", USERS).json()["email"] is None
    assert as_alice("PUT", USERS, {"email": alice.email}).json()["email"] == alice.email


def test_others_are_not_found(api, alice, bob):
    Api(api(bob))("GET", USERS)
    assert_problem(Api(api(alice))("GET", f"{USERS}/{bob.id}"), 404)
    assert_problem(Api(api(alice))("GET", f"{USERS}/nobody"), 404)
