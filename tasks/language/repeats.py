"""Words as recurrence rules."""

from datetime import date
from typing import Any

from django.utils.translation import get_language

from tasks import recurrence
from tasks.language import quick_add

_ANY_DAY = date(2026, 1, 1)  # only the rule of what is parsed is used


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
