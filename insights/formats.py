"""Formats numbers, durations and dates in the language of the page."""

from datetime import date, datetime

from django.utils.dateformat import format as format_date
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

NOTHING = "\N{EN DASH}"
_HOURS_IN_DAY = 24
# Priorities and statuses, as the table stores them.
NAMES = {
    "low": gettext_lazy("Low"),
    "medium": gettext_lazy("Medium"),
    "high": gettext_lazy("High"),
    "urgent": gettext_lazy("Urgent"),
    "pending": gettext_lazy("Pending"),
    "in_progress": gettext_lazy("In progress"),
    "completed": gettext_lazy("Completed"),
    "cancelled": gettext_lazy("Cancelled"),
}


def decimal(value: float, decimals: int) -> str:
    """A number with a fixed number of decimals: ``1,234.5``."""
    rounded = f"{value:.{decimals}f}"
    return str(number_format(rounded, decimals or None, use_l10n=True, force_grouping=True))


def count(value: float | None) -> str:
    """Whole numbers with thousands separators: ``12,345``."""
    return NOTHING if value is None else decimal(round(value), 0)


def percent(value: float | None) -> str:
    """A ratio from 0 to 1 as ``56%``; below 10% with a decimal: ``0.4%``."""
    if value is None:
        return NOTHING
    return _("%(number)s%%") % {"number": decimal(value * 100, 1 if 0 < value < 0.1 else 0)}


def hours(value: float | None) -> str:
    """A duration given in hours, in a suitable unit: ``35 min``, ``7.5 h``, ``12.0 days``."""
    if value is None:
        return NOTHING
    if value < 1:
        return _("%(number)s min") % {"number": round(value * 60)}
    if value < _HOURS_IN_DAY:
        return _("%(number)s h") % {"number": decimal(value, 1)}
    return _("%(number)s days") % {"number": decimal(value / _HOURS_IN_DAY, 1)}


def brief_hours(value: float | None) -> str:
    """The same, abbreviated for the columns of a table: ``12.0 d``."""
    if value is None or value < _HOURS_IN_DAY:
        return hours(value)
    return _("%(number)s d") % {"number": decimal(value / _HOURS_IN_DAY, 1)}


def day(value: date | str) -> str:
    """A date (or its ISO text) as ``22 Nov 2026``."""
    parsed = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(parsed, _("j M Y"))


def short_day(value: str) -> str:
    """An ISO date without its year: ``22 Nov``."""
    return format_date(date.fromisoformat(value), _("j M"))


def moment(value: datetime) -> str:
    """A point in time as ``22 Nov 2026, 17:20:05``."""
    return f"{day(value.date())}, {value:%H:%M:%S}"


def word(value: str) -> str:
    """The name of a priority or status: ``In progress``; a dash for ``(none)``."""
    return NOTHING if value == "(none)" else str(NAMES.get(value) or value.replace("_", " ").capitalize())


def named(value: str) -> str:
    """A name that a person chose, unchanged; a dash for ``(none)``."""
    return NOTHING if value == "(none)" else value


def brief_moment(value: str) -> str:
    """An ISO timestamp as ``22 Nov 2026, 17:20``."""
    parsed = datetime.fromisoformat(value)
    return f"{day(parsed.date())}, {parsed:%H:%M}"


def data_size(value: int) -> str:
    """Bytes as ``0 B``, ``12 KB``, ``3.4 MB``."""
    size = float(value)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{short(size)} {unit}"
        size /= 1000
    return f"{short(size)} GB"


def tasks(number: float) -> str:
    """``1 task``, ``2 tasks``."""
    return ngettext("%(number)s task", "%(number)s tasks", round(number)) % {"number": count(number)}


def days(number: float) -> str:
    """``1 day``, ``2 days``."""
    return ngettext("%(number)s day", "%(number)s days", round(number)) % {"number": count(number)}


def weeks(number: float) -> str:
    """``1 week``, ``2 weeks``."""
    return ngettext("%(number)s week", "%(number)s weeks", round(number)) % {"number": count(number)}


def times(number: float) -> str:
    """``1 time``, ``2 times``."""
    return ngettext("%(number)s time", "%(number)s times", round(number)) % {"number": count(number)}


def others(number: float) -> str:
    """``1 other``, ``2 others``."""
    return ngettext("%(number)s other", "%(number)s others", round(number)) % {"number": count(number)}


def user(user_id: str) -> str:
    """A person whose name is unknown: ``User 0123abcd``."""
    return _("User %(id)s") % {"id": user_id[:8]}


def label(text: str, width: int = 24) -> str:
    """User-written text for a figure: shortened, and escaped, because Plotly interprets markup in every text."""
    short = text if len(text) <= width else text[: width - 1].rstrip() + "…"
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(value: float) -> str:
    """A number with a decimal only where needed: ``12``, ``3.4``."""
    return decimal(value, 0 if value >= 100 or round(value, 1).is_integer() else 1)
