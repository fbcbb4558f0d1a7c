"""What a question is: its SQL, its meaning in words, and how its answer is drawn and tabulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from django.utils.functional import Promise

from insights import formats
from insights.periods import Period

Kind = Literal["text", "name", "date", "count", "percent", "hours", "moment", "word"]
Row = dict[str, Any]
_FORMATS: dict[str, Callable[[Any], str]] = {
    "date": formats.day,
    "count": formats.count,
    "percent": formats.percent,
    "hours": formats.brief_hours,
    "moment": formats.brief_moment,
    "word": formats.word,
    "name": formats.named,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an answer: the SQL's name for it, the reader's, and its unit.

    ``mark`` leads from a value to the tasks behind it: pairs of a name of ``marks.Mark`` and its value, in which
    ``{column}`` stands for the row's value of that column. ``chooses`` leads to the page about that value alone: the
    name of a filter, and of the column that holds what the filter is set to.
    """

    name: str
    title: str | Promise
    kind: Kind = "count"
    mark: tuple[tuple[str, str], ...] = ()
    chooses: tuple[str, str] | None = None

    @property
    def numeric(self) -> bool:
        """Whether the column is set flush right, as numbers are."""
        return self.kind in {"count", "percent", "hours"}

    def text(self, value: Any) -> str:
        """The value as a reader sees it; a dash when there is none."""
        if value is None:
            return formats.NOTHING
        return _FORMATS[self.kind](value) if self.kind in _FORMATS else str(value)

    def link(self, row: Row) -> str:
        """The query string of the tasks behind the row's value; empty where there are none."""
        if not self.mark or not row.get(self.name):
            return ""
        pairs = [(name, value.format_map(row)) for name, value in self.mark]
        return urlencode([pair for pair in pairs if pair[1]])

    def choice(self, row: Row) -> str:
        """What the filter is set to for the row; empty where the row is about several."""
        return str(row.get(self.chooses[1]) or "") if self.chooses else ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table as a page shows it: its text, the tasks behind it, and what it would filter by."""

    column: Column
    text: str
    link: str
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """An answer in rows and columns: what a figure shows, for those who do not see it."""

    columns: tuple[Column, ...]
    rows: list[Row]

    def cells(self) -> list[list[Cell]]:
        """Each row's cells, in the order of the columns."""
        return [
            [
                Cell(column, column.text(row.get(column.name)), column.link(row), column.choice(row))
                for column in self.columns
            ]
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Fact:
    """A number beside a figure; ``colour`` (``var(--chart-1)``) is that of the marks it sums up."""

    name: str
    value: str
    colour: str = ""

    @property
    def swatch(self) -> str:
        """The name of the colour, for a style sheet: ``chart-1``."""
        return self.colour.removeprefix("var(--").removesuffix(")")


@dataclass(frozen=True, slots=True)
class Drawing:
    """An answer made visible.

    ``figure`` is a Plotly figure as plain data (None: the table is the drawing), ``summary`` one sentence that says
    what it shows, ``finding`` one that says what changed most against the period before, ``facts`` its most important
    numbers, which are also its legend, ``scale`` the two ends of its colour scale where colour is a quantity.
    """

    summary: str
    table: Table
    figure: dict[str, Any] | None = None
    facts: tuple[Fact, ...] = ()
    scale: tuple[str, str] | None = None
    finding: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.table.rows


Draw = Callable[[list[Row], Period], Drawing]


@dataclass(frozen=True, slots=True)
class Statement:
    """A SQL text and the names of its values.

    ``sql`` is Trino SQL with ``?`` for each of ``parameters``, names of values that a ``Period``, ``Filters`` and a
    ``Mark`` offer, in order of appearance. ``fixed`` are names and values that tell this statement from another one
    with the same text.
    """

    slug: str
    sql: str
    parameters: tuple[str, ...]
    fixed: tuple[tuple[str, str], ...] = ()

    def bound(self, offered: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of ``parameters``, in order."""
        values = {**offered, **dict(self.fixed)}
        return tuple(values[name] for name in self.parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Statement):
    """One question to the warehouse.

    ``columns`` describe what it returns. ``span`` says which time the answer is about.
    """

    title: str | Promise
    definition: str | Promise
    grain: str | Promise
    span: Literal["period", "end", "weeks"]
    columns: tuple[Column, ...]
    draw: Draw
    size: Literal["wide", "half"] = "half"

    def exported(self, rows: list[Row], period: Period) -> list[Row]:
        """The rows of a CSV: days of the period before only where it is compared with."""
        if self.columns[0].name != "day" or period.compared:
            return rows
        return [row for row in rows if row["day"] >= period.start.isoformat()]
