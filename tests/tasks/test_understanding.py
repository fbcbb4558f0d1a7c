"""What quick add makes of lines: the corpus, and what holds for every line."""

import calendar
import io
import json
import re
import unicodedata
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil.easter import easter
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks import language, recurrence
from tasks.language import engine, lexicon, meaning, quick_add, repeats
from tasks.language.meaning import Actions
from tests.slices import examples
from tests.tasks import lines

CORPUS = lines.read()
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2034, 1, 1))  # noqa: DTZ001
LANGUAGES = st.sampled_from(lexicon.codes())
NOWS = [datetime.fromisoformat(text) for text in sorted({line.now.isoformat() for line in CORPUS})]
DATES = [
    "today", "tomorrow", "friday", "next monday", "24 dec", "dec 24", "30 nov", "10.12.", "in 3 days", "in a fortnight",
    "this weekend", "end of month", "on the 24th", "+3d", "next month", "next week tuesday", "friday in 2 weeks",
    "first monday of march", "mid january",
]  # fmt: skip
TIMES = ["9am", "at 9", "at 14:30", "noon", "at half past nine", "at 7 in the evening"]
REPEATS = [
    "every day", "every other friday", "every 2nd tuesday", "every mon wed fri", "every weekday",
    "every last day of the month", "every 15 aug", "every 3 days", "every 1st and 15th", "every last workday",
    "every year on the first monday of september", "every! 2 weeks", "monthly on the 3rd friday",
]  # fmt: skip
OTHERS = [
    "last",
    "every",
    "other",
    "of",
    "to",
    "-",
    ",",
    "!high",
    "#home",
    "@Flat",
    "Bob",
    "call",
    "3",
    "2nd",
    "may",
    "the",
]
PHRASES = st.lists(st.sampled_from([*DATES, *TIMES, *REPEATS, *OTHERS]), min_size=1, max_size=7).map(" ".join)
# Lines of the words that the grammars know, where readings are many.
WORDS = sorted({word for code in lexicon.codes() for word in lexicon.load(code).grammar.words})
KNOWN = st.lists(
    st.sampled_from([*WORDS, "1st", "9", "9am", "10:30", "24", "10.12.", "+3d", ",", "mon"]), max_size=80
)
sliced = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=examples(400))


def read(line, now, code="en"):
    return quick_add.parse(line, now, code).fields


# --- The corpus ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", CORPUS, ids=lambda line: f"{line.language}: {line.text[:50]}")
def test_a_line_of_the_corpus_means_what_it_says(line):
    assert read(line.text, line.now, line.language) == line.means


def means(title, day="", time="", rule=""):
    found = {"title": title, "due_date": day, "due_time": time, "recurrence": rule}
    return {name: value for name, value in found.items() if value}


