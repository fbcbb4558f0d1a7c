"""A task in one line: ``Pay rent tomorrow 9am !high #home @Flat every month``.

The grammar, word by word from left to right; what is not understood is the title::

    line      = { part | word }
    part      = priority | tag | category | repeat | when
    priority  = "!" ("low" | "medium" | "high" | "urgent" | "4" | "3" | "2" | "1")
    tag       = "#" name
    category  = "@" ( name | '"' text '"' )
    name      = letter { letter | digit | "-" | "_" }
    repeat    = "daily" | "weekly" | "monthly" | "yearly"     (at the end, or before another part)
              | "every" [number | "other"] unit    unit = day(s), week(s), month(s), year(s)
              | "every" weekday { ("," | "and") weekday } | "every weekday" | "every" ordinal
    when      = [lead] date [["at"] time] | [lead] time
    lead      = "on" | "by" | "due" | "at"     ("at" only before a time)
    date      = "today" | "tonight" | "tomorrow" | "day after tomorrow" | ["next" | "this"] weekday
              | "next" ("week" | "month" | "year") | "in" number unit | "+" digits ("d" | "w" | "m")
              | day month [year] | month day [year] | day "." month "." [year] | year "-" month "-" day
    time      = hour (am | pm) | hour ":" minutes [am | pm] | "noon" | "at" hour

A part counts once: the first priority, category, repeat and date are taken, later ones stay in the title; tags add up.
Text in double quotes is never looked into. "sat", "sun" and "wed" are weekdays only after a lead or "every". Dates
written with slashes are left alone: nobody knows which number is the month. In German the same, with German words.
What a date phrase means is decided by dateparser; which phrases are dates, here: a title must not be eaten by accident.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from tasks import recurrence
from tasks.language import quick_add_words

MAX_LINE = 400


@dataclass(frozen=True, slots=True)
class Part:
    """An understood part of the line: where it stands, what it is, and the field values it stands for."""

    start: int
    end: int
    kind: str
    text: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a line means: ``fields`` for ``create_task``, the title among them, and the parts that were understood."""

    fields: dict[str, Any]
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Now:
    """When and in which language the line is read; ``moment`` is the person's local time, without a zone."""

    moment: datetime
    vocabulary: quick_add_words.Vocabulary


_Groups = dict[str, str]
_Reader = Callable[[_Groups, _Now], dict[str, Any] | None]


def parse(line: str, now: datetime, language: str = "en", keep: Collection[str] = ()) -> Parsed:
    """Return what ``line`` means at the local time ``now``.

    Parameters
    ----------
    now
        The person's local time; its zone is ignored.
    language
        "en" or "de": which words are known besides the symbols. English always is.
    keep
        Phrases of the line to leave in the title although they would be understood, whatever their case.
    """
    text = line[:MAX_LINE]
    kept = {phrase.casefold().strip() for phrase in keep}
    parts = _parts(text, now.replace(tzinfo=None), language, kept)
    title = " ".join(_without(line, parts).replace('"', " ").split() if parts else line.split())
    if not title.strip():
        return Parsed({"title": " ".join(line.split())})
    return Parsed({"title": title, **_together(parts, now.replace(tzinfo=None))}, parts)


def _together(parts: list[Part], moment: datetime) -> dict[str, Any]:
    """Return what the parts mean at once: tags add up, a date beats a repeat's, a time alone is the next such time."""
    fields: dict[str, Any] = {}
    for part in parts:
        if part.kind == "tag":
            fields["tags"] = [*fields.get("tags", []), *part.fields["tags"]]
        elif part.kind == "repeat":
            fields = part.fields | fields
        else:
            fields |= part.fields
    if "due_time" in fields and not any("due_date" in part.fields for part in parts if part.kind == "date"):
        fields["due_date"] = _next_time(fields, moment).isoformat()
    return fields


