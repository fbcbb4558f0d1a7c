"""A task in one line: ``Pay rent tomorrow 9am !high #home @Flat every month``.

The line is cut into words. The grammar of the language finds the longest phrase at each; what a phrase says is taken
whole, where the grammar lets it stand, or the phrase stays in the title. So do text in double quotes, ``+Name`` and
``/Project``. The first priority, category, repeat, day and time count, later ones stay in the title; tags add up.

    priority  = "!" ("low" | "medium" | "high" | "urgent" | "4" | "3" | "2" | "1")
    tag       = "#" name
    category  = "@" ( name | '"' text '"' )
    name      = letter { letter | accent | joiner | digit | "-" | "_" }

Dates, times and repeats, and the words of priorities, are in ``lexicons``, a file for each language. English is read
besides the language of the line.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from store.steps import OutOfStepsError, Steps
from store.text import canonical, folded
from tasks import recurrence
from tasks.language import lexicon, meaning
from tasks.language.engine import MAX_STEPS, NOTHING, Captures, Reading, Token

MAX_LINE = 400
# In which symbols of the grammar a phrase can be; of two that are as long, the first counts.
_PLACES = ("anywhere", "edge", "end", "timed", "keep")
_WORD = re.compile(
    r"""(?P<quoted>(?<!\S)"[^"]*"(?=[,;:!?.)]*(?:\s|$)))
    | (?<!\S)!(?P<priority>[^\W_]+)(?=[,;.]*(?:\s|$))
    | (?<!\S)\#(?P<tag>[^\W\d_](?:[\w-]|[^\x00-\x7f\s]){0,49})(?=[\s,.;]|$)
    | (?<!\S)@(?:(?P<category>[^\W\d_](?:[\w-]|[^\x00-\x7f\s]){0,49})(?=[\s,.;]|$)|"(?P<named>[^"]{1,50})"(?=[\s,.;]|$))
    | (?P<text>\S+?)(?=[,;:!?)]*(?:\s|$)) | (?P<mark>[,;:!?)])""",
    re.VERBOSE,
)
_AROUND = " ,;:"
_JOINTS = {*",;+/|-", "->", "\N{EN DASH}", "\N{EM DASH}", "\N{RIGHTWARDS ARROW}"}
# A title that no phrase begins with, and what a date, a time and a repeat set.
_TITLE = "task"
_DATED = {"due_date", "due_time", "recurrence", "repeat_from"}
_DASHES = re.compile(r"^[-\u2013]\s+|\s+[-\u2013]$")


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
    steps: int = 0


@dataclass(slots=True)
class _Found:
    """An understood part before it becomes field values: what the grammar captured, or the fields of a mark."""

    start: int
    end: int
    kind: str
    captures: Captures


@dataclass(slots=True)
class _Words:
    """The words of a line as they stand and as the grammar reads them; ``outside`` are not the title's."""

    texts: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    outside: set[int] = field(default_factory=set)
    marks: list[_Found] = field(default_factory=list)

    def add(self, text: str, start: int, end: int) -> None:
        """Add a word; one without text is no word of a phrase."""
        self.texts.append(text)
        self.spans.append((start, end))


def parse(line: str, now: datetime, language: str = "en", keep: Collection[str] = ()) -> Parsed:
    """Return what ``line`` means at the local time ``now``; parts stand where they do in its canonical form.

    Parameters
    ----------
    now
        The person's local time; hours from now are counted in its zone, if it has one.
    language
        A language of ``lexicons``, such as "de" or "de-AT". English is understood as well.
    keep
        Phrases of the line to leave in the title although they would be understood, whatever their case.
    """
    line = _read(line)
    kept = {folded(phrase).strip() for phrase in keep}
    found, steps = _find(line[:MAX_LINE], now, language, kept)
    fields = _together(found, now)
    if fields is None:  # a repeat that ends before it begins
        found = [part for part in found if part.kind != "repeat"]
        fields = _together(found, now) or {}
    title = _title(line, found)
    if not title:
        return Parsed({"title": " ".join(line.split())}, [], steps)
    return Parsed({"title": title, **fields}, [_part(line, part, fields, found) for part in found], steps)


