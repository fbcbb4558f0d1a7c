"""docs/limits.md has every limit that the code has, with the same figure"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("etl", "store", "web", "dynamo_admin", "identity", "tasks", "insights", "todo_site")
NAMED = re.compile(r"_?(MAX|MOST|LONGEST)(_[A-Z_]+)?|[A-Z_]+_(MAX|MOST)")
ROW = re.compile(
    r"^\| (?P<what>[^|]+) \| (?P<most>[0-9,]+)(?: [a-z]+)? \| `(?P<file>[\w/.]+):(?P<name>\w+)` \| [^|]{3,} \|$"
)
ROWS = [
    match for line in (ROOT / "docs" / "limits.md").read_text().splitlines() if (match := ROW.match(line))
]
# Named like limits, and none of what somebody asks for.
OTHERS = {
    "store/rate_limits.py:MAX_SHARE": "how far a process draws ahead",
    "web/api/openapi.py:_LONGEST": "the document's figure where a schema has none",
    "web/api/openapi.py:_MOST": "the same",
    "tasks/language/meaning.py:_MOST": "numbers that mean something",
    "tasks/language/lexicon.py:_MOST_KEPT": "a cache",
    "identity/clock_guard.py:MAX_KEYS": "a cache",
    "insights/histograms.py:MOST_BINS": "how a chart looks",
    "insights/charts.py:MOST_BARS": "how a chart looks",
    "identity/clock_guard.py:LONGEST_READ_SECONDS": "how a frozen process is recognised",
    "identity/clock_guard.py:MAX_PAUSE_SECONDS": "a pause",
    "todo_site/operations/stream.py:MAX_LAG_SECONDS": "how a capture that stands still is recognised",
}


def constants(path):
    """Yield the names of the module's constants."""
    for node in ast.parse(path.read_text()).body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        for target in targets:
            for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(name, ast.Name):
                    yield name.id


def limits():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT)
            if not {"demo", "costs", "smoke"} & set(place.parts):
                yield from (f"{place}:{name}" for name in constants(path) if NAMED.fullmatch(name))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['file']}:{row['name']}")
def test_a_figure_is_the_code_s(row, monkeypatch):
    if row["file"] == "todo_site/settings.py":
        settable = ("RATE_LIMIT_PER_MINUTE", "PAGE_LIMIT_PER_MINUTE", "FEED_LIMIT_PER_MINUTE")
        for name in (*settable, "TRIES_PER_NETWORK", "MAILS_PER_NETWORK"):
            monkeypatch.delenv(name)
        values = defaults()
        value = values[row["name"]]
    else:
        value = getattr(
            importlib.import_module(row["file"].removesuffix(".py").replace("/", ".")), row["name"]
        )
    assert int(row["most"].replace(",", "")) == value


def defaults():
    """Return the settings as they are without any variable of a deployment that says otherwise."""
    import runpy

    return runpy.run_path(str(ROOT / "todo_site" / "settings.py"))


def test_every_limit_is_listed():
    listed = {f"{row['file']}:{row['name']}" for row in ROWS}
    assert sorted(set(limits()) - listed - OTHERS.keys()) == []
    assert sorted(OTHERS.keys() - set(limits())) == []


def test_every_row_is_read():
    text = (ROOT / "docs" / "limits.md").read_text()
    assert len(ROWS) == len(re.findall(r"^\| .*:\w+` \|", text, re.MULTILINE))
    assert len({f"{row['file']}:{row['name']}" for row in ROWS}) == len(ROWS)
