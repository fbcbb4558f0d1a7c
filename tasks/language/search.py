"""The query line of the task pages: ``status:pending priority>=high due<+7d #home "rent"``.

Every term must hold; a leading ``-`` turns one round. What is not a term is looked for in the texts of a task, and so
is a word before a colon that names no field::

    term      = ["-"] ( field operator value | "#" tag | "@" category | '"' text '"' | word )
    operator  = ":" | "=" | "<" | "<=" | ">" | ">="
    field     = status | priority | category | tag | title | due | created | updated | completed | is | has
    status    : pending, in_progress, completed, cancelled, open, closed; several with commas
    priority  : low < medium < high < urgent; several with commas
    days      : none, any, or a day as in quick add, past ones too: today, friday, +7d, "next month", -2w, yesterday
    is        : overdue, open, closed, done, recurring, today
    has       : due, time, category, tag, description, checklist, recurrence

Fields and values in other languages than English: ``tasks.language.search_words``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tasks.items import OPEN_STATUSES, PRIORITIES, STATUSES
from tasks.language import quick_add, search_words
from tasks.local_due import local_due

MAX_LENGTH, MAX_TERMS = 500, 20
Values = Mapping[str, Any]
Test = Callable[[Values], bool]

_TERM = re.compile(
    r'(?P<not>-)?(?:(?P<field>[^\W\d_]+)(?P<op><=|>=|[:=<>])(?P<value>"[^"]*"|\S*)'
    r'|(?P<mark>[#@])(?P<name>"[^"]*"|\S+)|"(?P<text>[^"]*)"|(?P<word>\S+))'
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ":": lambda a, b: a == b,
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_STATUS_WORDS = {name: {name} for name in STATUSES} | {
    "open": set(OPEN_STATUSES),
    "closed": set(STATUSES) - set(OPEN_STATUSES),
    "done": {"completed"},
}
_PRESENT = {
    "due": "due_date",
    "time": "due_time",
    "category": "category",
    "tag": "tags",
    "description": "description",
    "checklist": "checklist",
    "recurrence": "recurrence",
}
_MOMENTS = {"created": "created_at", "updated": "updated_at", "completed": "completed_at"}


class QueryError(ValueError):
    """The query cannot be understood; ``str()`` of it says what to do."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood: its text and what a task must satisfy."""

    text: str
    tests: tuple[Test, ...]
    statuses: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.tests)

    def matches(self, task: Values) -> bool:
        """Tell whether a task, as a plain dict, satisfies every term."""
        return all(test(task) for test in self.tests)


@dataclass(frozen=True, slots=True)
class _Viewer:
    today: date
    zone: tzinfo


def parse(text: str, today: date, zone: tzinfo) -> Query:
    """Return what the query ``text`` asks for on the day ``today`` in ``zone``. Raises QueryError."""
    text = " ".join(text.split())
    if len(text) > MAX_LENGTH:
        raise QueryError(
            _("This search is too long. Use at most %(most)d characters.") % {"most": MAX_LENGTH}
        )
    if text.count('"') % 2:
        raise QueryError(_("A quotation mark is missing: write a pair of them around words, or none."))
    viewer = _Viewer(today, zone)
    tests = []
    statuses: set[str] = set(STATUSES)
    for match in _TERM.finditer(text):
        tests.append(_negated(_test(match, viewer)) if match["not"] else _test(match, viewer))
        if search_words.field(match["field"] or "") == "status" and not match["not"]:
            statuses &= _statuses(search_words.value("status", _unquoted(match["value"])))
    if len(tests) > MAX_TERMS:
        raise QueryError(_("This search has too many parts. Use at most %(most)d.") % {"most": MAX_TERMS})
    return Query(text, tuple(tests), frozenset(statuses))


def _negated(test: Test) -> Test:
    return lambda task: not test(task)


def _test(match: re.Match[str], viewer: _Viewer) -> Test:
    if match["mark"] == "#":
        return _tag(_unquoted(match["name"]))
    if match["mark"]:
        return _same("category", _unquoted(match["name"]))
    if not match["field"]:
        return _containing(match["text"] if match["text"] is not None else match["word"])
    name, operator = search_words.field(match["field"]), match["op"]
    if name not in _FIELDS:  # "https://…" or "re:" are words
        return _containing(f"{match['field']}{operator}{_unquoted(match['value'])}")
    value = search_words.value(name, _unquoted(match["value"]))
    if not value:
        raise QueryError(_("Say what “%(name)s” should be.") % {"name": name})
    if operator not in ":=" and name not in _ORDERED:
        raise QueryError(_("“%(name)s” has no order. Use %(name)s:…") % {"name": name})
    return _FIELDS[name](operator, value, viewer)


def _unquoted(text: str) -> str:
    return text.strip('"').strip()


