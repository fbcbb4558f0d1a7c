"""Putting tasks off: the days to choose from, any other in words, and what moving a task there changes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from store.text import same
from tasks import recurrence
from tasks.items import TaskItem
from tasks.language import quick_add
from tasks.local_due import moved

NO_DATE = "none"
LATER = timedelta(hours=3)
# Choices with the words that quick add reads them as.
_PHRASES: tuple[tuple[str | Promise, str], ...] = (
    (gettext_lazy("Tomorrow"), "tomorrow"),
    (gettext_lazy("This weekend"), "this weekend"),
    (gettext_lazy("Next week"), "next week"),
)


class NotUnderstood(ValueError):  # noqa: N818
    """Words that say no day to move a task to; ``str()`` of it tells the person why."""


class When(NamedTuple):
    """A day in the viewer's zone, None for no date, with a time of day (HH:MM) unless the task keeps its own."""

    day: date | None
    time: str = ""

    @property
    def value(self) -> str:
        """What a button sends: "2026-12-01", "2026-12-01T09:00", or ``NO_DATE``."""
        if self.day is None:
            return NO_DATE
        return f"{self.day.isoformat()}T{self.time}" if self.time else self.day.isoformat()


def choices(now: datetime) -> Iterator[tuple[str, When]]:
    """Yield the choices at ``now``, the person's local time, with their labels; without those that are today's day."""
    hour = (now.astimezone(UTC) + LATER + timedelta(minutes=59)).astimezone(now.tzinfo).replace(minute=0)
    if hour.date() == now.date():
        yield _("Later today"), When(hour.date(), f"{hour:%H:%M}")
    for label, words in _PHRASES:
        when = read(words, now, "en")
        if when.day != now.date():
            yield str(label), when
    yield _("No date"), When(None)


def read(text: str, now: datetime, language: str) -> When:
    """Return when ``text`` says, such as "in 3 days", "fri 9am" or the ``value`` of a choice.

    Parameters
    ----------
    text
        A whole phrase of quick add, or "no date".
    now
        The person's local time.
    language
        As of ``quick_add.parse``.

    Raises NotUnderstood.
    """
    words = " ".join(text.split())
    if not words:
        raise NotUnderstood(_("Say when, such as “in 3 days” or “fri 9am”."))
    if any(same(words, name) for name in (NO_DATE, "no date", _("No date"))):
        return When(None)
    said = {"words": words[:60]}
    found = quick_add.dated(words, now, language)
    if found is None:
        raise NotUnderstood(
            _("“%(words)s” is not a day or time. Try “in 3 days”, “fri 9am” or “24 dec”.") % said
        )
    if "recurrence" in found:
        raise NotUnderstood(_("“%(words)s” says how a task repeats. Its page is the place for that.") % said)
    day = date.fromisoformat(found["due_date"])
    if day < now.date():
        raise NotUnderstood(_("“%(words)s” is in the past.") % said)
    return When(day, found.get("due_time", ""))


def changes(task: TaskItem, when: When, now: datetime) -> dict[str, Any]:
    """Return the fields of ``task`` that moving it changes; a series goes on where it would have gone on."""
    changed: dict[str, Any] = {"due_date": None}
    if when.day:
        zone = now.tzinfo or UTC
        changed = (
            {"due_date": when.day.isoformat(), "due_time": when.time, "timezone": str(zone)}
            if when.time
            else {"due_date": moved(task.attribute_values, when.day, zone)}
        )
    if (
        task.recurrence
        and task.due_date
        and task.repeat_from != "done"
        and recurrence.is_valid(task.recurrence)
    ):
        to = date.fromisoformat(changed["due_date"]) if changed["due_date"] else None
        changed["recurrence"] = recurrence.without_moved(
            task.recurrence, date.fromisoformat(task.due_date), to
        )
    return changed
