"""The words of the query line in other languages than English. All of them are always understood: a kept search works
whatever language the pages are in."""

from collections.abc import Mapping

FIELDS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "priorität": "priority",
        "kategorie": "category",
        "schlagwort": "tag",
        "titel": "title",
        "fällig": "due",
        "angelegt": "created",
        "geändert": "updated",
        "erledigt": "completed",
        "ist": "is",
        "hat": "has",
    }
}
_STATUS = {
    "ausstehend": "pending",
    "begonnen": "in_progress",
    "erledigt": "completed",
    "abgebrochen": "cancelled",
    "offen": "open",
    "geschlossen": "closed",
}
_DAYS = {"heute": "today", "morgen": "tomorrow", "gestern": "yesterday", "keine": "none", "irgendeine": "any"}
VALUES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "de": {
        "status": _STATUS,
        "priority": {"niedrig": "low", "mittel": "medium", "hoch": "high", "dringend": "urgent"},
        **dict.fromkeys(("due", "created", "updated", "completed"), _DAYS),
        "is": {
            "überfällig": "overdue",
            "offen": "open",
            "geschlossen": "closed",
            "erledigt": "done",
            "wiederkehrend": "recurring",
            "heute": "today",
        },
        "has": {
            "fälligkeit": "due",
            "uhrzeit": "time",
            "kategorie": "category",
            "schlagwort": "tag",
            "beschreibung": "description",
            "checkliste": "checklist",
            "wiederholung": "recurrence",
        },
    }
}


def field(word: str) -> str:
    """Return the English name of the field that ``word`` names in any language, else ``word``, in small letters."""
    lower = word.lower()
    return next((names[lower] for names in FIELDS.values() if lower in names), lower)


def value(name: str, words: str) -> str:
    """Return what the value ``words`` of the English field ``name`` means in English; several stand with commas."""
    return ",".join(_value(name, word) for word in words.split(","))


def _value(name: str, word: str) -> str:
    lower = word.lower().strip()
    known = (values.get(name, {}) for values in VALUES.values())
    return next((meanings[lower] for meanings in known if lower in meanings), word)


def said(language: str, name: str, word: str) -> str:
    """Return how ``language`` says the English value ``word`` of the field ``name``."""
    meanings = VALUES.get(language, {}).get(name, {})
    return next((own for own, english in meanings.items() if english == word), word)
