"""The CSV of the whole product: no spreadsheet runs it, and it comes back as it was."""

import csv
import io
import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tasks.transfer.csv_cells import to_fields
from web import csv_files

# Where a spreadsheet could see a cell begin with a formula, whatever it splits at and whatever it trims.
CELL = re.compile(r"[,;\t\n]|\r(?!\n)")
FORMULA = re.compile(r"[\s\"\x00-\x1f\ufeff\u200b]*[=+\-@|%＝＋－＠]")  # noqa: RUF001
TRICKY = st.text("'\"=+-@|%＝＋－＠ \t\r\n,;a1:.\ufeff\u200b/pm", max_size=10)  # noqa: RUF001
WORDS = st.sampled_from(
    ["007", "TRUE", "'TRUE", "9:30 pm", "1,-2", "1\n-may", "May 26", "''1", "1. Mai", "'"]
)


@given(st.text(max_size=20) | TRICKY | WORDS, st.booleans())
@settings(max_examples=500, deadline=None)
@example("'=1", False)
@example("'", True)
@example("\r\n=1", True)
def test_guarding_is_exact_and_safe(text, as_text):
    cell = csv_files.guard(text, as_text=as_text)
    assert csv_files.unguard(cell) == text
    assert not [part for part in CELL.split(cell) if FORMULA.match(part)]
    (read, _), *_others = csv_files.records(csv_files.joined([cell, "x"]), ",")
    assert read == [cell, "x"]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("x;=HYPERLINK()", "x;'=HYPERLINK()"),
        ('a, "-b', "a,' \"-b"),
        ("\ufeff@x", "'\ufeff@x"),
        ("one\n- two", "one\n'- two"),
        ("'=1", "''=1"),
        ("＝1", "'＝1"),  # noqa: RUF001
        ("Ring Anna - today", "Ring Anna - today"),
        ("50 - 50, or less", "50 - 50, or less"),
        ("it's", "it's"),
    ],
)
def test_where_the_apostrophes_are(text, cell):
    assert csv_files.guard(text) == cell


@pytest.mark.parametrize(
    "text", ["007", "1-2", "3/4", "1e5", "9:30", "9 am", "May 26", "1. Mai", "TRUE", "50%", "1,5"]
)
def test_text_that_a_spreadsheet_would_convert(text):
    assert csv_files.guard(text) == text
    assert csv_files.guard(text, as_text=True) == f"'{text}"
    assert csv_files.guard(f"{text} eggs", as_text=True) == f"{text} eggs"


def test_a_file():
    moment = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    row = ["a;b", -5, -0.5, None, True, date(2026, 12, 1), moment, ["-1", "ü"], {"a": "=1"}]
    assert csv_files.head(["one", "=two"]) == "\ufeffone,'=two\r\n"
    assert csv_files.line(row) == (
        '"a;b",-5,-0.5,,True,2026-12-01,2026-12-01T09:30:00+00:00,"[""-1"", ""ü""]","{""a"": ""=1""}"\r\n'
    )
    assert csv_files.line(["say 'hi'\t"]) == "\"say 'hi'\t\"\r\n"
    assert csv_files.line([""]) == '""\r\n'


def in_excel(text, delimiter, encoding):
    """Return the file as Excel saves it: with its own separator, encoding and line ends, quotes only where needed."""
    rows = [cells for cells, _ in csv_files.records(text.removeprefix(csv_files.BOM), ",")]
    saved = io.StringIO()
    csv.writer(saved, delimiter=delimiter).writerows(rows)
    return saved.getvalue().encode(encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("named", ["", "sep={}\r\n", '"sep={}"\r\n'])
def test_what_spreadsheets_save_is_read(delimiter, encoding, named):
    text = (
        csv_files.head(["title", "note"]) + csv_files.line(["a;b,c\td", 'ü\n"x"']) + csv_files.line(["", "y"])
    )
    content = in_excel(text, delimiter, "utf-8").decode()
    content = (named.format(delimiter) + content).encode(encoding)
    found, mark = csv_files.encoding_of(content)
    read = content[mark:].decode(found)
    wanted, start = csv_files.dialect_of(read)
    assert wanted == delimiter
    rows = [cells for cells, _ in csv_files.records(read, wanted, start)]
    assert [[csv_files.unguard(cell) for cell in row] for row in rows] == [
        ["title", "note"],
        ["a;b,c\td", 'ü\n"x"'],
        ["", "y"],
    ]


@given(st.lists(st.lists(TRICKY, min_size=2, max_size=3), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_records_end_where_they_end(rows):
    text = "".join(csv_files.joined(row) + "\r\n" for row in rows)
    found, start = [], 0
    while start < len(text):
        cells, start = next(csv_files.records(text, ",", start))
        found.append(cells)
    assert found == rows


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-12-01", "2026-12-01"),
        ("2026-12-01 00:00:00", "2026-12-01"),
        ("2026-12-01T00:00:00", "2026-12-01"),
        ("2026/12/1", "2026-12-01"),
        ("1.12.2026", "2026-12-01"),
        ("01.12.2026 00:00", "2026-12-01"),
        ("25/12/2026", "2026-12-25"),
        ("12/25/2026", "2026-12-25"),
        ("5/5/2026 0:00", "2026-05-05"),
        ("12/01/2026", "12/01/2026"),
        ("1/12/26", "1/12/26"),
        ("2026-12-01 09:30:00", "2026-12-01 09:30:00"),
    ],
)
def test_dates_as_spreadsheets_write_them(cell, day):
    assert to_fields({"due_date": cell}) == {"due_date": day}


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("9:30", "09:30"),
        ("09:30:00", "09:30"),
        ("9:30 AM", "09:30"),
        ("9:30:00 pm", "21:30"),
        ("12:05 a.m.", "00:05"),
        ("09:30:00,000", "09:30"),
        ("13:00 PM", "13:00 PM"),
        ("9.30", "9.30"),
        ("09:30:15", "09:30:15"),
    ],
)
def test_times_as_spreadsheets_write_them(cell, time):
    assert to_fields({"due_time": cell}) == {"due_time": time}
