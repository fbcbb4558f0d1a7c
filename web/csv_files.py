"""CSV for spreadsheets: the one writer of the product, and the reader of what spreadsheets make of it.

A file begins with a byte order mark, without which Excel takes UTF-8 for the machine's old code page. No spreadsheet
runs a cell of it, whatever separator it splits the file at: a German Excel opens a file with commas at its semicolons,
and then takes the rest of a cell for a cell of its own. So wherever a cell, or what follows a separator or a line
break in it, could start a formula, the writer puts an apostrophe (OWASP: CSV injection). ``unguard`` removes exactly
these.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

BOM = "\ufeff"
DELIMITERS = ",;\t"
CELL_MAX = 2**20  # characters of a cell that is read; the csv module's own limit is 131,072
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))

# What begins a formula; East Asian input methods type the full-width signs.
_SIGNS = r"=+\-@|%＝＋－＠"  # noqa: RUF001
# What programs skip before it.
_SKIPPED = r"\s\"'\x00-\x1f\ufeff\u200b-\u200f\u2060"
_SEPARATOR = r"[,;\t\n]|\r(?!\n)"
_SIGN = re.compile(f"[{_SIGNS}]")
_RISKY = re.compile(rf"'*\s|[{_SKIPPED}]*+[{_SIGNS}]")
# A separator and what is skipped after it, up to a sign if there is one. Each run is looked at once.
_RUN = re.compile(rf"[,;][{_SKIPPED}]*+[{_SIGNS}]?|[{_SKIPPED}]++[{_SIGNS}]?")
_UNMARKED = re.compile(f"({_SEPARATOR})")
_MARKED = re.compile(f"({_SEPARATOR})'")
# What a spreadsheet would turn into a number, a time, a date or a truth value, and so lose: 007, 1-2, 3/4, 1e5, May 26.
_MONTHS = "jan|feb|mar|mär|maer|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
_CONVERTED = re.compile(
    rf"(?=[^0-9]*+[0-9])[\s'0-9.,:;/()€$£%e+\-]*+(?:(?:{_MONTHS})[a-zä]*+[\s'0-9.,/\-]*+|\s*[ap]m?\s*)?"
    r"|[\s']*+(?:true|false|wahr|falsch)[\s']*+",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\",;\t\r\n]|^\s|\s$|^$")


def head(names: Iterable[str]) -> str:
    """Return the beginning of a file: the byte order mark and the line of column names."""
    return BOM + line(names)


def line(cells: Iterable[Any]) -> str:
    """Return one line of a file.

    Figures and dates are written as they are, None as nothing, objects and lists as JSON, and text guarded.
    """
    return joined(guard(cell) if isinstance(cell, str) else _text(cell) for cell in cells) + "\r\n"


def joined(cells: Iterable[str]) -> str:
    """Return cells as a line that ends without a line break, as they are: not guarded."""
    texts = list(cells)
    return ",".join(_quoted(text) if text or len(texts) == 1 else "" for text in texts)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date):  # and datetime
        return value.isoformat()
    if isinstance(value, list | dict):
        return guard(json.dumps(value, ensure_ascii=False, default=str))
    return str(value) if isinstance(value, int | float) else guard(str(value))


def guard(text: str, *, as_text: bool = False) -> str:
    """Return ``text`` as a cell that no spreadsheet runs; with ``as_text``, none takes it for a number or a date."""
    inside = _RUN.sub(_mark, text) if _SIGN.search(text) else text
    # A text that has an apostrophe of its own keeps it, where ``unguard`` would take it for ours.
    return "'" + inside if _is_guarded(text, as_text=as_text or text.startswith("'")) else inside


def unguard(cell: str) -> str:
    """Return the text that ``guard`` made ``cell`` of, as text or not."""
    if cell.startswith("'") and _is_guarded(cell[1:], as_text=True):
        cell = cell[1:]
    return _RUN.sub(_unmark, cell) if _SIGN.search(cell) else cell


def _is_guarded(text: str, *, as_text: bool) -> bool:
    # Both patterns match with one more apostrophe as well, in front or after a separator: that makes it reversible.
    return bool(_RISKY.match(text) or (as_text and _CONVERTED.fullmatch(text)))


def _mark(run: re.Match[str]) -> str:
    return _UNMARKED.sub(r"\1'", run[0]) if _SIGN.match(run[0][-1]) else run[0]


def _unmark(run: re.Match[str]) -> str:
    return _MARKED.sub(r"\1", run[0]) if _SIGN.match(run[0][-1]) else run[0]


def encoding_of(content: bytes) -> tuple[str, int]:
    """Return the encoding of a file by its byte order mark, and the length of the mark. Without one it is UTF-8."""
    return next(((name, len(mark)) for mark, name in _MARKS if content.startswith(mark)), ("utf-8", 0))


def dialect_of(text: str) -> tuple[str, int]:
    """Return the separator of a file by its first lines, and how many characters come before the column names.

    A line ``sep=;`` names it, as Excel writes and reads it. Otherwise it is the one that parts the most names.
    """
    if named := re.match(r"\s*\"?sep=(.)\"?[,;\t]*(?:\r\n?|\n)", text, re.IGNORECASE):
        return named[1], named.end()
    start = len(text) - len(text.lstrip("\r\n"))
    first = text[start : start + 100_000]
    return max(DELIMITERS, key=lambda delimiter: _parts(first, delimiter)), start


def _parts(text: str, delimiter: str) -> int:
    return len(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), ()))


def records(text: str, delimiter: str, start: int = 0) -> Iterator[tuple[list[str], int]]:
    """Yield the records of a file from the character ``start`` on, each with the character after it.

    Raises csv.Error for what is not CSV, and for a text that ends inside quotes.
    """
    csv.field_size_limit(CELL_MAX)
    position = start

    def lines() -> Iterator[str]:
        nonlocal position
        for part in io.StringIO(text[start:], newline=""):
            position += len(part)
            yield part

    for cells in csv.reader(lines(), delimiter=delimiter, strict=True):
        yield cells, position
