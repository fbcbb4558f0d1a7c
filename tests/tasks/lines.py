"""The corpus of lines, and when a reading of one is right. No test; ``bench.language`` uses it too."""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

CORPUS = Path(__file__).parent / "corpora" / "quickadd.tsv"
_FIELDS = ("due_date", "due_time", "priority", "category", "repeat_from")


class Line(NamedTuple):
    """A line of the corpus: what was written where and when, what it means, and what kind of line it is."""

    language: str
    now: datetime
    text: str
    means: dict[str, Any]
    kind: str


def read() -> list[Line]:
    """Return the corpus."""
    with CORPUS.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Line(
                row["language"],
                datetime.fromisoformat(row["now"]),
                row["line"],
                dict(_means(row)),
                row["kind"],
            )
            for row in rows
        ]


def _means(row: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    yield "title", row["title"]
    yield from ((name, row[name]) for name in _FIELDS if row[name])
    if row["tags"]:
        yield "tags", row["tags"].split(",")
    if row["rrule"]:
        yield "recurrence", row["rrule"]