def _read(text: str) -> str:
    """Return the text as it is read: where what is typed is composed of letters and accents, they are one."""
    return canonical(text[: 4 * MAX_LINE])  # a letter has up to three accents


def dated(
    text: str, now: datetime, language: str = "en", steps: Steps | None = None
) -> dict[str, Any] | None:
    """Return the fields of the date, time and repeat that ``text`` says as a whole at the end of a line, or None.

    ``steps`` counts what that takes, beside the limit of each line. Raises OutOfStepsError.
    """
    for line in (f"{_TITLE} {text}", f"{_TITLE} on {text}"):
        parsed = parse(line, now, language)
        if steps:
            steps.spend(parsed.steps)
        found = dict(parsed.fields)
        if found.pop("title") == _TITLE and "due_date" in found and found.keys() <= _DATED:
            return found
    day = day_of(text, now, language)
    return {"due_date": day.isoformat()} if day else None


def day_of(text: str, now: datetime, language: str = "en", steps: Steps | None = None) -> date | None:
    """Return the day that ``text`` as a whole says in any language, such as "friday" or "yesterday", or None."""
    codes = dict.fromkeys([*(words.code for words in lexicon.of(language)), *lexicon.codes()])
    for captures in _wholes(text, now, codes, ("date", "led", "named", "past"), steps or Steps(MAX_STEPS)):
        if captures.keys() == {"day"}:
            day: date = captures["day"]
            return day
    return None


def repeat_of(text: str, start: date, language: str = "en") -> dict[str, Any] | None:
    """Return the rule that ``text`` says as a whole for a task that is due on ``start``, or None.

    The fields are ``recurrence`` and, from completion, ``repeat_from``. A text that says more than a rule, such as a
    time of day or a start, is None.
    """
    now = datetime.combine(start, datetime.min.time())
    codes = [words.code for words in lexicon.of(language)]
    for captures in _wholes(text, now, codes, ("whole_repeat",), Steps(MAX_STEPS)):
        fields = None if {"time", "start", "day"} & captures.keys() else _fields(captures, now)
        if fields:
            return {name: fields[name] for name in ("recurrence", "repeat_from") if name in fields}
    return None


def _wholes(
    text: str, now: datetime, codes: Iterable[str], symbols: Sequence[str], steps: Steps
) -> Iterator[Captures]:
    """Yield what the whole of ``text`` means as one of the symbols, in each language."""
    for words in map(lexicon.load, codes):
        tokens = [words.token(word) for word in _words(_read(text)[:MAX_LINE], words).texts]
        reading = Reading(words.grammar, tokens, meaning.Actions(now, words.afternoon), steps)
        try:
            found = [reading.phrases(symbol, 0).get(len(tokens)) for symbol in symbols]
        except OutOfStepsError:
            return
        yield from filter(None, found)


# --- Which phrases count ------------------------------------------------------------------------------------


def _find(line: str, now: datetime, language: str, kept: Collection[str]) -> tuple[list[_Found], int]:
    lexicons, steps = lexicon.of(language), Steps(MAX_STEPS)
    words = _words(line, *lexicons)
    readings = [
        Reading(each.grammar, _tokens(words, each, lexicons[0]), meaning.Actions(now, each.afternoon), steps)
        for each in lexicons
    ]
    words.marks = [mark for mark in words.marks if folded(line[mark.start : mark.end]) not in kept]
    words.outside = {index for index, span in enumerate(words.spans) if _is_mark(span, words)}
    finder = _Finder(line, words, readings, lexicons, kept)
    with suppress(OutOfStepsError):  # what is understood so far is
        finder.run()
    return sorted(finder.found, key=lambda part: part.start), steps.taken


