"""What a first visit to the task page weighs."""

import gzip
from datetime import timedelta
from pathlib import Path

from django.contrib.staticfiles import finders

from tests.web.conftest import read

BUDGET = 60 * 1024


def test_it_works(browser, add, today):
    for number in range(50):
        add(
            f"Task {number} with a title of a usual length",
            category=f"Category {number % 7}",
            due_date=str(today + timedelta(days=number - 10)),
            priority=("low", "medium", "high", "urgent")[number % 4],
            tags=["one", "two"][: number % 3],
        )
    page = read(browser.get("/"))
    assert sum(map(len, page.sections().values())) == 50
    files = {url for name in ("src", "href") for url in page.attributes(name) if url.startswith("/static/")}
    assert any("htmx" in url for url in files)
    sizes = {url: _compressed(url) for url in files}
    answer = browser.get("/", headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    total = len(answer.content) + sum(sizes.values())
    assert total <= BUDGET, sizes


def _compressed(url: str) -> int:
    folder, _, name = url.removeprefix("/static/").rpartition("/")
    stem, _, ending = name.rpartition(".")
    path = finders.find(f"{folder}/{stem.rpartition('.')[0]}.{ending}")
    return len(gzip.compress(Path(path).read_bytes()))
