"""The languages of the line, read from ``lexicons``: a file is a language, and nothing else names one."""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tasks.language import figures
from tasks.language.engine import NOTHING, Grammar, Token

_FOLDER = Path(__file__).parent / "lexicons"
_COMMON = "common"
DEFAULT = "en"
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# Classes that come from others: the numbers that can be an hour, the nth of a month, weekdays without spaces between.
_DERIVED = ("number", "hour", "nth", "joined")
_MOST_KEPT = 2048


class Lexicon:
    """One language: what its words are, and the grammar that they make phrases with.

    Parameters
    ----------
    code
        The name of a file in ``lexicons``, such as "en".
    """

    def __init__(self, code: str) -> None:
        data = _read(code)
        self.code = code
        self.afternoon = frozenset(data["afternoon"])
        self.cased = frozenset(data["cased"].split())
        self.own = frozenset(data.get("own", "").split())
        # With a capital, an article begins the title of a film if all other words but the small ones have one.
        self.articles = frozenset(data.get("articles", "").split())
        self.small = frozenset(data.get("small", "").split())
        self.compound = re.compile(data["compound"]) if "compound" in data else None
        self.search: Mapping[str, Any] = data.get("search", {})
        words = {name: _values(meanings) for name, meanings in data["words"].items()}
        self.priorities = words.pop("priority")
        self._numbers, self._nth = words.pop("number"), words.pop("nth_word")
        self._words, self._weekdays = words, words["weekday"]
        self._figures = figures.classes(data["ordinal"], data["units"])
        self.grammar = Grammar(data["grammar"]["rules"] + _read(_COMMON)["rules"], self._classes())
        self._tokens: dict[str, Token] = {}

    def _classes(self) -> list[str]:
        return [*self._words, *self._figures, *_DERIVED]

    def token(self, word: str) -> Token:
        """Return what ``word`` is to the grammar: as it was typed where its case matters, else in small letters."""
        found = self._tokens.get(word)
        if found is None:
            found = self._token(word)
            if len(self._tokens) < _MOST_KEPT:
                self._tokens[word] = found
        return found

    def _token(self, word: str) -> Token:
        if not word:
            return NOTHING
        plain = word.rstrip(".")
        values = {name: known[plain] for name, known in self._words.items() if plain in known}
        if any("0" <= character <= "9" for character in word):
            values |= _found(self._figures, word)
        values |= self._derived(plain, values)
        bits = self.grammar.words.get(word, 0) | self.grammar.words.get(plain, 0)
        for name in values:
            bits |= self.grammar.bits[name]
        return Token(bits, values) if bits else NOTHING

    def _derived(self, plain: str, values: Mapping[str, Any]) -> dict[str, Any]:
        number = values.get("figure", self._numbers.get(plain))
        hour = values.get("hour_figure", number if plain in self._numbers and number <= 12 else None)
        nth = values.get("ordinal", self._nth.get(plain))
        derived = {
            "number": number,
            "hour": hour,
            "nth": nth if nth and nth <= 5 else None,
            "joined": self._joined(plain),
        }
        return {name: value for name, value in derived.items() if value is not None}

    def _joined(self, word: str) -> tuple[str, ...] | None:
        """Return the weekdays of "mon,wed,fri", "mon/wed/fri" and "mon-fri"."""
        parts = re.split("([,/&+\N{EN DASH}-])", word)
        days = [self._weekdays[part] for part in parts[::2] if part in self._weekdays]
        if len(days) < 2 or len(days) < len(parts[::2]) or len(set(parts[1::2])) > 1:
            return None
        if parts[1] in "-\N{EN DASH}":
            return between(*days) if len(days) == 2 else None
        return tuple(days)


def between(first: str, last: str) -> tuple[str, ...]:
    """Return the weekdays from ``first`` to ``last``."""
    start = DAYS.index(first)
    return tuple(DAYS[(start + n) % 7] for n in range((DAYS.index(last) - start) % 7 + 1))


@cache
def codes() -> tuple[str, ...]:
    """Return the codes of all languages."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml") if path.stem != _COMMON))


@cache
def load(code: str) -> Lexicon:
    """Return the lexicon of a language. Raises KeyError for one that there is not."""
    if code not in codes():
        raise KeyError(code)
    return Lexicon(code)


def of(language: str) -> tuple[Lexicon, ...]:
    """Return the lexicons to read a line of ``language`` with, "de" or "de-AT": its own one first, then the default."""
    own = re.split("[-_]", language.lower())[0]
    return (load(DEFAULT),) if own == DEFAULT or own not in codes() else (load(own), load(DEFAULT))


def _read(code: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / f"{code}.toml").read_text(encoding="utf-8"))


def _values(meanings: Mapping[str, str]) -> dict[str, Any]:
    return {
        unicodedata.normalize("NFC", word): int(value) if value.lstrip("-").isdigit() else value
        for value, words in meanings.items()
        for word in words.split()
    }


def _found(classes: Mapping[str, Callable[[str], Any]], word: str) -> dict[str, Any]:
    if any(character.isdecimal() and not character.isascii() for character in word):
        return {}
    found = ((name, figure(word)) for name, figure in classes.items())
    return {name: value for name, value in found if value is not None}
