"""The zone of a person: the browser's of the first sign-in, a chosen one, and one that is offered."""

import pytest

from identity import profiles
from tests.web.conftest import read


def sign_in(client, account, zone=None):
    if zone is not None:
        client.cookies["tz"] = zone
    client.post("/login/", {"identifier": account.email, "password": account.password})


def offered(browser) -> list[str]:
    return [attrs["value"] for tag, attrs in read(browser.get("/")).tags if attrs.get("name") == "use"]


def test_a_new_person_lives_where_their_browser_is(client, alice):
    sign_in(client, alice, "Pacific/Auckland")
    profile = profiles.get_profile(alice.id)
    assert (profile.timezone, profile.updated_by) == ("Pacific/Auckland", alice.id)


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../../etc/passwd", "x" * 300, "Europe/Berlin; a"])
def test_what_is_no_zone_is_left_alone(client, alice, zone):
    sign_in(client, alice, zone)
    assert profiles.get_profile(alice.id).timezone is None
    assert client.get("/").status_code == 200


def test_a_chosen_zone_is_never_overwritten(client, ctx, alice):
    profiles.ensure_profile(ctx(alice), {"name": "Alice", "timezone": "Asia/Tokyo"})
    sign_in(client, alice, "Europe/Berlin")
    assert profiles.get_profile(alice.id).timezone == "Asia/Tokyo"
    client.get("/")
    assert profiles.get_profile(alice.id).timezone == "Asia/Tokyo"


def test_another_clock_is_offered_and_taken(client, alice):
    sign_in(client, alice, "Asia/Tokyo")
    assert offered(client) == []
    client.cookies["tz"] = "America/New_York"
    page = read(client.get("/board/"))
    assert "You seem to be in America/New York. Use its time?" in page.text
    assert "Keep Asia/Tokyo" in page.text
    answer = client.post("/time-zone/", {"use": "America/New_York", "next": "/board/"})
    assert answer["Location"] == "/board/"
    assert profiles.get_profile(alice.id).timezone == "America/New_York"
    page = read(client.get("/board/"))
    assert "Times are now those of America/New York." in page.text
    assert "You seem to be in" not in page.text


def test_a_refused_zone_is_not_offered_again_another_one_is(client, alice):
    sign_in(client, alice, "Asia/Tokyo")
    client.cookies["tz"] = "America/New_York"
    client.post("/time-zone/", {"refuse": "America/New_York"})
    assert offered(client) == []
    client.post("/logout/")
    sign_in(client, alice)
    assert offered(client) == []
    client.cookies["tz"] = "Australia/Lord_Howe"
    assert offered(client) == ["Australia/Lord_Howe"]
    assert profiles.get_profile(alice.id).timezone == "Asia/Tokyo"


@pytest.mark.parametrize("other", ["Asia/Seoul", "Japan"])  # another name for the same clock
def test_the_same_clock_is_not_offered(client, alice, other):
    sign_in(client, alice, "Asia/Tokyo")
    client.cookies["tz"] = other
    assert offered(client) == []


@pytest.mark.parametrize("given", [{}, {"use": "Mars/Olympus"}, {"refuse": ""}])
def test_a_zone_that_there_is_not_cannot_be_taken(client, alice, given):
    sign_in(client, alice)
    assert client.post("/time-zone/", given).status_code == 400
    assert client.get("/time-zone/").status_code == 405


def test_nobody_takes_a_zone_without_signing_in(client):
    assert client.post("/time-zone/", {"use": "Asia/Tokyo"})["Location"].startswith("/login/")


def test_the_device_is_a_choice_and_becomes_its_zone(client, alice):
    sign_in(client, alice, "Asia/Tokyo")
    client.cookies["tz"] = "Europe/Berlin"
    assert "The one of my device (Europe/Berlin)" in read(client.get("/account/")).text
    client.post("/account/", {"name": "Alice", "timezone": ""})
    assert profiles.get_profile(alice.id).timezone == "Europe/Berlin"


@pytest.mark.browser
def test_a_browser_reports_its_zone_before_anybody_signs_in(visit, alice):
    page = visit(timezone_id="Pacific/Chatham")
    page.goto("/login/")
    page.get_by_label("E-mail or username").fill(alice.email)
    page.get_by_label("Password").fill(alice.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    assert profiles.get_profile(alice.id).timezone == "Pacific/Chatham"
