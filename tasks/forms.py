"""Forms of the task pages. They only parse text; what a task may be is decided by the domain, once, for every door."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.http import QueryDict

from tasks import fields
from tasks.errors import FieldError
from tasks.items import PRIORITIES, STATUSES

PRIORITY_LABELS = {"low": "Low", "medium": "Medium", "high": "High", "urgent": "Urgent"}
STATUS_LABELS = {
    "pending": "To do",
    "in_progress": "In progress",
    "completed": "Done",
    "cancelled": "Cancelled",
}
_PRIORITY_CHOICES = [(value, PRIORITY_LABELS[value]) for value in reversed(PRIORITIES)]
_STATUS_CHOICES = [(value, STATUS_LABELS[value]) for value in STATUSES]
_DATE_ERRORS = {"invalid": "Give a date as year-month-day, for example 2026-12-31."}
_TIME_ERRORS = {"invalid": "Give a time as hours:minutes, for example 09:30."}
_CHOICE_ERRORS = {"invalid_choice": "Choose one of the listed values."}
# What to do about the domain's errors that only say what is wrong, by field and code.
_ADVICE = {
    ("title", "string_too_long"): f"Shorten the title to {fields.TITLE_MAX} characters.",
    ("description", "string_too_long"): f"Shorten the description to {fields.DESCRIPTION_MAX} characters.",
    ("category", "string_too_long"): f"Shorten the category to {fields.CATEGORY_MAX} characters.",
    ("tags", "string_too_long"): f"Shorten every tag to {fields.TAG_MAX} characters.",
    ("tags", "too_long"): f"Keep at most {fields.TAGS_MAX} tags.",
}
_VERSION_ERRORS = dict.fromkeys(
    ("required", "invalid", "min_value"), "This page is out of date. Reload it, then make your change again."
)


class TagsField(forms.CharField):
    """Tags in one line of text, separated by commas."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """Return the tags of the line ``value``: trimmed, without a leading ``#``, each once, in order."""
        parts = (super().to_python(value) or "").split(",")
        tags = (part.strip().removeprefix("#").strip() for part in parts)
        return list(dict.fromkeys(tag for tag in tags if tag))

    def prepare_value(self, value: Any) -> Any:
        """Return the line of text that stands for ``value``."""
        return value if value is None or isinstance(value, str) else ", ".join(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether ``data`` means other tags than ``initial``; spelling does not count."""
        return self.to_python(self.prepare_value(initial)) != self.to_python(data)


def _text(**options: Any) -> forms.CharField:
    return forms.CharField(required=False, **options)


class _TaskFields(forms.Form):
    """What the quick-add line and the whole task have in common."""

    use_required_attribute = False
    title = forms.CharField(error_messages={"required": "Give the task a title."})
    due_date = forms.DateField(
        required=False,
        label="Due date",
        input_formats=["%Y-%m-%d"],
        error_messages=_DATE_ERRORS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    priority = forms.ChoiceField(
        choices=_PRIORITY_CHOICES, initial="medium", required=False, error_messages=_CHOICE_ERRORS
    )
    category = _text(widget=forms.TextInput(attrs={"list": "categories"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not field.widget.is_hidden:
                field.widget.attrs |= {"class": "input", "autocomplete": "off"}

    def add_domain_errors(self, errors: Iterable[FieldError]) -> None:
        """Put the domain's ``{field, message}`` errors on the fields they speak of, the others on top."""
        for error in errors:
            field = error["field"].partition(".")[0]
            message = _ADVICE.get((field, error["code"]), error["message"])
            self.add_error(field if field in self.fields else None, message)


class QuickAddForm(_TaskFields):
    """One line that makes a task. ``idempotency_key`` is made with the form, so that sending it twice adds once."""

    idempotency_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def task_fields(self) -> dict[str, Any]:
        """Return the fields for ``create_task``; what was left empty is left out."""
        names = ("title", "due_date", "priority", "category")
        return {name: _plain(self.cleaned_data[name]) for name in names if self.cleaned_data[name]}

    @classmethod
    def fresh(cls) -> "QuickAddForm":
        """Return an empty form with a key of its own."""
        return cls(initial={"idempotency_key": uuid.uuid4().hex})


class TaskForm(_TaskFields):
    """A whole task, with the version it was read at and, hidden, every value as it was then."""

    field_order = ["title", "description"]
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, error_messages=_VERSION_ERRORS)
    description = _text(widget=forms.Textarea(attrs={"rows": 6}), strip=False)
    status = forms.ChoiceField(choices=_STATUS_CHOICES, error_messages=_CHOICE_ERRORS)
    due_time = forms.TimeField(
        required=False,
        label="Time",
        input_formats=["%H:%M"],
        error_messages=_TIME_ERRORS,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    tags = TagsField(required=False, help_text="Separated by commas")
    EDITABLE: ClassVar = (
        "title", "description", "status", "priority", "category", "tags", "due_date", "due_time"
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.EDITABLE:
            self.fields[name].show_hidden_initial = True

    def changes(self) -> dict[str, Any]:
        """Return the fields that differ from what the form was filled with, for ``update_task`` (None clears)."""
        return {name: _plain(self.cleaned_data[name]) or None for name in self.touched()}

    def touched(self) -> list[str]:
        """Return the names of the fields whose value is not what the form was filled with."""
        return [name for name in self.EDITABLE if name in self.changed_data]

    def base(self) -> dict[str, str]:
        """Return, per field, the text the form was filled with when it was opened."""
        return {name: str(self.data.get(self.add_initial_prefix(name), "")) for name in self.EDITABLE}

    def texts(self) -> dict[str, str]:
        """Return, per field, what the form holds, spelled as a form filled from the table spells it."""
        values = {name: _plain(self.cleaned_data[name]) for name in self.EDITABLE}
        return {name: ", ".join(v) if isinstance(v, list) else str(v or "") for name, v in values.items()}

    def rebased(self, now: Mapping[str, str], version: int) -> "TaskForm":
        """Return this form as if it had been opened on the values ``now``: touched fields keep what was typed."""
        touched = self.touched()
        data = cast("QueryDict", self.data).copy()
        for name in self.EDITABLE:
            data[self.add_initial_prefix(name)] = now[name]
            if name not in touched:
                data[name] = now[name]
        data["version"] = str(version)
        return type(self)(data)


def _plain(value: Any) -> Any:
    """Return dates and times as the strings that the domain works with."""
    if hasattr(value, "strftime"):
        return value.strftime("%H:%M") if hasattr(value, "hour") else value.isoformat()
    return value.replace("\r\n", "\n") if isinstance(value, str) else value
