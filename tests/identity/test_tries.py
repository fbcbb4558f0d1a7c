"""Limits of what strangers may try: by account and by network, for known and unknown accounts alike."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import EndpointConnectionError
from django.test import Client

from etl.capture.bronze_row import ENTITIES
from identity import administration, cognito, directory, tries
from identity.errors import IdentityUnavailable, TooManyTries, WrongCode
from identity.tries import ACCOUNT_MOST, MAILS_MOST, Visitor
from store.reading import scan
from tests.conftest import PASSWORD
from tests.web.conftest import read
from tests.web.totp import totp

WRONG = "Wrong-horse-staple-9"
NEW = "Better-horse-battery-10"
FACTOR = "/account/security/second-factor/"
CALLS = 60


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Nothing comes back while a test runs; ``clock.now`` can be moved."""

    class Clock:
        now = 1_800_000_000.0

        def time(self):
            return self.now

    found = Clock()
    monkeypatch.setattr(tries, "time", found)
    return found


def sign_in(client, identifier, password=WRONG, **more):
    return client.post("/login/", {"identifier": identifier, "password": password}, **more)


def use_up(identifier):
    for _ in range(ACCOUNT_MOST):
        assert sign_in(Client(), identifier).status_code == 422


def test_sixty_wrong_passwords_at_once_are_ten_tries(alice):
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: sign_in(Client(), alice.email).status_code, range(CALLS)))
    assert answers.count(422) == ACCOUNT_MOST
    assert answers.count(429) == CALLS - ACCOUNT_MOST


def test_the_page_says_when_to_try_again(alice, client, clock):
    use_up(alice.email)
    answer = sign_in(client, alice.email)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "360"
    assert "Too many tries. Try again in 6 minutes." in read(answer).text
    client.cookies["tz"] = "Europe/Berlin"
    page = read(sign_in(client, alice.email))
    # 1,800,000,000 is 09:00 in Berlin.
    assert "Try again in 6 minutes, at 09:06." in page.text
    assert [attrs["id"] for _, attrs in page.tags if attrs.get("role") == "alert"] == ["sign-in-error"]
    german = sign_in(client, alice.email, headers={"accept-language": "de"})
    assert "Zu viele Versuche. In 6 Minuten geht es weiter, um 09:06 Uhr." in read(german).text
    clock.now += 360
    assert sign_in(client, alice.email).status_code == 422


def test_a_right_password_is_refused_like_a_wrong_one(alice, client):
    use_up(alice.email)
    right, wrong = (read(sign_in(client, alice.email, password)).text for password in (PASSWORD, WRONG))
    assert right == wrong
    assert client.get("/").status_code == 302


def test_an_unknown_account_is_counted_like_a_known_one(alice, client):
    nobody = f"nobody-{uuid.uuid4().hex}@example.com"
    for identifier in (alice.email, nobody):
        use_up(identifier)
        assert sign_in(client, identifier).status_code == 429


@pytest.mark.parametrize(
    "write", [str.upper, lambda name: f" {name} ", lambda name: name.replace("a", "\uff41")]
)
def test_another_spelling_is_the_same_account(alice, client, write):
    use_up(alice.email)
    assert sign_in(client, write(alice.email)).status_code == 429


@pytest.mark.parametrize("first", ["email", "username"])
def test_an_account_has_one_count_whichever_of_its_names_is_typed(alice, client, first):
    names = [alice.email, alice.username.upper()]
    if first == "username":
        names.reverse()
    for number in range(ACCOUNT_MOST):
        assert sign_in(Client(), names[number % 2]).status_code == 422
    assert [sign_in(client, name, PASSWORD).status_code for name in names] == [429, 429]