class _Phrase(NamedTuple):
    """A phrase that the grammar matched: the words that it takes, where it may be in the line, and what it says."""

    place: str
    at: int
    end: int
    captures: Captures

    @property
    def kind(self) -> str:
        return "repeat" if "unit" in self.captures else "date"

    @property
    def says(self) -> set[str]:
        """What there is one of in a line: a day, a time, a repeat."""
        return {"day", "time", "unit"} & self.captures.keys()


class _Finder:
    """Finds the phrases of a line that count, from left to right.

    A line may hold two tasks: what belongs to a second one, as its day or time says, counts no more, and what stands
    where the first one ends counts as at the end of the line.
    """

    def __init__(
        self,
        line: str,
        words: _Words,
        readings: Sequence[Reading],
        lexicons: Sequence[lexicon.Lexicon],
        kept: Collection[str],
    ) -> None:
        self._line, self._words, self._readings, self._kept = line, words, readings, kept
        own = lexicons[0].own if len(lexicons) > 1 else frozenset()
        self._articles = frozenset().union(*(each.articles for each in lexicons)) - own
        self._small = frozenset().union(*(each.small for each in lexicons))
        self.found = list(words.marks)
        self._taken: list[tuple[_Phrase, _Found]] = []
        self._later: dict[int, list[_Phrase]] = {}
        self._is_over = self._passed_a_time = self._in_doubt = False

    def run(self) -> None:
        """Fill ``found``."""
        at = 0
        while at < len(self._words.texts):
            self._is_over = self._is_over or self._begins_another(at)
            longest = self._longest(at)
            taken = self._first_that_counts(longest)
            if taken:
                self._take(taken)
            elif longest.place not in {"", "keep"}:
                self._passed_a_time |= "time" in longest.captures and "day" in self._said()
            self._in_doubt = self._in_doubt or (not taken and self._leaves_a_doubt(at))
            at = max(taken.end if taken else longest.end, at + 1)
        if self._in_doubt and not {"day", "unit"} & self._said():
            self.found = list(self._words.marks)
        elif all(_no_title(index, self._words) for index in range(len(self._words.texts))):
            self._leave_a_name()

    def _longest(self, at: int) -> _Phrase:
        return max((_longest(reading, at) for reading in self._readings), key=lambda phrase: phrase.end)

    def _said(self) -> set[str]:
        return {name for phrase, _ in self._taken for name in phrase.says}

    def _first_that_counts(self, longest: _Phrase) -> _Phrase | None:
        """Return the phrase; if what it says is said already, a shorter one that the first task ends with."""
        if longest.place in {"", "keep"} or self._is_over or self._is_a_title(longest):
            return None
        phrases = [
            _Phrase(place, longest.at, end, captures)
            for reading in self._readings
            for place in _PLACES[:-1]
            for end, captures in reading.phrases(place, longest.at).items()
        ]
        if self._is_new(longest):
            return next((each for each in phrases if each.end == longest.end and self._stands(each)), None)
        counting = [phrase for phrase in phrases if self._is_new(phrase) and self._ends_a_task(phrase)]
        return max(counting, key=lambda phrase: phrase.end, default=None)

    def _take(self, phrase: _Phrase) -> None:
        spans = self._words.spans
        part = _Found(spans[phrase.at][0], spans[phrase.end - 1][1], phrase.kind, phrase.captures)
        if folded(self._line[part.start : part.end]) in self._kept:
            return
        self._is_over = not self._is_at_its_place(phrase) and self._ends_a_task(phrase)
        self.found.append(part)
        self._taken.append((phrase, part))
        self._words.outside.update(range(phrase.at, phrase.end))

    def _is_new(self, phrase: _Phrase) -> bool:
        """Tell whether a phrase says what none before it has said: a day and a time may be apart in the line."""
        said = [each.says for each, _ in self._taken if each.kind == phrase.kind]
        if phrase.kind == "repeat":
            return not said
        return not any(each & phrase.says for each in said) and not (
            self._passed_a_time and "time" in phrase.says
        )

    def _stands(self, phrase: _Phrase) -> bool:
        return self._is_at_its_place(phrase) or self._ends_a_task(phrase)

    def _is_at_its_place(self, phrase: _Phrase) -> bool:
        """Tell whether a phrase is where it may be: at an edge of the title, where marks and others do not count."""
        place, at, end, _captures = phrase
        if place == "anywhere":
            return True
        if place == "timed":
            said = [*(each for each, _ in self._taken), *self._phrases_from(end)]
            other = any({"day", "unit"} & each.says for each in said)
            # With another day, two times are of two tasks.
            return self._is_at_an_edge(at, end) and sum("time" in each.says for each in said) > other
        if place == "edge" and self._is_blank(0, at):
            return True
        if self._is_blank(end, len(self._words.texts)) or end in self._words.outside:
            return True
        follows = (_longest(reading, end) for reading in self._readings)
        return any(next_.place not in {"", "keep"} and next_.kind != phrase.kind for next_ in follows)

    # --- Two tasks in a line ---

    def _begins_another(self, at: int) -> bool:
        """Tell whether another task with a day, a time or a repeat of its own begins at a word."""
        said = self._said()
        if not said:
            return False
        if self._is_then(at):
            later = self._said_from(at + 1)
            return bool(later) and (later != {"time"} or "time" in said)
        if "day" not in said or not self._joins(at):
            return False
        follows = self._longest(at + 1)
        return (
            "day" in follows.says
            and follows.place not in {"", "keep"}
            and not self._is_blank(follows.end, len(self._words.texts))
        )

    def _ends_a_task(self, phrase: _Phrase) -> bool:
        """Tell whether a phrase ends a task and the next one says another day or time."""
        if phrase.place == "timed" or self._is_blank(0, phrase.at):
            return False
        then = self._is_then(phrase.end)
        if not then and (phrase.place == "end" or not (self._joins(phrase.end) or self._is_between(phrase))):
            return False
        return bool(phrase.says & self._said_from(phrase.end))

    def _is_between(self, phrase: _Phrase) -> bool:
        """Tell whether a time stands between the title of one day and another day: "friday demo 3pm monday retro"."""
        return phrase.says == {"time"} and "day" in self._said() & self._longest(phrase.end).says

    def _is_then(self, at: int) -> bool:
        """Tell whether a word says that something follows, perhaps behind "," or "and"."""
        at += self._joins(at)
        return at < len(self._words.texts) and any(reading.phrases("then", at) for reading in self._readings)

    def _joins(self, at: int) -> bool:
        texts = self._words.texts
        return at < len(texts) and (
            texts[at] in _JOINTS or any(reading.phrases("also", at) for reading in self._readings)
        )

    def _said_from(self, at: int) -> set[str]:
        return {name for phrase in self._phrases_from(at) for name in phrase.says}

    def _phrases_from(self, at: int) -> list[_Phrase]:
        """Return the phrases from a word on, those that stand only at the end of a line if they do."""
        first, found = at, self._later.get(at)
        if found is None:
            found = []
            while at < len(self._words.texts):
                phrase = self._longest(at)
                if phrase.place in {"anywhere", "edge"} or (
                    phrase.place == "end" and self._is_blank(phrase.end, len(self._words.texts))
                ):
                    found.append(phrase)
                at = max(phrase.end, at + 1)
            self._later[first] = found
        return found

    # --- Names ---

    def _is_a_title(self, phrase: _Phrase) -> bool:
        """Tell whether a phrase is written as titles are: The Day After Tomorrow."""
        words = [self._line[start:end] for start, end in self._words.spans[phrase.at : phrase.end]]
        content = [word for word in words[1:] if word[0].isalpha() and word.lower() not in self._small]
        return (
            words[0].lower() in self._articles
            and words[0][0].isupper()
            and bool(content)
            and all(word[0].isupper() and word[1:].islower() for word in content)
        )

    def _named(self, at: int, symbol: str = "named") -> int:
        """Return where a named day that begins at a word ends, or the word itself."""
        phrases = (reading.longest(symbol, at) for reading in self._readings)
        return max((phrase[0] for phrase in phrases if phrase), default=at)

    def _leaves_a_doubt(self, at: int) -> bool:
        """Tell whether a named day begins at a word that a time may be of, or only the title: nobody knows."""
        undated = self._named(at, "undated")
        return self._is_at_an_edge(at, max(undated, self._named(at))) or (
            undated > at and "time" in self._longest(undated).says
        )

    def _leave_a_name(self) -> None:
        """Leave a named day in a line that says nothing but when, for it is the title as well."""
        for phrase, part in self._taken:
            for at in range(phrase.at, phrase.end):
                end = self._named(at)
                if end == at:
                    continue
                if end < phrase.end:
                    part.start = self._words.spans[end][0]
                elif at > phrase.at:
                    part.end = self._words.spans[at - 1][1]
                return

    def _is_at_an_edge(self, at: int, end: int) -> bool:
        return at < end and (self._is_blank(0, at) or self._is_blank(end, len(self._words.texts)))

    def _is_blank(self, at: int, end: int) -> bool:
        return all(_no_title(index, self._words) for index in range(at, end))


