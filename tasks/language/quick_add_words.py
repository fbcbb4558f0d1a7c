"""The words of the quick-add line in the languages of the site. Where they stand, ``tasks.language.quick_add`` says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DIGITS = {"1": "urgent", "2": "high", "3": "medium", "4": "low"}
_ENGLISH_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """One language. What is a string is an alternative of regular expressions; ``eq=False``: compared by identity."""

    priorities: Mapping[str, str]
    weekdays: tuple[str, ...]
    short_weekdays: tuple[str, ...]
    safe_short: str
    months: tuple[str, ...]
    relative: str
    next_or_this: str
    after: str
    numbers: str
    unit_words: Mapping[str, str]
    units_of_dates: str
    lead: str
    at: str
    clock_word: str
    noon: str
    adverbs: Mapping[str, str]
    every: str
    other: str
    workday: str
    also: str
    number_words: Mapping[str, int]
    translations: tuple[tuple[str, str], ...] = ()

    @property
    def units(self) -> str:
        """The alternatives of the units of a repeat."""
        return "|".join(self.unit_words)

    def weekday(self, word: str) -> str | None:
        """Return the RFC 5545 name of the weekday ``word``, or None."""
        for names in (self.weekdays, self.short_weekdays):
            if word in names:
                return DAYS[names.index(word) % 7]
        return None

    def unit(self, word: str) -> str:
        """Return the RFC 5545 frequency of a unit: "weeks" is WEEKLY."""
        return self.unit_words[word]

    def number(self, word: str) -> int:
        """Return what a number in digits or words stands for."""
        return int(word) if word.isdecimal() else self.number_words.get(word, 1)

    def plain(self, phrase: str) -> str:
        """Return a date phrase in the words that dateparser knows."""
        phrase = " ".join(phrase.lower().split())
        for pattern, plain in (*self.translations, *_TRANSLATIONS):
            phrase = re.sub(pattern, plain, phrase)
        return phrase

    def clock(self, text: str) -> str:
        """Return a time of day as HH:MM."""
        if re.fullmatch(self.noon, text, re.IGNORECASE):
            return "12:00"
        hour, minute = (int(part or 0) for part in re.findall(r"(\d+)(?::(\d+))?", text)[0])
        half = text.lower()[-2:]
        if half in {"am", "pm"}:
            hour = hour % 12 + 12 * (half == "pm")
        return f"{hour:02}:{minute:02}"


_TRANSLATIONS = (
    (r"^this (?=\w+day$)", ""),
    (r"^\+(\d+)[dt]$", r"in \1 days"),
    (r"^\+(\d+)w$", r"in \1 weeks"),
    (r"^\+(\d+)m$", r"in \1 months"),
    (r"^tonight$", "today"),
    (r"^(?:tmr|tmrw)$", "tomorrow"),
)
ENGLISH = Vocabulary(
    priorities={**_DIGITS, **{name: name for name in _DIGITS.values()}},
    weekdays=_ENGLISH_DAYS,
    short_weekdays=tuple(day[:3] for day in _ENGLISH_DAYS),
    safe_short="mon|tue|thu|fri",
    months=(
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept", "sep", "oct", "nov", "dec",
    ),
    relative=r"today|tonight|tomorrow|tmrw?|day\s+after\s+tomorrow|next\s+(?:week|month|year)",
    next_or_this="next|this",
    after="in",
    numbers=r"\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten",
    unit_words={
        "days": "DAILY", "day": "DAILY", "weeks": "WEEKLY", "week": "WEEKLY", "months": "MONTHLY", "month": "MONTHLY",
        "years": "YEARLY", "year": "YEARLY",
    },
    units_of_dates="days?|weeks?|months?|years?",
    lead="on|by|due",
    at="at|@",
    clock_word="",
    noon="noon",
    adverbs={"daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "yearly": "YEARLY", "annually": "YEARLY"},
    every="every|each",
    other="other|two|three|four|five|six",
    workday="weekdays?|workdays?",
    also="and",
    number_words={"other": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6},
)  # fmt: skip
GERMAN = Vocabulary(
    priorities={"dringend": "urgent", "hoch": "high", "mittel": "medium", "niedrig": "low"},
    weekdays=("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"),
    short_weekdays=("mo", "di", "mi", "do", "fr", "sa", "so"),
    safe_short="fr",
    months=(
        "januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november",
        "dezember",
    ),
    relative=r"heute|morgen|übermorgen|nächste\s+woche|nächsten\s+monat|nächstes\s+jahr",
    next_or_this="nächsten|diesen",
    after="in",
    numbers=r"\d{1,3}|einem|einer|zwei|drei|vier|fünf|sechs",
    unit_words={
        "tage": "DAILY", "tag": "DAILY", "wochen": "WEEKLY", "woche": "WEEKLY", "monate": "MONTHLY",
        "monat": "MONTHLY", "jahre": "YEARLY", "jahr": "YEARLY",
    },
    units_of_dates="tag(?:en)?|wochen?|monat(?:en)?|jahr(?:en)?",
    lead="am|bis|fällig",
    at="um",
    clock_word=r"(?:\s+uhr)?",
    noon="mittags?",
    adverbs={"täglich": "DAILY", "wöchentlich": "WEEKLY", "monatlich": "MONTHLY", "jährlich": "YEARLY"},
    every="jede[nrs]?|alle",
    other="zweiten?|zwei|drei|vier|fünf|sechs",
    workday="werktage?",
    also="und",
    number_words={"zweite": 2, "zweiten": 2, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6},
    translations=(
        (r"^(?:nächsten|diesen) (?=\w+(?:tag|woch|mo|di|mi|do|fr|sa|so)$)", ""),
        (r"^nächste woche$", "next week"),
        (r"^nächsten monat$", "next month"),
        (r"^nächstes jahr$", "next year"),
    ),
)  # fmt: skip


def of(language: str) -> tuple[Vocabulary, ...]:
    """Return the vocabularies to read a line of ``language`` with, the first one first."""
    return (GERMAN, ENGLISH) if language.startswith("de") else (ENGLISH,)
