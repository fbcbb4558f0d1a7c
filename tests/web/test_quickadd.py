"""The grammar of the quick-add line, as a table of what is understood and what is left alone."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import validation
from tasks import fields, recurrence
from tasks.language import quick_add

NOW = datetime(2026, 11, 22, 15, 30)  # a Sunday  # noqa: DTZ001


def F(title, due=None, time=None, **rest):
    return {k: v for k, v in {"title": title, "due_date": due, "due_time": time, **rest}.items() if v}


UNDERSTOOD = [
    ("Pay rent tomorrow 9am !high #home every month",
     F("Pay rent", "2026-11-23", "09:00", priority="high", tags=["home"], recurrence="FREQ=MONTHLY")),
    ("Pay rent", F("Pay rent")),
    # priorities, tags, categories
    ("Ship it !urgent", F("Ship it", priority="urgent")),
    ("!1 Ship it", F("Ship it", priority="urgent")),
    ("Ship it !4", F("Ship it", priority="low")),
    ("Ship it !LOW now", F("Ship it now", priority="low")),
    ("Call #home #bank-account Bob", F("Call Bob", tags=["home", "bank-account"])),
    ("Paint #küche", F("Paint", tags=["küche"])),
    ("Paint @Home", F("Paint", category="Home")),
    ('Paint @"Home & garden" today', F("Paint", "2026-11-22", category="Home & garden")),
    # days
    ("Call today", F("Call", "2026-11-22")),
    ("Call tonight", F("Call", "2026-11-22")),
    ("Tomorrow call Bob", F("call Bob", "2026-11-23")),
    ("Call day after tomorrow", F("Call", "2026-11-24")),
    ("Call on Friday", F("Call", "2026-11-27")),
    ("Call next friday", F("Call", "2026-11-27")),
    ("Call by sat", F("Call", "2026-11-28")),
    ("Call mon", F("Call", "2026-11-23")),
    ("Call next week", F("Call", "2026-11-29")),
    ("Call next month", F("Call", "2026-12-22")),
    ("Call in 3 days", F("Call", "2026-11-25")),
    ("Call in two weeks", F("Call", "2026-12-06")),
    ("Call +10d", F("Call", "2026-12-02")),
    ("Call 24 dec", F("Call", "2026-12-24")),
    ("Call 1st of February", F("Call", "2027-02-01")),
    ("Call due March 5, 2028", F("Call", "2028-03-05")),
    ("Call may 5", F("Call", "2027-05-05")),
    ("Call 24.12.", F("Call", "2026-12-24")),
    ("Call 1.2.2027", F("Call", "2027-02-01")),
    ("Call 2027-01-31", F("Call", "2027-01-31")),
    ("Call 2024-02-29", F("Call", "2024-02-29")),
    # times
    ("Call tomorrow at 9", F("Call", "2026-11-23", "09:00")),
    ("Call friday at 14:30", F("Call", "2026-11-27", "14:30")),
    ("Call friday 2:30 pm", F("Call", "2026-11-27", "14:30")),
    ("Call tomorrow noon", F("Call", "2026-11-23", "12:00")),
    ("Call at 17", F("Call", "2026-11-22", "17:00")),
    ("Call 9am", F("Call", "2026-11-23", "09:00")),  # past for today
    ("Call 12am", F("Call", "2026-11-23", "00:00")),
    ("Call 15:31", F("Call", "2026-11-22", "15:31")),
    # repeats
    ("Water plants every day", F("Water plants", "2026-11-22", recurrence="FREQ=DAILY")),
    ("Water plants daily", F("Water plants", "2026-11-22", recurrence="FREQ=DAILY")),
    ("Bins every 2 weeks", F("Bins", "2026-11-22", recurrence="FREQ=WEEKLY;INTERVAL=2")),
    ("Bins every other week on friday", F("Bins", "2026-11-27", recurrence="FREQ=WEEKLY;INTERVAL=2;BYDAY=FR")),
    ("Gym every monday", F("Gym", "2026-11-23", recurrence="FREQ=WEEKLY;BYDAY=MO")),
    ("Gym every tue, thu and sat 7am",
     F("Gym", "2026-11-24", "07:00", recurrence="FREQ=WEEKLY;BYDAY=TU,TH,SA")),
    ("Standup every weekday at 9:15", F("Standup", "2026-11-23", "09:15",
     recurrence="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")),
    ("Invoice every 15th", F("Invoice", "2026-12-15", recurrence="FREQ=MONTHLY;BYMONTHDAY=15")),
    ("Birthday 3 march every year", F("Birthday", "2027-03-03", recurrence="FREQ=YEARLY")),
]  # fmt: skip
LEFT_ALONE = [
    "Second attempt", "Buy sun cream", "Read The Mar tales", "Maybe march on", "3/4 cup of flour", "12/5 review",
    "v1.2.3 release", "Issue #42", "C# course", "a#b", "Mail bob@example.com", "Wow!high", "Wow!", "!", "# @ !",
    "!mighty task", "every", "everyday life", "Weekly: review of daily news", '"tomorrow" never dies',
    'Read "every day #home !high"', "Order 66", "Room 9:75", "Meet at 25", "Call 2026-02-30", "Call 31 february",
    "Call 31.2.2027", "every 0 days", "every 1000 days", "Go 10am-ish", "Tomorrowland", "today", "#home",
    "!high tomorrow",
    "May the force", "in days", "http://example.com/today", "file_today.txt", "10:00:00",
]  # fmt: skip
GERMAN = [
    ("Miete zahlen morgen um 9 Uhr !hoch #haus jeden Monat",
     F("Miete zahlen", "2026-11-23", "09:00", priority="high", tags=["haus"], recurrence="FREQ=MONTHLY")),
    ("Anrufen übermorgen", F("Anrufen", "2026-11-24")),
    ("Anrufen nächsten Freitag 14:30", F("Anrufen", "2026-11-27", "14:30")),
    ("Anrufen am 24. Dezember", F("Anrufen", "2026-12-24")),
    ("Anrufen in 3 Tagen", F("Anrufen", "2026-11-25")),
    ("Anrufen nächste Woche", F("Anrufen", "2026-11-29")),
    ("Müll alle 2 Wochen", F("Müll", "2026-11-22", recurrence="FREQ=WEEKLY;INTERVAL=2")),
    ("Sport jeden Montag und Mittwoch", F("Sport", "2026-11-23", recurrence="FREQ=WEEKLY;BYDAY=MO,WE")),
    ("Pay tomorrow", F("Pay", "2026-11-23")),
    ("So weit, so gut", F("So weit, so gut")),
]  # fmt: skip


@pytest.mark.parametrize(("line", "means"), UNDERSTOOD)
def test_a_line_means_the_fields_of_the_table(line, means):
    assert quick_add.parse(line, NOW).fields == means


@pytest.mark.parametrize("line", LEFT_ALONE)
def test_everything_else_is_the_title(line):
    assert quick_add.parse(line, NOW).fields == {"title": line.replace('"', '"')}


@pytest.mark.parametrize(("line", "means"), GERMAN)
def test_german(line, means):
    assert quick_add.parse(line, NOW, "de").fields == means


def test_german_words_are_words_in_english():
    assert quick_add.parse("Guten morgen", NOW).fields == {"title": "Guten morgen"}


def test_what_was_taken_back_stays_in_the_title():
    parsed = quick_add.parse("Read Tomorrow today !high", NOW, keep=["tomorrow"])
    assert parsed.fields == F("Read Tomorrow", "2026-11-22", priority="high")


def test_only_the_first_of_a_kind_counts():
    assert quick_add.parse("Move it today, not tomorrow", NOW).fields == F(
        "Move it, not tomorrow", "2026-11-22"
    )


def test_two_days_are_a_range_and_stay():
    assert quick_add.parse("Move today to tomorrow", NOW).fields == F("Move today to tomorrow")


def test_parts_say_where_they_stand():
    line = "Pay rent tomorrow 9am !high"
    parts = quick_add.parse(line, NOW).parts
    assert [(part.kind, line[part.start : part.end]) for part in parts] == [
        ("date", "tomorrow 9am"), ("priority", "!high"),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=80)
    | st.lists(
        st.sampled_from(
            [
                "tomorrow",
                "every",
                "2",
                "weeks",
                "at",
                "9",
                "!high",
                "#a",
                "@b",
                "on",
                "in",
                "24",
                ".",
                ",",
                "may",
            ]
        )
    ).map(" ".join)
)
def test_any_line_is_a_task(line):
    parsed = quick_add.parse(line, NOW, "de")
    assert parsed.fields["title"].strip() or not line.strip()
    if "recurrence" in parsed.fields:
        recurrence.parse(parsed.fields["recurrence"])
    if line.strip() and line.isprintable():
        validation.clean(fields.NEW_TASK, parsed.fields | {"title": parsed.fields["title"][:200]})
