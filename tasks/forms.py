"""The forms of the task pages. They only parse text; ``tasks.fields`` and the services validate, as for the API."""

import uuid
from collections.abc import Iterable
from datetime import date, time, tzinfo
from typing import Any, ClassVar, Self, cast

from django import forms
from django.http import QueryDict
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from store import text, time_zones
from store.errors import FieldError
from tasks import checklists, fields, recurrence, repeat_choices
from tasks.items import PRIORITIES, STATUSES, TaskItem
from tasks.language import repeats, rule_words
from tasks.local_due import moved
from web.forms import TextField

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
    "repeat_from": _("Counted from"),
    "checklist": _("Checklist"),
    "timezone": _("Time zone"),
}
CUSTOM = "custom"
# The recurrence rules to choose from.
OFFERED_RULES = (
    "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2",
    "FREQ=MONTHLY",
    "FREQ=YEARLY",
)
# Fields of the repeat builder without a visible label.
_BUILDER_LABELS = {
    "repeat_every": _("How many days, weeks, months or years"),
    "repeat_unit": _("Days, weeks, months or years"),
    "repeat_days": _("On these days"),
    "repeat_on": _("On which day"),
    "repeat_place": _("Which of them in the month"),
    "repeat_weekday": _("Weekday"),
    "repeat_ends": _("Ends"),
    "repeat_until": _("Last day"),
    "repeat_count": _("How many times"),
}
_PRIORITY_CHOICES = [(value, PRIORITY_LABELS[value]) for value in reversed(PRIORITIES)]
_STATUS_CHOICES = [(value, STATUS_LABELS[value]) for value in STATUSES]
REPEAT_FROM_LABELS = {"": _("the due date"), "done": _("the day it is done")}
_DATE_ERRORS = {"invalid": _("Enter a date as YYYY-MM-DD, for example 2026-12-31.")}
_TIME_ERRORS = {"invalid": _("Enter a time as HH:MM, for example 09:30.")}
_CHOICE_ERRORS = {"invalid_choice": _("Choose one of the listed values.")}
# Advice in place of domain errors that only state the rule, by field and code; with the limit it mentions.
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
    ("due_date", "date"): (_("Enter a date as YYYY-MM-DD, not before 1900."), 0),
}
_VERSION_ERRORS = dict.fromkeys(
    ("required", "invalid", "min_value"),
    _("This page is out of date. Reload it, then make your change again."),
)


