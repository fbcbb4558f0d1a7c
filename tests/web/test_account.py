"""Signing up, getting back in, a second factor, sessions, and the pages about oneself."""

import base64
import gzip
import hashlib
import os
import re
import time
import uuid
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from etl.jobs import job_requests
from etl.lake.storage import Bucket
from identity import access_tokens, preferences, profiles, registration, sealing
from identity.browsers import describe
from store.reading import get
from tasks import selectors, services
from tasks.transfer import import_jobs
from tests.conftest import PASSWORD
from tests.roles import OWNER
from tests.web.conftest import read
from tests.web.second_factor import enrol
from tests.web.totp import totp
from todo_site.account import enrolment
from todo_site.account.forms import ImportForm

NEW = "Better-horse-10"


@pytest.fixture
def local(settings, monkeypatch):
    """A copy that runs on somebody's machine, whose e-mails can be read there."""
    assert settings.MAIL_PREVIEW_URL


def code_on(page) -> str:
    return re.search(r"<code>(\d{6})</code>", page.html)[1]


def sign_in(client, identifier, password=PASSWORD, **more):
    return client.post("/login/", {"identifier": identifier, "password": password, **more})


def test_a_new_account_is_confirmed_and_signs_in(client, local):
    email = f"ada-{uuid.uuid4().hex[:8]}@example.com"
    answer = client.post(
        "/sign-up/", {"given_name": "Ada", "family_name": "Lovelace", "email": email, "password": PASSWORD}
    )
    assert answer.status_code == 302
    confirm = answer["Location"]
    page = read(client.get(confirm))
    assert email in page.text
    assert client.post(confirm, {"code": "000000"}).status_code == 422
    anonymous = client.cookies["session"].value
    assert client.post(confirm, {"code": code_on(page)})["Location"] == "/"
    home = read(client.get("/")).text
    assert "Your address is confirmed, and you are signed in." in home
    assert "Ada Lovelace" in home
    assert client.cookies["session"].value != anonymous
    client.post("/logout/")
    assert sign_in(client, email)["Location"] == "/"


def confirmed(client, confirm, email):
    """Confirm an address and return the page to sign in at, which no address is in."""
    there = client.post(confirm, {"code": code_on(read(client.get(confirm)))})["Location"]
    assert there.startswith("/login/?for=")
    assert email not in there
    assert client.get("/").status_code == 302, "nobody is signed in"
    return read(client.get(there))


def test_another_browser_than_the_one_that_signed_up_has_to_sign_in(client, local):
    email = f"ada-{uuid.uuid4().hex[:8]}@example.com"
    confirm = client.post("/sign-up/", {"given_name": "Ada", "email": email, "password": PASSWORD})[
        "Location"
    ]
    other = Client()
    assert confirmed(other, confirm, email).fields["identifier"] == email
    assert sign_in(other, email)["Location"] == "/"


def test_a_sign_up_of_long_ago_has_to_sign_in(client, local, monkeypatch):
    monkeypatch.setattr(registration, "SIGNED_UP_SECONDS", -1)
    email = f"ada-{uuid.uuid4().hex[:8]}@example.com"
    confirm = client.post("/sign-up/", {"given_name": "Ada", "email": email, "password": PASSWORD})[
        "Location"
    ]
    assert confirmed(client, confirm, email).fields["identifier"] == email


def test_a_browser_is_signed_in_to_the_account_that_it_made_only(client, local):
    addresses = [f"{name}-{uuid.uuid4().hex[:8]}@example.com" for name in ("eve", "ada")]
    victim, thief = Client(), client
    confirm = victim.post("/sign-up/", {"given_name": "Ada", "email": addresses[1], "password": PASSWORD})[
        "Location"
    ]
    thief.post("/sign-up/", {"given_name": "Eve", "email": addresses[0], "password": PASSWORD})
    confirmed(thief, confirm, addresses[1])


