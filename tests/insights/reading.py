"""Reading the dashboard's HTML."""

from __future__ import annotations

import json
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


def inside(html: str, tag: str, name: str) -> list[str]:
    """The texts of the elements of one class, in order."""
    found = re.findall(rf'<{tag}[^>]*class="[^"]*\b{name}\b[^"]*"[^>]*>(.*?)</{tag}>', html, re.DOTALL)
    return [text(inner) for inner in found]


def facts(html: str) -> list[tuple[str, str]]:
    """Names and values of the numbers beside a figure."""
    listed = re.search(r'<dl class="facts">(.*?)</dl>', html, re.DOTALL)
    pairs = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", listed[1] if listed else "", re.DOTALL)
    return [(text(name), text(value)) for name, value in pairs]


def figure(html: str) -> dict:
    """The figure that a card carries as JSON; empty where it has none."""
    carried = re.search(r'<script id="figure-[^"]*" type="application/json">(.*?)</script>', html, re.DOTALL)
    return json.loads(carried[1]) if carried else {}


def tiles(html: str) -> list[tuple[str, str, str, list[tuple[float, float]]]]:
    """Label, value, change and the points of the line of each key figure."""
    found = []
    for inner in re.findall(r'<li class="card tile">(.*?)</li>', html, re.DOTALL):
        (label,), (value,), (change,) = (
            inside(inner, tag, f"tile-{name}")
            for tag, name in (("h3", "label"), ("p", "value"), ("p", "change"))
        )
        line = re.search(r'<polyline points="([^"]*)"', inner)
        points = [tuple(map(float, point.split(","))) for point in line[1].split()] if line else []
        found.append((label, value, change, points))
    return found
