"""Settings of the workspace and announcements: edited in the admin, shown everywhere, read beside the requests."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError
from django.test import Client

from identity import profiles, workspace
from identity.errors import IdentityUnavailable
from identity.workspace import Announcement, SignUpClosed, Workspace
from store import audit
from store.writing import remove
from tests.api.client import TASKS

SETTINGS, ANNOUNCEMENTS = "workspace/", "announcements/"


@pytest.fixture(autouse=True)
def clean():
    """The workspace as it is at first, before and after a test."""

    def forget():
        remove(workspace.workspace_key())
        workspace.cached.clear()

    forget()
    yield
    forget()


def text(answer):
    return answer.getvalue().decode()


def announce(admin, words="Maintenance tonight", **more):
    given = {"text": words, "level": "info", "audience": "everybody", "dismissible": "on", **more}
    return admin.save(ANNOUNCEMENTS, **given)


def test_the_name_is_at_the_top_of_every_page(root, alice, client_for):
    browser = client_for(alice)
    assert "<span>Todo</span>" in text(browser.get("/"))
    assert root.save(SETTINGS, name="Acme & Sons").status_code == 302
    page = text(browser.get("/"))
    assert "<span>Acme &amp; Sons</span>" in page
    assert "· Acme &amp; Sons</title>" in page
    assert "Acme &amp; Sons: Todo admin" in root.page("")
    assert Client().get("/manifest.webmanifest").json()["name"] == "Acme & Sons"
    entry = audit.history("workspace", "settings")[0]
    assert (entry.action, entry.actor_id) == ("change settings", root.account.id)
    assert {"field": "name", "before": "", "after": "Acme & Sons"} in entry.changes
    assert root.save(SETTINGS, name="").status_code == 302
    assert "<span>Todo</span>" in text(browser.get("/"))


def test_what_somebody_else_has_changed_meanwhile_is_not_overwritten(root, other_root):
    mine = root.fill(SETTINGS, name="Mine")
    other_root.save(SETTINGS, name="Theirs")
    assert "Somebody else has changed this meanwhile" in text(root.send(SETTINGS, mine, follow=True))
    assert workspace.stored().name == "Theirs"


def test_viewers_look_and_others_do_not(viewer, admin_of, alice, root):
    announce(root)
    for path in (SETTINGS, ANNOUNCEMENTS):
        assert 'type="submit" value="Save"' not in viewer.page(path)
        assert viewer.send(path, {"name": "x"}).status_code == 403
        assert admin_of(alice).get(path).status_code == 403
    (one,) = workspace.stored().announcements
    assert viewer.send(f"{ANNOUNCEMENTS}?id={one.id}", {"remove": "1", "version": "1"}).status_code == 403


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"sign_up": "domains"}, "Name at least one domain."),
        ({"domains": "not a domain!"}, "Enter a valid email address."),
        ({"domains": " ".join(f"a{n}.example" for n in range(21))}, "At most 20 domains."),
        ({"languages": ["en"], "language": "de"}, "This language is not on offer."),
        ({"timezone": "Mars/Olympus"}, "Select a valid choice."),
        ({"name": "x" * 61}, "at most 60 characters"),
        ({"contact": "nobody"}, "Enter a valid email address."),
    ],
)
def test_settings_that_make_no_sense(root, given, problem):
    assert problem in text(root.save(SETTINGS, **given))
    assert workspace.stored() == Workspace()


def test_who_answers_questions_about_privacy(root, client):
    assert "Ask an administrator if you have questions" in text(client.get("/privacy/"))
    root.save(SETTINGS, name="Harbour", contact="privacy@example.com")
    page = text(client.get("/privacy/"))
    assert "Harbour is run by" in page
    assert 'href="mailto:privacy@example.com"' in page
    assert "Ask an administrator" not in page


# --- Language, zone, first day -------------------------------------------------------------------------------


def language(client, **headers):
    return client.get("/login/", headers=headers)["Content-Language"]


def test_the_language_of_those_who_have_not_chosen_one(root):
    asks_for_english = {"accept-language": "en"}
    assert language(Client(), **asks_for_english) == "en"
    assert language(Client(), **{"accept-language": "de-AT,en;q=0.5"}) == "de"
    root.save(SETTINGS, language="de")
    assert language(Client(), **asks_for_english) == "de"
    chosen = Client()
    chosen.cookies["language"] = "en"
    assert language(chosen) == "en"


def test_a_language_that_is_not_on_offer(root, alice, client_for):
    root.save(SETTINGS, languages=["en"])
    browser = Client()
    browser.cookies["language"] = "de"
    assert language(browser, **{"accept-language": "de"}) == "en"
    assert "Deutsch" not in text(client_for(alice).get("/account/"))


def test_the_api_speaks_english_all_the_same(root, api, alice):
    root.save(SETTINGS, language="de")
    assert "This field is required" in text(
        api(alice).post(TASKS, {}, content_type="application/json", headers={"accept-language": "de"})
    )


def test_the_zone_of_new_people(root, make_account, client_for, alice, known, ctx):
    root.save(SETTINGS, timezone="Europe/Berlin")
    new = make_account("Nina")
    client = Client()
    client.cookies["tz"] = "Europe/London"
    client.post("/login/", {"identifier": new.email, "password": new.password})
    assert profiles.get_profile(new.id).timezone == "Europe/Berlin"
    known(alice)
    profiles.update_profile(ctx(alice), {"timezone": "Asia/Tokyo"})
    client_for(alice)
    assert profiles.get_profile(alice.id).timezone == "Asia/Tokyo"


@pytest.mark.parametrize(("day", "first"), [(0, "2026-11-23"), (6, "2026-11-22"), (5, "2026-11-28")])
def test_the_first_day_of_the_week(root, alice, client_for, day, first):
    root.save(SETTINGS, first_day=str(day))
    browser = client_for(alice)
    page = text(browser.get("/calendar/?week=2026-11-28"))
    assert page.index(f'datetime="{first}"') < page.index('datetime="2026-11-28"') + 1
    assert page.count('class="day-number"') == 7
    month = text(browser.get("/calendar/?month=2026-11"))
    assert month.count('class="day-number"') % 7 == 0
    assert 'datetime="2026-11-01"' in month
    assert 'datetime="2026-11-30"' in month


# --- Signing up ----------------------------------------------------------------------------------------------


def sign_up(email):
    form = {"given_name": "Ada", "email": email, "password": "four-words-nobody-guesses"}
    return Client().post("/sign-up/", form)


def test_only_addresses_of_named_domains_sign_up(root):
    root.save(SETTINGS, sign_up="domains", domains="@Acme.example, second.example")
    assert "With an address of acme.example, second.example." in text(Client().get("/sign-up/"))
    for refused in ("ada@other.example", "ada@sub.acme.example", "acme.example@other.example"):
        answer = sign_up(refused)
        assert (answer.status_code, "You cannot sign up here" in text(answer)) == (422, True)
    assert sign_up("ada@ACME.example").status_code == 302


def test_nobody_signs_up_but_admins_invite(root):
    root.save(SETTINGS, sign_up="nobody")
    page = text(Client().get("/sign-up/"))
    assert "by invitation only" in page
    assert 'name="password"' not in page
    assert "/sign-up/" not in text(Client().get("/login/"))
    assert sign_up("ada@other.example").status_code == 422
    sure = {"addresses": "ida@other.example", "sure": "1"}
    assert "1 person was invited." in text(root.send("tasks/user/invite/", sure))


def test_who_signs_up_past_our_pages_gets_in_nowhere(root, make_account, api, alice, known):
    """An account that Cognito made without us, while sign-up is closed."""
    known(alice)
    root.save(SETTINGS, sign_up="nobody")
    profiles.known.clear()
    stranger = make_account("Stranger")
    form = {"identifier": stranger.email, "password": stranger.password}
    browser = Client()
    answer = browser.post("/login/", form)
    assert (answer.status_code, "You cannot sign up here" in text(answer)) == (422, True)
    assert browser.get("/").status_code == 302
    answer = api(stranger).get(TASKS)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "sign-up-closed")
    assert profiles.get_profile(stranger.id) is None
    assert api(alice).get(TASKS).status_code == 200
    assert (
        Client().post("/login/", {"identifier": alice.email, "password": alice.password}).status_code == 302
    )


# --- Announcements -------------------------------------------------------------------------------------------


def test_an_announcement_is_on_every_page_until_it_is_dismissed(root, alice, client_for):
    assert announce(root, url="/account/", link_text="Settings").status_code == 302
    (one,) = workspace.stored().announcements
    browser, stranger = client_for(alice), Client()
    for client, path in (
        (browser, "/"),
        (browser, "/account/"),
        (stranger, "/login/"),
        (root.client, "/admin/"),
    ):
        page = text(client.get(path))
        assert "Maintenance tonight" in page
        assert '<a href="/account/">Settings</a>' in page
    answer = browser.post("/announcements/dismiss/", {"id": one.id, "next": "/account/"})
    assert answer["Location"] == "/account/"
    assert "Maintenance tonight" not in text(browser.get("/"))
    assert "Maintenance tonight" in text(stranger.get("/login/"))
    assert root.save(f"{ANNOUNCEMENTS}?id={one.id}", text="Maintenance tomorrow").status_code == 302
    assert "Maintenance tomorrow" in text(browser.get("/"))
    assert [entry.action for entry in audit.history("workspace", "settings")[:2]] == ["announce", "announce"]


def test_an_announcement_is_removed_after_a_question(root, alice, client_for):
    announce(root)
    (one,) = workspace.stored().announcements
    assert "Remove this announcement?" in root.page(f"{ANNOUNCEMENTS}?id={one.id}&remove=1")
    assert workspace.stored().announcements == (one,)
    root.send(f"{ANNOUNCEMENTS}?id={one.id}", {"remove": "1", "version": str(workspace.stored().version)})
    assert workspace.stored().announcements == ()
    assert audit.history("workspace", "settings")[0].action == "withdraw announcement"


def test_an_announcement_that_cannot_be_dismissed(root):
    announce(root, dismissible="")
    (one,) = workspace.stored().announcements
    client = Client()
    client.cookies["dismissed"] = one.id
    page = text(client.get("/login/"))
    assert "Maintenance tonight" in page
    assert "/announcements/dismiss/" not in page


@pytest.mark.parametrize(
    ("audience", "seen_by"),
    [
        ("everybody", {"stranger", "person", "manager", "viewer"}),
        ("people", {"person", "manager", "viewer"}),
        ("managers", {"manager"}),
        ("staff", {"viewer"}),
    ],
)
def test_who_sees_it(root, alice, charlie, viewer, client_for, audience, seen_by):
    announce(root, audience=audience)
    browsers = {
        "stranger": Client(),
        "person": client_for(alice),
        "manager": client_for(charlie),
        "viewer": viewer.client,
    }
    pages = {name: text(client.get("/login/", follow=True)) for name, client in browsers.items()}
    assert {name for name, page in pages.items() if "Maintenance tonight" in page} == seen_by


def test_it_is_shown_between_its_times_only():
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    before, after = (now - timedelta(hours=1)).isoformat(), (now + timedelta(hours=1)).isoformat()
    shown = {
        (since, until): Announcement("a", "x", since=since, until=until).is_on(now)
        for since in ("", before, after)
        for until in ("", before, after)
    }
    assert {times for times, on in shown.items() if on} == {
        ("", ""),
        ("", after),
        (before, ""),
        (before, after),
    }


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"url": "javascript:alert(1)"}, "Enter a valid URL."),
        ({"url": "http://example.com/"}, "must begin with https:// or /"),
        ({"url": "//evil.example/"}, "must begin with https:// or /"),
        ({"since": "2026-12-02T10:00", "until": "2026-12-01T10:00"}, "must end after it begins"),
        ({"text": "x" * 301}, "at most 300 characters"),
        ({"level": "loud"}, "Select a valid choice."),
    ],
)
def test_announcements_that_make_no_sense(root, given, problem):
    answer = announce(root, **given) if "text" not in given else announce(root, given["text"])
    assert problem in text(answer)
    assert workspace.stored().announcements == ()


def test_there_are_only_so_many(root):
    for number in range(5):
        assert announce(root, f"Number {number}").status_code == 302
    assert "There are 5 announcements, which is the limit." in text(announce(root, "One more"))


# --- Reading -------------------------------------------------------------------------------------------------


def test_pages_ask_for_it_no_more_than_once_in_its_time(root, alice, client_for, settings, monkeypatch):
    settings.WORKSPACE_SECONDS = 3600
    browser, read, query = client_for(alice), [], workspace.query
    monkeypatch.setattr(
        workspace, "query", lambda *given, **options: read.append(1) or query(*given, **options)
    )
    workspace.cached.clear()
    for _ in range(5):
        assert browser.get("/account/").status_code == 200
    assert len(read) == 1


def test_another_process_follows_within_its_time(root, settings):
    workspace.current()
    settings.WORKSPACE_SECONDS = 0
    root.save(SETTINGS, name="Acme")
    assert "<span>Acme</span>" in text(Client().get("/login/"))


def test_pages_go_on_when_it_cannot_be_read_but_nobody_signs_up(monkeypatch, settings):
    def unreachable(*_, **__):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(workspace, "query", unreachable)
    workspace.cached.clear()
    assert "<span>Todo <span" in text(Client().get("/login/"))
    with pytest.raises(IdentityUnavailable):
        workspace.check_sign_up("ada@example.com")
    assert sign_up("ada@other.example").status_code == 503
    monkeypatch.undo()
    workspace.check_sign_up("ada@example.com")


def test_once_read_it_is_known_through_an_outage(root, monkeypatch):
    root.save(SETTINGS, sign_up="nobody")
    workspace.current()

    def unreachable(*_, **__):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(workspace, "query", unreachable)
    workspace.cached.forget()
    with pytest.raises(SignUpClosed):
        workspace.check_sign_up("ada@example.com")
