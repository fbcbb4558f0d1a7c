"""Keeps an answer within what Lambda returns, and compresses it.

Behind API Gateway an answer is one JSON document: status, headers (twice: single and multiple values), and the body as
text or, if it is compressed or binary, as base64. Lambda returns 6,291,556 bytes of it; a larger one becomes a 502 in
which nobody learns why. So every list ends its page early when ``BUDGET`` is reached: of JSON and files item by item
(``Budget``), of HTML by laying the page out with fewer rows (``fit_page``). ``SizeMiddleware`` replaces what is too
large all the same. All of it holds everywhere, so that a laptop shows what AWS would do.
"""

import json
import re
from collections.abc import Callable, Iterable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from web import problems

GetResponse = Callable[[HttpRequest], HttpResponse]

MOST_BYTES = 6_000_000  # of the whole document
# What is outside the body: API Gateway lets headers have 10,240 bytes, and the document has them twice.
HEADER_BYTES = 24_000
# Bytes that a page of a list takes in the document, as text or as base64. What surrounds the items takes the rest.
BUDGET = 5_500_000
KIND = "answer-too-large"
# The media types that Zappa returns as text: its DEFAULT_TEXT_MIMETYPES, and what zappa_settings.json adds.
TEXT_TYPES = (
    "text/",
    "application/json",
    "application/javascript",
    "application/ecmascript",
    "application/xml",
    "application/xml-external-parsed-entity",
    "application/xml-dtd",
    "image/svg+xml",
    "application/problem+json",
)
_ESCAPED_AS_TWO = b'"\\\n\r\t\b\f'
_ESCAPED_AS_SIX = bytes(set(range(32)) - set(_ESCAPED_AS_TWO))
_NO_GZIP = re.compile(r"\bgzip\s*;\s*q\s*=\s*0(\.0*)?\s*(,|$)", re.IGNORECASE)


def text_bytes(content: bytes) -> int:
    """Return the bytes of UTF-8 ``content`` inside a JSON string. Python leaves other characters as they are."""
    two = len(content) - len(content.translate(None, _ESCAPED_AS_TWO))
    six = len(content) - len(content.translate(None, _ESCAPED_AS_SIX))
    return len(content) + two + 5 * six


def base64_bytes(length: int) -> int:
    """Return the characters that ``length`` bytes take as base64."""
    return -(-length // 3) * 4


def cost(content: bytes) -> int:
    """Return the most bytes that ``content``, as a part of a body, takes in the document, compressed or not.

    Gzip adds five bytes to each block of 16 KiB that it cannot compress; a compressed body is sent as base64.
    """
    return max(text_bytes(content), base64_bytes(len(content) + len(content) // 1000 + 8))


class Budget:
    """Counts the bytes of a page.

    Parameters
    ----------
    most
        Bytes in the document; ``BUDGET`` if None.
    """

    def __init__(self, most: int | None = None) -> None:
        self.left = BUDGET if most is None else most

    def take(self, content: bytes) -> bool:
        """Use up what ``content`` costs; return whether that much was left."""
        self.left -= cost(content)
        return self.left >= 0


def fit_page(build: Callable[[int], HttpResponse], rows: int) -> HttpResponse:
    """Return a page with at most ``rows`` rows, and with fewer if an answer could not hold it.

    Parameters
    ----------
    build
        Reads and renders the page with at most as many rows as it is given, and a link that goes on after the last
        one. It changes nothing: it is called again until the page fits, each time with a quarter fewer rows or less.
    """
    while True:
        page = build(rows)
        needed = cost(page.content)
        if needed <= BUDGET or rows <= 1:
            return page
        rows = max(1, min(rows * 3 // 4, rows * BUDGET // needed))


class SizeMiddleware:
    """Replaces an answer that Lambda could not return by one that says what to do.

    A streamed answer is read here, as far as it fits: Lambda does not stream, and a failure halfway becomes an error
    instead of half a file. Static files are answered before; each of them is known to fit.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        answer = self.get_response(request)
        body, room = bytearray(), MOST_BYTES - HEADER_BYTES - _header_bytes(answer)
        binary = is_binary(answer)
        for chunk in _chunks(answer):
            body += chunk
            room -= 0 if binary else text_bytes(chunk)
            if room < 0 or (binary and base64_bytes(len(body)) > room):
                if answer.streaming:
                    answer.close()
                return _too_large(request, answer)
        return _whole(answer, bytes(body)) if answer.streaming else answer


def _chunks(answer: HttpResponse) -> Iterable[bytes]:
    return answer.streaming_content if answer.streaming else (answer.content,)  # type: ignore[attr-defined]


def _whole(answer: HttpResponse, body: bytes) -> HttpResponse:
    whole = HttpResponse(body, status=answer.status_code, headers=answer.headers)
    whole.cookies = answer.cookies
    whole["Content-Length"] = str(len(body))
    return whole


def is_binary(answer: HttpResponseBase) -> bool:
    """Return whether the document has the body as base64."""
    return answer.has_header("Content-Encoding") or not answer.get("Content-Type", "").startswith(TEXT_TYPES)


def _header_bytes(answer: HttpResponseBase) -> int:
    # A name is a key of both objects of headers, a value is in a list in the second.
    return sum(2 * len(json.dumps([name, value])) for name, value in answer.items()) + sum(
        2 * len(json.dumps(cookie.OutputString())) for cookie in answer.cookies.values()
    )


def _too_large(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Return what the view gave its answer as ``if_too_large``, or say what to do."""
    instead: HttpResponse | None = getattr(answer, "if_too_large", None)
    if instead is not None:
        return instead
    done = answer.status_code < 400 and request.method not in {"GET", "HEAD", "OPTIONS"}
    if problems.is_for_api(request):
        detail = (
            "The request was carried out, but its answer is too large to send. Read the result page by page."
            if done
            else "The answer is too large to send. Ask for less: a smaller `limit`, or more filters."
        )
        return problems.response(request, 422, detail=detail, kind=KIND)
    detail = (
        _("It is done, but the page about it is too large to send. Go back and reload.")
        if done
        else _("This page is too large to send. Choose a shorter period or more filters.")
    )
    return render(request, "422.html", {"detail": detail}, status=422)


class CompressionMiddleware(GZipMiddleware):
    """Compresses what a client accepts compressed, as Django does: with padding against guessing (BREACH).

    An answer with a strong ETag is sent as it is. Clients return that tag in ``If-Match``, and another encoding would
    have to have another one (RFC 9110, 8.8.3); such an answer holds a single item, and is small.

    So is an answer to a client without an ``Accept``: API Gateway decides by that header whether it decodes a
    compressed answer, and its documentation does not say what it does without one.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Compress ``response``, or say that it could have been compressed."""
        if response.get("ETag", "").startswith('"'):
            return response
        refused = (
            _NO_GZIP.search(request.headers.get("Accept-Encoding", "")) or "Accept" not in request.headers
        )
        if response.status_code == 304 or refused:
            patch_vary_headers(response, ("Accept-Encoding",))
            return response
        return super().process_response(request, response)
