"""Accounts in a real Chromium: making one, getting back in, a second factor, and every page about oneself.

Each journey goes wide and narrow, and once more without JavaScript.
"""

import itertools
import re
import time
import uuid
from urllib.parse import urlsplit

import pytest
from django.test import Client
from playwright.sync_api import expect

from identity import access_tokens, preferences, profiles
from tasks import selectors
from tests.conftest import PASSWORD
from tests.web import totp
from tests.web.conftest import no_sideways_scrolling, ready, row

pytestmark = pytest.mark.browser
NEW = "Better-horse-10"
WAYS = pytest.mark.parametrize(
    ("size", "script"),
    [("wide", True), ("narrow", True), ("narrow", False)],
    ids=["wide", "narrow", "plain"],
)


def enter(page, identifier, password=PASSWORD) -> None:
    """Fill in the sign-in page that is open, and send it."""
    page.get_by_label("E-mail or username").fill(identifier)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@WAYS
def test_somebody_signs_up_confirms_and_is_signed_in(visit, size, script):
    email = f"ada-{uuid.uuid4().hex[:8]}@example.com"
    page = visit(size, java_script_enabled=script)
    page.goto("/login/")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("short")
    press(page, "Create account")
    expect(page.locator(".error")).to_contain_text("longer password")
    expect(page.get_by_label("E-mail")).to_have_value(email)
    no_sideways_scrolling(page)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Create account")
    page.get_by_label("Code").fill("000000")
    press(page, "Confirm")
    expect(page.locator(".error")).to_be_visible()
    no_sideways_scrolling(page)
    press(page, "Send another code")
    page.get_by_label("Code").fill(page.locator(".local-code code").text_content())
    press(page, "Confirm")
    ready(page, "Tasks")
    expect(page.locator(".toast")).to_contain_text("confirmed")
    expect(page.get_by_role("heading", name="A clear head starts here")).to_be_visible()


@WAYS
def test_a_forgotten_password_and_a_changed_one(visit, alice, size, script):
    page = visit(size, java_script_enabled=script)
    page.goto("/login/")
    enter(page, alice.email, "not mine")
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("link", name="Forgotten password?").click()
    page.get_by_label("E-mail or username").fill(alice.email)
    press(page, "Send a code")
    page.get_by_label("Code").fill(page.locator(".local-code code").text_content())
    page.get_by_label("Password").fill(NEW)
    no_sideways_scrolling(page)
    press(page, "Change password")
    expect(page.locator(".toast")).to_contain_text("Your password is changed")
    enter(page, alice.email, NEW)
    ready(page, "Tasks")
    page.goto("/account/security/")
    page.get_by_label("Current password").fill(NEW)
    page.get_by_label("New password").fill(PASSWORD)
    press(page, "Change password")
    expect(page.locator(".toast")).to_contain_text("Your password is changed")
    page.locator("#account summary").click()
    press(page, "Sign out")
    ready(page, "Good to see you")
    enter(page, alice.email)
    ready(page, "Tasks")


@WAYS
def test_another_address(open_as, visit, alice, size, script):
    page = open_as(alice, "/account/", size, java_script_enabled=script)
    page.get_by_role("link", name="Change address").click()
    ready(page, "Change e-mail address")
    email = f"new-{uuid.uuid4().hex[:8]}@example.com"
    page.get_by_label("New e-mail address").fill(email)
    page.get_by_label("Password").fill("not mine")
    press(page, "Send a code")
    expect(page.locator(".error")).to_contain_text("is not correct")
    no_sideways_scrolling(page)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Send a code")
    ready(page, "Confirm your e-mail address")
    no_sideways_scrolling(page)
    page.get_by_label("Code").fill(page.locator(".local-code code").text_content())
    press(page, "Confirm")
    ready(page, "Profile")
    expect(page.locator(".toast")).to_contain_text(email)
    other = visit(size, java_script_enabled=script)
    other.goto("/login/")
    enter(other, email)
    ready(other, "Tasks")


@WAYS
def test_too_many_tries_say_when_to_go_on(open_as, alice, size, script):
    page = open_as(alice, "/account/security/", size, java_script_enabled=script)
    for _ in range(11):
        page.get_by_label("Current password").fill("not mine")
        page.get_by_label("New password").fill(NEW)
        press(page, "Change password")
        expect(page.locator("main .error, main [role=alert]").first).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Too many tries. Try again in 6 minutes")
    no_sideways_scrolling(page)


@WAYS
def test_a_second_factor(open_as, visit, alice, size, script):
    page = open_as(alice, "/account/security/", size, java_script_enabled=script)
    page.get_by_role("link", name="Set up, or stop using, an app").click()
    ready(page, "Second step at sign-in")
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Set up an app")
    secret = page.locator("#secret").text_content()
    expect(page.locator(".qr svg")).to_be_visible()
    no_sideways_scrolling(page)
    page.get_by_label("Code that the app shows now").fill(totp.totp(secret))
    press(page, "Finish")
    expect(page.locator(".toast")).to_be_visible()

    other = visit(size, java_script_enabled=script)
    other.goto("/login/?next=/board/")
    enter(other, alice.email)
    ready(other, "One more step")
    no_sideways_scrolling(other)
    other.get_by_label("Code").fill("000000")
    press(other, "Sign in")
    expect(other.locator(".error, .notice-danger")).to_be_visible()
    # A code is good once; the next one is taken early, as clocks that differ by a step are forgiven.
    other.get_by_label("Code").fill(totp.totp(secret, time.time() + totp.STEP))
    press(other, "Sign in")
    ready(other, "Board")