MONDAY = datetime(2026, 11, 30, 10)  # noqa: DTZ001
IN_PARTS = [
    # a day and a time that stand apart
    ("en", "8 pm movie tomorrow", means("movie", "2026-12-01", "20:00")),
    ("en", "Friday lunch with Bob at noon", means("lunch with Bob", "2026-12-04", "12:00")),
    ("en", "Tomorrow standup 9am", means("standup", "2026-12-01", "09:00")),
    ("de", "Freitag Essen mit Eva um 12", means("Essen mit Eva", "2026-12-04", "12:00")),
    ("de", "10 Uhr Zahnarzt am 3.12.", means("Zahnarzt", "2026-12-03", "10:00")),
    ("en", "9am call tomorrow at 10", means("call tomorrow at 10", "2026-12-01", "09:00")),  # two times
    # all of a repeat or none of it
    (
        "en",
        "until friday every day call mum",
        means("call mum", "2026-11-30", "", "FREQ=DAILY;UNTIL=20261204"),
    ),
    (
        "en",
        "call mum until friday every day",
        means("call mum", "2026-11-30", "", "FREQ=DAILY;UNTIL=20261204"),
    ),
    ("en", "from 1 March every month rent", means("rent", "2027-03-01", "", "FREQ=MONTHLY")),
    ("en", "until friday water plants", means("until friday water plants")),
    ("de", "bis Freitag jeden Tag gießen", means("gießen", "2026-11-30", "", "FREQ=DAILY;UNTIL=20261204")),
    ("es", "hasta el viernes cada día regar", means("regar", "2026-11-30", "", "FREQ=DAILY;UNTIL=20261204")),
    ("en", "Bins every other Wed night", means("Bins", "2026-12-02", "", "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE")),
    ("en", "Pills every morning and evening", means("Pills every morning and evening")),
    ("de", "Tabletten jeden Morgen und Abend", means("Tabletten jeden Morgen und Abend")),
    ("en", "Sync daily at 10am except weekends", means("Sync daily at 10am except weekends")),
    ("de", "Sport täglich außer sonntags", means("Sport täglich außer sonntags")),
    ("en", "Swim every friday at 5pm until march", means("Swim every friday at 5pm until march")),
    ("de", "Sport jeden Freitag bis März", means("Sport jeden Freitag bis März")),
    ("es", "Nadar cada viernes hasta marzo", means("Nadar cada viernes hasta marzo")),
    ("en", "Backup weekly on sundays at 2am", means("Backup", "2026-12-06", "02:00", "FREQ=WEEKLY;BYDAY=SU")),
    ("de", "Reifen jeden Monatsersten", means("Reifen", "2026-12-01", "", "FREQ=MONTHLY;BYMONTHDAY=1")),
    ("de", "Sonntags Oma anrufen", means("Oma anrufen", "2026-12-06", "", "FREQ=WEEKLY;BYDAY=SU")),
    ("de", "Immer montags Müll", means("Müll", "2026-11-30", "", "FREQ=WEEKLY;BYDAY=MO")),
    ("en", "Swim every monday until I am fit", means("Swim every monday until I am fit")),
    (
        "en",
        "Yoga every tuesday from 5 jan to 30 jan",
        means("Yoga", "2027-01-05", "", "FREQ=WEEKLY;BYDAY=TU;UNTIL=20270130"),
    ),
    (
        "de",
        "Yoga jeden Dienstag vom 5.1. bis 30.1.",
        means("Yoga", "2027-01-05", "", "FREQ=WEEKLY;BYDAY=TU;UNTIL=20270130"),
    ),
    (
        "en",
        "Rent every first of the month at 9am",
        means("Rent", "2026-12-01", "09:00", "FREQ=MONTHLY;BYMONTHDAY=1"),
    ),
    (
        "de",
        "Papa jedes zweite Wochenende",
        means("Papa", "2026-12-05", "", "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA"),
    ),
    ("en", "Call half an hour from now", means("Call", "2026-11-30", "10:30")),
    ("en", "Every friday weekly review", means("weekly review", "2026-12-04", "", "FREQ=WEEKLY;BYDAY=FR")),
    (
        "de",
        "Papier alle 14 Tage montags",
        means("Papier", "2026-11-30", "", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"),
    ),
    ("de", "Papier alle 3 Tage montags", means("Papier alle 3 Tage montags")),
    (
        "en",
        "Invoice every month on the first workday",
        means("Invoice", "2026-12-01", "", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1"),
    ),
    ("de", "Rechnung am zweiten Werktag des Monats", means("Rechnung am zweiten Werktag des Monats")),
    ("en", "Yoga tue/thu 6pm", means("Yoga tue/thu 6pm")),
    ("de", "Yoga Mo, Di um 8", means("Yoga Mo, Di um 8")),
    ("en", "Call at 7:30 tomorrow evening", means("Call", "2026-12-01", "19:30")),
    ("de", "Anruf um 7:30 morgen früh", means("Anruf", "2026-12-01", "07:30")),
    ("en", "Meet Ann on the 5th floor", means("Meet Ann on the 5th floor")),
    ("en", "on the 24th call Bob", means("call Bob", "2026-12-24")),
    # a weekday and the day of a month: what agrees, or neither
    ("en", "Call Tim on Monday the 7th", means("Call Tim", "2026-12-07")),
    ("en", "Call Tim on Monday the 8th", means("Call Tim on Monday the 8th")),
    ("en", "Watch Friday the 13th", means("Watch Friday the 13th")),
    ("de", "Tim anrufen am Montag, den 7.", means("Tim anrufen", "2026-12-07")),
    ("de", "Tim anrufen am Montag, den 8.", means("Tim anrufen am Montag, den 8.")),
    # words that belong to the day
    ("en", "Report tomorrow EOD", means("Report", "2026-12-01")),
    ("en", "Report first thing tomorrow", means("Report", "2026-12-01")),
    ("en", "Send it by next Friday at the latest", means("Send it", "2026-12-04")),
    ("en", "Think about it over the weekend", means("Think about it", "2026-12-05")),
    ("en", "Visit Ann the weekend after next", means("Visit Ann the weekend after next")),
    ("en", "Visit Ann the week after next", means("Visit Ann", "2026-12-14")),
    ("de", "Anmelden heute noch", means("Anmelden", "2026-11-30")),
    ("de", "Unterlagen bis Freitag spätestens", means("Unterlagen", "2026-12-04")),
    # of a month whose day has gone by: of the next one
    ("en", "Report on the last Friday of the month", means("Report", "2026-12-25")),
    ("de", "Bericht am letzten Freitag im Monat", means("Bericht", "2026-12-25")),
    ("es", "Informe el último viernes del mes", means("Informe", "2026-12-25")),
    ("en", "Tickets by the start of February", means("Tickets", "2027-02-01")),
    ("de", "Urlaub planen Anfang Januar", means("Urlaub planen", "2027-01-01")),
    # two readings
    ("en", "Dinner 10/12", means("Dinner 10/12")),
    ("de", "Essen 10/12", means("Essen 10/12")),
    ("en", "Dinner 12/10/2026", means("Dinner 12/10/2026")),
    ("en", "Dinner 12/20/2026", means("Dinner", "2026-12-20")),
    ("de", "Essen 20/12/2026", means("Essen", "2026-12-20")),
]


@pytest.mark.parametrize(("code", "line", "meaning"), IN_PARTS, ids=lambda value: str(value)[:40])
def test_what_belongs_together_is_taken_together(code, line, meaning):
    assert read(line, MONDAY, code) == meaning


def test_the_corpus_has_every_language_and_kind():
    counts = Counter(line.language for line in CORPUS)
    assert set(counts) == set(lexicon.codes())
    assert min(counts.values()) >= 60
    assert len(CORPUS) >= 600
    assert len({line[:3] for line in CORPUS}) == len(CORPUS)


def test_no_file_of_the_engine_names_a_language():
    folder = Path(language.__file__).parent if language.__file__ else Path(quick_add.__file__).parent
    names = {code for code in lexicon.codes() if code != lexicon.DEFAULT}
    own = {word for code in names for word in lexicon.load(code)._words["full_weekday"]}
    for name in ("engine", "figures", "lexicon", "meaning", "quick_add", "search", "search_words"):
        text = (folder / f"{name}.py").read_text()
        quoted = set(re.findall(r'"([^"\n]+)"', re.sub(r'"""[\s\S]*?"""', "", text)))
        assert not quoted & (names | own), name


@pytest.mark.parametrize("code", lexicon.codes())
def test_a_lexicon_names_actions_and_symbols_that_exist(code):
    grammar = lexicon.load(code).grammar
    actions = Actions(NOWS[0], frozenset())
    assert all(callable(actions(name)) for name in grammar.actions)
    used = set(re.findall(r"<(\w+)", lexicon._read(code)["grammar"]["rules"]))
    assert used - grammar.bits.keys() <= {name for name, rules in grammar.rules.items() if rules}


def test_a_symbol_that_contains_itself_is_refused():
    with pytest.raises(ValueError, match="contains itself"):
        engine.Grammar("a : x <b>\nb : y <a>", ())


# --- What holds for every line ------------------------------------------------------------------------------


@pytest.mark.sliced
@sliced
@given(st.sampled_from([*DATES, *TIMES, *REPEATS]), MOMENTS)
def test_a_phrase_without_a_past_word_gives_no_past_day(phrase, now):
    assert date.fromisoformat(read(f"Report {phrase}", now)["due_date"]) >= now.date()


@pytest.mark.sliced
@sliced
@given(PHRASES, MOMENTS)
def test_the_parts_say_what_the_whole_line_means(line, now):
    parsed = quick_add.parse(line, now)
    said = {}
    for part in parsed.parts:
        said |= {"tags": said.get("tags", []) + part.fields["tags"]} if part.kind == "tag" else part.fields
    whole = {name: value for name, value in parsed.fields.items() if name != "title"}
    assert said | ({"due_date": whole["due_date"]} if "due_time" in whole else {}) == whole


@pytest.mark.sliced
@sliced
@given(PHRASES | KNOWN.map(" ".join), MOMENTS, LANGUAGES)
def test_title_and_parts_are_the_line(line, now, code):
    parsed = quick_add.parse(line, now, code)
    line = line[: quick_add.MAX_LINE]
    rest = iter(line.split())
    for word in parsed.fields["title"].split():
        assert any(_bare(word) == _bare(other) for other in rest), (line, word)
    left, at = [], 0
    for part in parsed.parts:
        assert part.start >= at
        assert part.text == line[part.start : part.end]
        left.append(line[at : part.start])
        at = part.end
    left.append(line[at:])
    assert _letters(" ".join(left)) == _letters(parsed.fields["title"])


def _bare(word):
    return word.strip(',;:!?)"')


def _letters(text):
    return re.sub(r'[\s,;:!?)"\u2013-]', "", text)


@pytest.mark.sliced
@sliced
@given(st.text(max_size=80) | PHRASES, MOMENTS, LANGUAGES)
def test_a_title_is_never_empty(line, now, code):
    fields = read(line, now, code)
    assert fields["title"].strip() or not line.strip()
    if "recurrence" in fields:
        assert recurrence.parse(fields["recurrence"]) == fields["recurrence"]


@pytest.mark.parametrize("now", NOWS[:5], ids=str)
def test_a_date_in_figures_is_the_day_that_it_says(now):
    for month in range(1, 13):
        for day in range(1, calendar.monthrange(2028, month)[1] + 1):
            dotted = [f"{day}.{month}.", f"{day:02}.{month:02}."]
            worded = [f"{day} {calendar.month_abbr[month]}", f"{calendar.month_name[month]} {day}"]
            for text in dotted + worded:
                for code in lexicon.codes() if text in dotted else ("en",):
                    found = date.fromisoformat(read(f"Report {text}", now, code)["due_date"])
                    assert (found.day, found.month) == (day, month)
                    assert now.date() <= found < now.date() + timedelta(days=366 * 8 + 1)


@pytest.mark.sliced
@sliced
@given(st.sampled_from(DATES), st.sampled_from(TIMES), MOMENTS)
def test_a_time_before_its_date_is_a_time_after_it(day, clock, now):
    before, after = read(f"Report {clock} {day}", now), read(f"Report {day} {clock}", now)
    assert before == after
    assert "due_time" in before


@pytest.mark.sliced
@sliced
@given(st.sampled_from([*DATES, *TIMES, *REPEATS]), MOMENTS)
def test_capitals_and_a_full_stop_do_not_matter(phrase, now):
    plain = read(f"Report {phrase}", now)
    assert read(f"Report {phrase.upper()}", now) == plain
    assert phrase.endswith(".") or read(f"Report {phrase}.", now) == plain


@pytest.mark.sliced
@sliced
@given(
    st.lists(
        st.sampled_from(
            ["bread", "milk", "kitchen", "garden", "letter", "window", "quickly", "blue", "paint", "Anna"]
        ),
        min_size=1,
    )
)
def test_a_line_of_other_words_is_its_title(words):
    line = " ".join(words)
    for code in lexicon.codes():
        assert read(line, NOWS[0], code) == {"title": line}


@pytest.mark.sliced
@sliced
@given(st.sampled_from([*DATES, *TIMES]), PHRASES, MOMENTS)
def test_every_is_taken_with_what_follows_or_left_with_it(first, others, now):
    line = f"{first} {others}"
    words = read(f"Report every {line}", now)["title"].split()
    assert (
        "every" not in words or "every" in others or words[words.index("every") + 1 :][:1] == line.split()[:1]
    )


@pytest.mark.sliced
@sliced
@given(st.sampled_from(REPEATS), st.sampled_from(["", " 9am", " starting friday", " on 3 march"]), MOMENTS)
def test_the_first_day_is_an_occurrence_of_the_rule(repeat, more, now):
    from dateutil.rrule import rrulestr

    fields = read(f"Report {repeat} !high{more}", now)
    if "recurrence" in fields:
        start = datetime.fromisoformat(fields["due_date"])
        assert rrulestr(fields["recurrence"], dtstart=start)[0] == start


@pytest.mark.sliced
@sliced
@given(KNOWN, LANGUAGES)
@example(["+3d", "ohne", "+3d", "9", "9"] * 20, "de")
@example(["every", "2nd", "tue", "of"] * 40, "en")
@example(["mon", ","] * 80, "en")
@example(["24", "dec", "-"] * 50, "en")
@example(["1st", "and"] * 60, "en")
def test_no_line_takes_more_steps_than_there_are(words, code):
    assert quick_add.parse(" ".join(words * 3), NOWS[0], code).steps < engine.MAX_STEPS


def test_a_line_that_runs_out_of_steps_is_understood_as_far_as_it_came(monkeypatch):
    monkeypatch.setattr(quick_add, "MAX_STEPS", 400)
    line = "Report tomorrow " + "every 2nd tuesday of " * 15
    parsed = quick_add.parse(line, NOWS[0])
    assert parsed.steps == 401
    assert parsed.fields["title"].startswith("Report")


# --- What else reads with it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("every 3 weeks", {"recurrence": "FREQ=WEEKLY;INTERVAL=3"}),
        ("every 2nd tuesday", {"recurrence": "FREQ=MONTHLY;BYDAY=2TU"}),
        ("every! 6 weeks", {"recurrence": "FREQ=WEEKLY;INTERVAL=6", "repeat_from": "done"}),
        ("monthly", {"recurrence": "FREQ=MONTHLY;BYMONTHDAY=-1"}),
        ("every day until 31 jan", {"recurrence": "FREQ=DAILY;UNTIL=20270131"}),
        ("FREQ=MONTHLY;BYDAY=1MO", {"recurrence": "FREQ=MONTHLY;BYDAY=1MO"}),
        ("every day at 9", None),
        ("every day starting friday", None),
        ("every day please", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_a_repeat_in_words_is_a_rule_and_nothing_else(text, rule):
    assert repeats.from_words(text, date(2026, 11, 30)) == rule


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-11-30"), ("yesterday", "2026-11-29"), ("friday", "2026-12-04"), ("last friday", "2026-11-27"),
        ("fri", "2026-12-04"), ("3 days ago", "2026-11-27"), ("+1m", "2026-12-30"), ("-1m", "2026-10-30"),
        ("-2w", "2026-11-16"), ("next month", "2026-12-30"), ("end of month", "2026-11-30"), ("24.12.", "2026-12-24"),
        ("24th", "2026-12-24"), ("2024-02-29", "2024-02-29"), ("gestern", "2026-11-29"), ("ayer", "2026-11-29"),
        ("soon", None), ("2026-02-30", None), ("friday 9am", None), ("", None), ("every day", None),
    ],
)  # fmt: skip
def test_a_day_in_words(text, day):
    found = quick_add.day_of(text, datetime(2026, 11, 30, 12))  # noqa: DTZ001
    assert (found.isoformat() if found else None) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("christmas eve", "2026-12-24"),
        ("halloween", "2027-10-31"),
        ("Heiligabend", "2026-12-24"),
        ("nochebuena", "2026-12-24"),
        ("good friday", "2027-03-26"),
        ("black friday", None),
    ],
)
def test_a_named_day_is_a_day_in_a_search(text, day):
    found = quick_add.day_of(text, datetime(2026, 11, 30, 12))  # noqa: DTZ001
    assert (found.isoformat() if found else None) == day


