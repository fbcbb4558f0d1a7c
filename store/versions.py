"""Fields only the system sets: a client may echo them, and they tell which version it knows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from store import validation
from store.errors import FieldError, ValidationFailed, VersionConflict
from store.model import Authored

# What only we set. A client that sends back what it was sent includes them.
READ_ONLY = frozenset(
    {
        *("id", "user_id", "created_at", "updated_at", "completed_at"),
        *("deleted_at", "next_task_id", "version"),
    }
)


def check_echoed(current: Authored, echoed: Mapping[str, Any]) -> None:
    """Refuse fields that only we set, unless the caller sends them as they are.

    Raises VersionConflict if the version, or with it the time of the last change, is another one, else
    ValidationFailed.
    """
    differing = [
        name for name, value in echoed.items() if not _same(name, current.attribute_values.get(name), value)
    ]
    if {"version", "updated_at"} & set(differing):
        raise VersionConflict(current.version)
    if differing:
        message = _("It cannot be set. Leave it out, or send it as it is.")
        raise ValidationFailed(
            [FieldError(field=name, message=message, code="read_only") for name in differing]
        )


def _same(name: str, current: Any, given: Any) -> bool:
    if name.endswith("_at") and isinstance(current, str) and isinstance(given, str):
        return _instant(current) == _instant(given)
    given = validation.whole(given)
    return type(current) is type(given) and bool(current == given)


def _instant(text: str) -> str:
    """Return a time to the millisecond: clients write times in forms of their own, and many keep no more of them."""
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return moment.isoformat(timespec="milliseconds")