@WAYS
def test_what_is_chosen_shows_at_once(open_as, alice, size, script):
    page = open_as(alice, "/account/", size, java_script_enabled=script)
    page.get_by_label("Shown as").fill("Al I.")
    page.get_by_label("Time zone").select_option("Pacific/Kiritimati")
    page.get_by_label("Language").select_option("de")
    page.get_by_label("Colours", exact=True).select_option("dark")
    no_sideways_scrolling(page)
    press(page, "Save")
    expect(page.get_by_role("heading", name="Profil", exact=True)).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.locator("#account summary").click()
    expect(page.locator(".menu-who strong")).to_have_text("Al I.")
    no_sideways_scrolling(page)
    assert profiles.get_profile(alice.id).timezone == "Pacific/Kiritimati"
    assert preferences.get(alice.id).theme == "dark"
    page.goto("/")
    expect(page.get_by_role("heading", name="Aufgaben", exact=True, level=1)).to_be_visible()


@WAYS
def test_programs_get_in_and_are_shut_out(open_as, alice, add, today, size, script):
    add("Dentist", due_date=str(today))
    page = open_as(alice, "/account/access/", size, java_script_enabled=script)
    page.get_by_label("What is it for?").fill("backup")
    press(page, "Make a token")
    headers = {"authorization": f"Bearer {page.locator('#new-token').text_content()}"}
    assert [task["title"] for task in Client().get("/api/v1/tasks", headers=headers).json()] == ["Dentist"]
    no_sideways_scrolling(page)
    press(page, "Make an address")
    feed = urlsplit(page.locator("#feed-address").text_content()).path
    assert "SUMMARY:Dentist" in Client().get(feed).content.decode()
    no_sideways_scrolling(page)
    page.get_by_role("button", name=re.compile("Revoke.*backup")).click()
    expect(page.locator(".toast")).to_contain_text("no longer works")
    assert access_tokens.list_tokens(alice.id) == []
    assert Client().get("/api/v1/tasks", headers=headers).status_code == 401
    press(page, "Stop sharing")
    expect(page.get_by_role("button", name="Make an address")).to_be_visible()
    assert Client().get(feed).status_code == 404


@WAYS
def test_tasks_are_taken_out_and_in(open_as, alice, bob, add, tmp_path, size, script):
    add("Pay rent", category="Home")
    page = open_as(alice, "/account/data/", size, java_script_enabled=script)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    page = open_as(bob, "/account/data/", size, java_script_enabled=script)
    page.get_by_label("File").set_input_files(file)
    press(page, "Only try it out")
    expect(page.get_by_role("status").filter(has_text="1 rows")).to_contain_text("1 new")
    assert selectors.list_tasks(bob.id).items == []
    no_sideways_scrolling(page)
    page.get_by_label("File").set_input_files(file)
    press(page, "Import")
    expect(page.locator(".toast")).to_contain_text("Imported 1 task")
    page.goto("/")
    expect(row(page, "Pay rent")).to_contain_text("Home")


@WAYS
def test_sessions_are_ended_and_the_account_is_deleted(open_as, alice, add, size, script):
    add("Pay rent")
    phone = open_as(alice, java_script_enabled=script)
    page = open_as(alice, "/account/security/", size, java_script_enabled=script)
    no_sideways_scrolling(page)
    page.get_by_role("button", name=re.compile("Sign out ?:")).click()
    expect(page.locator(".toast")).to_be_visible()
    phone.reload()
    expect(phone).to_have_url(re.compile("/login/"))
    enter(phone, alice.email)
    ready(phone, "Tasks")
    page.reload()
    press(page, "Sign out everywhere")
    ready(page, "Good to see you")
    phone.reload()
    expect(phone).to_have_url(re.compile("/login/"))
    enter(page, alice.email)
    ready(page, "Tasks")
    page.goto("/account/data/")
    press(page, "Delete my account")
    expect(page.locator(".error").first).to_be_visible()
    no_sideways_scrolling(page)
    page.get_by_label("I understand").check()
    page.locator("#delete_password").fill(PASSWORD)
    press(page, "Delete my account")
    ready(page, "Your account is deleted")
    no_sideways_scrolling(page)
    assert selectors.list_tasks(alice.id).items == []


def test_a_password_can_be_looked_at_and_is_judged_while_it_is_typed(visit):
    page = visit()
    page.goto("/sign-up/")
    field, meter = page.get_by_label("Password"), page.get_by_role("meter")
    field.fill("Password1234!")
    expect(page.locator(".strength [role=status]")).to_contain_text("easy to guess")
    field.fill("lamp river orbit nine")
    expect(page.locator(".strength [role=status]")).to_contain_text("ood")
    assert float(meter.evaluate("meter => meter.value")) >= 3
    show = page.get_by_role("button", name="Show")
    show.click()
    expect(field).to_have_attribute("type", "text")
    expect(show).to_have_attribute("aria-pressed", "true")
    show.click()
    expect(field).to_have_attribute("type", "password")


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_the_header_of_an_admin_fits_a_phone(open_as, make_account, locale):
    admin = make_account("Root", groups=("admins",))
    page = open_as(admin, "/account/", "narrow", locale=locale)
    no_sideways_scrolling(page)
    boxes = [page.locator(".brand").bounding_box()]
    boxes += [link.bounding_box() for link in page.locator(".nav a").all()]
    boxes += [page.locator("#account summary").bounding_box()]
    assert len(boxes) == 5
    for left, right in itertools.pairwise(boxes):
        assert left["x"] + left["width"] <= right["x"]
    assert page.locator(".brand").inner_text().strip() == "Todo"
