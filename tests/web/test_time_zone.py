"""The zone of a person: the browser's of the first sign-in, a chosen one, and one that is offered."""

import json
import re

import pytest
from django.test import Client

from identity import profiles
from tests.web.conftest import HTMX, read
from web import athena


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


@pytest.mark.parametrize(
    "zone", [None, "", "Mars/Olympus", "../../etc/passwd", "x" * 300, "Europe/Berlin; a"]
)
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


@pytest.mark.parametrize("way", ["settings", "offer", "service"])
def test_every_browser_of_the_person_goes_by_a_new_zone(ctx, alice, way):
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, alice, "Asia/Tokyo")
    if way == "settings":
        here.post("/account/", {"name": "Alice", "timezone": "Pacific/Niue"})
    elif way == "offer":
        here.post("/time-zone/", {"use": "Pacific/Niue"})
    else:
        profiles.update_profile(ctx(alice), {"timezone": "Pacific/Niue"})  # as the API and the admin do
    for client in (here, there):
        assert "Keep Pacific/Niue" in read(client.get("/")).text  # the browsers are in Tokyo


@pytest.mark.browser
def test_a_browser_reports_its_zone_before_anybody_signs_in(visit, alice):
    page = visit(timezone_id="Pacific/Chatham")
    page.goto("/login/")
    page.get_by_label("E-mail or username").fill(alice.email)
    page.get_by_label("Password").fill(alice.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    assert profiles.get_profile(alice.id).timezone == "Pacific/Chatham"


# --- A time of another zone ----------------------------------------------------------------------------------


@pytest.fixture
def there(browser, add):
    """A task at 22:00 in Los Angeles, seen from Berlin: it is due the next morning at 07:00."""
    browser.cookies["tz"] = "Europe/Berlin"
    return add("Call", due_date="2040-12-03", due_time="22:00", timezone="America/Los_Angeles")


def test_every_page_converts_it_and_names_its_zone(browser, there):
    words = "07:00 (22:00 America/Los Angeles)"
    pages = [
        "/",
        "/?view=all",
        "/?q=call",
        "/board/",
        f"/tasks/{there.id}/",
        f"/tasks/snooze/?ids={there.id}",
    ]
    assert [path for path in pages if f"4 Dec 2040 {words}" not in read(browser.get(path)).text] == []
    inline = read(browser.get(f"/tasks/{there.id}/inline/?edit=1", headers=HTMX)).text
    assert f"Times are in America/Los Angeles. Here it is 4 Dec 2040 {words}." in inline
    month = browser.get("/calendar/?month=2040-12").content.decode()
    day = month.partition('datetime="2040-12-04"')[2].partition("</td>")[0]
    shown = " ".join(re.sub("<[^>]+>", "", day[day.index("<ul>") :]).split())
    assert shown == "07:00 Call (22:00 America/Los Angeles)"
    browser.post(f"/tasks/{there.id}/delete/")
    assert f"4 Dec 2040 {words}" in read(browser.get("/trash/")).text


@pytest.mark.parametrize("query", ["due:2040-12-04", "due>2040-12-03", "-due:2040-12-03"])
def test_a_search_goes_by_the_day_here(browser, there, query):
    assert "Call" in read(browser.get("/", {"q": query})).sections()["upcoming"]
    assert "Call" not in read(browser.get("/", {"q": "due:2040-12-03"})).sections()["upcoming"]


def test_a_day_of_the_calendar_is_a_day_here(browser, there, stored):
    browser.post("/tasks/bulk/", {"ids": there.id, "do": "apply", "due_date": "2040-12-10"})
    saved = stored(there)
    assert (saved.due_date, saved.due_time) == ("2040-12-09", "22:00")
    assert "10 Dec 2040 07:00" in read(browser.get("/")).text


def test_the_history_converts_it(browser, there, monkeypatch):
    def image(version, **fields):
        values = {"title": "Call", "status": "pending", **fields}
        return {
            "event_name": "MODIFY" if version > 1 else "INSERT",
            "entity_type": "TASK",
            "changed_at": f"2026-11-22T10:00:0{version}.000000Z",
            "version": version,
            "updated_by": "u",
            "request_id": "r",
            "image": json.dumps(values),
        }

    zone = {"timezone": "America/Los_Angeles", "due_date": "2040-12-03", "due_time": "22:00"}
    rule = {"recurrence": "FREQ=DAILY;UNTIL=20401206T075959Z"}
    rows = [image(2, **zone, **rule), image(1)]
    monkeypatch.setattr(athena, "run", lambda *_, **__: athena.Answer(rows, "q", 0, 0))
    page = read(browser.get(f"/tasks/{there.id}/history/")).text
    assert "Due date: 2040-12-04" in page
    assert "Time: 07:00 (22:00 America/Los Angeles)" in page
    assert "Repeats: Every day, until 5 December 2040" in page  # there
