"""Words as recurrence rules."""

from datetime import datetime

from django.utils.translation import get_language

from tasks import recurrence
from tasks.language import quick_add

_ANY_MOMENT = datetime(2026, 1, 1, 12)  # noqa: DTZ001 (only the rule of what is parsed is used)


def from_words(text: str) -> str | None:
    """Return the rule that ``text`` asks for, in words ("every 3 weeks") or as RFC 5545 writes it, or None."""
    try:
        return recurrence.parse(text)
    except ValueError:
        parsed = quick_add.parse(f"x {text}", _ANY_MOMENT, get_language() or "en")
    whole = parsed.fields["title"] == "x" and {part.kind for part in parsed.parts} == {"repeat"}
    return str(parsed.fields["recurrence"]) if whole else None
