"""The classes of words that are figures, in any language: ordinals, dates, times, spans (24th, 10.12., 9am, +3d)."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from typing import Any

Figure = Callable[[str], Any]

_YMD = re.compile(r"(?P<y>\d{4})([-/.])(?P<m>\d\d?)\2(?P<d>\d\d?)")
_SLASHES = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})")
_DMY = re.compile(r"(?P<d>\d\d?)([.-])(?P<m>\d\d?)\2(?P<y>\d{4}|\d\d)\.?")
_DM = re.compile(r"(\d\d?)\.(\d\d?)\.")
_DM_OPEN = re.compile(r"(\d\d?)\.(\d\d?)")
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)t([01]\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?")
_AHEAD = re.compile(r"\+(\d{1,4})([^\W\d_])\.?")
_BEHIND = re.compile(r"(-\d{1,4})([^\W\d_])\.?")
_TWELVE = re.compile(r"(1[0-2]|0?[1-9])(?:[:.]([0-5]\d))?([ap])\.?m\.?")
_TWENTY_FOUR = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\.?|([01]?\d|2[0-3])h([0-5]\d)?\.?")
_HMM = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\.?")
_H_MM = re.compile(r"([1-9]):([0-5]\d)\.?")
_DOTTED = re.compile(r"([01]?\d|2[0-3])\.([0-5]\d)\.?")
_LEAP_YEAR = 2028

Day = tuple[int | None, int, int]


def classes(ordinal: str, units: Mapping[str, str]) -> dict[str, Figure]:
    """Return the classes by name: each takes a word in small letters and gives its value, or None.

    Parameters
    ----------
    ordinal
        How a language writes the number of a day: a regular expression with the number as its only group.
    units
        The letters of spans such as ``+3d``, each with the unit that it stands for.
    """
    letters = "".join(units)
    nth = re.compile(ordinal)
    span = re.compile(rf"(\d{{1,3}})([{letters}])\.?")
    return {
        "figure": _number(re.compile(r"(\d{1,3})"), 0, 999),
        "hour_figure": _number(re.compile(r"(\d{1,2})\.?"), 0, 24),
        "minute": _number(re.compile(r"(\d\d)"), 0, 59),
        "ordinal": _number(nth, 1, 31),
        "ordinals": _several(nth, 31),
        "day": _number(re.compile(rf"{ordinal}|(\d{{1,2}})\.?"), 1, 31),
        "year": _number(re.compile(r"((?:19|20|21)\d\d)\.?"), 1900, 2199),
        "ymd": _ymd,
        "dmy": _dmy,
        "dm": lambda word: _day_month(_DM.fullmatch(word)),
        "dm_open": lambda word: _day_month(_DM_OPEN.fullmatch(word)),
        "ahead": lambda word: _span(_AHEAD.fullmatch(word), units),
        "behind": lambda word: _span(_BEHIND.fullmatch(word), units),
        "span": lambda word: _span(span.fullmatch(word), units),
        "stamp": _stamp,
        "clock": _clock,
        "h_mm": lambda word: _time(_H_MM.fullmatch(word)),
        "hmm": lambda word: _time(_HMM.fullmatch(word)),
        "dotted": lambda word: _time(_DOTTED.fullmatch(word)),
    }


def _number(shape: re.Pattern[str], least: int, most: int) -> Figure:
    def number(word: str) -> int | None:
        match = shape.fullmatch(word)
        found = next(filter(None, match.groups()), None) if match else None
        return int(found) if found and least <= int(found) <= most else None

    return number


def _several(shape: re.Pattern[str], most: int) -> Figure:
    """Return the class of several ordinals without a space between: 1st,15th."""

    def several(word: str) -> tuple[int, ...] | None:
        found = [shape.fullmatch(part) for part in re.split("[,/&+]", word)]
        numbers = [int(match[1]) for match in found if match]
        return tuple(numbers) if 1 < len(numbers) == len(found) and max(numbers) <= most else None

    return several


def _day_month(match: re.Match[str] | None) -> Day | None:
    return _date(None, match[2], match[1]) if match else None


def _date(year: str | int | None, month: str | int, day: str | int) -> Day | None:
    """Return the day, if there is such a day; without a year, in a leap year."""
    number = None if year is None else int(year) + (2000 if int(year) < 100 else 0)
    month, day = int(month), int(day)
    return (number, month, day) if 1 <= month <= 12 and 1 <= day <= _length(number, month) else None


def _length(year: int | None, month: int) -> int:
    return monthrange(year or _LEAP_YEAR, month)[1] if year is None or 1900 <= year < 2200 else 0


def _ymd(word: str) -> Day | None:
    """Read year, month and day; day and month behind each other with slashes only where one of them is above 12."""
    if match := _YMD.fullmatch(word):
        return _date(match["y"], match["m"], match["d"])
    if match := _SLASHES.fullmatch(word):
        one, two = int(match[1]), int(match[2])
        if one > 12 or one == two:
            return _date(match[3], two, one)
        return _date(match[3], one, two) if two > 12 else None
    return None


def _dmy(word: str) -> Day | None:
    match = _DMY.fullmatch(word)
    if not match or (match[2] == "-" and len(match["y"]) == 2):
        return None
    return _date(match["y"], match["m"], match["d"])


def _span(match: re.Match[str] | None, units: Mapping[str, str]) -> tuple[int, str] | None:
    return (int(match[1]), units[match[2]]) if match and match[2] in units else None


def _stamp(word: str) -> tuple[Day, str] | None:
    match = _STAMP.fullmatch(word)
    day = _date(*match.group(1, 2, 3)) if match else None
    return (day, f"{match[4]}:{match[5]}") if match and day else None


def _clock(word: str) -> str | None:
    """Read a time of day that nobody would take for anything else: 5pm, 17:00, 17h, but not 3:16."""
    if match := _TWELVE.fullmatch(word):
        return f"{int(match[1]) % 12 + 12 * (match[3] == 'p'):02}:{match[2] or '00'}"
    if match := _TWENTY_FOUR.fullmatch(word):
        return f"{int(match[1] or match[3]):02}:{match[2] or match[4] or '00'}"
    return None


def _time(match: re.Match[str] | None) -> str | None:
    return f"{int(match[1]):02}:{match[2]}" if match else None
