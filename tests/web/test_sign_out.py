"""What stays in a browser: while somebody is signed in, and after they have gone."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.conftest import PASSWORD

CLEARED = '"cache", "storage"'
STORAGE = re.compile(r"\b(localStorage|sessionStorage|indexedDB|serviceWorker|caches)\b")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/logout/", {}),
        ("/account/security/sign-out/", {}),
        ("/account/data/delete/", {"password": PASSWORD, "sure": "on"}),
        ("/admin/logout/", {}),
    ],
)
def test_every_way_out_clears_what_the_browser_kept(client_for, make_account, path, form):
    answer = client_for(make_account("Root", groups=("admins",))).post(path, form)
    assert (answer.status_code, answer["Clear-Site-Data"]) == (302, CLEARED)


def test_nothing_is_cleared_while_one_stays(client_for, alice):
    assert "Clear-Site-Data" not in client_for(alice).get("/")


def test_cookies_of_session_and_token_are_out_of_reach_for_scripts(client_for, alice):
    browser = client_for(alice)
    browser.get("/")
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        cookie = browser.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/"), name


@pytest.mark.parametrize(
    "path", ["/", "/board/", "/account/", "/account/security/", "/account/access/", "/trash/"]
)
def test_what_is_private_is_not_kept(client_for, alice, path):
    assert "no-store" in client_for(alice).get(path)["Cache-Control"]


def test_no_script_of_ours_uses_the_browsers_storage():
    scripts = [
        path
        for folder in settings.STATICFILES_DIRS
        if isinstance(folder, Path)
        for path in folder.rglob("*.js")
    ]
    assert len(scripts) > 8
    assert not [path.name for path in scripts if STORAGE.search(path.read_text())]
