"""Walks through the pages of a site: a stranger's, a person's, a manager's and an admin's."""

import base64
import csv
import hashlib
import hmac
import io
import re
import struct
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from todo_site.smoke.browser import Browser, Page
from todo_site.smoke.client import SmokeError
from todo_site.smoke.journey import expect
from todo_site.smoke.people import SmokePerson

CARD_SECONDS = 60  # a first question to Athena, asked by a function that has just started
PAUSE_SECONDS = 1.0
FACTOR_PAGE = "/account/security/second-factor/"
EXPORT_PAGE = "/account/data/export/steps/"
TITLE = "Smoke test in the browser"
Count = tuple[int, str]  # how many, of what


def stranger(browser: Browser) -> list[Count]:
    """Open the sign-in page, that of the admin too, and everything they load."""
    sign_in = browser.open("/")
    sign_in.form("identifier", "password")
    browser.open("/admin/").form("identifier", "password")
    for asset in sign_in.assets:
        browser.open(asset)
    return [(2, "sign-in pages"), (len(sign_in.assets), "assets")]


def sign_in(browser: Browser, person: SmokePerson, following: str) -> Page:
    """Sign in through the page that `following` leads a stranger to; return the page that follows.

    Sets up a second factor where it is asked for.
    """
    page = browser.open(following)
    form = page.form("identifier", "password")
    found = browser.send(page, form, identifier=person.username, password=person.password)
    if _path(found.url).endswith(FACTOR_PAGE):
        _set_up_second_factor(browser, person, found)
        found = browser.open(following)
    expect(_path(found.url), _path(browser.absolute(following)), "the address after signing in")
    return found


def _set_up_second_factor(browser: Browser, person: SmokePerson, page: Page) -> None:
    begun = browser.send(page, page.form("password", "act"), password=person.password, act="begin")
    shown = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.text)
    if not shown:
        raise SmokeError(f"{begun.url} shows no key for an authenticator app")
    code = _totp(shown[1].replace(" ", ""))
    done = browser.send(begun, begun.form("sealed", "code"), act="finish", code=code)
    _contains(done, 'class="codes"')


def _totp(secret: str) -> str:
    """Return the code that an authenticator app shows now (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, struct.pack(">Q", int(time.time() // 30)), hashlib.sha1)
    start = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def person(browser: Browser, account: SmokePerson) -> list[Count]:
    """Add a task in the browser and find it in every layout, then take it out as a file."""
    page = sign_in(browser, account, "/")
    browser.send(page, page.form("title", "idempotency_key"), title=TITLE)
    views = ("/", "/board/", "/calendar/?when=", "/account/", "/account/data/", "/trash/")
    for view in views:
        browser.open(view)
    _contains(browser.open("/"), TITLE)
    for kind in ("csv", "json"):
        _contains(browser.open(f"/account/data/export/?format={kind}"), TITLE)
    _contains(_made_in_steps(browser), TITLE)
    return [(len(views) + 3, "pages and files of a person")]


def manager(browser: Browser, account: SmokePerson) -> list[Count]:
    """Open both dashboards, every card, every CSV file and a drill-down."""
    cards = files = tasks = 0
    for address in ("/insights/", "/insights/me/"):
        page = sign_in(browser, account, address) if address == "/insights/" else browser.open(address)
        if not page.cards:
            raise SmokeError(f"{page.url} has no cards: run the lake first")
        for card in page.cards:
            _card(browser, card)
            table = card.replace("/cards/", "/").replace("/?", ".csv?")
            _csv(browser.open(table))
        for link in list(dict.fromkeys(link for link in page.links if _path(link).endswith("/tasks/")))[:3]:
            tasks += 1
            browser.open(link)
            _csv(browser.open(link.replace("/tasks/?", "/tasks.csv?")))
        cards, files = cards + len(page.cards), files + len(page.cards)
    if not tasks:
        raise SmokeError("no key figure leads to its tasks")
    return [(cards, "cards"), (files, "CSV files"), (tasks, "drill-downs")]


def admin(browser: Browser, account: SmokePerson) -> list[Count]:
    """Open the admin's index and every list and page that it links to."""
    index = sign_in(browser, account, "/admin/")
    below = _path(index.url)
    pages = [
        link for link in dict.fromkeys(index.links) if _path(link).startswith(below) and _path(link) != below
    ]
    pages = [link for link in pages if not _path(link).endswith(("/add/", "/logout/"))]
    if not pages:
        raise SmokeError(f"{index.url} links to no page")
    for link in pages:
        browser.open(link)
    return [(len(pages), "pages of the admin")]


WALKS: dict[str, Callable[[Browser, SmokePerson], list[Count]]] = {
    "": person,
    "managers": manager,
    "admins": admin,
}


def _made_in_steps(browser: Browser) -> Page:
    """Have a file made as for an account with many tasks, in one step here; return it from S3."""
    page = browser.open(f"{EXPORT_PAGE}?format=csv")
    done = browser.send(page, page.form("csrfmiddlewaretoken", "format"))
    for link in done.links:
        parent, _, last = _path(link).rstrip("/").rpartition("/")
        if parent.endswith("/account/data/export") and last != "steps":
            return browser.open(link)
    raise SmokeError(f"{done.url} has no link to the exported file")


def _card(browser: Browser, address: str) -> None:
    """Open a card until its answer is there."""
    deadline = time.monotonic() + CARD_SECONDS
    while "data-pending" in (page := browser.open(address)).text:
        if time.monotonic() > deadline:
            raise SmokeError(f"{page.url} has no answer after {CARD_SECONDS} s")
        time.sleep(PAUSE_SECONDS)


def _csv(page: Page) -> None:
    rows = list(csv.reader(io.StringIO(page.text.removeprefix("\ufeff"))))
    if not rows or len({len(row) for row in rows}) != 1:
        raise SmokeError(f"{page.url} is not a table: {page.text[:200]}")


def _contains(page: Page, text: str) -> None:
    if text not in page.text:
        raise SmokeError(f"{page.url} does not show {text!r}")


def _path(address: str) -> str:
    return urlsplit(address).path
