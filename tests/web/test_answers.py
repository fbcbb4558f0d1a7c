"""What an answer weighs behind Lambda, and its compression"""

import base64
import gzip
import json
import os
import random
from pathlib import Path

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from tests.web.proxy import document
from web import answers
from web.answers import MOST_BYTES, CompressionMiddleware, SizeMiddleware

CONTENTS = {
    "quotation marks": lambda size: b'"' * size,
    "emoji": lambda size: "😀".encode() * (size // 4),
    "control characters": lambda size: b"\x01" * size,
    "line feeds": lambda size: b"\n" * size,
    "what does not compress": lambda size: random.Random(1).randbytes(size),
    "letters": lambda size: b"a" * size,
}
TYPES = ("application/json", "application/octet-stream")


def answered(answer, path="/api/v1/tasks", accepts="gzip", method="GET"):
    """Return the answer as the outermost of both middlewares returns it."""
    request = RequestFactory().generic(method, path, headers={"accept-encoding": accepts, "accept": "*/*"})
    return SizeMiddleware(CompressionMiddleware(lambda _: answer))(request)


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("media_type", TYPES)
@pytest.mark.parametrize("accepts", ["", "gzip"])
@pytest.mark.parametrize("streamed", [False, True])
def test_every_answer_is_below_the_limit(kind, media_type, accepts, streamed):
    if kind == "what does not compress" and media_type == TYPES[0]:
        content = base64.b85encode(CONTENTS[kind](MOST_BYTES))
    else:
        content = CONTENTS[kind](MOST_BYTES)
    fits = 0
    for size in (MOST_BYTES // 7, MOST_BYTES * 3 // 4 - 30_000, MOST_BYTES):
        part = content[: size - size % 4]
        pieces = [part[start : start + 100_000] for start in range(0, len(part), 100_000)]
        answer = (
            StreamingHttpResponse(pieces, content_type=media_type)
            if streamed
            else HttpResponse(part, content_type=media_type)
        )
        got = answered(answer, accepts=accepts)
        assert len(document(got)) < MOST_BYTES
        if got.status_code == 200:
            fits += 1
            body = gzip.decompress(got.content) if "Content-Encoding" in got else got.content
            assert body == part
        else:
            assert (got.status_code, json.loads(got.content)["type"]) == (
                422,
                "urn:todo:problem:answer-too-large",
            )
    assert fits >= 1 or kind == "control characters"


@given(content=st.binary(max_size=3000) | st.text(max_size=3000).map(str.encode))
def test_the_bytes_of_a_text_are_exact_and_a_cost_is_enough(content):
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    if text is not None:
        assert answers.text_bytes(content) == len(json.dumps(text, ensure_ascii=False).encode()) - 2
        assert answers.cost(content) >= answers.text_bytes(content)
    assert answers.base64_bytes(len(content)) == len(base64.b64encode(content))


def test_many_costs_are_enough_for_all_of_them_compressed():
    parts = [os.urandom(1000) for _ in range(3000)]
    packed = gzip.compress(b"".join(parts)) + bytes(100 + 18)  # padding, head and tail
    assert len(base64.b64encode(packed)) < sum(map(answers.cost, parts)) + 400


def test_headers_count_too():
    answer = HttpResponse(b"x" * (MOST_BYTES - 26_000), content_type="text/plain")
    assert answered(answer, accepts="").status_code == 200
    answer["X-Long"] = "x" * 2000
    assert answered(answer, accepts="").status_code == 422


@pytest.mark.parametrize(
    ("path", "method", "words"),
    [
        ("/api/v1/tasks", "GET", b"smaller `limit`"),
        ("/api/v1/import", "POST", b"was carried out"),
        ("/tasks/", "GET", b"too large to send"),
        ("/tasks/", "POST", b"It is done"),
    ],
)
def test_what_is_too_large_says_what_to_do(path, method, words):
    got = answered(HttpResponse(b'"' * MOST_BYTES), path, accepts="", method=method)
    assert got.status_code == 422
    assert words in got.content


def test_a_stream_is_read_no_further_than_it_fits():
    read = []
    pieces = (read.append(number) or b"x" * 1_000_000 for number in range(100))
    assert answered(StreamingHttpResponse(pieces), accepts="").status_code == 422
    assert len(read) <= 7


def test_every_static_file_fits(settings):
    for path in Path(settings.STATIC_ROOT).rglob("*"):
        if path.is_file() and path.suffix in {".gz", ".br"}:
            assert answers.base64_bytes(path.stat().st_size) < MOST_BYTES
        elif path.is_file():
            assert max(answers.cost(path.read_bytes()), 0) < MOST_BYTES, path


# --- Compression -----------------------------------------------------------------------------------------------

TEXT = b"a line that repeats\n" * 100


@pytest.mark.parametrize("accepts", ["gzip", "br, gzip;q=0.5", "gzip, deflate"])
def test_compresses_for_those_who_accept_it(accepts):
    got = answered(HttpResponse(TEXT), accepts=accepts)
    assert gzip.decompress(got.content) == TEXT
    assert (got["Content-Encoding"], got["Vary"]) == ("gzip", "Accept-Encoding")
    assert int(got["Content-Length"]) == len(got.content) < len(TEXT)


@pytest.mark.parametrize("accepts", ["", "br", "gzip;q=0", "br, gzip; q=0.000, deflate"])
def test_does_not_compress_for_others(accepts):
    got = answered(HttpResponse(TEXT), accepts=accepts)
    assert (got.content, got["Vary"]) == (TEXT, "Accept-Encoding")
    assert "Content-Encoding" not in got


def test_leaves_alone_what_is_small_or_compressed_already():
    assert "Content-Encoding" not in answered(HttpResponse(b"x" * 199))
    packed = HttpResponse(TEXT, headers={"Content-Encoding": "br"})
    assert answered(packed).content == TEXT


def test_no_padding_is_the_same_twice():
    lengths = {len(answered(HttpResponse(TEXT)).content) for _ in range(30)}
    assert len(lengths) > 1


def test_pages_are_compressed(browser):
    without = {"accept-encoding": "gzip"}  # Accept, by which API Gateway decides
    got = browser.get("/", headers={"accept-encoding": "gzip", "accept": "text/html"})
    assert b"<html" in gzip.decompress(got.content)
    assert "Accept-Encoding" in got["Vary"]
    for bare in (browser.get("/", headers=without), Client().get("/login/", headers=without)):
        assert bare.headers.get("Content-Encoding") is None
    assert (
        Client().get("/health", headers={"accept-encoding": "gzip"}).headers.get("Content-Encoding") is None
    )
