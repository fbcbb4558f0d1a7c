"""What a person may have so many of: however many are asked for at once, there are exactly so many"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from identity import access_tokens, preferences
from identity.access_tokens import MAX_TOKENS
from identity.errors import TooManyAccessTokens, TooManyFilters
from store.model import Item
from store.places import PlaceItem
from store.reading import get, query_all
from store.writing import put, remove, write
from tasks.transfer.export_jobs import MAX_JOBS, export_key
from tests.api.client import assert_problem

TOKENS, EXPORTS = "/api/v1/tokens", "/api/v1/exports"


def at_once(number, send):
    """Send ``number`` requests at once; return their statuses and one refusal."""
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(number)))
    refused = next((answer for answer in answers if answer.status_code >= 400), None)
    return [answer.status_code for answer in answers], refused


def places(person):
    return [item.SK for item in query_all(PlaceItem, f"PLACES#{person.id}")]


def test_sixty_tokens_at_once_are_exactly_fifty(as_alice, alice):
    statuses, refused = at_once(60, lambda n: as_alice("POST", TOKENS, {"name": f"Token {n}"}))
    assert sorted(statuses) == [201] * MAX_TOKENS + [409] * (60 - MAX_TOKENS)
    problem = assert_problem(refused, 409)
    assert problem["type"] == "urn:todo:problem:too-many-access-tokens"
    assert problem["detail"] == "You have 50 access tokens, which is the limit. Revoke one first."
    tokens = as_alice("GET", TOKENS).json()
    assert len(tokens) == MAX_TOKENS

    for token in tokens[:3]:
        assert as_alice("DELETE", f"{TOKENS}/{token['id']}").status_code == 204
    statuses, _ = at_once(16, lambda n: as_alice("POST", TOKENS, {"name": f"More {n}"}))
    assert statuses.count(201) == 3, "a revoked token gives its place up"
    assert len(places(alice)) == MAX_TOKENS


def test_tokens_made_before_there_were_places_count(ctx, alice, monkeypatch):
    monkeypatch.setattr(access_tokens, "MAX_TOKENS", 3)
    for name in "ab":
        token, _ = access_tokens.create(ctx(alice), name)
        item = get(Item, (f"TOKEN#{token.id}", "METADATA"))
        write([put(item.changed(place=None))])
    for item in query_all(PlaceItem, f"PLACES#{alice.id}"):
        remove(item.key)
    access_tokens.create(ctx(alice), "c")
    with pytest.raises(TooManyAccessTokens):
        access_tokens.create(ctx(alice), "d")
    access_tokens.revoke(ctx(alice), token.id)
    access_tokens.create(ctx(alice), "d")
    with pytest.raises(TooManyAccessTokens):
        access_tokens.create(ctx(alice), "e")


def test_an_expired_token_has_no_place_and_takes_nobody_elses(ctx, alice, monkeypatch):
    monkeypatch.setattr(access_tokens, "MAX_TOKENS", 1)
    long_ago = ctx(alice).now - timedelta(days=2)
    old, _ = access_tokens.create(ctx(alice, long_ago), "old", "read", 1)
    access_tokens.create(ctx(alice), "new")
    access_tokens.revoke(ctx(alice), old.id)  # not removed by DynamoDB yet
    with pytest.raises(TooManyAccessTokens):
        access_tokens.create(ctx(alice), "third")


def test_ending_all_tokens_ends_their_places(ctx, alice):
    for name in "ab":
        access_tokens.create(ctx(alice), name)
    assert len(places(alice)) == 2
    access_tokens.revoke_all(alice.id)
    assert places(alice) == []


def test_a_person_makes_so_many_exports_a_day(as_alice, alice):
    statuses, refused = at_once(MAX_JOBS + 8, lambda n: as_alice("POST", EXPORTS, {"format": "csv"}))
    assert sorted(statuses) == [202] * MAX_JOBS + [409] * 8
    problem = assert_problem(refused, 409)
    assert problem["type"] == "urn:todo:problem:too-many-exports"
    assert problem["detail"] == (
        "You have made 20 exports today, which is the limit. Use one of them, or wait until tomorrow."
    )
    assert len(list(query_all(Item, export_key(alice.id, "")[0]))) == MAX_JOBS


def test_a_search_too_many_is_refused_and_none_is_lost(ctx, alice, client_for):
    """Sent at once as well."""

    def save(number):
        try:
            preferences.save_filter(ctx(alice), f"Search {number}", "#home")
        except TooManyFilters as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(save, range(preferences.MAX_FILTERS + 4)))
    assert said.count("") == preferences.MAX_FILTERS
    assert set(said) == {"", "You keep 30 searches, and at most 30 can be kept. Forget one first."}
    kept = preferences.saved_filters(alice.id)
    assert len(kept) == preferences.MAX_FILTERS
    browser = client_for(alice)
    page = browser.post("/filters/", {"name": "Another", "q": "#home"}, follow=True)
    assert "at most 30 can be kept. Forget one first." in page.content.decode()
    browser.post("/filters/", {"name": kept[0]["name"], "q": "#garden"})
    assert {"name": kept[0]["name"], "query": "#garden"} in preferences.saved_filters(alice.id)
