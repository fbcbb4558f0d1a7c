"""Numbers, durations and dates as people read them."""

from __future__ import annotations

from datetime import date, datetime

NOTHING = "\N{EN DASH}"
_HOURS_IN_DAY = 24


def count(value: float | None) -> str:
    """Whole numbers with thousands separators: ``12,345``."""
    return NOTHING if value is None else f"{round(value):,}"


def percent(value: float | None) -> str:
    """A ratio from 0 to 1 as ``56%``, with a decimal where a whole number would hide it (``0.4%``)."""
    if value is None:
        return NOTHING
    decimals = 1 if 0 < value < 0.1 else 0
    return f"{value:.{decimals}%}"


def hours(value: float | None) -> str:
    """A duration given in hours, in the unit that suits it: ``35 min``, ``7.5 h``, ``12.0 days``."""
    if value is None:
        return NOTHING
    if value < 1:
        return f"{round(value * 60)} min"
    if value < _HOURS_IN_DAY:
        return f"{value:.1f} h"
    return f"{value / _HOURS_IN_DAY:,.1f} days"


def brief_hours(value: float | None) -> str:
    """The same for the columns of a table: ``12.0 d``."""
    return hours(value).replace(" days", " d")


def day(value: date | str) -> str:
    """A date (or its ISO text) as ``22 Nov 2026``."""
    parsed = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{parsed.day} {parsed:%b %Y}"


def moment(value: datetime) -> str:
    """A point in time as ``22 Nov 2026, 17:20:05``."""
    return f"{day(value.date())}, {value:%H:%M:%S}"


def word(value: str) -> str:
    """A name of the table's as people write it: ``In progress``; a dash for ``(none)``."""
    return NOTHING if value == "(none)" else value.replace("_", " ").capitalize()


def brief_moment(value: str) -> str:
    """A moment's ISO text as ``22 Nov 2026, 17:20``."""
    parsed = datetime.fromisoformat(value)
    return f"{day(parsed.date())}, {parsed:%H:%M}"


def data_size(value: int) -> str:
    """Bytes as ``0 B``, ``12 KB``, ``3.4 MB``."""
    size = float(value)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{_short(size)} {unit}"
        size /= 1000
    return f"{_short(size)} GB"


def plural(number: float, one: str, many: str | None = None) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{count(number)} {one if round(number) == 1 else many or one + 's'}"


def label(text: str, width: int = 24) -> str:
    """User-written text for a figure: shortened, and escaped, because Plotly reads markup in every text."""
    short = text if len(text) <= width else text[: width - 1].rstrip() + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 100 else f"{value:,.0f}"
