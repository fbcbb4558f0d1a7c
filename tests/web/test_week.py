"""On which day a person's week begins: the one they chose, on the page or over the API, else the workspace's."""

import re

import pytest

from identity import profiles, week, workspace
from store.writing import remove
from tests.web.conftest import read

PROFILE, ME = "/account/", "/api/v1/users/me"
FIRST = {
    "monday": "2026-11-23",
    "sunday": "2026-11-22",
    "saturday": "2026-11-28",
}  # of the week of that Saturday


@pytest.fixture(autouse=True)
def clean():
    """The workspace as it is at first, before and after a test."""

    def forget():
        remove(workspace.workspace_key())
        workspace.cached.clear()

    forget()
    yield
    forget()


@pytest.fixture
def browser(client_for, alice):
    return client_for(alice)


def begins(browser):
    """Return the first day of the week of 28 November 2026 in the calendar, as the name of a choice."""
    page = browser.get("/calendar/?week=2026-11-28").getvalue().decode()
    days = re.findall(r'datetime="(\d{4}-\d\d-\d\d)"', page)
    assert page.count('class="day-number"') == 7
    month = browser.get("/calendar/?month=2026-11").getvalue().decode()
    assert month.count('class="day-number"') % 7 == 0
    return next(name for name, day in FIRST.items() if day == days[0])


def choose(browser, day):
    form = read(browser.get(PROFILE)).fields
    assert browser.post(PROFILE, {**form, "first_day_of_week": day}).status_code == 302


def of_workspace(ctx, alice, day):
    workspace.change(ctx(alice), {"first_day": week.DAYS[day]}, if_version=workspace.stored().version)


@pytest.mark.parametrize("day", week.DAYS)
def test_a_choice_on_the_profile_wins_over_the_workspace(browser, alice, ctx, day):
    of_workspace(ctx, alice, "sunday")
    assert begins(browser) == "sunday"
    choose(browser, day)
    assert begins(browser) == day
    assert f'<option value="{day}" selected>' in browser.get(PROFILE).getvalue().decode()
    choose(browser, "")
    assert begins(browser) == "sunday"
    assert "Sunday (workspace)" in browser.get(PROFILE).getvalue().decode()


def test_other_browsers_follow_and_so_does_the_next_sign_in(browser, alice, client_for, bob):
    other = client_for(alice)
    choose(browser, "saturday")
    assert begins(other) == "saturday"
    assert begins(client_for(alice)) == "saturday"
    assert begins(client_for(bob)) == "monday"


def test_over_the_api(api, alice, browser):
    program = api(alice)
    assert program.get(ME).json()["first_day_of_week"] is None
    answer = program.patch(ME, {"first_day_of_week": "sunday"}, "application/json")
    assert (answer.status_code, answer.json()["first_day_of_week"]) == (200, "sunday")
    assert begins(browser) == "sunday"
    whole = program.get(ME).json()
    assert program.patch(ME, whole, "application/json").json()["version"] == whole["version"]
    assert (
        program.patch(ME, {"first_day_of_week": None}, "application/json").json()["first_day_of_week"] is None
    )
    assert begins(browser) == "monday"


@pytest.mark.parametrize("value", ["tuesday", "Sunday", 6, True, ["sunday"]])
def test_another_day_is_refused(api, alice, value):
    answer = api(alice).patch(ME, {"first_day_of_week": value}, "application/json")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["first_day_of_week"]


def test_a_profile_from_before_there_was_a_choice(browser, alice):
    stored = profiles.get_profile(alice.id)
    assert stored is None or "first_day_of_week" not in stored.attribute_values
    assert begins(browser) == "monday"


def test_a_session_from_before_there_was_a_choice(rf):
    request = rf.get("/")
    request.session = {"timezone": "Europe/Berlin"}
    assert week.first_day_of(request) == 0
    request.session = {"first_day_of_week": "no day"}
    assert week.first_day_of(request) == 0