def _next_time(fields: dict[str, Any], moment: datetime) -> date:
    today = moment.date()
    first = today + timedelta(days=fields["due_time"] <= moment.strftime("%H:%M"))
    if "recurrence" not in fields:
        return first
    return recurrence.first_day(fields["recurrence"], first) or first


def _without(line: str, parts: list[Part]) -> str:
    for part in reversed(parts):
        line = line[: part.start] + " " + line[part.end :]
    return line


def _parts(line: str, moment: datetime, language: str, kept: Collection[str]) -> list[Part]:
    found: list[Part] = []
    taken = [match.span() for match in re.finditer(r'(?<!@)"[^"]*"', line)]
    for vocabulary in quick_add_words.of(language):
        now = _Now(moment, vocabulary)
        for kind, pattern, reader in _rules(vocabulary):
            for part in _read(line, kind, pattern, reader, now):
                free = all(part.end <= start or part.start >= end for start, end in taken)
                once = kind == "tag" or all(other.kind != kind for other in found)
                if free and once and part.text.casefold() not in kept:
                    found.append(part)
                    taken.append((part.start, part.end))
    return sorted(found, key=lambda part: part.start)


def _read(line: str, kind: str, pattern: re.Pattern[str], reader: _Reader, now: _Now) -> Iterator[Part]:
    for match in pattern.finditer(line):
        given = {name.removesuffix("_2"): text for name, text in match.groupdict().items() if text}
        if (fields := reader(given, now)) is not None:
            yield Part(match.start(), match.end(), kind, match.group(), fields)


# --- One reader per kind of part -----------------------------------------------------------------------------


def _priority(given: _Groups, now: _Now) -> dict[str, Any] | None:
    priority = now.vocabulary.priorities.get(given["word"].lower())
    return {"priority": priority} if priority else None


def _tag(given: _Groups, now: _Now) -> dict[str, Any]:
    return {"tags": [given["name"]]}


def _category(given: _Groups, now: _Now) -> dict[str, Any] | None:
    name = given.get("name", given.get("quoted", "")).strip()
    return {"category": name} if name else None


def _repeat(given: _Groups, now: _Now) -> dict[str, Any] | None:
    rule = _rule({name: text.lower() for name, text in given.items()}, now.vocabulary)
    if rule is None:
        return None
    today = now.moment.date()
    return {"recurrence": rule, "due_date": (recurrence.first_day(rule, today) or today).isoformat()}


def _rule(given: _Groups, vocabulary: quick_add_words.Vocabulary) -> str | None:
    if "adverb" in given:
        return f"FREQ={vocabulary.adverbs[given['adverb']]}"
    if "workday" in given:
        return "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    if "days" in given:
        days = filter(None, map(vocabulary.weekday, re.findall(r"[^\W\d_]+", given["days"])))
        return f"FREQ=WEEKLY;BYDAY={','.join(dict.fromkeys(days))}"
    if "ordinal" in given:
        day = int(given["ordinal"])
        return f"FREQ=MONTHLY;BYMONTHDAY={day}" if 1 <= day <= 31 else None
    number = vocabulary.number(given.get("number", "1"))
    interval = f";INTERVAL={number}" if number > 1 else ""
    return (
        f"FREQ={vocabulary.unit(given['unit'])}{interval}" if 1 <= number <= recurrence.MAX_NUMBER else None
    )


def _when(given: _Groups, now: _Now) -> dict[str, Any] | None:
    day = _day(now.vocabulary.plain(given["date"]), now) if "date" in given else None
    if day is None and "date" in given:
        return None
    if "time" not in given:
        return {"due_date": day.isoformat()} if day else None
    clock = {"due_time": now.vocabulary.clock(given["time"])}
    return clock | {"due_date": day.isoformat()} if day else clock


def _day(phrase: str, now: _Now) -> date | None:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", phrase):
            return date.fromisoformat(phrase)
        found = (
            _dates(now.moment.replace(hour=12, minute=0, second=0, microsecond=0))
            .get_date_data(phrase)
            .date_obj
        )
    except (ValueError, OverflowError):
        return None
    return found.date() if found and found.year < 3000 else None


