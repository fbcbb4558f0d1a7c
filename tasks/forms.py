"""Forms of the task pages. They only parse text; what a task may be is decided by the domain, once, for every door."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from store.errors import FieldError
from tasks import checklists, fields, recurrence
from tasks.items import PRIORITIES, STATUSES, TaskItem
from tasks.language import repeats

PRIORITY_LABELS = {"low": _("Low"), "medium": _("Medium"), "high": _("High"), "urgent": _("Urgent")}
STATUS_LABELS = {
    "pending": _("To do"),
    "in_progress": _("In progress"),
    "completed": _("Done"),
    "cancelled": _("Cancelled"),
}
FIELD_LABELS = {
    "title": _("Title"),
    "description": _("Description"),
    "status": _("Status"),
    "priority": _("Priority"),
    "category": _("Category"),
    "tags": _("Tags"),
    "due_date": _("Due date"),
    "due_time": _("Time"),
    "recurrence": _("Repeats"),
    "checklist": _("Checklist"),
    "timezone": _("Time zone"),
}
CUSTOM = "custom"
# What is offered without writing a rule.
REPEATS = (
    "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=MONTHLY",
    "FREQ=YEARLY",
)
_PRIORITY_CHOICES = [(value, PRIORITY_LABELS[value]) for value in reversed(PRIORITIES)]
_STATUS_CHOICES = [(value, STATUS_LABELS[value]) for value in STATUSES]
_DATE_ERRORS = {"invalid": _("Give a date as year-month-day, for example 2026-12-31.")}
_TIME_ERRORS = {"invalid": _("Give a time as hours:minutes, for example 09:30.")}
_CHOICE_ERRORS = {"invalid_choice": _("Choose one of the listed values.")}
# What to do about the domain's errors that only say what is wrong, by field and code.
_ADVICE = {
    ("title", "string_too_long"): (_("Shorten the title to %(most)d characters."), fields.TITLE_MAX),
    ("description", "string_too_long"): (
        _("Shorten the description to %(most)d characters."),
        fields.DESCRIPTION_MAX,
    ),
    ("category", "string_too_long"): (_("Shorten the category to %(most)d characters."), fields.CATEGORY_MAX),
    ("tags", "string_too_long"): (_("Shorten every tag to %(most)d characters."), fields.TAG_MAX),
    ("tags", "too_long"): (_("Keep at most %(most)d tags."), fields.TAGS_MAX),
    ("checklist", "too_long"): (_("Keep at most %(most)d lines in the checklist."), fields.CHECKLIST_MAX),
    ("checklist", "string_too_long"): (
        _("Shorten every line of the checklist to %(most)d characters."),
        fields.CHECKLIST_TEXT_MAX,
    ),
    ("due_time", "needs_due_date"): (_("A time of day needs a due date."), 0),
    ("due_date", "date"): (_("Give a date as YYYY-MM-DD, not before 1900."), 0),
}
_VERSION_ERRORS = dict.fromkeys(
    ("required", "invalid", "min_value"),
    _("This page is out of date. Reload it, then make your change again."),
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
    title = forms.CharField(
        label=FIELD_LABELS["title"], error_messages={"required": _("Give the task a title.")}
    )
    due_date = forms.DateField(
        required=False,
        label=FIELD_LABELS["due_date"],
        input_formats=["%Y-%m-%d"],
        error_messages=_DATE_ERRORS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    priority = forms.ChoiceField(
        label=FIELD_LABELS["priority"],
        choices=_PRIORITY_CHOICES,
        initial="medium",
        required=False,
        error_messages=_CHOICE_ERRORS,
    )
    category = _text(label=FIELD_LABELS["category"], widget=forms.TextInput(attrs={"list": "categories"}))

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
            advice, most = _ADVICE.get((field, error["code"]), (error["message"], 0))
            message = str(advice) % {"most": most} if most else advice
            self.add_error(field if field in self.fields else None, message)


class QuickAddForm(_TaskFields):
    """One line that makes a task. ``idempotency_key`` is made with the form, so that sending it twice adds once."""

    idempotency_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def task_fields(self, title: str) -> dict[str, Any]:
        """Return the fields for ``create_task`` that the options beside the line set; they beat what the line says.

        An option left as it was says nothing.
        """
        chosen = {name: _plain(self.cleaned_data[name]) for name in ("due_date", "priority", "category")}
        if chosen["priority"] == self.fields["priority"].initial:
            del chosen["priority"]
        return {"title": title} | {name: value for name, value in chosen.items() if value}

    @classmethod
    def fresh(cls) -> "QuickAddForm":
        """Return an empty form with a key of its own."""
        return cls(initial={"idempotency_key": uuid.uuid4().hex})


class ChecklistField(forms.CharField):
    """A checklist as text, one line an entry, done ones marked: ``[x] Milk``. The page's script draws it as boxes."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "true"})

    def prepare_value(self, value: Any) -> Any:
        """Return the text that stands for ``value``."""
        return value if value is None or isinstance(value, str) else checklists.to_text(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether ``data`` means another checklist than ``initial``."""
        return checklists.lines(self.prepare_value(initial) or "") != checklists.lines(data or "")


class RepeatField(forms.ChoiceField):
    """A recurrence rule: one of the usual ones, the one the task has, or ``custom``, told in another field."""

    def valid_value(self, value: str) -> bool:
        """Tell whether ``value`` can be chosen; rules that are no longer offered are still rules."""
        return value in {"", CUSTOM} or _is_rule(value)


def _is_rule(text: str) -> bool:
    try:
        recurrence.parse(text)
    except ValueError:
        return False
    return True


class _EditForm(_TaskFields):
    """A task that is there already: the version it was read at and, hidden, every value as it was then."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, error_messages=_VERSION_ERRORS)
    EDITABLE: ClassVar[tuple[str, ...]] = ()

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

    def rebased(self, now: Mapping[str, str], version: int) -> Self:
        """Return this form as if it had been opened on the values ``now``: touched fields keep what was typed."""
        touched = self.touched()
        data = cast("QueryDict", self.data).copy()
        for name in self.EDITABLE:
            data[self.add_initial_prefix(name)] = now[name]
            if name not in touched:
                data[name] = now[name]
        data["version"] = str(version)
        return type(self)(data, auto_id=self.auto_id)


class TaskForm(_EditForm):
    """A whole task."""

    field_order = ["title", "description"]
    description = _text(
        label=FIELD_LABELS["description"],
        widget=forms.Textarea(attrs={"rows": 6}),
        strip=False,
        help_text=_("Markdown: **bold**, _italic_, lists, links"),
    )
    checklist = ChecklistField(
        label=FIELD_LABELS["checklist"],
        required=False,
        help_text=_("One line for each step; [x] marks it done"),
    )
    status = forms.ChoiceField(
        label=FIELD_LABELS["status"], choices=_STATUS_CHOICES, error_messages=_CHOICE_ERRORS
    )
    due_time = forms.TimeField(
        required=False,
        label=FIELD_LABELS["due_time"],
        input_formats=["%H:%M"],
        error_messages=_TIME_ERRORS,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    tags = TagsField(label=FIELD_LABELS["tags"], required=False, help_text=_("Separated by commas"))
    recurrence = RepeatField(label=FIELD_LABELS["recurrence"], required=False, error_messages=_CHOICE_ERRORS)
    repeat_custom = _text(
        label=_("Custom repeat"),
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": _("every 3 weeks on friday")}),
    )
    EDITABLE: ClassVar = (
        "title", "description", "checklist", "status", "priority", "category", "tags", "due_date", "due_time",
        "recurrence",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer_repeats()

    def _offer_repeats(self) -> None:
        own = self.initial.get("recurrence") or self.data.get(self.add_initial_prefix("recurrence")) or ""
        rules = dict.fromkeys([*REPEATS, *([own] if _is_rule(own) else [])])
        offered = [("", _("Does not repeat")), *((rule, repeats.in_words(rule)) for rule in rules)]
        cast("forms.ChoiceField", self.fields["recurrence"]).choices = [*offered, (CUSTOM, _("Custom…"))]

    def clean(self) -> dict[str, Any]:
        """Turn a custom repeat, in words or as an RFC 5545 rule, into the rule."""
        if self.cleaned_data.get("recurrence") == CUSTOM:
            rule = repeats.from_words(self.cleaned_data.get("repeat_custom", ""))
            if rule:
                self.cleaned_data["recurrence"] = rule
            else:
                self.add_error(
                    "repeat_custom",
                    _now("Say how it repeats: “every 3 weeks”, “every mon and thu”, or an RFC 5545 rule."),
                )
        return self.cleaned_data


def _plain(value: Any) -> Any:
    """Return dates and times as the strings that the domain works with."""
    if hasattr(value, "strftime"):
        return value.strftime("%H:%M") if hasattr(value, "hour") else value.isoformat()
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


class BulkForm(forms.Form):
    """What to change in every selected task; what is left empty stays as it is."""

    use_required_attribute = False
    status = forms.ChoiceField(
        label=FIELD_LABELS["status"], choices=[("", _("Status")), *_STATUS_CHOICES], required=False
    )
    priority = forms.ChoiceField(
        label=FIELD_LABELS["priority"], choices=[("", _("Priority")), *_PRIORITY_CHOICES], required=False
    )
    due_date = forms.DateField(
        label=FIELD_LABELS["due_date"],
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages=_DATE_ERRORS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    category = _text(label=FIELD_LABELS["category"], max_length=fields.CATEGORY_MAX)
    add_tags = TagsField(label=_("Add tags"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        kwargs.setdefault("auto_id", "bulk_%s")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs |= {"class": "input", "autocomplete": "off", "form": "bulk"}
            if name in {"category", "add_tags"}:
                field.widget.attrs["placeholder"] = field.label

    def wanted(self) -> dict[str, Any]:
        """Return the fields that were given, for ``update_task``; tags not among them."""
        names = ("status", "priority", "due_date", "category")
        return {name: _plain(self.cleaned_data[name]) for name in names if self.cleaned_data[name]} | (
            {"add_tags": self.cleaned_data["add_tags"]} if self.cleaned_data["add_tags"] else {}
        )

    def changes_for(self, task: TaskItem) -> dict[str, Any]:
        """Return the changes for ``task``: what was given, and its own tags with the added ones."""
        changes = self.wanted()
        added = changes.pop("add_tags", [])
        return changes | ({"tags": list(dict.fromkeys([*(task.tags or ()), *added]))} if added else {})


class InlineForm(_EditForm):
    """The line of a list being edited in its place."""

    EDITABLE: ClassVar = ("title", "due_date", "priority", "category")