def _is_mark(span: tuple[int, int], words: _Words) -> bool:
    return any(mark.start <= span[0] and span[1] <= mark.end for mark in words.marks)


def _longest(reading: Reading, at: int) -> _Phrase:
    nothing = _Phrase("", at, at, {})
    if at >= reading.length or not reading.begins(at):
        return nothing
    found = [_Phrase(place, at, *phrase) for place in _PLACES if (phrase := reading.longest(place, at))]
    return max(found, key=lambda phrase: phrase.end, default=nothing)


def _no_title(index: int, words: _Words) -> bool:
    return index in words.outside or words.texts[index] in {",", ";", ":", "!", "?", ")"}


# --- Words --------------------------------------------------------------------------------------------------


def _words(line: str, own: lexicon.Lexicon, *others: lexicon.Lexicon) -> _Words:
    priorities = {word: name for each in (*others, own) for word, name in each.priorities.items()}
    words, seen = _Words(), set()
    for match in _WORD.finditer(line):
        kind = match.lastgroup or ""
        fields = _mark(kind, match[kind].strip(), priorities)
        once = {"named": "category"}.get(kind, kind)
        if fields and (kind == "tag" or once not in seen):
            seen.add(once)
            words.marks.append(_Found(*match.span(), once, fields))
            words.add("", *match.span())
        elif kind in {"text", "mark"}:
            _add(words, match[kind], match.start(kind), own)
        else:
            words.add("", *match.span())
    return words