def test_an_account_that_was_disabled_meanwhile_is_not_signed_in(client, local, cognito):
    email = f"ada-{uuid.uuid4().hex[:8]}@example.com"
    confirm = client.post("/sign-up/", {"given_name": "Ada", "email": email, "password": PASSWORD})[
        "Location"
    ]
    pool = os.environ["USER_POOL_ID"]
    (user,) = cognito.list_users(UserPoolId=pool, Filter=f'email = "{email}"')["Users"]
    cognito.admin_disable_user(UserPoolId=pool, Username=user["Username"])
    answer = client.post(confirm, {"code": code_on(read(client.get(confirm)))})
    assert answer.status_code in {302, 422}
    assert client.get("/").status_code == 302


BAD = [
    ({}, "Enter your name."),
    ({"email": "nonsense"}, "Enter an e-mail address like"),
    ({"password": "short"}, "Choose a longer password"),
    ({"password": ""}, "Choose a password."),
    ({"given_name": "nul\0"}, "without control characters"),
]


@pytest.mark.parametrize(("form", "says"), BAD, ids=lambda value: str(value)[:30])
def test_a_wrong_sign_up_is_told(client, form, says):
    whole = {"given_name": "Ada", "email": "ada@example.com", "password": PASSWORD} | form if form else {}
    answer = client.post("/sign-up/", whole)
    assert answer.status_code == 422
    assert says in read(answer).text
    assert "short" not in read(answer).fields.values()


def test_an_address_that_is_taken_is_found_out_when_it_is_confirmed(client, local, alice):
    confirm = client.post("/sign-up/", {"given_name": "Eve", "email": alice.email, "password": PASSWORD})[
        "Location"
    ]
    answer = client.post(confirm, {"code": code_on(read(client.get(confirm)))})
    assert answer.status_code == 422
    assert "There is an account" in read(answer).text
    assert sign_in(client, alice.email)["Location"] == "/"


@pytest.mark.parametrize("about", ["", "nonsense", "WyJhIl0:x:y"])
def test_links_that_are_not_ours_lead_to_the_beginning(client, about):
    assert client.get(f"/sign-up/confirm/?for={about}")["Location"] == "/sign-up/"
    assert client.get(f"/password/reset/?for={about}")["Location"] == "/password/forgotten/"


def test_a_link_opens_its_own_page_only_and_shows_no_address(client):
    email = f"ada-{uuid.uuid4().hex[:8]}@example.com"
    form = {"given_name": "Ada", "email": email, "password": PASSWORD}
    confirm = client.post("/sign-up/", form)["Location"]
    reset = client.post("/password/forgotten/", {"identifier": email})["Location"]
    for link in (confirm, reset):
        about = link.partition("?for=")[2]
        assert email.encode() not in base64.urlsafe_b64decode(about + "==")
        assert email not in link
    assert (
        client.get(confirm.replace("/sign-up/confirm/", "/password/reset/"))["Location"]
        == "/password/forgotten/"
    )
    assert client.get(reset.replace("/password/reset/", "/sign-up/confirm/"))["Location"] == "/sign-up/"


def test_codes_are_shown_on_ones_own_machine_only(client, settings):
    email = f"ada-{uuid.uuid4().hex[:8]}@example.com"
    confirm = client.post("/sign-up/", {"given_name": "Ada", "email": email, "password": PASSWORD})[
        "Location"
    ]
    settings.DEPLOYED = True
    assert not re.search(r"\b\d{6}\b", read(client.get(confirm)).text)


def test_a_forgotten_password_is_replaced(client, local, alice):
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    code = code_on(read(client.get(reset)))
    assert client.post(reset, {"code": "000000", "password": NEW}).status_code == 422
    assert "longer password" in read(client.post(reset, {"code": code, "password": "x"})).text
    assert client.post(reset, {"code": code, "password": NEW})["Location"] == "/login/"
    assert sign_in(client, alice.email).status_code == 422
    assert sign_in(client, alice.email, NEW).status_code == 302


def test_nobody_learns_who_has_an_account(client):
    answer = client.post("/password/forgotten/", {"identifier": "nobody@example.com"})
    assert answer["Location"].startswith("/password/reset/")
    assert client.post(answer["Location"], {"code": "123456", "password": NEW}).status_code == 422


