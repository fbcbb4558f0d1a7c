"""The data model: questions with their SQL, and drawings with their figure, sentences and table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from django.utils.functional import Promise

from insights import formats
from insights.periods import Period

Kind = Literal["text", "name", "date", "count", "percent", "hours", "moment", "word"]
Row = dict[str, Any]
Query = Mapping[str, str]  # query parameters of a predicate; {name} in a value stands for a value of the row
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
    """One column of an answer: its name in SQL, its title, and its unit.

    ``drill_down`` links a value to its tasks. ``filters_by`` links it to the same page filtered by that value: the name
    of a filter, and of the column that holds the filter's value.
    """

    name: str
    title: str | Promise
    kind: Kind = "count"
    drill_down: Query = field(default_factory=dict, hash=False)
    filters_by: tuple[str, str] | None = None

    @property
    def numeric(self) -> bool:
        """Whether the column holds numbers, which are right-aligned."""
        return self.kind in {"count", "percent", "hours"}

    def text(self, value: Any) -> str:
        """The value as the page shows it; a dash for None."""
        if value is None:
            return formats.NOTHING
        return _FORMATS[self.kind](value) if self.kind in _FORMATS else str(value)

    def link(self, row: Row) -> str:
        """The query string of the tasks that the row's value counts; empty where there are none."""
        if not self.drill_down or not row.get(self.name):
            return ""
        return filled(self.drill_down, row)

    def filter_value(self, row: Row) -> str:
        """The filter's value for the row; empty where the row sums up several values."""
        return str(row.get(self.filters_by[1]) or "") if self.filters_by else ""


def filled(query: Query, values: Mapping[str, Any]) -> str:
    """Return ``query`` as a query string, with ``values`` filled in and without parameters that are empty."""
    pairs = [(name, text.format_map(values)) for name, text in query.items()]
    return urlencode([pair for pair in pairs if pair[1]])


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table as a page shows it: its text, the link to its tasks, and the value to filter by."""

    column: Column
    text: str
    link: str
    filter_value: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """An answer in rows and columns: also the text alternative of a figure."""

    columns: tuple[Column, ...]
    rows: list[Row]

    def cells(self) -> list[list[Cell]]:
        """The cells of each row, in the order of the columns."""
        return [
            [
                Cell(column, column.text(row.get(column.name)), column.link(row), column.filter_value(row))
                for column in self.columns
            ]
            for row in self.rows
        ]


@dataclass(frozen=True, slots=True)
class Fact:
    """A number beside a figure; ``colour`` (``var(--chart-1)``) is that of the trace it sums up."""

    name: str
    value: str
    colour: str = ""

    @property
    def swatch(self) -> str:
        """The name of the colour in a CSS class: ``chart-1``."""
        return self.colour.removeprefix("var(--").removesuffix(")")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A rendered answer: figure, summary, table.

    ``figure`` is a Plotly figure as plain data; without one, the page shows the table. ``summary`` is the figure's text
    alternative in one sentence, and ``finding`` names the largest change against the previous period. ``facts`` are the
    most important numbers and serve as the legend. ``scale`` labels the two ends of a colour scale.
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
    """A parametrised SQL statement.

    ``sql`` is Trino SQL with one ``?`` for each of ``parameters``, in order. A ``Period``, ``Filters`` and a
    ``Predicate`` supply the values by name. ``fixed`` holds values that distinguish statements with the same text.
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
    """One question of a dashboard; ``columns`` describe the rows of its answer, ``span`` the time that it covers."""

    title: str | Promise
    definition: str | Promise
    grain: str | Promise
    span: Literal["period", "end", "weeks"]
    columns: tuple[Column, ...]
    draw: Draw
    size: Literal["wide", "half"] = "half"

    def exported(self, rows: list[Row], period: Period) -> list[Row]:
        """The rows for a CSV; the days of the previous period are left out unless the period is compared with it."""
        if self.columns[0].name != "day" or period.compared:
            return rows
        return [row for row in rows if row["day"] >= period.start.isoformat()]
