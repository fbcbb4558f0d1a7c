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
from functools import cached_property
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from store.steps import Steps
from store.text import canonical, folded
from tasks.items import OPEN_STATUSES, PRIORITIES, STATUSES
from tasks.language import quick_add, search_words
from tasks.language.engine import MAX_STEPS
from tasks.local_due import local_due

MAX_LENGTH, MAX_TERMS = 500, 20
Values = Mapping[str, Any]

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


class _Seen(dict[str, Any]):
    """A task, with its texts as they are searched, which are made once for all terms."""

    @cached_property
    def title(self) -> str:
        return folded(self["title"])

    @cached_property
    def category(self) -> str:
        return folded(self.get("category") or "")

    @cached_property
    def tags(self) -> list[str]:
        return [folded(tag) for tag in self.get("tags") or ()]

    @cached_property
    def texts(self) -> list[str]:
        """All that a word is looked for in."""
        entries = (folded(entry["text"]) for entry in self.get("checklist") or ())
        return [self.title, folded(self.get("description") or ""), self.category, *self.tags, *entries]


Test = Callable[[_Seen], bool]


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
        seen = _Seen(task)
        return all(test(seen) for test in self.tests)


@dataclass(frozen=True, slots=True)
class _Viewer:
    """Who asks: their day and zone; ``steps`` are those of all the dates in the query."""

    today: date
    zone: tzinfo
    steps: Steps


def parse(text: str, today: date, zone: tzinfo) -> Query:
    """Return what the query ``text`` asks for on the day ``today`` in ``zone``. Raises QueryError."""
    text = " ".join(canonical(text).split())
    if len(text) > MAX_LENGTH:
        raise QueryError(
            _("This search has %(length)d characters. Use at most %(most)d.")
            % {"length": len(text), "most": MAX_LENGTH}
        )
    if text.count('"') % 2:
        raise QueryError(_("A quotation mark is missing: write a pair of them around words, or none."))
    terms = list(_TERM.finditer(text))
    if len(terms) > MAX_TERMS:
        raise QueryError(
            _("This search has %(number)d parts. Use at most %(most)d.")
            % {"number": len(terms), "most": MAX_TERMS}
        )
    viewer = _Viewer(today, zone, Steps(MAX_STEPS))
    tests = []
    statuses: set[str] = set(STATUSES)
    for match in terms:
        tests.append(_negated(_test(match, viewer)) if match["not"] else _test(match, viewer))
        if search_words.field(match["field"] or "") == "status" and not match["not"]:
            statuses &= _statuses(search_words.value("status", _unquoted(match["value"])))
    return Query(text, tuple(tests), frozenset(statuses))


def _negated(test: Test) -> Test:
    return lambda task: not test(task)


def _test(match: re.Match[str], viewer: _Viewer) -> Test:
    if match["mark"] == "#":
        return _tag(_unquoted(match["name"]))
    if match["mark"]:
        return _category(_unquoted(match["name"]))
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
    wanted = folded(text)
    return lambda task: any(wanted in part for part in task.texts)


def _category(value: str) -> Test:
    wanted = folded(value)
    return lambda task: task.category == wanted


def _tag(value: str) -> Test:
    wanted = folded(value)
    return lambda task: wanted in task.tags


def _title(value: str) -> Test:
    wanted = folded(value)
    return lambda task: wanted in task.title


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
    day, compare = _day(value, viewer).isoformat(), _COMPARE[operator]
    return lambda task: bool(found := day_of(task)) and compare(found, day)


def _day(value: str, viewer: _Viewer) -> date:
    # Noon: a day is asked for, so no time of day has gone by.
    noon = datetime.combine(viewer.today, time(12))
    day = quick_add.day_of(value, noon, get_language() or "en", viewer.steps)
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
    "category": lambda operator, value, viewer: _category(value),
    "tag": lambda operator, value, viewer: _tag(value),
    "title": lambda operator, value, viewer: _title(value),
    "due": _due,
    **{name: _moment(name) for name in _MOMENTS},
    "is": _is,
    "has": _has,
}
_ORDERED = {"priority", "due", *_MOMENTS}