def test_the_password_is_changed(browser, client, alice):
    form = {"password": "wrong", "new_password": NEW}
    assert "is not correct" in read(browser.post("/account/security/", form)).text
    assert browser.post("/account/security/", form | {"password": PASSWORD}).status_code == 302
    assert sign_in(client, alice.email).status_code == 422
    assert sign_in(client, alice.email, NEW).status_code == 302


@pytest.mark.parametrize(
    ("now", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(now, code):
    assert totp("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now) == code


def test_a_second_factor(browser, client, alice):
    proof = {"password": PASSWORD, "act": "begin"}
    assert browser.post("/account/security/second-factor/", proof | {"password": "wrong"}).status_code == 422
    page = read(browser.post("/account/security/second-factor/", proof))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page.html)[1]
    assert "<svg" in page.html
    finish = {"act": "finish", "sealed": page.fields["sealed"]}
    assert browser.post("/account/security/second-factor/", finish | {"code": "000000"}).status_code == 422
    done = browser.post("/account/security/second-factor/", finish | {"code": totp(secret)})
    assert "From now on, sign-in asks for a code" in read(done).text

    assert sign_in(client, alice.email, next="/board/")["Location"] == "/login/code/"
    assert client.get("/").status_code == 302  # not signed in yet
    assert client.post("/login/code/", {"code": "000000"}).status_code == 422
    assert client.post("/login/code/", {"code": totp(secret)})["Location"] == "/board/"
    assert client.get("/").status_code == 200

    stop = {"password": PASSWORD, "act": "stop"}
    assert "code" in read(browser.post("/account/security/second-factor/", stop)).text
    assert browser.post("/account/security/second-factor/", stop | {"code": totp(secret)}).status_code == 302
    assert sign_in(Client(), alice.email)["Location"] == "/"


def test_an_enrolment_belongs_to_who_began_it(browser, client_for, bob):
    page = read(browser.post("/account/security/second-factor/", {"password": PASSWORD, "act": "begin"}))
    form = {"act": "finish", "sealed": page.fields["sealed"], "code": "123456"}
    assert client_for(bob).post("/account/security/second-factor/", form).status_code == 302
    assert browser.post("/account/security/second-factor/", form | {"sealed": "x"}).status_code == 302


def test_a_password_an_administrator_gave_is_replaced(client, cognito, alice):
    import os

    cognito.admin_set_user_password(
        UserPoolId=os.environ["USER_POOL_ID"],
        Username=alice.username,
        Password="Given-pass-1",
        Permanent=False,
    )
    assert sign_in(client, alice.username, "Given-pass-1")["Location"] == "/login/code/"
    assert client.post("/login/code/", {"password": NEW})["Location"] == "/"


def test_a_challenge_needs_a_sign_in_before_it(client):
    assert client.get("/login/code/")["Location"] == "/login/"


def test_sessions_are_listed_and_ended(browser, client_for, alice):
    other = client_for(alice)
    page = read(browser.get("/account/security/"))
    assert page.text.count("this one") == 1
    (session,) = [attrs["value"] for _, attrs in page.tags if attrs.get("name") == "id"]
    browser.post("/account/security/sign-out/", {"id": session})
    assert other.get("/").status_code == 302
    assert browser.get("/").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(browser, client_for, bob):
    theirs = client_for(bob)
    page = read(theirs.get("/account/security/"))
    hashed = hashlib.sha256(theirs.cookies["session"].value.encode()).hexdigest()
    browser.post("/account/security/sign-out/", {"id": hashed})
    assert theirs.get("/").status_code == 200
    assert "this one" in page.text


def test_signing_out_everywhere(browser, client_for, alice):
    other = client_for(alice)
    assert browser.post("/account/security/sign-out/")["Location"] == "/login/"
    assert [b.get("/").status_code for b in (browser, other)] == [302, 302]


def test_signing_in_again_at_once(browser, alice):
    """Tokens know whole seconds only: one of this moment must not count as issued before everything was ended."""
    for _ in range(3):
        browser.post("/account/security/sign-out/")
        assert sign_in(browser, alice.username, alice.password)["Location"] == "/"
        assert browser.get("/").status_code == 200


def test_the_profile(browser, alice):
    form = {
        "given_name": "Al",
        "family_name": "Ice",
        "name": "Al I.",
        "timezone": "Pacific/Niue",
        "language": "de",
        "theme": "dark",
    }
    assert browser.post("/account/", form)["Location"] == "/account/"
    assert profiles.get_profile(alice.id).timezone == "Pacific/Niue"
    page = browser.get("/account/").content.decode()
    assert '<html lang="de" data-theme="dark">' in page
    assert "Al I." in page
    assert preferences.get(alice.id).language == "de"


def test_the_chosen_time_zone_beats_the_browsers(browser, add, today):
    add("Today in UTC", due_date=str(today))
    browser.cookies["tz"] = "UTC"
    assert read(browser.get("/")).sections()["today"] == ["Today in UTC"]
    sections = []
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):
        browser.post("/account/", {"name": "A", "timezone": zone})
        sections.append([name for name, titles in read(browser.get("/")).sections().items() if titles])
    assert sections[0] != sections[1]


def test_choices_come_along_to_another_browser(browser, client, alice):
    browser.post("/account/", {"name": "A", "language": "de", "theme": "dark"})
    sign_in(client, alice.email)
    assert '<html lang="de" data-theme="dark">' in client.get("/").content.decode()


@pytest.mark.parametrize(
    "form", [{"name": ""}, {"timezone": "Mars/Olympus"}, {"language": "xx"}, {"name": "x" * 201}]
)
def test_a_wrong_profile_is_told(browser, form):
    assert browser.post("/account/", {"name": "A"} | form).status_code == 422


def test_access_tokens(browser, alice):
    page = read(browser.post("/account/access/", {"name": "backup", "scope": "read", "days": "7"}))
    secret = re.search(r'id="new-token">([^<]+)<', page.html)[1]
    headers = {"authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/tasks", headers=headers).status_code == 200
    assert secret not in browser.get("/account/access/").content.decode()
    (token,) = access_tokens.list_tokens(alice.id)
    browser.post("/account/access/revoke/", {"id": token.id})
    assert Client().get("/api/v1/tasks", headers=headers).status_code == 401
    assert browser.post("/account/access/", {"name": "", "scope": "read", "days": "7"}).status_code == 422


def test_the_calendar_feed(browser, add, today):
    add("Dentist", due_date=str(today))
    page = read(browser.post("/account/access/feed/"))
    address = re.search(r'id="feed-address">([^<]+)<', page.html)[1].removeprefix("http://testserver")
    assert "SUMMARY:Dentist" in Client().get(address).content.decode()
    browser.post("/account/access/feed/", {"stop": "1"})
    assert Client().get(address).status_code == 404


def test_export_and_import_go_round(browser, add, client_for, bob):
    add("Pay rent", category="Home")
    answer = browser.get("/account/data/export/?format=csv")
    content = answer.content
    assert "attachment" in answer["Content-Disposition"]
    theirs = client_for(bob)

    def send(**more):
        return read(theirs.post("/account/data/", {"file": SimpleUploadedFile("t.csv", content), **more}))

    assert "1 rows: 1 new" in send(dry_run="1").text
    assert selectors.list_tasks(bob.id).items == []
    for _ in range(2):
        send()
    (task,) = selectors.list_tasks(bob.id).items
    assert (task.title, task.category) == ("Pay rent", "Home")
    assert browser.get("/account/data/export/?format=exe").status_code == 400


def test_an_import_in_steps_does_each_row_once(browser, alice, monkeypatch):
    monkeypatch.setattr(ImportForm, "PART", 2)
    content = b"title\n" + b"".join(b"Task %d\n" % number for number in range(5))
    page = read(browser.post("/account/data/", {"file": SimpleUploadedFile("t.csv", content)}))
    assert "2 of 5 rows are done" in page.text
    for _ in range(2):  # the same step twice
        second = read(browser.post("/account/data/", page.fields))
        assert "4 of 5 rows are done" in second.text
    assert "5 rows: 5 new" in read(browser.post("/account/data/", second.fields)).text
    titles = [task.title for task in selectors.list_tasks(alice.id).items]
    assert titles == [f"Task {number}" for number in range(5)]
    for carried in ("x", "eA==", base64.b64encode(gzip.compress(b"x" * 2**21)).decode()):
        assert browser.post("/account/data/", {"carried": carried}).status_code == 400


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"{", b"title\n"])
def test_a_file_that_is_none_is_told(browser, content):
    answer = browser.post("/account/data/", {"file": SimpleUploadedFile("t.csv", content)})
    assert answer.status_code in {200, 422}
    assert browser.post("/account/data/").status_code in {200, 422}