@lru_cache(maxsize=4)
def _dates(moment: datetime) -> Any:
    from dateparser.date import DateDataParser  # takes a seventh of a second: only who writes a date pays

    settings = {"RELATIVE_BASE": moment, "PREFER_DATES_FROM": "future", "DATE_ORDER": "DMY"}
    return DateDataParser(languages=["en", "de"], settings=settings)


# --- The patterns --------------------------------------------------------------------------------------------


@cache
def _rules(vocabulary: quick_add_words.Vocabulary) -> list[tuple[str, re.Pattern[str], _Reader]]:
    v = vocabulary
    start, end = r"(?<![\w#@!+:./-])", r"(?![\w:/]|[.-]\w)"
    full, short = "|".join(v.weekdays), "|".join(v.short_weekdays)
    weekday = f"(?:{full}|{short})"
    month = "|".join(v.months)
    ordinal = r"\d{1,2}(?:st|nd|rd|th|\.)?"
    year = r"(?:,?\s+\d{4})?"
    dates = "|".join(
        [
            r"\d{4}-\d\d-\d\d",
            v.relative,
            rf"(?:{v.next_or_this})\s+{weekday}",
            rf"{ordinal}\s*(?:of\s+)?(?:{month})\.?{year}",
            rf"(?:{month})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?{year}(?!:|\s*[ap]m)",
            r"\d{1,2}\.\d{1,2}\.(?:\d{4})?",
            rf"(?:{v.after})\s+(?:{v.numbers})\s+(?:{v.units_of_dates})",
            r"\+\d{1,3}[dwmt]",
            rf"(?:{full}|{v.safe_short})",
        ]
    )
    times = rf"(?:1[0-2]|0?[1-9])(?::[0-5]\d)?\s?[ap]m|(?:[01]?\d|2[0-3]):[0-5]\d{v.clock_word}|{v.noon}"
    bare_hour = rf"(?:[01]?\d|2[0-3]){v.clock_word}"
    when = (
        rf"{start}(?:(?:{v.lead})\s+)?"
        rf"(?P<date>{dates}|(?<=\bon\s){weekday}|(?<=\bby\s){weekday})(?:,?\s+(?:(?:{v.at})\s+)?(?P<time>{times})|"
        rf"\s+(?:{v.at})\s+(?P<time_2>{bare_hour}))?{end}"
    )
    only_time = (
        rf"{start}(?:(?:{v.at})\s+)?(?P<time>{times}){end}|{start}(?:{v.at})\s+(?P<time_2>{bare_hour}){end}"
    )
    repeat = (
        rf"{start}(?:(?P<adverb>{'|'.join(v.adverbs)})(?=\s*(?:$|[!#@]|(?:{v.at}|{v.lead})\s))|(?:{v.every})\s+(?:"
        rf"(?P<workday>{v.workday})|(?P<days>{weekday}(?:\s*(?:,|&|{v.also})\s*{weekday})*)|"
        rf"(?P<ordinal>\d{{1,2}})(?:st|nd|rd|th|\.)|"
        rf"(?:(?P<number>\d{{1,3}}|{v.other})\s+)?(?P<unit>{v.units})))(?=[\s,.;]|$)"
    )
    compiled = [
        ("priority", rf"(?<!\S)!(?P<word>[^\W_]+){end}", _priority),
        ("tag", r"(?<!\S)#(?P<name>[^\W\d_][\w-]{0,49})(?=[\s,.;]|$)", _tag),
        (
            "category",
            r'(?<!\S)@(?:(?P<name>[^\W\d_][\w-]{0,49})(?=[\s,.;]|$)|"(?P<quoted>[^"]{1,50})")',
            _category,
        ),
        ("repeat", repeat, _repeat),
        ("date", when, _when),
        ("date", only_time, _when),
    ]
    return [(kind, re.compile(pattern, re.IGNORECASE), reader) for kind, pattern, reader in compiled]
