"""What a question is: its SQL, its meaning in words, and how its answer is drawn and tabulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from insights import formats
from insights.periods import Period

Kind = Literal["text", "date", "count", "percent", "hours"]
Row = dict[str, Any]
_FORMATS: dict[str, Callable[[Any], str]] = {
    "date": formats.day,
    "count": formats.count,
    "percent": formats.percent,
    "hours": formats.brief_hours,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an answer: the SQL's name for it, the reader's, and its unit."""

    name: str
    title: str
    kind: Kind = "count"

    @property
    def numeric(self) -> bool:
        """Whether the column is set flush right, as numbers are."""
        return self.kind in {"count", "percent", "hours"}

    def text(self, value: Any) -> str:
        """The value as a reader sees it; a dash when there is none."""
        if value is None:
            return formats.NOTHING
        return _FORMATS[self.kind](value) if self.kind in _FORMATS else str(value)


@dataclass(frozen=True, slots=True)
class Table:
    """An answer in rows and columns: what a figure shows, for those who do not see it."""

    columns: tuple[Column, ...]
    rows: list[Row]

    def cells(self) -> list[list[tuple[Column, str]]]:
        """Each row as pairs of column and formatted text, in the order of the columns."""
        return [[(column, column.text(row.get(column.name))) for column in self.columns] for row in self.rows]


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
    what it shows, ``facts`` its most important numbers, which are also its legend, ``scale`` the two ends of its colour
    scale where colour is a quantity.
    """

    summary: str
    table: Table
    figure: dict[str, Any] | None = None
    facts: tuple[Fact, ...] = ()
    scale: tuple[str, str] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.table.rows


Draw = Callable[[list[Row], Period], Drawing]


@dataclass(frozen=True, slots=True)
class Question:
    """One question to the warehouse.

    ``sql`` is Trino SQL with ``?`` for each of ``parameters``, the names of values a ``Period`` offers, in order of
    appearance. ``columns`` describe what it returns. ``span`` says which time the answer is about.
    """

    slug: str
    title: str
    definition: str
    grain: str
    span: Literal["period", "now", "all time"]
    sql: str
    columns: tuple[Column, ...]
    draw: Draw
    parameters: tuple[str, ...] = field(default=())
    size: Literal["wide", "half"] = "half"

    def values(self, period: Period) -> tuple[Any, ...]:
        """The values of ``parameters`` for ``period``, in order."""
        offered = period.parameters()
        return tuple(offered[name] for name in self.parameters)