def test_an_import_in_pieces(client_for, alice, bob, monkeypatch):
    monkeypatch.setattr(import_jobs, "PAGE_ROWS", 1)
    browser = client_for(alice)
    content = b"title,priority\none,hgih\ntwo,hgih\nthree,\n"
    job = browser.post(f"/account/data/import/?bytes={len(content)}").json()
    assert (job["running"], job["offset"], job["wanted"]) == (True, 0, len(content))
    send = partial(browser.post, content_type="application/octet-stream")
    assert send(f"{job['url']}?offset=7", content).json() == job
    assert "was interrupted" in browser.get(job["url"]).content.decode()
    assert send(f"{job['url']}?offset=0", content).json()["running"] is False
    pages = [read(browser.get(f"{job['url']}?page={number}")).text for number in ("1", "2", "99", "x")]
    assert all("3 rows: 3 new, 0 there already, 0 not usable. 2 rows have remarks." in page for page in pages)
    assert ["Row 2" in page for page in pages] == [True, False, False, True]
    assert ["Row 3" in page for page in pages] == [False, True, True, False]
    assert client_for(bob).get(job["url"]).status_code == 404
    assert browser.post("/account/data/import/?bytes=0").status_code == 413
    assert browser.post(f"/account/data/import/?bytes={10**12}").json()["error"] == (
        "The file has 1000000000000 bytes, and at most 536870912 can be imported."
    )
    monkeypatch.setattr(import_jobs, "MAX_JOBS", 1)
    assert browser.post("/account/data/import/?bytes=9").status_code == 409


