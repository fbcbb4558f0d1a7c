"""Reading the dashboard's HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Text(HTMLParser):
    """The text of every element with an id or a class of interest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text(html: str) -> str:
    return " ".join(" ".join(Text(html).words).split())


def article(html: str, slug: str) -> str:
    return re.search(rf'<article[^>]*id="card-{slug}".*?</article>', html, re.DOTALL)[0]


def table(html: str) -> list[list[str]]:
    body = re.search(r"<tbody>(.*?)</tbody>", html, re.DOTALL)[1]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [[text(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


def tile(html: str, label: str) -> str:
    tiles = re.findall(r'<li class="card tile">(.*?)</li>', html, re.DOTALL)
    return next(words for words in map(text, tiles) if words.startswith(label))
