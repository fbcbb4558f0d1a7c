"""The query syntax, as a table over five tasks."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.language import search

TODAY, ZONE = date(2026, 11, 22), ZoneInfo("Europe/Berlin")
TASKS = {
    "rent": {"title": "Pay the rent", "status": "pending", "priority": "high", "category": "Home", "tags": ["bank",
    "home"],
             "due_date": "2026-11-25", "created_at": "2026-11-01T10:00:00.000000Z", "recurrence": "FREQ=MONTHLY"},
    "late": {"title": "Tax return", "status": "in_progress", "priority": "urgent", "due_date": "2026-11-01",
    "due_time": "09:00",
             "created_at": "2026-10-31T23:30:00.000000Z", "description": "ask about the RENT"},
    "idea": {"title": "Learn to juggle", "status": "pending", "priority": "low",
    "created_at": "2026-11-22T08:00:00.000000Z",
             "checklist": [{"id": "1", "text": "buy balls", "done": False}]},
    "done": {"title": "Water plants", "status": "completed", "priority": "medium", "category": "Home & garden",
             "due_date": "2026-11-22", "created_at": "2026-11-20T08:00:00.000000Z",
             "completed_at": "2026-11-21T08:00:00.000000Z"},
    "gone": {"title": "Old idea", "status": "cancelled", "priority": "medium",
    "created_at": "2026-01-01T00:00:00.000000Z"},
}  # fmt: skip
FOUND = [
    ("", "rent late idea done gone"),
    ("rent", "rent late"),
    ('"the rent"', "rent late"),
    ("title:rent", "rent"),
    ("-rent", "idea done gone"),
    ("balls", "idea"),
    ("status:pending", "rent idea"),
    ("status:pending,completed", "rent idea done"),
    ("status:open", "rent late idea"),
    ("-status:open", "done gone"),
    ("priority>=high", "rent late"),
    ("priority<medium", "idea"),
    ("priority:low,urgent", "late idea"),
    ("#home", "rent"),
    ("#HOME", "rent"),
    ("tag:bank", "rent"),
    ("@home", "rent"),
    ('@"home & garden"', "done"),
    ('category:"Home & garden"', "done"),
    ("due<+7d", "rent late done"),
    ("due:today", "done"),
    ("due>today", "rent"),
    ("due<=2026-11-22", "late done"),
    ("due:none", "idea gone"),
    ("due:any", "rent late done"),
    ("due:+3d", "rent"),
    ("due<-2w", "late"),
    ("created:2026-11-01", "rent late"),  # 31 October in UTC, 1 November in Berlin
    ("completed>=yesterday", "done"),
    ("is:overdue", "late"),
    ("is:recurring", "rent"),
    ("has:checklist", "idea"),
    ("-has:due", "idea gone"),
    ('status:pending priority>=high due<+7d #home "rent"', "rent"),
    ("STATUS:Pending Priority=HIGH", "rent"),
    ('status:ausstehend priorität>=hoch fällig<+7t #home "rent"', "rent"),
    ("Status:Offen", "rent late idea"),
    ("-status:offen", "done gone"),
    ("priorität:niedrig,dringend", "late idea"),
    ("kategorie:home", "rent"),
    ("fällig:heute", "done"),
    ("fällig:keine", "idea gone"),
    ("ist:überfällig", "late"),
    ("hat:checkliste", "idea"),
    ("erledigt>=gestern", "done"),
    # days as in quick add
    ("due:wednesday", "rent"),
    ('due<="next week"', "rent late done"),
    ("due<+1m", "rent late done"),
    ("due<-3w", ""),
    ('created>="3 weeks ago"', "rent late idea done"),
    ("fällig:mittwoch", "rent"),
    ("vence<mañana", "late done"),
    # a word before a colon that names no field
    ("colour:red", ""),
    ("https://example.com/a", ""),
    ("re: rent", ""),
    ("ask:about", ""),
]
REFUSED = [
    ('rent "garden', "A quotation mark is missing"),
    ('title:"the rent', "A quotation mark is missing"),
    ("status:", "Say what “status” should be"),
    ("status:waiting", "It is one of: pending"),
    ("status>pending", "has no order"),
    ("priority:mighty", "low, medium, high, urgent"),
    ("due:soon", "is not a day"),
    ("due<2026-02-30", "is not a day"),
    ("is:nice", "It is one of"),
    ("has:wings", "It is one of"),
    ("x" * 501, "501 characters. Use at most 500"),
    ("a " * 21, "21 parts. Use at most 20"),
]


@pytest.mark.parametrize(("text", "names"), FOUND)
def test_a_query_finds_the_tasks_of_the_table(text, names):
    asked = search.parse(text, TODAY, ZONE)
    assert [name for name, task in TASKS.items() if asked.matches(task)] == names.split()


@pytest.mark.parametrize(("text", "says"), REFUSED, ids=lambda value: value[:20])
def test_what_is_not_understood_is_told(text, says):
    with pytest.raises(search.QueryError, match=says):
        search.parse(text, TODAY, ZONE)


def test_a_word_with_a_colon_is_looked_for_as_it_stands():
    asked = search.parse("https://example.com/a", TODAY, ZONE)
    assert asked.matches({"title": "Read https://example.com/a?b=1"})
    assert not asked.matches({"title": "Read example.com"})


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='abdeus:<>=#@"-+ 19,', max_size=40))
def test_any_text_is_either_refused_or_answered(text):
    try:
        asked = search.parse(text, TODAY, ZONE)
    except search.QueryError:
        return
    for task in TASKS.values():
        asked.matches(task)


def test_refusals_name_the_words_of_the_language():
    with translation.override("de"), pytest.raises(search.QueryError, match="ausstehend, begonnen, erledigt"):
        search.parse("status:wartend", TODAY, ZONE)