def test_a_piece_waits_for_the_one_before(client_for, alice):
    browser = client_for(alice)
    job = browser.post("/account/data/import/?bytes=9").json()
    import_id = job["url"].rstrip("/").rpartition("/")[2]
    item = get(import_jobs.ImportItem, import_jobs.import_key(alice.id, import_id))
    item.claimed_until = int(time.time()) + 30
    item.save()
    answer = browser.post(f"{job['url']}?offset=0", b"title\none\n", content_type="text/csv")
    assert (answer.status_code, answer.json()["again"]) == (409, True)


def test_deleting_the_account_deletes_everything(browser, client, client_for, alice, bob, add, ctx):
    add("Alice's")
    services.create_task(ctx(bob), {"title": "Bob's"})
    browser.post("/filters/", {"name": "x", "q": "y"})
    form = {"password": PASSWORD}
    assert browser.post("/account/data/delete/", form).status_code == 422
    assert (
        browser.post("/account/data/delete/", form | {"sure": "on", "password": "wrong"}).status_code == 422
    )
    assert profiles.get_profile(alice.id)
    after = browser.post("/account/data/delete/", form | {"sure": "on"})["Location"]
    going = browser.get(after)
    assert "statistics are being removed" in read(going).text
    assert (going["Refresh"], going["Cache-Control"].split(",")[0]) == ("5", "max-age=0")
    assert browser.get("/").status_code == 302
    assert selectors.list_tasks(alice.id).items == []
    assert profiles.get_profile(alice.id) is None
    assert preferences.get(alice.id).filters is None
    assert sign_in(client, alice.email).status_code == 422
    assert len(selectors.list_tasks(bob.id).items) == 1


def test_the_lake_is_told_to_forget_whoever_deletes_their_account(browser, alice, monkeypatch):
    silver = Bucket(os.environ["SILVER_BUCKET"], OWNER.client("s3"))
    after = browser.post("/account/data/delete/", {"password": PASSWORD, "sure": "on"})["Location"]
    assert job_requests.erasure_of(silver, alice.id).state == "waiting"
    job_requests.carry_out(silver, lambda: None, lambda order, now: job_requests.Outcome("done", "gone"))
    done = browser.get(after)
    assert "statistics are gone, too" in read(done).text
    assert "Refresh" not in done
    forged = read(browser.get("/account/deleted/?receipt=made-up"))
    assert "removed by the operator" in forged.text


