"""Makes a task of a row whose fields cannot all be used: the rest is created, and nothing the file said is lost.

A field that cannot be used is left out, what the file said in it goes to the description, and the row's notes say so.
Only a row without a title and without a description that could give it one is refused.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unicodedata import combining

from django.utils.translation import gettext as _
from pydantic_core import to_json

from store import validation
from store.errors import FieldError, ValidationFailed
from store.request_context import timestamp
from store.text import TextRefused, canonical, prose, shown
from tasks import fields
from tasks.fields import CHECKLIST_MAX, DESCRIPTION_MAX, EDITABLE, TAGS_MAX, TITLE_MAX
from tasks.transfer.rows import MORE_CELLS, Row

# A time that a file states for a task lies between this and now: a mistyped year would stretch every statistic.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
WORDS_MAX = 2000  # characters of one field in the description
SHOWN_MAX = 100  # characters of them in a note
UNKNOWN_MAX = 20  # fields without a place of their own that get a note each
ENTRIES_MAX = 1000  # entries of a list that are looked at one by one
_LISTS = {"tags": TAGS_MAX, "checklist": CHECKLIST_MAX}


def mend(row: Row, failure: ValidationFailed) -> None:
    """Leave in ``row.fields`` only what can be used by itself; refuse a row with no title to be found."""
    if not _mend_title(row):
        row.errors += [{**error, "field": row.named(error["field"])} for error in failure.errors]
        return
    for name in EDITABLE[1:]:
        if name in row.fields and (errors := _errors_of(name, row.fields[name])):
            _mend_field(row, name, errors[0])
    unknown = [name for name in row.fields if name not in EDITABLE]
    for name in unknown[:UNKNOWN_MAX]:
        leave_out(row, name, _why_unknown(name))
    if others := {name: row.fields.pop(name) for name in unknown[UNKNOWN_MAX:]}:
        _keep(row, _("more fields"), _text(others), _why_unknown(""), "unusable")


def _why_unknown(name: str) -> str:
    if name == MORE_CELLS:
        return _("The row has more cells than there are columns. Put quotes around text with commas.")
    return _("There is no such field.")


def leave_out(row: Row, name: str, why: str, code: str = "unusable") -> None:
    """Take a field out of a row; keep what the file said of it in the description, and say so in a note."""
    value = row.fields.pop(name) if name in row.fields else row.times.pop(name)
    _keep(row, name, _text(value), why, code)


def leave_out_refused(row: Row, failure: ValidationFailed) -> None:
    """Leave out the fields that cannot be used together with the others; refuse the row if it is not about any."""
    names = {error["field"]: error for error in failure.errors if error["field"] in row.fields}
    for name, error in names.items():
        if name not in {"title", "description"}:
            leave_out(row, name, error["message"], error["code"])
    if not names.keys() - {"title", "description"}:
        row.errors += failure.errors


def stated_times(row: Row, now: datetime) -> dict[str, str]:
    """Return when the task was created and completed, as it is stored, as far as the file says and may.

    A time lies between ``EARLIEST`` and ``now``, and a task is not completed before it is created.
    """
    found: dict[str, datetime] = {}
    for name in ("created_at", "completed_at"):
        if name not in row.times:
            continue
        moment, why = _moment(row.times[name]), ""
        if moment is None:
            why = _("It is not a time with a time zone, such as 2026-12-01T09:30:00Z.")
        elif not EARLIEST <= moment <= now:
            why = _("A time lies between the year 2000 and now.")
        elif name == "completed_at" and row.fields.get("status") != "completed":
            why = _("Only a completed task has it.")
        elif name == "completed_at" and moment < found.get("created_at", moment):
            why = _("A task cannot be completed before it is created.")
        if why or moment is None:
            leave_out(row, name, why, "time")
        else:
            found[name] = moment
    if "completed_at" in found:
        found.setdefault("created_at", found["completed_at"])
    return {name: timestamp(moment) for name, moment in found.items()}


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value.strip())
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (AttributeError, ValueError, OverflowError):
        return None


def _errors_of(name: str, value: Any) -> list[FieldError]:
    try:
        validation.clean(fields.TASK_CHANGES, {name: value})
    except ValidationFailed as failure:
        return failure.errors
    return []


def _mend_field(row: Row, name: str, error: FieldError) -> None:
    value = row.fields[name]
    if name == "description":
        text = _readable(_text(value))
        row.fields["description"] = text[:DESCRIPTION_MAX]
        cut = _("The end of it was cut off.") if len(text) > DESCRIPTION_MAX else ""
        row.note(name, f"{error['message']} {cut}".strip(), error["code"])
    elif name in _LISTS and isinstance(value, list):
        usable, others = _sorted_out(name, value)
        row.fields[name] = usable
        _keep(row, name, ", ".join(map(_text, others)), error["message"], error["code"])
    else:
        leave_out(row, name, error["message"], error["code"])


def _sorted_out(name: str, entries: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the entries that can be used, as many as there may be, and the others."""
    usable: list[Any] = []
    others: list[Any] = []
    for entry in entries[:ENTRIES_MAX]:
        full = len(usable) >= _LISTS[name]
        (others if full or _errors_of(name, [entry]) else usable).append(entry)
    if name == "checklist":  # two entries may have the same id
        usable = [{key: value for key, value in entry.items() if key != "id"} for entry in usable]
    return usable, others + entries[ENTRIES_MAX:]


def _mend_title(row: Row) -> bool:
    """Make the title usable; return whether that was possible."""
    given = row.fields.get("title")
    errors = _errors_of("title", given)
    if not errors:
        return True
    code = errors[0]["code"]
    if text := _title_of(given):
        row.fields["title"] = text
        _keep(row, "title", _text(given), errors[0]["message"], code)
    elif text := _title_of(_text(row.fields.get("description") or "").strip().partition("\n")[0]):
        row.fields["title"] = text
        row.note("title", _("There is no title: it is the beginning of the description."), code)
    return bool(text)


def _title_of(value: Any) -> str:
    """Return a usable title made of ``value``, blank if none can be."""
    text = " ".join(_readable(_text(value)).split()) if value is not None else ""
    title = text if len(text) <= TITLE_MAX else f"{text[: TITLE_MAX - 1]}…"
    return title if title and not _errors_of("title", title) else ""


def _keep(row: Row, name: str, words: str, why: str, code: str) -> None:
    """Append ``words`` to the description as far as there is room, and say why."""
    kept = _readable(words)
    brief = kept if len(kept) <= SHOWN_MAX else f"{kept[:SHOWN_MAX]}…"
    before = _text(row.fields.get("description") or "")
    added = ("\n\n" if before else "") + f"{row.named(name)}: {kept}"
    room = min(DESCRIPTION_MAX - len(before), WORDS_MAX)
    if len(added) > room:
        added = f"{added[: room - 1]}…" if room > len(row.named(name)) + 10 else ""
        message = _("%(why)s It was left out: “%(words)s”. The description has no room for all of it.")
    else:
        message = _("%(why)s It was left out, and is in the description: “%(words)s”.")
    if added:
        row.fields["description"] = before + added
    row.note(name, message % {"why": why, "words": brief}, code)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) and isinstance(value.get("text"), str):  # an entry of a checklist
        return str(value["text"])
    return to_json(value, inf_nan_mode="strings").decode()


def _readable(words: str) -> str:
    """Return ``words`` as a description may have them."""
    found = canonical(shown(words)).strip()
    try:
        prose(found)
    except TextRefused:
        return "".join(sign for sign in found if not combining(sign))
    return found