def _mark(kind: str, value: str, priorities: dict[str, str]) -> dict[str, Any] | None:
    if kind == "priority":
        return {"priority": priorities[value.lower()]} if value.lower() in priorities else None
    if kind == "named":
        return {"category": value} if value else None
    if kind not in {"tag", "category"} or not all(map(_is_in_names, value)):
        return None
    return {"tags": [value]} if kind == "tag" else {"category": value}


def _is_in_names(character: str) -> bool:
    """Return whether names have such a character; accents and joiners make words of many scripts."""
    return (
        character.isalnum()
        or character in "_-\u200c\u200d"
        or unicodedata.category(character).startswith("M")
    )


def _add(words: _Words, word: str, start: int, own: lexicon.Lexicon) -> None:
    lower = word.lower()
    both = own.compound.fullmatch(lower) if own.compound and len(lower) == len(word) else None
    if both:
        words.add(both[1], start, start + both.end(1))
        words.add(both[2], start + both.start(2), start + len(word))
    else:
        cased = lower in own.cased and words.texts
        words.add(word if cased else lower, start, start + len(word))


def _tokens(words: _Words, own: lexicon.Lexicon, first: lexicon.Lexicon) -> list[Token]:
    """Return the words as a lexicon knows them; those that the language of the line knows otherwise are hidden."""
    hidden = first.own if own is not first else frozenset()
    return [NOTHING if text.rstrip(".") in hidden else own.token(text) for text in words.texts]