def _containing(text: str) -> Test:
    wanted = text.casefold()
    return lambda task: any(wanted in part.casefold() for part in _texts(task))


def _texts(task: Values) -> list[str]:
    return [
        task["title"],
        task.get("description") or "",
        task.get("category") or "",
        *(task.get("tags") or ()),
        *(entry["text"] for entry in task.get("checklist") or ()),
    ]


def _same(name: str, value: str) -> Test:
    wanted = value.casefold()
    return lambda task: (task.get(name) or "").casefold() == wanted


def _tag(value: str) -> Test:
    wanted = value.casefold()
    return lambda task: any(tag.casefold() == wanted for tag in task.get("tags") or ())


def _statuses(value: str) -> set[str]:
    wanted = set()
    for word in value.lower().split(","):
        if word not in _STATUS_WORDS:
            raise QueryError(_unknown("status", word, _STATUS_WORDS))
        wanted |= _STATUS_WORDS[word]
    return wanted


def _status(operator: str, value: str, viewer: _Viewer) -> Test:
    wanted = _statuses(value)
    return lambda task: task["status"] in wanted


def _priority(operator: str, value: str, viewer: _Viewer) -> Test:
    names = value.lower().split(",")
    for name in names:
        if name not in PRIORITIES:
            raise QueryError(_unknown("priority", name, PRIORITIES))
    compare = _COMPARE[operator]
    levels = [PRIORITIES.index(name) for name in names]
    return lambda task: any(compare(PRIORITIES.index(task["priority"]), level) for level in levels)


def _due(operator: str, value: str, viewer: _Viewer) -> Test:
    return _day_test(lambda task: _due_day(task, viewer), operator, value, viewer)


def _due_day(task: Values, viewer: _Viewer) -> str | None:
    due = local_due(task, viewer.zone)
    return due.day.isoformat() if due else None


def _moment(name: str) -> Callable[[str, str, _Viewer], Test]:
    def make(operator: str, value: str, viewer: _Viewer) -> Test:
        return _day_test(
            lambda task: _local_day(task.get(_MOMENTS[name]), viewer.zone), operator, value, viewer
        )

    return make


def _local_day(timestamp: str | None, zone: tzinfo) -> str | None:
    return datetime.fromisoformat(timestamp).astimezone(zone).date().isoformat() if timestamp else None


def _day_test(day_of: Callable[[Values], str | None], operator: str, value: str, viewer: _Viewer) -> Test:
    if value.lower() in {"none", "any"} and operator in ":=":
        wanted = value.lower() == "any"
        return lambda task: bool(day_of(task)) == wanted
    day, compare = _day(value, viewer.today).isoformat(), _COMPARE[operator]
    return lambda task: bool(found := day_of(task)) and compare(found, day)


def _day(value: str, today: date) -> date:
    # Noon: a day is asked for, so no time of day has gone by.
    day = quick_add.day_of(value, datetime.combine(today, time(12)), get_language() or "en")
    if day is None:
        raise QueryError(
            _("“%(value)s” is not a day. Write today, +7d or 2026-12-31.") % {"value": value[:30]}
        )
    return day


def _is(operator: str, value: str, viewer: _Viewer) -> Test:
    today = viewer.today.isoformat()
    known: dict[str, Test] = {
        "open": lambda task: task["status"] in OPEN_STATUSES,
        "closed": lambda task: task["status"] not in OPEN_STATUSES,
        "done": lambda task: task["status"] == "completed",
        "recurring": lambda task: bool(task.get("recurrence")),
        "today": lambda task: _due_day(task, viewer) == today,
        "overdue": lambda task: task["status"] in OPEN_STATUSES and (_due_day(task, viewer) or "9") < today,
    }
    if value.lower() not in known:
        raise QueryError(_unknown("is", value, known))
    return known[value.lower()]


def _has(operator: str, value: str, viewer: _Viewer) -> Test:
    if value.lower() not in _PRESENT:
        raise QueryError(_unknown("has", value, _PRESENT))
    name = _PRESENT[value.lower()]
    return lambda task: bool(task.get(name))


def _unknown(name: str, value: str, known: Any) -> str:
    language = (get_language() or "en")[:2]
    return _("%(name)s cannot be “%(value)s”. It is one of: %(known)s.") % {
        "name": name,
        "value": value[:30],
        "known": ", ".join(search_words.said(language, name, word) for word in known),
    }


_FIELDS: dict[str, Callable[[str, str, _Viewer], Test]] = {
    "status": _status,
    "priority": _priority,
    "category": lambda operator, value, viewer: _same("category", value),
    "tag": lambda operator, value, viewer: _tag(value),
    "title": lambda operator, value, viewer: lambda task: value.casefold() in task["title"].casefold(),
    "due": _due,
    **{name: _moment(name) for name in _MOMENTS},
    "is": _is,
    "has": _has,
}
_ORDERED = {"priority", "due", *_MOMENTS}
