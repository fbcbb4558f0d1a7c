"""libical, which many calendar programs read feeds with, through ctypes on the library that Debian packages.

A binding of what the tests need: the events of a feed with their occurrences, and the days of a rule. The structures
are those of the version with the ABI of the name below, in ``icaltime.h`` and ``icalrecur.h``.
"""

import ctypes
import sys
from collections.abc import Iterator
from ctypes import Structure, c_char_p, c_int, c_longlong, c_short, c_void_p
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice

from localcloud.bootstrap import LIBICAL

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Time(Structure):
    _fields_ = (
        *((name, c_int) for name in ("year", "month", "day", "hour", "minute", "second")),
        *(("is_date", c_int), ("is_daylight", c_int), ("zone", c_void_p)),
    )


class _Rule(Structure):
    _fields_ = (
        ("freq", c_int),
        ("until", _Time),
        ("count", c_int),
        ("interval", c_short),
        ("week_start", c_int),
        ("by_second", c_short * 62),
        ("by_minute", c_short * 61),
        ("by_hour", c_short * 25),
        ("by_day", c_short * 386),
        ("by_month_day", c_short * 32),
        ("by_year_day", c_short * 386),
        ("by_week_no", c_short * 56),
        ("by_month", c_short * 14),
        ("by_set_pos", c_short * 386),
        ("rscale", c_char_p),
        ("skip", c_int),
    )


_SIGNATURES = {
    "icalerror_set_errors_are_fatal": (None, c_int),
    "icalparser_parse_string": (c_void_p, c_char_p),
    "icalcomponent_free": (None, c_void_p),
    "icalcomponent_count_errors": (c_int, c_void_p),
    "icalcomponent_string_to_kind": (c_int, c_char_p),
    "icalcomponent_get_first_component": (c_void_p, c_void_p, c_int),
    "icalcomponent_get_next_component": (c_void_p, c_void_p, c_int),
    "icalcomponent_get_first_property": (c_void_p, c_void_p, c_int),
    "icalcomponent_get_summary": (c_char_p, c_void_p),
    "icalcomponent_get_dtstart": (_Time, c_void_p),
    "icalproperty_string_to_kind": (c_int, c_char_p),
    "icalproperty_get_rrule": (_Rule, c_void_p),
    "icaltime_from_string": (_Time, c_char_p),
    "icaltime_as_timet_with_zone": (c_longlong, _Time, c_void_p),
    "icalrecurrencetype_from_string": (_Rule, c_char_p),
    "icalrecur_iterator_new": (c_void_p, _Rule, _Time),
    "icalrecur_iterator_next": (_Time, c_void_p),
    "icalrecur_iterator_free": (None, c_void_p),
}
_NO_RECURRENCE = 7


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBICAL[sys.platform])
    for name, (result, *arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.icalerror_set_errors_are_fatal(0)
    return library


def occurrences(feed: bytes, most: int) -> Iterator[tuple[str, list[date]]]:
    """Yield each event of a feed: its summary, and the start of its first ``most`` occurrences.

    A start is a day, an instant in UTC by the VTIMEZONE of the feed itself, or a naive time. Raises ValueError if the
    library does not understand a part of the feed.
    """
    library = _library()
    calendar = library.icalparser_parse_string(feed)
    try:
        if not calendar or library.icalcomponent_count_errors(calendar):
            raise ValueError("libical does not understand the feed")
        kind = library.icalcomponent_string_to_kind(b"VEVENT")
        event = library.icalcomponent_get_first_component(calendar, kind)
        while event:
            yield library.icalcomponent_get_summary(event).decode(), list(islice(_starts(event), most))
            event = library.icalcomponent_get_next_component(calendar, kind)
    finally:
        library.icalcomponent_free(calendar)


def _starts(event: int) -> Iterator[date]:
    library = _library()
    start = library.icalcomponent_get_dtstart(event)
    found = library.icalcomponent_get_first_property(event, library.icalproperty_string_to_kind(b"RRULE"))
    if not found:
        yield _moment(start)
        return
    yield from map(_moment, _expanded(library.icalproperty_get_rrule(found), start))


def days(rule: str, start: date) -> Iterator[date]:
    """Yield the days of ``rule`` from ``start`` on. Raises ValueError if the library does not understand the rule."""
    library = _library()
    read = library.icalrecurrencetype_from_string(rule.encode())
    if read.freq == _NO_RECURRENCE:
        raise ValueError(f"libical does not understand {rule}")
    yield from map(_moment, _expanded(read, library.icaltime_from_string(f"{start:%Y%m%d}".encode())))


def _expanded(rule: _Rule, start: _Time) -> Iterator[_Time]:
    library = _library()
    iterator = library.icalrecur_iterator_new(rule, start)
    if not iterator:
        raise ValueError("libical does not understand a rule")
    try:
        while (moment := library.icalrecur_iterator_next(iterator)).year:
            yield moment
    finally:
        library.icalrecur_iterator_free(iterator)


def _moment(read: _Time) -> date:
    if read.is_date:
        return date(read.year, read.month, read.day)
    if read.zone:
        return _EPOCH + timedelta(seconds=_library().icaltime_as_timet_with_zone(read, read.zone))
    return datetime(read.year, read.month, read.day, read.hour, read.minute, read.second)  # noqa: DTZ001
