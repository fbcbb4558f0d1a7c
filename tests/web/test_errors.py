"""Pages for what goes wrong, and what every page has."""

import re

import pytest
from django.template.loader import render_to_string

from tests.web.conftest import read


def test_an_unknown_address_shows_the_404_page(client):
    answer = client.get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in read(answer).text


def test_a_person_is_told_why_insights_are_closed(browser):
    answer = browser.get("/insights/")
    assert answer.status_code == 403
    assert "managers" in read(answer).text


def test_an_error_of_ours_shows_no_details(browser, monkeypatch):
    from tasks import selectors

    monkeypatch.setattr(selectors, "list_tasks", lambda *_, **__: 1 / 0)
    browser.raise_request_exception = False
    answer = browser.get("/")
    assert answer.status_code == 500
    page = read(answer)
    assert "Something went wrong on our side" in page.text
    assert "ZeroDivision" not in page.text
    assert answer["X-Request-ID"] in page.text


def test_the_error_page_needs_no_database(browser, monkeypatch):
    from store.model import table

    def down(*_, **__):
        raise ConnectionError("the table cannot be reached")

    monkeypatch.setattr(table().connection, "dispatch", down)
    browser.raise_request_exception = False
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in read(answer).text


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "413", "500"])
def test_every_error_page_renders_without_a_request(name):
    html = render_to_string(f"{name}.html", {"detail": "Because."})
    assert "<h1>" in html


def test_pages_have_no_inline_script_or_style(browser, client, add):
    urls = ["/", "/?view=done", "/?view=all", f"/tasks/{add('Pay rent').id}/", "/nowhere/"]
    answers = [browser.get(url) for url in urls] + [client.get("/login/")]
    for answer in answers:
        html = answer.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", html)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html)
