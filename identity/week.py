"""On which day a person's week begins: the one they chose, else the workspace's."""

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from identity import workspace

SESSION_KEY = "first_day_of_week"
DAYS = {"monday": 0, "saturday": 5, "sunday": 6}  # as datetime counts them
NAMES = {"monday": _("Monday"), "sunday": _("Sunday"), "saturday": _("Saturday")}


def first_day_of(request: HttpRequest) -> int:
    """Return the day with which the weeks of the person at a browser begin, as datetime counts them."""
    session: Any = getattr(request, "session", {})
    return DAYS.get(session.get(SESSION_KEY) or "", workspace.current().first_day)


def start_of(day: date, first: int) -> date:
    """Return the first day of the week of a day, for weeks that begin with ``first``."""
    return day - timedelta(days=(day.weekday() - first) % 7)
