"""GET /api/v1/recurrence"""

from urllib.parse import urlencode

import pytest

from identity import profiles
from tests.api.client import assert_problem

RULE = "FREQ=WEEKLY;BYDAY=FR,MO;INTERVAL=2;UNTIL=20261231"


@pytest.fixture
def explained(as_alice):
    """Ask what a rule means; ``headers`` besides the query's fields."""

    def ask(rule, headers=None, **given):
        return as_alice("GET", f"/api/v1/recurrence?{urlencode({'rule': rule, **given})}", **headers or {})

    return ask


def test_a_rule_in_its_normal_form_in_words_and_with_its_days(explained):
    answer = explained(RULE, due_date="2026-11-30", count=3)
    assert answer.status_code == 200
    assert answer.json() == {
        "rule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20261231",
        "words": "Every 2 weeks on Monday and Friday, until 31 December 2026",
        "occurrences": ["2026-11-30", "2026-12-04", "2026-12-14"],
    }


def test_with_a_time_the_occurrences_are_local_times(explained):
    answer = explained("freq=daily;count=2", due_date="2027-01-30", due_time="09:05", timezone="Asia/Tokyo")
    assert answer.json()["occurrences"] == ["2027-01-30T09:05", "2027-01-31T09:05"]


def test_a_start_off_the_rule_is_not_an_occurrence(explained):
    days = explained("FREQ=WEEKLY;BYDAY=MO", due_date="2026-12-01", count=1).json()["occurrences"]
    assert days == ["2026-12-07"]


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every monday",
        "FREQ=HOURLY",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",  # never comes
        "FREQ=DAILY;" + "X" * 1000,
    ],
)
def test_what_is_not_valid_or_never_comes_is_refused(explained, rule):
    assert_problem(explained(rule, due_date="2026-11-30"), 422, fields={"rule"})


@pytest.mark.parametrize("count", ["0", "51", "-1", "x", "1.5", "9" * 30])
def test_the_number_of_occurrences_is_bounded(explained, count):
    assert_problem(explained("FREQ=DAILY", count=count), 422, fields={"count"})


def test_at_most_fifty_and_five_if_none_is_said(explained):
    assert len(explained("FREQ=DAILY", count=50).json()["occurrences"]) == 50
    assert len(explained("FREQ=DAILY").json()["occurrences"]) == 5


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"due_time": "09:00"}, "due_time"),
        ({"due_date": "30.11.2026"}, "due_date"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"odd": "1"}, "odd"),
    ],
)
def test_the_other_fields_are_checked(explained, given, field):
    assert_problem(explained("FREQ=DAILY", **given), 422, fields={field})


def test_the_words_are_in_the_language_of_the_caller(explained):
    german = {"Accept_Language": "de-AT,de;q=0.9"}
    answer = explained(RULE, german, due_date="2026-11-30")
    assert answer.json()["words"] == "Alle 2 Wochen am Montag und Freitag, bis 31. Dezember 2026"
    assert (answer["Content-Language"], "Accept-Language" in answer["Vary"]) == ("de", True)
    days = explained("FREQ=MONTHLY;BYMONTHDAY=1,15,-1", german, due_date="2026-12-01").json()["words"]
    assert days == "Jeden Monat am 1. und 15. und letzten Tag"
    assert assert_problem(explained("x", german), 422)["detail"].isascii()


def test_the_series_starts_on_the_persons_own_day(as_alice, explained):
    assert (
        as_alice("POST", "/api/v1/users", {"name": "Alice", "timezone": "Pacific/Kiritimati"}).status_code
        < 300
    )
    profiles.known.clear()
    ahead = explained("FREQ=DAILY", count=1).json()["occurrences"]
    behind = explained("FREQ=DAILY", count=1, timezone="Pacific/Pago_Pago").json()["occurrences"]
    assert ahead > behind  # 25 hours apart: never the same day


def test_only_for_those_who_are_signed_in(client):
    assert_problem(client.get("/api/v1/recurrence?rule=FREQ=DAILY"), 401)
