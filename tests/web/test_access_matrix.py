"""Which pages of accounts open to whom: somebody signed in, strangers, sessions that ended, and holders of links."""

import time

import pytest
from django.test import Client

from identity import sealing
from tests.api.test_access_matrix import no_longer_signed_in

# "half" has given the password and owes the second factor. A redirect leads to the sign-in page, or to the beginning.
TABLE = """
page                             | person stranger idle ended half
/                                |  200    302      302  302   302
/account/                        |  200    302      302  302   302
/account/email/                  |  200    302      302  302   302
/account/security/               |  200    302      302  302   302
/account/security/second-factor/ |  200    302      302  302   302
/account/access/                 |  200    302      302  302   302
/account/data/                   |  200    302      302  302   302
/account/data/export/            |  200    302      302  302   302
/login/                          |  302    200      200  200   200
/login/code/                     |  302    302      302  302   200
/login/recovery/                 |  302    302      302  302   200
/sign-up/                        |  302    200      200  200   200
/sign-up/confirm/                |  302    302      302  302   302
/password/forgotten/             |  200    200      200  200   200
/password/reset/                 |  302    302      302  302   302
"""
WRITES = (
    *("/account/", "/account/email/", "/account/security/", "/account/security/sign-out/"),
    *("/account/security/second-factor/", "/account/access/", "/account/access/revoke/"),
    *("/account/access/feed/", "/account/data/", "/account/data/delete/", "/account/data/import/"),
)
# What a link of each kind opens: its own page and no other.
LINKS = {"confirm": "/sign-up/confirm/", "reset": "/password/reset/"}


def rows():
    header, *lines = [line.replace("|", " ").split() for line in TABLE.strip().splitlines()]
    return {path: dict(zip(header[1:], map(int, statuses), strict=True)) for path, *statuses in lines}


@pytest.fixture
def principals(alice, client_for):
    ended = no_longer_signed_in(alice)
    return {"person": client_for(alice), "stranger": Client(), **ended}


def test_every_page_answers_everybody_as_the_table_says(principals):
    found = {
        path: {name: principals[name].get(path).status_code for name in statuses}
        for path, statuses in rows().items()
    }
    assert found == rows()


@pytest.mark.parametrize("path", WRITES)
def test_nobody_who_is_not_signed_in_changes_anything(principals, path):
    for name in principals.keys() - {"person"}:
        answer = principals[name].post(path, {"act": "finish", "sealed": "x", "code": "123456"})
        assert (answer.status_code, answer["Location"]) == (302, "/login/"), name


@pytest.mark.parametrize("kind", [*LINKS, "login", "enrolment", "device", "new-address"])
def test_a_link_opens_the_page_of_its_kind_only(client, kind):
    about = ["user-1", "ada@example.com"] if kind == "confirm" else ["ada@example.com"]
    sealed = sealing.seal(kind, *about)
    opened = {path for path in LINKS.values() if client.get(f"{path}?for={sealed}").status_code == 200}
    assert opened == {LINKS[kind]} & set(LINKS.values()) if kind in LINKS else opened == set()
    named = "ada@example.com" in client.get(f"/login/?for={sealed}").content.decode()
    assert named == (kind == "login")


@pytest.mark.parametrize("kind", LINKS)
def test_an_old_link_and_a_changed_one_open_nothing(client, kind, monkeypatch):
    about = ["user-1", "ada@example.com"] if kind == "confirm" else ["ada@example.com"]
    sealed = sealing.seal(kind, *about)
    half = len(sealed) // 2
    changed = sealed[:half] + ("A" if sealed[half] != "A" else "B") + sealed[half + 1 :]
    assert client.get(f"{LINKS[kind]}?for={changed}").status_code == 302
    tomorrow = time.time() + 25 * 3600
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    assert client.get(f"{LINKS[kind]}?for={sealed}").status_code == 302
