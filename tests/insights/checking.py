"""Compares a page as a browser gets it, its CSVs and its links with what brute force says (``Sheet``, ``Truth``)."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from insights.exports import to_csv
from insights.filters import State
from insights.questions import BY_SLUG
from tests.etl.oracle import Oracle
from tests.insights.drill_down import expected_tasks
from tests.insights.reading import article, facts, figure, inside, table, text, tiles
from tests.insights.sheet import Sheet
from tests.insights.truth import Truth

DAILY = ("throughput", "cumulative-flow", "kpis")


def assert_page(browser: Any, oracle: Oracle, state: State = State()) -> str:  # noqa: B008
    """Compare every number of a page and of its CSVs with brute force; returns the page."""
    home = "/insights/me/" if state.person else "/insights/"
    answer = browser.get(f"{home}?{state.query}")
    assert answer.status_code == 200
    html, sheet = answer.content.decode(), Sheet(oracle, state)
    _assert_tiles(html, sheet)
    _assert_choices(html, oracle, state)
    said = sheet.cards()
    drawn = {slug: article(html, slug) for slug in said if f'id="card-{slug}"' in html}
    assert drawn.keys() == said.keys() or not any(card.table for card in said.values())
    for slug, words in drawn.items():
        _assert_card(slug, words, said[slug])
    for slug, rows in _answers(sheet.truth, state).items():
        _assert_csv(browser.get(f"{home}{slug}.csv?{state.query}"), slug, _shown(slug, rows, sheet))
    _assert_links(html, sheet.truth)
    return html


def _answers(truth: Truth, state: State) -> dict[str, list[dict[str, Any]]]:
    answers = truth.answers()
    if state.person:
        answers = {slug: rows for slug, rows in answers.items() if slug not in {"top-users", "retention"}}
        answers |= {"streaks": truth.streaks(), "weeks": truth.weeks()}
    daily = [{"day": day, "metric": name, "value": value} for (day, name), value in truth.kpis().items()]
    return {**answers, "kpis": sorted(daily, key=lambda row: (row["day"], row["metric"]))}


def _shown(slug: str, rows: list[dict[str, Any]], sheet: Sheet) -> list[dict[str, Any]]:
    """Without a comparison, a day's row of the time before is in no CSV."""
    begin = "" if sheet.compared or slug not in DAILY else sheet.period.start.isoformat()
    return [row for row in rows if row.get("day", "") >= begin or slug not in DAILY]


def read_csv(body: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.removeprefix("\ufeff"))))


def _assert_csv(answer: Any, slug: str, wanted: list[dict[str, Any]]) -> None:
    assert answer.status_code == 200, slug
    found, expected = read_csv(answer.content.decode()), read_csv(to_csv(BY_SLUG[slug].columns, wanted))
    if slug == "kpis":  # sums of floating-point numbers, in whatever order
        pairs = zip(found, expected, strict=True)
        assert all(same(float(row.pop("value")), float(other.pop("value"))) for row, other in pairs)
    assert found == expected, slug


def _assert_tiles(html: str, sheet: Sheet) -> None:
    found = tiles(html)
    for (label, value, change, points), told in zip(found, sheet.tiles(), strict=True):
        assert (label, value, change) == (told.label, told.value, told.change)
        assert same(points, _line(told.sparkline), 0.051), label
    assert inside(html, "p", "tiles-finding") == ([words] if (words := sheet.tiles_finding()) else [])


def _line(values: list[float | None]) -> list[list[float]]:
    """The points of a line in a box of 120 by 32 with a margin of 2 above and below."""
    points = [(n, value) for n, value in enumerate(values) if value is not None]
    if len(points) < 2:
        return []
    low, high = min(value for _, value in points), max(value for _, value in points)
    return [
        [n * 120 / (len(values) - 1), 16 if high == low else 30 - 28 * (value - low) / (high - low)]
        for n, value in points
    ]


def _assert_card(slug: str, html: str, said: Any) -> None:
    assert inside(html, "p", "insight-summary") == [said.summary], slug
    assert inside(html, "p", "insight-finding") == ([said.finding] if said.finding else []), slug
    assert facts(html) == said.facts, slug
    assert (table(html) if "<tbody>" in html else []) == said.table, slug
    drawn = figure(html)
    traces = drawn.get("data", [])
    assert len(traces) == len(said.traces), slug
    for trace, wanted in zip(traces, said.traces, strict=True):
        for name, values in wanted.items():
            assert same(trace[name], values), (slug, name)
    assert same([shape["x0"] for shape in drawn.get("layout", {}).get("shapes", [])], said.lines), slug


def _assert_choices(html: str, oracle: Oracle, state: State) -> None:
    """The filters offer the fifty with the most tasks, deleted ones included, whatever is filtered now."""
    unfiltered = State(person=state.person)
    truth = Truth(oracle, Sheet(oracle, unfiltered).period, unfiltered.effective_filters)
    for name, of in (("category", truth.category_of), ("user", lambda key: key[0].partition("#")[2])):
        counted = Counter(map(of, truth.deeds))
        offered = sorted(counted, key=lambda value: (-counted[value], value))[:50]
        chosen = getattr(state.filters, name)
        extra = [chosen] if chosen and chosen not in offered else []
        if name != "user" or not state.person:
            assert _options(html, name) == ["", *extra, *offered]


def _options(html: str, name: str) -> list[str]:
    select = re.search(rf'<select[^>]*name="{name}">(.*?)</select>', html, re.DOTALL)[1]
    return [unescape(value) for value in re.findall(r'<option value="([^"]*)"', select)]


def links(html: str) -> list[tuple[dict[str, str], str]]:
    """Every number that leads to tasks: what its link says, and what it shows."""
    found = re.findall(r'<a href="(/insights/(?:me/)?tasks/[^"]*)"[^>]*>([^<]+)</a>', html)
    return [(dict(parse_qsl(urlsplit(unescape(link)).query)), text(shown)) for link, shown in found]


def _assert_links(html: str, truth: Truth) -> None:
    """A number equals the count of its drill-down; shares, rates and durations only need some tasks."""
    for link, shown in links(html):
        counted = expected_tasks(truth, link)
        if re.fullmatch(r"[\d,]+", shown) and not _of_people(link):
            assert counted.total() == int(shown.replace(",", "")), link
        else:
            assert counted or "cohort" in link or _of_people(link), link


def _of_people(link: dict[str, str]) -> bool:
    """The tile of the active people: it counts them, not what they changed."""
    return link.get("event") == "changed" and "weekday" not in link


def same(found: Any, wanted: Any, apart: float = 0) -> bool:
    """Whether nested lists hold the same: numbers but for rounding, texts as far as they are not shortened."""
    if isinstance(wanted, list | tuple):
        return len(found) == len(wanted) and all(
            same(one, other, apart) for one, other in zip(found, wanted, strict=True)
        )
    if isinstance(wanted, str):
        return found == wanted or (found[-1:] == "…" and wanted.startswith(unescape(found[:-1])))
    return found == wanted or found == pytest.approx(wanted, rel=1e-12, abs=apart)