def test_easter_is_when_another_library_says():
    assert all(meaning.easter(year) == easter(year) for year in range(1900, 2200))


def test_hours_from_now_are_counted_where_the_clock_changes():
    now = datetime(2027, 3, 28, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert read("Call in 2 hours", now)["due_time"] == "04:30"


# --- The command --------------------------------------------------------------------------------------------


def understand(monkeypatch, text, *options):
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    call_command("understand", *options, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_command_prints_an_object_for_each_line(monkeypatch):
    text = "Pay rent tomorrow 9am !1 #home @Flat every month\nCafé +Ann /Project\n"
    options = ("--now", "2026-12-30T23:30:00+00:00", "--timezone", "Europe/Berlin", "--language", "en")
    paid, other = understand(monkeypatch, text, *options)
    assert paid == {
        "title": "Pay rent", "due_date": "2027-01-01", "due_time": "09:00", "recurrence": "FREQ=MONTHLY",
        "repeat_from": None, "priority": "urgent", "tags": ["home"], "category": "Flat", "assignee": None,
        "project": None, "section": None,
    }  # fmt: skip
    assert other == dict.fromkeys(paid) | {"title": "Café +Ann /Project"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--now", "soon"), "--now must be a moment"),
        (("--timezone", "Mars"), "--timezone must be a zone"),
        (("--language", "xx"), "--language must be one of de, en, es"),
        (("--colour", "red"), "unrecognized arguments"),
    ],
)
def test_the_command_says_what_is_wrong_with_an_option(monkeypatch, options, says):
    with pytest.raises(CommandError, match=says):
        understand(monkeypatch, "x", *options)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_letters_are_read_however_they_are_composed(form):
    hindi = "\u0939\u093f\u0928\u094d\u0926\u0940"
    line = unicodedata.normalize(form, f"M\u00fcsli @k\u00fcche #caf\u00e9 #{hindi} \u00fcbermorgen")
    now = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    assert quick_add.parse(line, now, "de").fields == {
        "title": "M\u00fcsli",
        "category": "k\u00fcche",
        "tags": ["caf\u00e9", hindi],
        "due_date": "2026-11-24",
    }
    assert quick_add.day_of(unicodedata.normalize(form, "\u00fcbermorgen"), now) == date(2026, 11, 24)
    daily = quick_add.repeat_of(unicodedata.normalize(form, "t\u00e4glich"), now.date(), "de")
    assert daily == {"recurrence": "FREQ=DAILY"}


def test_marks_that_follow_no_name_stay_in_the_title():
    now = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
    for line in ("Call #home\u2026", "Call #a\u3001b", "Call @x\u201dy", "Call #\u0301x"):
        assert quick_add.parse(line, now).fields == {"title": line}
