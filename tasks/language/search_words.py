"""The words of the query line in other languages than English. All of them are always understood: a kept search works
whatever language the pages are in. They are in ``lexicons``, under ``search``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.language import lexicon

_DAYS = frozenset({"due", "created", "updated", "completed"})


def field(word: str) -> str:
    """Return the English name of the field that ``word`` names in any language, else ``word``, in small letters."""
    lower = word.lower()
    return next((names[lower] for names in _all("fields") if lower in names), lower)


def value(name: str, words: str) -> str:
    """Return what the value ``words`` of the English field ``name`` means in English; several stand with commas."""
    return ",".join(_value(name, word) for word in words.split(","))


def _value(name: str, word: str) -> str:
    lower = word.lower().strip()
    known = (values.get(_group(name), {}) for values in _all("values"))
    return next((meanings[lower] for meanings in known if lower in meanings), word)


def said(language: str, name: str, word: str) -> str:
    """Return how ``language`` says the English value ``word`` of the field ``name``."""
    values = lexicon.load(language).search.get("values", {}) if language in lexicon.codes() else {}
    meanings = values.get(_group(name), {})
    return next((own for own, english in meanings.items() if english == word), word)


def _all(table: str) -> Iterator[Mapping[str, Any]]:
    return (lexicon.load(code).search[table] for code in lexicon.codes() if lexicon.load(code).search)


def _group(name: str) -> str:
    return "day" if name in _DAYS else name