def test_the_page_for_recovery_codes_counts_what_the_first_page_counted(alice, client_for):
    browser = client_for(alice)
    begun = read(browser.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1]
    browser.post(FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
    thief = Client()
    sign_in(thief, alice.email, PASSWORD)
    for _ in range(ACCOUNT_MOST - 1):
        assert sign_in(Client(), alice.email).status_code == 422
    form = {"password": WRONG, "code": "aaaa-bbbb-cccc-dddd"}
    assert [thief.post("/login/recovery/", form).status_code for _ in range(2)] == [422, 429]


def test_codes_of_a_reset_have_one_count_whichever_name_was_typed(client, alice):
    pages = [
        client.post("/password/forgotten/", {"identifier": name})["Location"]
        for name in (alice.email, alice.username)
    ]
    form = {"code": "000000", "password": NEW}
    answers = [client.post(pages[number % 2], form).status_code for number in range(ACCOUNT_MOST)]
    assert answers == [422] * ACCOUNT_MOST
    assert [client.post(page, form).status_code for page in pages] == [429, 429]


def test_mails_to_an_account_have_one_count_whichever_name_was_typed(client, alice):
    names = [alice.email, alice.username]
    answers = [
        client.post("/password/forgotten/", {"identifier": names[number % 2]}).status_code
        for number in range(MAILS_MOST + 2)
    ]
    assert answers == [302] * MAILS_MOST + [429] * 2


@pytest.fixture
def asked(monkeypatch):
    """Return the operations that Cognito was asked for, and how many requests left for DynamoDB."""
    operations = []
    ask = cognito.call
    for module in (cognito, directory):
        monkeypatch.setattr(
            module, "call", lambda name, *args, **more: operations.append(name) or ask(name, *args, **more)
        )
    return operations


@pytest.mark.parametrize("page", ["/login/", "/password/forgotten/"])
def test_a_name_that_nobody_has_costs_and_says_the_same(alice, bob, asked, calls, page):
    cases = []
    for name in (alice.email, f"x{alice.email}", bob.username, f"x{bob.username}"):
        asked.clear()
        calls.clear()
        answer = Client().post(page, {"identifier": name, "password": WRONG})
        words = read(answer).text if answer.content else ""
        cases.append((answer.status_code, words, list(asked), calls.names))
    known, unknown, by_name, by_unknown_name = cases
    assert (known, by_name) == (unknown, by_unknown_name)
    asking = {"/login/": "initiate_auth", "/password/forgotten/": "forgot_password"}[page]
    assert (known[2], by_name[2]) == ([asking], ["admin_get_user", asking])


@pytest.mark.parametrize("name", ["two words", "x" * 500, "\x00", "\ud800", "a@b", "@"])
def test_a_name_that_nobody_can_have_is_a_name_that_nobody_has(client, name):
    with pytest.raises(WrongCode), tries.counted(Visitor(uuid.uuid4().hex), tries.RESET, name):
        raise WrongCode


def test_without_cognito_nothing_is_used_up(monkeypatch, settings):
    settings.TRIES_PER_NETWORK = 3
    who = Visitor(uuid.uuid4().hex)

    def unreachable(*_args, **_more):
        raise IdentityUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(directory, "call", unreachable)
        for _ in range(5):
            with pytest.raises(IdentityUnavailable), tries.counted(who, tries.PASSWORD, "ada"):
                raise AssertionError
    with tries.counted(who, tries.PASSWORD, "ada"):
        pass


def test_a_network_that_has_used_up_its_tries_causes_no_look_up(settings, asked):
    settings.TRIES_PER_NETWORK = 1
    who = Visitor(uuid.uuid4().hex)
    with pytest.raises(WrongCode), tries.counted(who, tries.RESET, "ada"):
        raise WrongCode
    asked.clear()
    with pytest.raises(TooManyTries), tries.counted(who, tries.RESET, "ada"):
        raise AssertionError
    assert asked == []


def test_a_known_browser_has_one_count_whichever_name_is_typed(alice, client_for):
    known = client_for(alice)
    known.post("/logout/")
    names = [alice.email, alice.username]
    answers = [sign_in(known, names[number % 2]).status_code for number in range(tries.DEVICE_MOST)]
    assert answers == [422] * tries.DEVICE_MOST
    assert [sign_in(known, name, PASSWORD).status_code for name in names] == [429, 429]


def test_success_uses_nothing_up(alice):
    for _ in range(ACCOUNT_MOST + 5):
        assert sign_in(Client(), alice.email, PASSWORD).status_code == 302


def test_strangers_do_not_lock_out_a_browser_that_is_known(alice, client, client_for):
    known = client_for(alice)
    known.post("/logout/")
    use_up(alice.email)
    assert sign_in(client, alice.email, PASSWORD).status_code == 429
    assert sign_in(known, alice.email, PASSWORD).status_code == 302
    known.post("/logout/")
    assert sign_in(known, alice.username, PASSWORD).status_code == 302


def test_a_known_browser_has_tries_for_its_own_account_only(alice, bob, client_for):
    known = client_for(alice)
    known.post("/logout/")
    answers = [sign_in(known, alice.email).status_code for _ in range(tries.DEVICE_MOST + 1)]
    assert answers == [422] * tries.DEVICE_MOST + [429]
    use_up(bob.email)
    assert sign_in(known, bob.email, PASSWORD).status_code == 429


@pytest.mark.parametrize("cookie", ["", "nonsense", "x" * 10_000])
def test_the_cookie_of_a_known_browser_cannot_be_made_up(alice, client, cookie):
    use_up(alice.email)
    client.cookies[tries.COOKIE] = cookie
    assert sign_in(client, alice.email, PASSWORD).status_code == 429


def test_a_browser_is_known_to_the_five_latest_accounts(rf, alice):
    request = rf.get("/")
    for number in range(8):
        answer = Client().get("/login/")
        tries.remember(request, answer, f"user-{number}", f"user-{number}@example.com")
        request.COOKIES[tries.COOKIE] = answer.cookies[tries.COOKIE].value
        assert answer.cookies[tries.COOKIE]["httponly"]
    assert len(tries.visitor(request).known_to) == 2 * tries.KNOWN_MOST


def test_a_network_has_tries_for_all_accounts_together(settings, client):
    settings.TRIES_PER_NETWORK = 3
    network = {"REMOTE_ADDR": f"2001:db8:{uuid.uuid4().hex[:4]}::1"}
    accounts = [f"{uuid.uuid4().hex}@example.com" for _ in range(5)]
    answers = [sign_in(client, account, **network).status_code for account in accounts]
    assert answers == [422, 422, 422, 429, 429]
    assert sign_in(client, accounts[0], REMOTE_ADDR=network["REMOTE_ADDR"] + "f").status_code == 429
    assert sign_in(client, accounts[4], REMOTE_ADDR="2001:db8:ffff::1").status_code == 422


def test_what_a_client_writes_is_not_where_it_comes_from(settings, client):
    settings.TRIES_PER_NETWORK = 3
    network = f"2001:db8:{uuid.uuid4().hex[:4]}::1"
    answers = []
    for number in range(5):
        forged = {"x-forwarded-for": f"9.9.9.{number}", "x-viewer-address": f"9.9.8.{number}"}
        forged |= {"x-real-ip": f"9.9.7.{number}", "forwarded": f"for=9.9.6.{number}"}
        account = f"{uuid.uuid4().hex}@example.com"
        answers.append(sign_in(client, account, REMOTE_ADDR=network, headers=forged).status_code)
    assert answers == [422, 422, 422, 429, 429]


def test_codes_that_confirm_an_address_are_limited(client):
    form = {"given_name": "Ada", "email": f"ada-{uuid.uuid4().hex}@example.com", "password": PASSWORD}
    confirm = client.post("/sign-up/", form)["Location"]
    code = re.search(r"<code>(\d{6})</code>", read(client.get(confirm)).html)[1]
    answers = [client.post(confirm, {"code": "000000"}).status_code for _ in range(ACCOUNT_MOST + 1)]
    assert answers == [422] * ACCOUNT_MOST + [429]
    assert client.post(confirm, {"code": code}).status_code == 429


def test_codes_that_reset_a_password_are_limited(client, alice):
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    code = re.search(r"<code>(\d{6})</code>", read(client.get(reset)).html)[1]
    weak = client.post(reset, {"code": "000000", "password": "short"})
    assert weak.status_code == 422  # nothing was tried
    form = {"code": "000000", "password": NEW}
    answers = [client.post(reset, form).status_code for _ in range(ACCOUNT_MOST + 1)]
    assert answers == [422] * ACCOUNT_MOST + [429]
    assert client.post(reset, form | {"code": code}).status_code == 429
    assert sign_in(Client(), alice.email, PASSWORD).status_code == 302  # that counts by itself


def test_a_reset_lets_the_owner_in_while_strangers_try(client, alice):
    use_up(alice.email)
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    code = re.search(r"<code>(\d{6})</code>", read(client.get(reset)).html)[1]
    assert client.post(reset, {"code": code, "password": NEW}).status_code == 302
    assert sign_in(Client(), alice.email, NEW).status_code == 429
    assert sign_in(client, alice.email, NEW).status_code == 302


def test_codes_of_the_second_factor_and_recovery_codes_are_limited_together(alice, client_for):
    browser = client_for(alice)
    begun = read(browser.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1]
    done = browser.post(FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
    codes = re.findall(r"<li><code>([a-z0-9-]+)</code></li>", done.content.decode())
    thief = Client()
    assert sign_in(thief, alice.email, PASSWORD)["Location"] == "/login/code/"
    answers = [thief.post("/login/code/", {"code": "000000"}).status_code for _ in range(ACCOUNT_MOST - 2)]
    recovery = {"password": PASSWORD, "code": "aaaa-bbbb-cccc-dddd"}
    answers += [thief.post("/login/recovery/", recovery).status_code for _ in range(3)]
    assert answers == [422] * ACCOUNT_MOST + [429]
    assert thief.post("/login/recovery/", recovery | {"code": codes[0]}).status_code == 429
    assert sign_in(thief, alice.email, PASSWORD)["Location"] == "/login/code/"
    assert thief.post("/login/code/", {"code": totp(secret)}).status_code == 429
    browser.post("/logout/")
    assert sign_in(browser, alice.email, PASSWORD)["Location"] == "/login/code/"
    assert browser.post("/login/code/", {"code": totp(secret)}).status_code == 302


def test_passwords_are_limited_on_the_page_for_recovery_codes(alice, client_for):
    browser = client_for(alice)
    begun = read(browser.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1]
    browser.post(FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
    thief = Client()
    sign_in(thief, alice.email, PASSWORD)
    form = {"password": WRONG, "code": "aaaa-bbbb-cccc-dddd"}
    answers = [thief.post("/login/recovery/", form).status_code for _ in range(ACCOUNT_MOST + 1)]
    assert answers == [422] * ACCOUNT_MOST + [429]


@pytest.mark.parametrize(
    ("page", "more"),
    [
        ("/account/security/", {"new_password": NEW}),
        (FACTOR, {"act": "begin"}),
        ("/account/data/delete/", {"sure": "on"}),
    ],
)
def test_whoever_has_a_session_cannot_guess_its_password(alice, client_for, page, more):
    browser = client_for(alice)
    form = {"password": WRONG} | more
    answers = [browser.post(page, form).status_code for _ in range(tries.DEVICE_MOST + 1)]
    assert answers == [422] * tries.DEVICE_MOST + [429]
    answer = browser.post(page, form | {"password": PASSWORD})
    assert (answer.status_code, "Too many tries." in read(answer).text) == (429, True)


def test_mails_to_one_address_are_limited_wherever_they_are_asked_for(client):
    email = f"ada-{uuid.uuid4().hex}@example.com"
    form = {"given_name": "Ada", "email": email, "password": PASSWORD}
    confirm = client.post("/sign-up/", form)["Location"]
    for _ in range(MAILS_MOST - 3):
        assert client.post(confirm, {"again": "1"}).status_code == 302
    for _ in range(2):
        assert client.post("/password/forgotten/", {"identifier": email}).status_code == 302
    for page, more in (
        (confirm, {"again": "1"}),
        ("/password/forgotten/", {"identifier": email}),
        ("/sign-up/", form),
    ):
        answer = client.post(page, more)
        assert (answer.status_code, answer["Retry-After"]) == (429, "3600")
        assert "Too many tries. Try again in 60 minutes." in read(answer).text


def test_nobody_learns_from_the_mails_who_has_an_account(alice, client):
    for identifier in (alice.email, f"{uuid.uuid4().hex}@example.com"):
        answers = [
            client.post("/password/forgotten/", {"identifier": identifier}).status_code
            for _ in range(MAILS_MOST + 1)
        ]
        assert answers == [302] * MAILS_MOST + [429]


@pytest.fixture
def nobody_has_mailed(settings):
    """All mails of a day are one subject: with another key it is a new one."""
    settings.SECRET_KEY = uuid.uuid4().hex


def test_mails_from_one_network_and_of_a_day_are_limited(settings, nobody_has_mailed):
    def ask(network):
        return tries.mail(Visitor(network), f"{uuid.uuid4().hex}@example.com")

    settings.MAILS_PER_NETWORK = 2
    network = uuid.uuid4().hex
    for _ in range(2):
        ask(network)
    with pytest.raises(TooManyTries):
        ask(network)
    settings.MAILS_A_DAY = 6
    for _ in range(3):
        ask(uuid.uuid4().hex)
    with pytest.raises(TooManyTries) as refused:
        ask(uuid.uuid4().hex)
    assert int(refused.value.headers["Retry-After"]) == 8 * 3600


def test_one_network_does_not_use_up_the_mails_of_all(settings, nobody_has_mailed):
    settings.MAILS_PER_NETWORK, settings.MAILS_A_DAY = 60, 50
    who = Visitor(uuid.uuid4().hex)
    for _ in range(5):
        tries.mail(who, uuid.uuid4().hex)
    with pytest.raises(TooManyTries):
        tries.mail(who, uuid.uuid4().hex)


def test_invitations_are_limited(settings, ctx, alice):
    settings.MAILS_PER_NETWORK = 2
    for name in ("ann", "bob"):
        email = f"{name}-{uuid.uuid4().hex}@example.com"
        administration.create_user(ctx(alice), {"email": email, "name": name}, frozenset())
    with pytest.raises(TooManyTries):
        administration.create_user(ctx(alice), {"email": "cid@example.com", "name": "Cid"}, frozenset())


def test_how_many_mails_are_left_is_known_before(settings, nobody_has_mailed, clock):
    who = Visitor(uuid.uuid4().hex)
    assert tries.mails_left(who, 1000) == 1000, "without a limit"
    settings.MAILS_PER_NETWORK = 4
    for left in (4, 3, 2, 1):
        assert tries.mails_left(who, 1000) == left
        assert tries.mails_left(who, 1) == 1
        tries.mail(who, uuid.uuid4().hex)
    assert tries.mails_left(who, 1000) == 0
    settings.MAILS_PER_NETWORK, settings.MAILS_A_DAY = 60, 40
    assert tries.mails_left(Visitor(uuid.uuid4().hex), 1000) == 4


def test_a_mail_that_is_refused_uses_nothing_up(settings, clock):
    settings.MAILS_PER_NETWORK = 60
    who, to = Visitor(uuid.uuid4().hex), uuid.uuid4().hex
    for _ in range(MAILS_MOST):
        tries.mail(who, to)
    for _ in range(70):
        with pytest.raises(TooManyTries):
            tries.mail(who, to)
    tries.mail(who, uuid.uuid4().hex)


def test_the_table_holds_no_address_and_no_name(settings, alice, client):
    from tests.roles import OWNER

    settings.TRIES_PER_NETWORK = 100
    sign_in(client, alice.email, REMOTE_ADDR="203.0.113.77")
    client.post("/password/forgotten/", {"identifier": alice.email}, REMOTE_ADDR="203.0.113.77")
    with OWNER.scanning():
        found = [item for item in scan() if item["PK"]["S"].startswith("TRIES#")]
    assert found
    assert "TRIES" not in ENTITIES, "capture leaves them out of the lake"
    for item in found:
        assert set(item) == {"PK", "SK", "entity_type", "back_at", "expires_at"}
        assert re.fullmatch(r"TRIES#[0-9a-f]{64}", item["PK"]["S"])


def test_an_outage_uses_nothing_up():
    who, account = Visitor(uuid.uuid4().hex), uuid.uuid4().hex

    def once(error):
        with pytest.raises(error), tries.counted(who, tries.RESET, account):
            raise error

    for _ in range(ACCOUNT_MOST + 5):
        once(IdentityUnavailable)
    for _ in range(ACCOUNT_MOST):
        once(WrongCode)
    with pytest.raises(TooManyTries), tries.counted(who, tries.RESET, account):
        raise AssertionError


def test_without_the_table_nobody_signs_in(alice, monkeypatch):
    def unreachable(*_):
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    client = Client(raise_request_exception=False)
    monkeypatch.setattr(tries.throttle, "take", unreachable)
    assert sign_in(client, alice.email, PASSWORD).status_code >= 500
    monkeypatch.undo()
    assert client.get("/").status_code == 302
