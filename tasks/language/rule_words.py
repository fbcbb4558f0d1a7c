"""Recurrence rules as people say them. Nobody reads a rule as it is stored."""

from datetime import UTC, date, datetime, tzinfo

from django.utils.dateformat import format as format_day
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from store import time_zones
from tasks import recurrence
from tasks.items import TaskItem

_WORKDAYS = "MO,TU,WE,TH,FR"
_MONTH_ENDS = ("28", "28,29", "28,29,30", "28,29,30,31")
_PLACES: dict[int, str | Promise] = {
    1: gettext_lazy("first"),
    2: gettext_lazy("second"),
    3: gettext_lazy("third"),
    4: gettext_lazy("fourth"),
    5: gettext_lazy("fifth"),
    -1: gettext_lazy("last"),
    -2: gettext_lazy("second to last"),
}


def of_task(task: TaskItem) -> str:
    """Return how a task repeats, in words; blank if it does not."""
    if not task.recurrence:
        return ""
    return in_words(task.recurrence, task.repeat_from, time_zones.named(task.timezone))


def in_words(rule: str, repeat_from: str | None = None, zone: tzinfo | None = None) -> str:
    """Return a stored rule as people say it: "Every 2 weeks on Monday and Friday, until 2 December 2026".

    Parameters
    ----------
    repeat_from
        As of a task: "done" if it is counted from the completion.
    zone
        Of the task: in it an UNTIL that is an instant is a day.
    """
    try:
        parts = recurrence.parts_of(recurrence.parse(rule))
    except recurrence.InvalidRule:
        return _("Repeats in a way that cannot be read")
    words = _every(parts["FREQ"], int(parts.get("INTERVAL", "1")))
    if parts.get("BYDAY") == _WORKDAYS and parts["FREQ"] == "WEEKLY" and "INTERVAL" not in parts:
        words = _("Every weekday")
        del parts["BYDAY"]
    for name, write in _WRITERS.items():
        if name in parts:
            words = write(words, parts)
    return (
        words + _end(parts, zone) + (_(", counted from the day it is done") if repeat_from == "done" else "")
    )


def _every(frequency: str, number: int) -> str:
    words = {
        "DAILY": ngettext("Every day", "Every %(number)d days", number),
        "WEEKLY": ngettext("Every week", "Every %(number)d weeks", number),
        "MONTHLY": ngettext("Every month", "Every %(number)d months", number),
        "YEARLY": ngettext("Every year", "Every %(number)d years", number),
    }[frequency]
    return words % {"number": number} if "%" in words else words


def _listed(texts: list[str]) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return _("%(some)s and %(last)s") % {"some": ", ".join(texts[:-1]), "last": texts[-1]}


def _place(number: int) -> str:
    if number in _PLACES:
        return str(_PLACES[number])
    return (
        _("%(number)d.") % {"number": number}
        if number > 0
        else _("%(number)d. to last") % {"number": -number}
    )


def _months(words: str, parts: dict[str, str]) -> str:
    months = _listed([str(MONTHS[int(number)]) for number in parts["BYMONTH"].split(",")])
    return _("%(every)s in %(months)s") % {"every": words, "months": months}


def _weeks(words: str, parts: dict[str, str]) -> str:
    return _("%(every)s in week %(weeks)s") % {"every": words, "weeks": _listed(parts["BYWEEKNO"].split(","))}


def _year_days(words: str, parts: dict[str, str]) -> str:
    days = _listed(parts["BYYEARDAY"].split(","))
    return _("%(every)s on day %(days)s of the year") % {"every": words, "days": days}


def _month_days(words: str, parts: dict[str, str]) -> str:
    days = parts["BYMONTHDAY"]
    if days in _MONTH_ENDS and parts.get("BYSETPOS") == "-1":
        del parts["BYSETPOS"]
        return _("%(every)s on day %(day)s, or else the last day") % {"every": words, "day": days[-2:]}
    plain = [day for day in days.split(",") if not day.startswith("-")]
    last = [
        _("the %(place)s day") % {"place": _place(int(day))} for day in days.split(",") if day.startswith("-")
    ]
    named = (
        [_("day %(days)s") % {"days": _listed([_("%(day)s") % {"day": day} for day in plain])}]
        if plain
        else []
    )
    return _("%(every)s on %(days)s") % {"every": words, "days": _listed([*named, *last])}


def _weekdays(words: str, parts: dict[str, str]) -> str:
    days = parts["BYDAY"].split(",")
    position = parts.get("BYSETPOS", "")
    if parts["BYDAY"] == _WORKDAYS and position in {"1", "-1"}:
        del parts["BYSETPOS"]
        return _("%(every)s on the %(place)s weekday") % {"every": words, "place": _place(int(position))}
    if all(len(day) == 2 for day in days):
        named = _listed([_weekday(day) for day in days])
        return _("%(every)s on %(days)s") % {"every": words, "days": named}
    named = _listed([_numbered(day) for day in days])
    yearly = parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts
    template = _("%(every)s on the %(days)s of the year") if yearly else _("%(every)s on the %(days)s")
    return template % {"every": words, "days": named}


def _weekday(day: str) -> str:
    return str(WEEKDAYS[recurrence.WEEKDAYS.index(day)])


def _numbered(day: str) -> str:
    if len(day) == 2:
        return _weekday(day)
    return _("%(place)s %(weekday)s") % {"place": _place(int(day[:-2])), "weekday": _weekday(day[-2:])}


def _positions(words: str, parts: dict[str, str]) -> str:
    places = _listed([_place(int(number)) for number in parts["BYSETPOS"].split(",")])
    return _("%(every)s, of these the %(places)s") % {"every": words, "places": places}


_WRITERS = {
    "BYMONTH": _months,
    "BYWEEKNO": _weeks,
    "BYYEARDAY": _year_days,
    "BYMONTHDAY": _month_days,
    "BYDAY": _weekdays,
    "BYSETPOS": _positions,
}


def _end(parts: dict[str, str], zone: tzinfo | None) -> str:
    if "COUNT" in parts:
        left = int(parts["COUNT"])
        return ", " + ngettext("%(left)d time", "%(left)d times", left) % {"left": left}
    if until := parts.get("UNTIL"):
        return ", " + _("until %(day)s") % {"day": format_day(_last_day(until, zone), _("j F Y"))}
    return ""


def _last_day(until: str, zone: tzinfo | None) -> date:
    moment = datetime.fromisoformat(until.removesuffix("Z"))
    return (
        moment.replace(tzinfo=UTC).astimezone(zone).date() if until.endswith("Z") and zone else moment.date()
    )
