"""Recurrence: RFC 5545 rules in whole days, counted from a task's due date."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice

from dateutil.rrule import rrule, rrulestr
from django.utils.translation import gettext as _

# With parts that pick days, a daily or weekly rule may never occur, and finding that out would take seconds.
_BASIC = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
_CALENDAR = _BASIC | {"BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS", "BYWEEKNO", "BYYEARDAY"}
PARTS = {"DAILY": _BASIC, "WEEKLY": _BASIC | {"BYDAY"}, "MONTHLY": _CALENDAR, "YEARLY": _CALENDAR}
MAX_NUMBER = 999
# A rule that does not occur within this time, such as "30 February", is rejected.
HORIZON = timedelta(days=12 * 366)
_EXAMPLE_DAY = date(2024, 1, 1)


@lru_cache(maxsize=256)
def parse(text: str) -> str:
    """Return the rule ``text`` in normal form: upper case, without ``RRULE:``. Raises ValueError with the reason."""
    rule = text.strip().upper().removeprefix("RRULE:").rstrip(";")
    pairs = [part.partition("=") for part in rule.split(";")]
    parts = {name: value for name, _equals, value in pairs}
    frequency = parts.get("FREQ", "")
    if frequency not in PARTS:
        raise ValueError(_("it must have FREQ=DAILY, WEEKLY, MONTHLY or YEARLY"))
    if unknown := sorted(parts.keys() - PARTS[frequency]):
        raise ValueError(
            _("%(part)s is not supported with FREQ=%(frequency)s")
            % {"part": unknown[0][:20], "frequency": frequency}
        )
    if len(parts) < len(pairs):
        raise ValueError(_("a part is given twice"))
    _check_numbers(parts)
    _rule(rule, _EXAMPLE_DAY)
    endless = ";".join(f"{name}={value}" for name, value in parts.items() if name not in {"COUNT", "UNTIL"})
    if not next_occurrence(endless, _EXAMPLE_DAY, _EXAMPLE_DAY):
        raise ValueError(_("it never occurs"))
    return rule


def _check_numbers(parts: dict[str, str]) -> None:
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError(_("COUNT and UNTIL cannot be combined"))
    for name in ("COUNT", "INTERVAL"):
        value = parts.get(name, "1")
        if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MAX_NUMBER):
            raise ValueError(
                _("%(name)s must be a number from 1 to %(most)d") % {"name": name, "most": MAX_NUMBER}
            )


def _rule(text: str, start: date) -> rrule:
    try:
        rule = rrulestr(text, dtstart=datetime.combine(start, time()), ignoretz=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(_("a part of it is malformed")) from error
    if not isinstance(rule, rrule):
        raise TypeError(_("only a single rule is supported"))
    return rule


def next_occurrence(text: str, due: date, today: date) -> tuple[date, str] | None:
    """Return the next due date of a recurring task, and the rule for the next task; None when the rule has ended.

    The date is the first occurrence after ``due`` that is not before ``today``: missed ones are skipped. COUNT is
    reduced by the occurrences that passed.
    """
    parts = [part for part in text.split(";") if not part.startswith("COUNT=")]
    count = int(text.partition("COUNT=")[2].partition(";")[0]) if len(parts) < text.count(";") + 1 else None
    end = _later(max(due, today))
    for passed, day in enumerate(islice(_days(";".join(parts), due, end), count)):
        if day > due and day >= today:
            return day, text if count is None else ";".join([*parts, f"COUNT={count - passed}"])
    return None


def _later(day: date) -> date:
    return day + HORIZON if day < date.max - HORIZON else date.max


def _days(text: str, start: date, end: date) -> Iterator[date]:
    rule = _rule(text, start)
    last = datetime.combine(end, time())
    until = getattr(rule, "_until", None)
    return (moment.date() for moment in rule.replace(until=min(until or last, last)))
