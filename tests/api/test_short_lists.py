"""Lists that are read whole: tokens, exports, imports. They have pages and tags like the others"""

import pytest

from tests.api.client import assert_problem
from tests.api.test_list_tasks import following

BODIES = {
    "/api/v1/tokens": {"name": "x"},
    "/api/v1/exports": {"format": "csv"},
    "/api/v1/imports": {"bytes": 9},
}


def pages_of(api, path):
    found = []
    while path:
        answer = api("GET", path)
        assert answer.status_code == 200, answer.content
        found.append([item["id"] for item in answer.json()])
        path = following(answer)
    return found


@pytest.mark.parametrize(("path", "body"), BODIES.items())
def test_pages(as_alice, path, body):
    ids = [as_alice("POST", path, body).json()["id"] for _ in range(5)][::-1]
    whole = as_alice("GET", path)
    assert "Link" not in whole
    assert sorted(item["id"] for item in whole.json()) == sorted(ids)
    ids = [item["id"] for item in whole.json()]
    assert pages_of(as_alice, f"{path}?limit=2") == [ids[:2], ids[2:4], ids[4:]]
    for query in ("limit=0", "limit=101", "limit=x", "limit=1&limit=2", "cursor=x", "colour=red"):
        assert_problem(as_alice("GET", f"{path}?{query}"), 422)


@pytest.mark.parametrize(("path", "body"), BODIES.items())
def test_a_cursor_is_good_for_its_list_and_owner_only(as_alice, as_bob, path, body):
    for _ in range(2):
        as_alice("POST", path, body)
    address = following(as_alice("GET", f"{path}?limit=1"))
    cursor = address.partition("cursor=")[2]
    for other in BODIES.keys() - {path}:
        assert assert_problem(as_alice("GET", f"{other}?cursor={cursor}"), 422)["code"] == "invalid-cursor"
    assert assert_problem(as_bob("GET", address), 422)["code"] == "invalid-cursor"


@pytest.mark.parametrize(("path", "body"), BODIES.items())
def test_an_unchanged_list_is_not_sent_again(as_alice, path, body):
    as_alice("POST", path, body)
    first = as_alice("GET", path)
    had = as_alice("GET", path, If_None_Match=first["ETag"])
    assert (had.status_code, had.content, had["ETag"]) == (304, b"", first["ETag"])
    as_alice("POST", path, body)
    assert as_alice("GET", path, If_None_Match=first["ETag"]).status_code == 200


def test_a_page_goes_on_where_the_last_item_was_even_if_it_is_gone(as_alice):
    tokens = "/api/v1/tokens"
    ids = [as_alice("POST", tokens, {"name": "x"}).json()["id"] for _ in range(3)][::-1]
    first = as_alice("GET", f"{tokens}?limit=1")
    assert first.json()[0]["id"] == ids[0]
    as_alice("DELETE", f"{tokens}/{ids[0]}")
    as_alice("POST", tokens, {"name": "new"})
    assert pages_of(as_alice, following(first)) == [[ids[1]], [ids[2]]]
