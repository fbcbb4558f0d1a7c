"""Lists of the admin show fewer rows where an answer cannot hold as many: nothing is lost or doubled"""

import re
from html import unescape

import pytest

from web import answers, athena

LONG = '😀"' * 90
BUDGET = 90_000  # of a page that is 30 KB without rows


def walked(admin, path):
    """Return the titles on each page of a list."""
    pages = []
    while path is not None:
        page = admin.page(path)
        pages.append(re.findall(r'class="field-title"><a href="[^"]*">([^<]*)</a>', page))
        assert answers.cost(page.encode()) <= answers.BUDGET
        following = re.search(r'<a href="(\?[^"]+)" rel="next">', page)
        path = following and path.partition("?")[0] + unescape(following[1])
    return pages


@pytest.mark.parametrize("order", ["", "&o=1", "&q=long"])
def test_a_list_shows_fewer_rows(root, add, alice, monkeypatch, order):
    for number in range(60):
        add(f"{number:02} long {LONG}", category='"' * 50)
    path = f"tasks/task/?user_id__exact={alice.id}{order}"
    whole = [title for page in walked(root, path) for title in page]
    monkeypatch.setattr(answers, "BUDGET", BUDGET)
    pages = walked(root, path)
    assert [title for page in pages for title in page] == whole
    assert len(whole) == 60
    assert 3 < len(pages) < 30


def test_what_a_list_reports_is_said_once(root, add, alice, monkeypatch):
    from dynamo_admin import query

    monkeypatch.setattr(athena, "current_snapshot", lambda: None)  # with Gold published, Gold would sort
    monkeypatch.setattr(query, "READ_BUDGET", 25)
    monkeypatch.setattr(answers, "BUDGET", BUDGET)
    for number in range(30):
        add(f"{number:02} long {LONG}")
    page = root.page(f"tasks/task/?user_id__exact={alice.id}&o=1")
    assert page.count("Sorting would need more than") == 1
    assert page.count('class="field-title"') < 25


def test_an_action_runs_once(root, add, monkeypatch):
    task = add('"' * 200)
    monkeypatch.setattr(answers, "BUDGET", 10)
    page = root.carry_out("tasks/task/", "complete", f"{task.user_id}.{task.id}")
    assert page.count("1 task completed.") == 1
