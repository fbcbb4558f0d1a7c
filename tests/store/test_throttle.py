"""Limits that slide: exact for all processes together, and one try comes back at a time."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import throttle
from store.reading import get
from store.throttle import Limit, ThrottleItem, throttle_key
from tests.slices import examples

LIMIT = Limit(5, 100)  # one comes back every 20 seconds
NOW = 1_700_000_000.0


@pytest.fixture
def subject():
    return uuid.uuid4().hex


def test_so_many_tries_at_once_and_then_one_at_a_time(subject):
    assert [throttle.take(subject, LIMIT, NOW) for _ in range(6)] == [0, 0, 0, 0, 0, 20]
    assert throttle.take(subject, LIMIT, NOW + 19.5) == 1
    assert throttle.take(subject, LIMIT, NOW + 20) == 0
    assert throttle.take(subject, LIMIT, NOW + 20) == 20


def test_a_refused_try_postpones_nothing(subject):
    for _ in range(50):
        throttle.take(subject, LIMIT, NOW)
    assert throttle.take(subject, LIMIT, NOW + 20) == 0


def test_everything_is_back_after_the_time(subject):
    for _ in range(5):
        throttle.take(subject, LIMIT, NOW)
    assert [throttle.take(subject, LIMIT, NOW + 100) for _ in range(6)] == [0, 0, 0, 0, 0, 20]


def test_what_is_given_back_can_be_taken_again(subject):
    for _ in range(5):
        throttle.take(subject, LIMIT, NOW)
    throttle.give_back(subject, LIMIT)
    assert [throttle.take(subject, LIMIT, NOW) for _ in range(2)] == [0, 20]
    throttle.give_back(uuid.uuid4().hex, LIMIT)  # nothing was taken


def test_sixty_at_once_pass_the_limit_by_none(subject):
    with ThreadPoolExecutor(20) as pool:
        waits = list(pool.map(lambda _: throttle.take(subject, LIMIT, NOW), range(60)))
    assert waits.count(0) == 5
    assert set(waits) == {0, 20}


def test_the_item_expires_when_all_is_back(subject, calls):
    throttle.take(subject, LIMIT, NOW)
    assert calls.names == ["PutItem"]
    for _ in range(2):
        throttle.take(subject, LIMIT, NOW)
    item = get(ThrottleItem, throttle_key(subject))
    assert item.back_at == (NOW + 60) * 1000
    assert item.expires_at > NOW + 60


@pytest.mark.sliced
@settings(max_examples=examples(30))
@given(st.lists(st.integers(0, 40), min_size=1, max_size=15))
def test_no_stretch_of_time_has_more_than_twice_as_many(pauses):
    subject, now, passed = uuid.uuid4().hex, NOW, []
    for pause in pauses:
        now += pause
        passed += [now for _ in range(3) if throttle.take(subject, LIMIT, now) == 0]
    for begin in passed:
        assert sum(begin <= moment < begin + LIMIT.seconds for moment in passed) <= 2 * LIMIT.tries