# --- What the parts mean together ---------------------------------------------------------------------------


def _title(line: str, found: Sequence[_Found]) -> str:
    if not found:
        return " ".join(line.split())
    pieces, at = [], 0
    for part in found:
        pieces.append(line[at : part.start])
        at = part.end
        # Only a mark that was written at the part itself stays with the word before.
        while at < len(line) and line[at] in "!?),;:" and pieces[-1].strip():
            pieces[-1] = pieces[-1].rstrip() + line[at]
            at += 1
    title = " ".join(" ".join([*pieces, line[at:]]).replace('"', " ").split()).strip(_AROUND)
    return _DASHES.sub("", title)


def _together(found: Sequence[_Found], now: datetime) -> dict[str, Any] | None:
    """Return the fields of all parts; None if the repeat among them ends before it begins."""
    fields: dict[str, Any] = {}
    phrase: Captures = {}
    for part in found:
        if part.kind in {"repeat", "date"}:
            phrase |= part.captures
        elif part.kind == "tag":
            fields["tags"] = [*fields.get("tags", []), *(tag for tag in part.captures["tags"])]
        else:
            fields |= part.captures
    meant = _fields(phrase, now.replace(tzinfo=None))
    return None if meant is None else fields | meant


def _fields(phrase: Captures, now: datetime) -> dict[str, Any] | None:
    """Return the fields of a date, a time and a repeat: the first day is the date's, the rule's or the time's next."""
    time, day = phrase.get("time"), phrase.get("day") or phrase.get("start")
    if time and time >= "24":
        time = "00:00"
        day = day + timedelta(days=1) if day else None
    if time == "00:00" and day == now.date():  # the midnight that ends today
        day += timedelta(days=1)
    if day is None and (time or "unit" in phrase):
        day = now.date() + timedelta(days=bool(time and time <= f"{now:%H:%M}"))
    if day is None:
        return {}
    repeats = {}
    if "unit" in phrase:
        first = _first(phrase, day)
        if first is None:
            return None
        day = first
        repeats = {"recurrence": recurrence.every(recurrence.parse(meaning.rule(phrase)), day)}
        repeats |= {"repeat_from": "done"} if phrase.get("after") else {}
    return {"due_date": day.isoformat(), **({"due_time": time} if time else {}), **repeats}


def _first(repeat: Captures, start: date) -> date | None:
    """Return the first day from ``start`` on that a repeat falls on, None if it has ended by then."""
    if ("count" in repeat and "until" in repeat) or repeat.get("count", 1) < 1:
        return None
    # Without the interval: "every other friday" begins on the next Friday.
    plain = meaning.rule({"unit": repeat["unit"], "n": 1, "by": repeat["by"]})
    first = recurrence.first_day(plain, start)
    return first if first and first <= repeat.get("until", first) else None


def _part(line: str, part: _Found, together: dict[str, Any], found: Sequence[_Found]) -> Part:
    """Return a part with its share of the fields: the rule and the day are what they are in the whole line."""
    fields = part.captures
    if part.kind in {"repeat", "date"}:
        dated = any("day" in each.captures for each in found)
        names = ["due_time"] if "time" in part.captures else []
        names += ["due_date"] if "day" in part.captures or (part.kind == "repeat" and not dated) else []
        names += ["recurrence", "repeat_from"] if part.kind == "repeat" else []
        fields = {name: together[name] for name in names if name in together}
    return Part(part.start, part.end, part.kind, line[part.start : part.end], fields)
