"""Recurrence rules in words, and words as rules."""

from datetime import date
from typing import Any

from django.utils.dates import WEEKDAYS
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from tasks import recurrence
from tasks.language import quick_add
from tasks.language.lexicon import DAYS

_ANY_DAY = date(2026, 1, 1)  # only the rule of what is parsed is used
_KNOWN = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT", "UNTIL"}
_WORKDAYS = "MO,TU,WE,TH,FR"


def in_words(rule: str) -> str:
    """Return an RFC 5545 rule as people say it: "Every 2 weeks on Monday"; the rule itself if it is too odd."""
    parts = dict(part.split("=", 1) for part in rule.split(";") if "=" in part)
    number = int(parts.get("INTERVAL", "1"))
    days, of_month = parts.get("BYDAY", ""), parts.get("BYMONTHDAY", "")
    if parts.keys() - _KNOWN or not all(day in DAYS for day in filter(None, days.split(","))):
        return rule
    words = _("Every weekday") if days == _WORKDAYS and number == 1 else _every(parts["FREQ"], number)
    if days and days != _WORKDAYS:
        words = _("%(every)s on %(days)s") % {"every": words, "days": _days(days)}
    if of_month:
        words = _("%(every)s on day %(day)s") % {"every": words, "day": of_month}
    return words + _end(parts)


def _every(frequency: str, number: int) -> str:
    words = {
        "DAILY": ngettext("Every day", "Every %(number)d days", number),
        "WEEKLY": ngettext("Every week", "Every %(number)d weeks", number),
        "MONTHLY": ngettext("Every month", "Every %(number)d months", number),
        "YEARLY": ngettext("Every year", "Every %(number)d years", number),
    }[frequency]
    return words % {"number": number} if "%" in words else words


def _days(days: str) -> str:
    return ", ".join(str(WEEKDAYS[DAYS.index(day)]) for day in days.split(","))


def _end(parts: dict[str, str]) -> str:
    if "COUNT" in parts:
        left = int(parts["COUNT"])
        return ", " + ngettext("%(left)d time", "%(left)d times", left) % {"left": left}
    if until := parts.get("UNTIL"):
        return ", " + _("until %(day)s") % {"day": f"{until[:4]}-{until[4:6]}-{until[6:8]}"}
    return ""


def from_words(text: str, start: date | None = None) -> dict[str, Any] | None:
    """Return the fields ``recurrence`` and ``repeat_from`` that ``text`` asks for, or None.

    Parameters
    ----------
    text
        In words ("every 3 weeks"), or as RFC 5545 writes it.
    start
        The due date of the task: what repeats monthly from a month's last day stays on the last day.
    """
    try:
        return {"recurrence": recurrence.parse(text)}
    except ValueError:
        return quick_add.repeat_of(text, start or _ANY_DAY, get_language() or "en")