class TagsField(TextField):
    """Tags in one line of text, separated by commas."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        """Return the tags in ``value``: trimmed, without a leading ``#``, without duplicates, in order."""
        parts = (super().to_python(value) or "").split(",")
        tags = (text.line(text.line(part).removeprefix("#")) for part in parts)
        return text.distinct(tag for tag in tags if tag)

    def prepare_value(self, value: Any) -> Any:
        """Return the tags ``value`` as a line of text."""
        return value if value is None or isinstance(value, str) else ", ".join(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether ``data`` has other tags than ``initial``; spaces and ``#`` make no difference."""
        try:
            return self.to_python(self.prepare_value(initial)) != self.to_python(data)
        except forms.ValidationError:
            return True


def _date_field() -> forms.DateField:
    return forms.DateField(
        required=False,
        label=FIELD_LABELS["due_date"],
        input_formats=["%Y-%m-%d"],
        error_messages=_DATE_ERRORS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )


class _TaskFields(forms.Form):
    """The fields that quick add and editing share."""

    use_required_attribute = False
    title = TextField(label=FIELD_LABELS["title"], error_messages={"required": _("Give the task a title.")})
    due_date = _date_field()
    priority = forms.ChoiceField(
        label=FIELD_LABELS["priority"],
        choices=_PRIORITY_CHOICES,
        initial="medium",
        required=False,
        error_messages=_CHOICE_ERRORS,
    )
    category = TextField(
        required=False, label=FIELD_LABELS["category"], widget=forms.TextInput(attrs={"list": "categories"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not field.widget.is_hidden:
                field.widget.attrs |= {"class": "input", "autocomplete": "off"}

    def add_domain_errors(self, errors: Iterable[FieldError]) -> None:
        """Add the domain's errors to the fields they are about; to the form as a whole if it lacks the field."""
        for error in errors:
            field = error["field"].partition(".")[0]
            advice, most = _ADVICE.get((field, error["code"]), (error["message"], 0))
            message = str(advice) % {"most": most} if most else advice
            self.add_error(field if field in self.fields else None, message)


class QuickAddForm(_TaskFields):
    """The quick-add line. Each form has its own ``idempotency_key``: submitting it twice creates one task."""

    idempotency_key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def task_fields(self, title: str) -> dict[str, Any]:
        """Return ``title`` and the fields that the controls beside the line set, which override the line's own.

        A control with its initial value sets nothing.
        """
        chosen = {name: self.cleaned_data[name] for name in ("due_date", "priority", "category")}
        if chosen["priority"] == self.fields["priority"].initial:
            del chosen["priority"]
        return {"title": title} | {name: value for name, value in chosen.items() if value}

    @classmethod
    def empty(cls) -> "QuickAddForm":
        """Return an empty form with a new key."""
        return cls(initial={"idempotency_key": uuid.uuid4().hex})


class ChecklistField(TextField):
    """A checklist as text, one line an entry: ``[x] Milk``. A script on the page shows it as checkboxes."""

    widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "true"})
    clean_text = staticmethod(text.prose)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether ``data`` is another checklist than ``initial``; spacing makes no difference."""
        return checklists.lines(initial or "") != checklists.lines(data or "")


class RepeatField(forms.ChoiceField):
    """A recurrence rule: an offered one, the task's own, or ``custom`` for the rule in another field."""

    own = ""

    def valid_value(self, value: str) -> bool:
        """Return whether ``value`` can be chosen; the task's own rule always can, even if it cannot be read."""
        return value in {"", CUSTOM, self.own} or _is_rule(value)


def _is_rule(text: str) -> bool:
    try:
        recurrence.parse(text)
    except ValueError:
        return False
    return True


class EditForm(_TaskFields):
    """A form for an existing task: carries the version it was opened at and, hidden, the values at that version."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1, error_messages=_VERSION_ERRORS)
    EDITABLE: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.EDITABLE:
            self.fields[name].show_hidden_initial = True

    @classmethod
    def for_task(cls, task: TaskItem, **options: Any) -> Self:
        """Return the form filled with ``task``."""
        return cls(initial=cls.texts_of(task) | {"version": task.version}, **options)

    @classmethod
    def texts_of(cls, task: TaskItem) -> dict[str, str]:
        """Return the text of each field of a form filled with ``task``."""
        values = task.attribute_values | {"checklist": checklists.to_text(task.checklist or ())}
        return {name: _text(values.get(name)) for name in cls.EDITABLE}

    def changes(self) -> dict[str, Any]:
        """Return the changed fields for ``update_task`` (None clears)."""
        return {name: self.cleaned_data[name] or None for name in self.touched()}

    def touched(self) -> list[str]:
        """Return the names of the fields that were changed since the form was opened."""
        return [name for name in self.EDITABLE if name in self.changed_data]

    def base(self) -> dict[str, str]:
        """Return the text of each field when the form was opened."""
        return {name: str(self.data.get(self.add_initial_prefix(name), "")) for name in self.EDITABLE}

    def texts(self) -> dict[str, str]:
        """Return the submitted text of each field, spelled as ``texts_of`` does."""
        return {name: _text(self.cleaned_data[name]) for name in self.EDITABLE}

    def rebased(self, task: TaskItem, version: int) -> Self:
        """Return this form as if opened on ``task`` at ``version``: changed fields keep what was typed."""
        now, touched = self.texts_of(task), self.touched()
        data = cast("QueryDict", self.data).copy()
        for name in self.EDITABLE:
            data[self.add_initial_prefix(name)] = now[name]
            if name not in touched:
                data[name] = now[name]
        data["version"] = str(version)
        return type(self)(data, auto_id=self.auto_id)


def _units(number: int) -> dict[str, str]:
    """Return the names of the units of a repeat as they are called after ``number``."""
    return {
        "DAILY": ngettext("day", "days", number),
        "WEEKLY": ngettext("week", "weeks", number),
        "MONTHLY": ngettext("month", "months", number),
        "YEARLY": ngettext("year", "years", number),
    }


class UnitSelect(forms.Select):
    """The units of a repeat. A script of the page writes them as one or many, as the number before them changes."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return an option with both of its names."""
        option = super().create_option(name, value, *args, **kwargs)
        names = {"data-one": _units(1)[str(value)], "data-many": _units(2)[str(value)]}
        return option | {"attrs": option["attrs"] | names}


class RepeatFields(forms.Form):
    """How a task repeats: an offered rule, its own, or one that the fields of the builder or some words describe."""

    repeat_every = forms.IntegerField(required=False, min_value=1, max_value=recurrence.MAX_NUMBER)
    repeat_unit = forms.ChoiceField(
        required=False, choices=[(name, name) for name in recurrence.FREQUENCIES], widget=UnitSelect
    )
    repeat_days = forms.MultipleChoiceField(
        required=False,
        choices=[(name, WEEKDAYS_ABBR[number]) for number, name in enumerate(recurrence.WEEKDAYS)],
        widget=forms.CheckboxSelectMultiple,
    )
    repeat_on = forms.ChoiceField(
        required=False,
        choices=[
            ("day", _("on that day")),
            ("weekday", _("on the")),
            ("last", _("on the last day of the month")),
        ],
    )
    repeat_place = forms.ChoiceField(
        required=False,
        choices=[
            ("1", _("first")),
            ("2", _("second")),
            ("3", _("third")),
            ("4", _("fourth")),
            ("-1", _("last")),
        ],
    )
    repeat_weekday = forms.ChoiceField(
        required=False, choices=[(name, WEEKDAYS[number]) for number, name in enumerate(recurrence.WEEKDAYS)]
    )
    repeat_ends = forms.ChoiceField(
        required=False, choices=[("never", _("never")), ("until", _("on a day")), ("count", _("after"))]
    )
    repeat_until = _date_field()
    repeat_count = forms.IntegerField(required=False, min_value=1, max_value=recurrence.MAX_NUMBER)
    repeat_custom = TextField(
        required=False,
        label=_("Or in words"),
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": _("every 3 weeks on friday")}),
    )
    recurrence = RepeatField(label=FIELD_LABELS["recurrence"], required=False, error_messages=_CHOICE_ERRORS)
    repeat_from = forms.ChoiceField(
        label=FIELD_LABELS["repeat_from"],
        choices=list(REPEAT_FROM_LABELS.items()),
        required=False,
        error_messages=_CHOICE_ERRORS,
    )
    BUILDER: ClassVar = tuple(_BUILDER_LABELS)
    # A task without a due date starts on the person's day, which the view sets.
    today = date(2000, 1, 1)

    def prepare_repeats(self) -> None:
        """Offer the task's own rule besides the usual ones, and fill the builder with it."""
        own = self.initial.get("recurrence") or self.data.get(self.add_initial_prefix("recurrence")) or ""
        rules = dict.fromkeys([*OFFERED_RULES, *([own] if _is_rule(own) else [])])
        zone = time_zones.named(self.initial.get("timezone"))
        offered = [
            ("", _("Does not repeat")),
            *((rule, rule_words.in_words(rule, zone=zone)) for rule in rules),
        ]
        if own and not _is_rule(own):
            offered.append((own, rule_words.in_words(own)))
        field = cast("RepeatField", self.fields["recurrence"])
        field.own = own
        field.choices = [*offered, (CUSTOM, _("Custom…"))]
        for name, label in _BUILDER_LABELS.items():
            if name != "repeat_days":  # each box is called by its day; the group has this label
                self.fields[name].widget.attrs["aria-label"] = label
        if not self.is_bound:
            due = self.initial.get("due_date")
            day = date.fromisoformat(due) if due else None
            self.initial.update(repeat_choices.choices_of(own if _is_rule(own) else "", day))
        cast("forms.ChoiceField", self.fields["repeat_unit"]).choices = list(
            _units(self.number_of("repeat_every") or 1).items()
        )

    def number_of(self, name: str) -> int:
        """Return the number that a field shows, 0 if it shows none."""
        shown = str(self[name].value() or "")
        return int(shown) if shown.isdecimal() and len(shown) < 4 else 0

    @property
    def times(self) -> dict[str, str]:
        """What comes after the number of times: as it is, after one, and after many."""
        names = {"one": ngettext("time", "times", 1), "many": ngettext("time", "times", 2)}
        return names | {"now": names["one" if self.number_of("repeat_count") == 1 else "many"]}

    @property
    def builder(self) -> list[forms.BoundField]:
        """The fields of the builder that have no place of their own for errors."""
        return [self[name] for name in self.BUILDER]

    def clean(self) -> dict[str, Any]:
        """Replace a custom repeat, and a choice that would leave out short months, by the rule it stands for."""
        given = self.cleaned_data
        if given.get("recurrence") == CUSTOM:
            self._build(given)
        elif given.get("recurrence") in OFFERED_RULES and "recurrence" in self.changed_data:
            given["recurrence"] = recurrence.every(given["recurrence"], self._due(given))
        if not given.get("recurrence"):
            given["repeat_from"] = ""
        return given

    def _due(self, given: dict[str, Any]) -> date:
        return cast("date", given.get("due_date") or self.today)

    def _build(self, given: dict[str, Any]) -> None:
        if words := given.get("repeat_custom", ""):
            if said := repeats.from_words(words, self._due(given)):
                given |= said
            else:
                self.add_error(
                    "repeat_custom", gettext("Say how it repeats: “every 3 weeks”, “every mon and thu”.")
                )
            return
        if any(name in self.errors for name in self.BUILDER):
            return
        if given.get("repeat_ends") in {"until", "count"} and not given.get(f"repeat_{given['repeat_ends']}"):
            self.add_error(f"repeat_{given['repeat_ends']}", gettext("Say when it ends."))
            return
        try:
            given["recurrence"] = repeat_choices.rule_of(given, self._due(given))
        except recurrence.InvalidRule as error:
            self.add_error("recurrence", gettext("It cannot repeat like this: %(why)s.") % {"why": error})


class TaskForm(RepeatFields, EditForm):
    """The form of a task's page."""

    field_order = ["title", "description"]
    description = TextField(
        required=False,
        label=FIELD_LABELS["description"],
        widget=forms.Textarea(attrs={"rows": 6}),
        clean_text=text.prose,
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
    EDITABLE: ClassVar = tuple(name for name in fields.EDITABLE if name != "timezone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prepare_repeats()


class RepeatForm(RepeatFields):
    """The fields of the builder with the start of the series, to show what they describe."""

    due_date = _date_field()
    due_time = forms.TimeField(required=False, input_formats=["%H:%M"])

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.prepare_repeats()


def _text(value: Any) -> str:
    if isinstance(value, time):
        return value.isoformat("minutes")
    return ", ".join(value) if isinstance(value, list) else str(value or "")


class BulkForm(forms.Form):
    """The fields to set in every selected task; a blank field changes nothing."""

    use_required_attribute = False
    status = forms.ChoiceField(
        label=FIELD_LABELS["status"], choices=[("", _("Status")), *_STATUS_CHOICES], required=False
    )
    priority = forms.ChoiceField(
        label=FIELD_LABELS["priority"], choices=[("", _("Priority")), *_PRIORITY_CHOICES], required=False
    )
    due_date = _date_field()
    category = TextField(label=FIELD_LABELS["category"], required=False, max_length=fields.CATEGORY_MAX)
    add_tags = TagsField(label=_("Add tags"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        kwargs.setdefault("auto_id", "bulk_%s")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs |= {"class": "input", "autocomplete": "off", "form": "bulk"}
            if name in {"category", "add_tags"}:
                field.widget.attrs["placeholder"] = field.label

    def given(self) -> dict[str, Any]:
        """Return the fields that are not blank."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    def changes_for(self, task: TaskItem, zone: tzinfo) -> dict[str, Any]:
        """Return the fields to change in ``task``: tags are added to its own, the due date is a day in ``zone``."""
        changes = self.given()
        if day := changes.get("due_date"):
            changes["due_date"] = moved(task.attribute_values, day, zone)
        if added := changes.pop("add_tags", None):
            changes["tags"] = text.distinct([*(task.tags or ()), *added])
        return changes


class InlineForm(EditForm):
    """The form of a row that is edited in its list."""

    EDITABLE: ClassVar = ("title", "due_date", "priority", "category")
