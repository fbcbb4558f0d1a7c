"""Ten codes that stand in for a lost authenticator app, and an administrator who helps without them."""

import hashlib
import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from identity import recovery_codes
from identity.items import RecoveryCodesItem, recovery_codes_key
from store.reading import get
from store.request_context import RequestContext
from store.writing import put, write
from tests.conftest import PASSWORD
from tests.web.conftest import read
from tests.web.totp import totp

FACTOR = "/account/security/second-factor/"


@pytest.fixture
def enrolled(browser):
    """Alice's secret and codes, as her pages show them once."""
    begun = read(browser.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1].replace(" ", "")
    done = browser.post(FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
    return secret, codes_on(done)


def codes_on(answer) -> list[str]:
    return re.findall(r"<li><code>([a-z0-9-]+)</code></li>", answer.content.decode())


def try_code(account, code, password=PASSWORD):
    """Sign in with a code in place of the app's; return the browser and the answer."""
    client = Client()
    client.post("/login/", {"identifier": account.email, "password": PASSWORD, "next": "/board/"})
    return client, client.post("/login/recovery/", {"password": password, "code": code})


def test_ten_codes_are_shown_once(browser, enrolled, alice):
    _, codes = enrolled
    assert len(set(codes)) == 10
    assert recovery_codes.left(alice.id) == 10
    assert codes_on(browser.get(FACTOR)) == []


def test_a_code_signs_in_once(enrolled, alice):
    _, codes = enrolled
    client, answer = try_code(alice, codes[3].upper().replace("-", " "))
    assert answer["Location"] == "/board/"
    assert "9 recovery codes are left. Make new ones in Security." in read(client.get("/")).text
    _, again = try_code(alice, codes[3])
    assert (again.status_code, "That code is not correct." in read(again).text) == (422, True)


def test_the_table_has_salted_digests_only(enrolled, alice):
    _, codes = enrolled
    stored = get(RecoveryCodesItem, recovery_codes_key(alice.id))
    first = stored.attribute_values
    assert len(bytes.fromhex(first["salt"])) == 16
    assert not [code for code in codes if code in str(first) or code.replace("-", "") in str(first)]
    unsalted = {hashlib.sha256(f"{alice.id}.{code.replace('-', '')}".encode()).hexdigest() for code in codes}
    assert not unsalted & set(first["digests"])
    recovery_codes.make(RequestContext(alice.id, alice.id, "", datetime.now(UTC)))
    assert get(RecoveryCodesItem, recovery_codes_key(alice.id)).salt != first["salt"]


def test_codes_from_before_there_was_a_salt_still_work(enrolled, alice):
    pk, sk = recovery_codes_key(alice.id)
    digest = hashlib.sha256(f"{alice.id}.aaaabbbbccccdddd".encode()).hexdigest()
    write(
        [
            put(
                RecoveryCodesItem(
                    PK=pk, SK=sk, user_id=alice.id, digests=[digest], request_id="", created_at="2026-01-01"
                )
            )
        ]
    )
    _, answer = try_code(alice, "aaaa-bbbb-cccc-dddd")
    assert answer["Location"] == "/board/"
    assert recovery_codes.left(alice.id) == 0


def test_the_second_factor_stays(enrolled, alice, client):
    secret, codes = enrolled
    try_code(alice, codes[0])
    assert (
        client.post("/login/", {"identifier": alice.email, "password": PASSWORD})["Location"]
        == "/login/code/"
    )
    assert client.post("/login/code/", {"code": totp(secret)})["Location"] == "/"


@pytest.mark.parametrize(
    ("password", "code"), [("wrong", None), (PASSWORD, "aaaa-bbbb-cccc-dddd"), (PASSWORD, "123456")]
)
def test_what_is_wrong_lets_nobody_in_and_uses_nothing_up(enrolled, alice, password, code):
    _, codes = enrolled
    client, answer = try_code(alice, code or codes[0], password)
    assert answer.status_code == 422
    assert client.get("/").status_code == 302
    assert recovery_codes.left(alice.id) == 10


def test_anothers_code_is_none(enrolled, alice, bob, client_for):
    theirs = client_for(bob)
    begun = read(theirs.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1].replace(" ", "")
    theirs.post(FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
    assert try_code(bob, enrolled[1][0])[1].status_code == 422


def test_the_page_needs_a_sign_in_before_it(client):
    assert client.get("/login/recovery/")["Location"] == "/login/"


def test_new_codes_replace_the_old_ones(browser, enrolled, alice):
    secret, codes = enrolled
    fresh = codes_on(browser.post(FACTOR, {"password": PASSWORD, "act": "codes", "code": totp(secret)}))
    assert len(fresh) == 10
    assert try_code(alice, codes[0])[1].status_code == 422
    assert try_code(alice, fresh[0])[1].status_code == 302


def test_a_code_stops_the_second_factor(browser, enrolled, alice, client):
    _, codes = enrolled
    assert browser.post(FACTOR, {"password": PASSWORD, "act": "stop", "code": codes[0]}).status_code == 302
    assert recovery_codes.left(alice.id) == 0
    assert client.post("/login/", {"identifier": alice.email, "password": PASSWORD})["Location"] == "/"


def test_a_reset_of_the_password_does_not_replace_the_second_factor(enrolled, alice, client):
    """Whoever reads the mailbox alone gets in nowhere."""
    reset = client.post("/password/forgotten/", {"identifier": alice.email})["Location"]
    code = re.search(r"<code>(\d{6})</code>", read(client.get(reset)).html)[1]
    new = "Better-horse-10"
    assert client.post(reset, {"code": code, "password": new})["Location"] == "/login/"
    answer = client.post("/login/", {"identifier": alice.email, "password": new})
    assert answer["Location"] == "/login/code/"
    assert client.get("/").status_code == 302


def test_deleting_the_account_deletes_the_codes(browser, enrolled, alice):
    _, codes = enrolled
    form = {"password": PASSWORD, "code": codes[0], "sure": "on"}
    assert browser.post("/account/data/delete/", form).status_code in {200, 302}
    assert recovery_codes.left(alice.id) == 0
