"""A browser without JavaScript: it keeps cookies, follows redirects and sends forms."""

import http.client
import socket
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

from todo_site.smoke.client import TIMEOUT_SECONDS, SmokeError, place

ASSETS = {"script": "src", "img": "src", "link": "href"}
LONGEST_PAGE = 10_000_000  # bytes; Lambda answers with less


@dataclass(slots=True)
class Form:
    """A form: its address, method and the values that it is filled with."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Page:
    """A response, and the addresses and forms in it if it is HTML. Addresses are absolute."""

    url: str
    status: int
    headers: dict[str, str]
    text: str
    links: list[str] = field(default_factory=list)
    assets: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)

    def form(self, *fields: str) -> Form:
        """Return the first form that has these fields.

        Raises
        ------
        SmokeError
            If the page has none.
        """
        for form in self.forms:
            if form.fields.issuperset(fields):
                return form
        raise SmokeError(f"{self.url} has no form with {', '.join(fields)}")


class Browser:
    """One person's browser on one site.

    Parameters
    ----------
    url
        Public address of the site.
    """

    def __init__(self, url: str) -> None:
        self._base = url.rstrip("/") + "/"
        # Cookies of the site are `Secure`. A site on this machine has no TLS, and browsers trust it all the same.
        policy = DefaultCookiePolicy(secure_protocols=("https", "http"))
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar(policy)), _LoopbackNames()
        )

    def open(self, address: str, *, expect: int = 200) -> Page:
        """Open an address, relative to the site's, and follow redirects."""
        return self._exchange(urllib.request.Request(self.absolute(address)), expect)  # noqa: S310

    def send(self, page: Page, form: Form, *, expect: int = 200, **values: str) -> Page:
        """Send a form of `page`, filled with `values`, and follow redirects."""
        filled = urlencode({**form.values, **values})
        if form.method == "get":
            return self.open(f"{form.action.partition('?')[0]}?{filled}", expect=expect)
        parts = urlsplit(page.url)
        headers = {"Referer": page.url, "Origin": f"{parts.scheme}://{parts.netloc}"}
        request = urllib.request.Request(form.action, filled.encode(), headers)  # noqa: S310
        return self._exchange(request, expect)

    def absolute(self, address: str) -> str:
        """Return an address of the site in full."""
        return urljoin(self._base, address.lstrip("/") if address.startswith("/") else address)

    def _exchange(self, request: urllib.request.Request, expect: int) -> Page:
        about = f"{request.get_method()} {request.full_url}"
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                page = _page(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                page = _page(refusal)
        except (OSError, http.client.HTTPException) as error:
            raise SmokeError(f"{about}: {error!r}") from error
        if page.status != expect:
            request_id = page.headers.get("x-request-id", "unknown")
            raise SmokeError(
                f"{about} answered {page.status}, not {expect}; request {request_id}: {page.text[:500]}"
            )
        return page


def _page(answer: Any) -> Page:
    text = answer.read(LONGEST_PAGE).decode(errors="replace")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    page = Page(answer.geturl(), answer.status, headers, text)
    if headers.get("content-type", "").startswith("text/html"):
        _Reader(page).feed(text)
    return page


class _Reader(HTMLParser):
    """Collects the addresses and forms of a page."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href"):
            self._page.links.append(self._absolute(given["href"]))
        elif given.get(ASSETS.get(tag, "")):
            self._page.assets.append(self._absolute(given[ASSETS[tag]]))
        elif tag == "form":
            action = self._absolute(given.get("action") or self._page.url)
            self._form = Form(action, given.get("method", "get").lower())
            self._page.forms.append(self._form)
        elif self._form and given.get("name"):
            self._form.fields.add(given["name"])
            if tag == "input" and given.get("type") not in {"submit", "checkbox", "radio", "file"}:
                self._form.values[given["name"]] = given.get("value", "")
        if "data-card" in given:
            self._page.cards.append(self._absolute(given["data-card"]))

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a form."""
        if tag == "form":
            self._form = None

    def _absolute(self, address: str) -> str:
        return urldefrag(urljoin(self._page.url, address)).url


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.create_connection((place(self.host), self.port), self.timeout)


class _LoopbackNames(urllib.request.HTTPHandler):
    """Opens names under `localhost` on this machine."""

    def http_open(self, request: urllib.request.Request) -> Any:
        """Open an address without TLS."""
        return self.do_open(_Connection, request)
