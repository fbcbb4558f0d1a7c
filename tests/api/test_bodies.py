"""JSON bodies: what is no plain JSON in UTF-8 is refused, with what is wrong"""

import pytest

from tests.api.client import TASKS, assert_problem

IMPORT = "/api/v1/import"


def sent(api, body, content_type="application/json", path=TASKS):
    return api.client.generic("POST", path, body, content_type)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"title": "a", "title": "b"}', "title"),
        (b'{"title": "a", "t\\u0069tle": "b"}', "title"),
        (b'{"title": "a", "checklist": [{"text": "a", "done": true, "done": false}]}', "done"),
        (b'{"title": "a", "x": {"y": {"z": 1, "z": 1}}}', "z"),
        (b'{"": 1, "": 2}', ""),
    ],
)
def test_a_name_that_occurs_twice_is_refused_and_named(as_alice, body, name):
    problem = assert_problem(sent(as_alice, body), 400)
    assert f"the name \u201c{name}\u201d occurs twice" in problem["detail"]
    assert as_alice("GET", TASKS).json() == []


def test_a_name_twice_in_a_file_is_refused(as_alice):
    answer = sent(as_alice, b'[{"title": "a", "title": "b"}]', path=IMPORT)
    assert "occurs twice" in assert_problem(answer, 422)["errors"][0]["message"]


def test_the_same_name_in_two_objects_is_fine(as_alice):
    body = b'{"title": "a", "checklist": [{"text": "a"}, {"text": "b"}]}'
    assert sent(as_alice, body).status_code == 201


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", "us-ascii", "utf-7", "nonsense", "UTF-16LE"])
@pytest.mark.parametrize(("path", "body"), [(TASKS, b'{"title": "a"}'), (IMPORT, b'[{"title": "a"}]')])
def test_another_character_set_is_refused(as_alice, charset, path, body):
    problem = assert_problem(sent(as_alice, body, f"application/json; charset={charset}", path), 415)
    assert "UTF-8" in problem["detail"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8"])
def test_utf_8_may_be_named(as_alice, charset):
    assert (
        sent(as_alice, '{"title": "\u00e9"}'.encode(), f"application/json; charset={charset}").status_code
        == 201
    )


@pytest.mark.parametrize(
    "body", [b'{"title": "\xff"}', b'{"title": "\xc3"}', '{"title": "\u00e9"}'.encode("utf-16")]
)
def test_other_bytes_than_utf_8_are_refused(as_alice, body):
    assert "not valid UTF-8, from byte" in assert_problem(sent(as_alice, body), 400)["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "\\ud800"}',
        b'{"title": "\\udc00\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"title": "\xed\xa0\x80"}',
    ],
)
def test_half_characters_are_refused(as_alice, body):
    assert_problem(sent(as_alice, body), 400)


def test_a_refusal_repeats_no_hidden_characters(as_alice):
    content = sent(as_alice, b'{"a\\u202eb": 1, "a\\u202eb": 2}').content.decode()
    assert "the name \u201cab\u201d occurs twice" in content