def test_an_account_goes_although_the_lake_cannot_be_told(browser, alice, monkeypatch, caplog):
    monkeypatch.setenv("SILVER_BUCKET", "no-such-bucket")
    after = browser.post("/account/data/delete/", {"password": PASSWORD, "sure": "on"})["Location"]
    assert after == "/account/deleted/"
    assert profiles.get_profile(alice.id) is None
    assert "run erase_user" in caplog.text


@pytest.mark.parametrize(
    "path", ["", "security/", "security/second-factor/", "access/", "data/", "data/export/"]
)
def test_nobody_else_sees_these_pages(client, path):
    assert client.get(f"/account/{path}")["Location"].startswith("/login/?next=/account/")


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
            "Chrome, Linux",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari, iOS"),
        ("", "Another program"),
    ],
)
def test_browsers_in_describe(agent, said):
    assert describe(agent) == said


def test_a_forgotten_password_asks_for_nothing_but_address_code_and_password(client, alice):
    """No hint, and no question that somebody else can answer."""
    page = read(client.get("/password/forgotten/"))
    assert set(page.fields) == {"csrfmiddlewaretoken", "identifier"}
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    assert set(read(client.get(reset)).fields) == {"csrfmiddlewaretoken", "code", "password"}


def test_a_code_of_a_reset_works_once_and_for_its_own_account(client, alice, bob):
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    code = code_on(read(client.get(reset)))
    theirs = client.post("/password/forgotten/", {"identifier": bob.email})["Location"]
    other = code_on(read(client.get(theirs)))
    if other != code:  # one in a million
        assert client.post(theirs, {"code": code, "password": NEW}).status_code == 422
    assert client.post(reset, {"code": code, "password": NEW}).status_code == 302
    assert client.post(reset, {"code": code, "password": "Another-horse-battery-11"}).status_code == 422
    assert sign_in(Client(), alice.email, NEW).status_code == 302


FACTOR = "/account/security/second-factor/"


def test_the_secret_of_an_enrolment_is_sealed_for_ten_minutes(browser, monkeypatch):
    begun = read(browser.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1].replace(" ", "")
    sealed = begun.fields["sealed"]
    assert secret.encode() not in base64.urlsafe_b64decode(sealed + "==")
    now = time.time()
    for seconds, opens in ((601, False), (540, True)):
        monkeypatch.setattr("cryptography.fernet.time.time", lambda later=now + seconds: later)
        assert (sealing.unseal("enrolment", sealed, enrolment.SEAL_SECONDS) is not None) is opens
    monkeypatch.undo()
    done = browser.post(FACTOR, {"act": "finish", "sealed": sealed, "code": totp(secret)})
    assert "recovery codes" in read(done).text.lower()


@pytest.mark.parametrize(("age", "status"), [(0, 302), (300, 422), (-300, 422), (86400, 422)])
def test_a_code_of_the_app_is_good_for_its_moment_only(browser, alice, age, status):
    secret, _ = enrol(browser)
    client = Client()
    sign_in(client, alice.email)
    answer = client.post("/login/code/", {"code": totp(secret, time.time() - age)})
    assert answer.status_code == status


def test_a_packed_file_is_unpacked_no_further_than_a_file_may_be(browser, alice):
    """50 MB of zeros are 50 KB packed; without a bound the page would unpack all of it."""
    bomb = base64.b64encode(gzip.compress(b"title\n" + b"\0" * 50_000_000)).decode()
    answer = browser.post("/account/data/", {"carried": bomb, "done": "0"})
    assert answer.status_code == 400
    assert selectors.list_tasks(alice.id).items == []


def test_the_name_of_an_uploaded_file_is_not_used(browser, alice):
    name = "../../evil.html<script>"
    answer = browser.post(
        "/account/data/", {"file": SimpleUploadedFile(name, b"title\nPay rent\n")}, follow=True
    )
    assert [task.title for task in selectors.list_tasks(alice.id).items] == ["Pay rent"]
    assert "evil" not in answer.content.decode()
