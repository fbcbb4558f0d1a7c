"""The admin pages of tasks and the trash."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from dynamo_admin.columns import moment
from dynamo_admin.errors import CannotServe
from dynamo_admin.filters import PeriodFilter, TextFilter
from dynamo_admin.forms import DynamoForm
from dynamo_admin.reading import Criteria, Path, Reads
from identity.admin_people import PersonField, PersonFilter, id_of, person
from identity.audited_admin import Audited, AuditedRecord, admin_context, admin_errors
from store.model import feed_keys
from store.request_context import timestamp
from tasks import checklists, recurrence, services
from tasks.admin import undoing
from tasks.admin.models import Task, TrashedTask
from tasks.fields import CATEGORY_MAX
from tasks.forms import ChecklistField
from tasks.ids import is_id, moment_of
from tasks.items import TaskItem
from tasks.language import repeats, rule_words
from tasks.views import undo
from tasks.write_plans import DEFAULTS
from web.forms import TextField

OWNER = person("user_id", _("owner"))
CREATED = moment("created_at", _("created"))
EXPIRES = moment("expires_at", _("expires"))
DELETED = (moment("deleted_at", _("moved to the trash")), person("deleted_by", _("moved there by")))
_MILLISECOND = timedelta(milliseconds=1)


class _Typed(str):
    """What was typed into a field, as opposed to what is stored."""


class RuleField(forms.CharField):
    """A recurrence rule in words: those that were shown stay the rule that they stand for."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return submitted text, told apart from a stored rule."""
        return _Typed(data or "")

    def prepare_value(self, value: Any) -> Any:
        """Return a stored rule in words, and what was typed as it is."""
        return rule_words.in_words(value) if value and not isinstance(value, _Typed) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other words were submitted."""
        return super().has_changed(self.prepare_value(initial), data)


class EntriesField(ChecklistField):
    """A checklist as stored, edited as lines."""

    def prepare_value(self, value: Any) -> Any:
        """Return stored entries as lines, and what was typed as it is."""
        return checklists.to_text(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether other entries were submitted."""
        return super().has_changed(self.prepare_value(initial), data)


class TaskForm(DynamoForm):
    """The form of a task."""

    recurrence = RuleField(
        required=False,
        label=_("Repeats"),
        max_length=recurrence.MAX_LENGTH,
        help_text=_("In words, such as “every 3 weeks on friday”."),
        widget=AdminTextInputWidget,
    )
    checklist = EntriesField(
        required=False,
        label=_("Checklist"),
        help_text=_("One entry a line: “[ ] Milk”, or “[x] Milk” for what is done already."),
        widget=AdminTextareaWidget(attrs={"rows": 5}),
    )

    class Meta:
        widgets = {
            "description": AdminTextareaWidget(attrs={"rows": 6}),
            "due_time": forms.TimeInput(attrs={"type": "time", "class": "vTimeField"}),
        }

    def clean_checklist(self) -> Any:
        """Return the entries; those that are as they were keep their ids."""
        return checklists.parse(self.cleaned_data["checklist"], self.initial.get("checklist") or ())

    def clean(self) -> Any:
        """Replace the words of a repeat by its rule."""
        given = super().clean() or self.cleaned_data
        if "recurrence" not in self.changed_data:
            given["recurrence"] = self.initial.get("recurrence") or ""
        elif words := given.get("recurrence"):
            said = repeats.from_words(words, given.get("due_date"))
            if said is None:
                self.add_error(
                    "recurrence", gettext("Say how it repeats: “every 3 weeks”, “every mon and thu”.")
                )
            else:
                given |= said
                self.changed_data.extend(said.keys() - set(self.changed_data))
        return given


class CategoryForm(forms.Form):
    """The form of the action that changes the category."""

    category = TextField(
        label=_("Category"),
        max_length=CATEGORY_MAX,
        required=False,
        help_text=_("Leave it blank to remove the category."),
    )


class NewTaskForm(TaskForm):
    """The form of a new task, which asks for the owner."""

    user_id = PersonField(label=_("Owner"))


class TaskAdmin(Audited):
    """Everybody's tasks."""

    audit_kind = "task"
    save_as = True
    deletion_note = _("It stays in the trash for 30 days and can be restored from there.")
    form = TaskForm
    list_display = ("title", OWNER, "status", "priority", "category", "due_date", CREATED)
    list_filter = (
        ("user_id", PersonFilter),
        "status",
        "priority",
        "due_date",
        ("category", TextFilter),
        ("created_at", PeriodFilter),
    )
    search_fields = ("title", "description", "category", "request_id")
    search_help_text = _(
        "Words of title, description or category; the owner's address; or the id of a task or a request."
    )
    actions = ("complete", "change_category", "move_to_trash")
    record = (
        *("id", CREATED, moment("updated_at", _("changed")), moment("completed_at", _("completed"))),
        *("version", person("updated_by", _("changed by")), "request_id"),
    )
    fieldsets = (
        (None, {"fields": (OWNER, "title", "description", "status", "priority", "category", "tags")}),
        (_("When"), {"fields": ("due_date", "due_time", "timezone", "recurrence", "repeat_from")}),
        (_("Checklist"), {"fields": ("checklist",), "classes": ("collapse",)}),
        (_("Record"), {"fields": record, "classes": ("collapse",)}),
    )

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Give a copy ("Save as new") the owner of the task that it is made from: a change form does not send it."""
        if object_id and "_saveasnew" in request.POST:
            given: Any = request.POST.copy()
            given["user_id"] = unquote(object_id).rpartition(".")[0]
            request.POST = given
        return super().changeform_view(request, object_id, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields. The owner is part of the key, so it can only be set for a new task."""
        return (*self.record, OWNER) if obj else self.record

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class."""
        return super().get_form(
            request, obj, change=change, **({} if obj else {"form": NewTaskForm}) | kwargs
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """Return the defaults of a new task."""
        return {**DEFAULTS, **super().get_changeform_initial_data(request)}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets: a new task has no record yet, and who only reads gets the repeat in words."""
        if not obj:
            (name, options), *others = self.fieldsets[:-1]
            return [(name, {**options, "fields": ("user_id", *options["fields"][1:])}), *others]
        if self.has_change_permission(request, obj):
            return self.fieldsets
        return [
            (
                name,
                {
                    **options,
                    "fields": ["repeats" if field == "recurrence" else field for field in options["fields"]],
                },
            )
            for name, options in self.fieldsets
        ]

    @admin.display(description=_("repeats"), empty_value="-")
    def repeats(self, obj: Any) -> str:
        """Return how a task repeats, in words."""
        return rule_words.of_task(obj.as_item())

    def get_actions(self, request: HttpRequest) -> Any:
        """Return the actions, with moving to the trash in place of deletion."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Find a task id by its place in the feed; search for words in the rows that are read."""
        found = _keys_of_id(search_term.strip().lower())
        if found is not None:
            return queryset.filter(pk__in=found), False
        if "@" in search_term and " " not in search_term.strip():
            with suppress(CannotServe):  # it may be a part of a text
                return queryset.filter(user_id=id_of(search_term)), False
        return super().get_search_results(request, queryset, search_term)

    def create_item(self, request: HttpRequest, given: Any, form: Any) -> Any:
        """Create a task for its owner through the services."""
        owner = given.pop("user_id")
        with admin_errors():
            return services.create_task(admin_context(request, owner), given).task.attribute_values

    def change_item(self, request: HttpRequest, obj: Any, changes: Any, form: Any) -> Any:
        """Update a task through the services, if it has not changed since it was shown."""
        context = admin_context(request, obj.stored["user_id"])
        with admin_errors():
            written = services.update_task(
                context, obj.stored["id"], changes, if_version=obj.stored["version"]
            )
        return written.task.attribute_values

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Move a task to the trash through the services."""
        context = admin_context(request, obj.stored["user_id"], "move to trash")
        with admin_errors():
            services.delete_task(context, obj.stored["id"], if_version=obj.stored["version"])

    def also_deleted(self, request: HttpRequest, obj: Any) -> list[str]:
        """Return the checklist entries, which are deleted with the task."""
        entries = obj.stored.get("checklist") or ()
        return [gettext("Checklist entry: %(text)s") % {"text": entry.get("text", "")} for entry in entries]

    @admin.action(description=_("Complete selected tasks"), permissions=["change"])
    def complete(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Complete tasks, and create the next occurrence of recurring ones."""
        chosen = list(queryset)
        tasks = [task for task in chosen if task.unreadable or task.status != "completed"]
        question = ngettext("Complete %(number)s task?", "Complete %(number)s tasks?", len(tasks))
        note = _("A task that repeats is followed by its next occurrence.")
        if page := self.ask(request, tasks, question % {"number": len(tasks)}, note=note):
            return page
        self._update(request, tasks, {"status": "completed"}, "complete", gettext("completed"))
        if already := len(chosen) - len(tasks):
            said = ngettext(
                "%(number)s task was done already.", "%(number)s tasks were done already.", already
            )
            self.message_user(request, said % {"number": already}, messages.INFO)
        return None

    @admin.action(description=_("Change category of selected tasks"), permissions=["change"])
    def change_category(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Ask for a category, and set it."""
        form = CategoryForm(request.POST if self.asked(request) else None)
        tasks = list(queryset)
        question = ngettext("New category of %(number)s task", "New category of %(number)s tasks", len(tasks))
        if page := self.ask(request, tasks, question % {"number": len(tasks)}, form=form):
            return page
        category = form.cleaned_data["category"] or None
        done = (
            gettext("moved to the category “%(category)s”") if category else gettext("now without a category")
        )
        self._update(request, tasks, {"category": category}, "change category", done % {"category": category})
        return None

    @admin.action(description=_("Move selected tasks to the trash"), permissions=["delete"])
    def move_to_trash(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Move tasks to the trash."""
        tasks = list(queryset)
        question = ngettext(
            "Move %(number)s task to the trash?", "Move %(number)s tasks to the trash?", len(tasks)
        )
        note = _("They stay in the trash for 30 days and can be restored from there.")
        if page := self.ask(request, tasks, question % {"number": len(tasks)}, note=note):
            return page
        self.for_each(
            request,
            tasks,
            lambda obj: self.delete_item(request, obj),
            gettext("moved to the trash"),
            following=reverse("admin:tasks_trashedtask_changelist"),
        )
        return None

    def _update(self, request: HttpRequest, objects: Any, changes: Any, action: str, done: str) -> None:
        steps: list[undoing.Undoable] = []

        def update(obj: Any) -> None:
            before = obj.as_item()
            with admin_errors():
                context = admin_context(request, before.user_id, action)
                after = services.update_task(
                    context, before.id, dict(changes), if_version=before.version
                ).task
            task_id, version, fields = undo.step(before, after) or (before.id, 0, None)
            if fields:
                steps.append((before.user_id, task_id, version, fields))

        self.for_each(request, objects, update, done, undo=lambda: undoing.offer(request, done, steps))

    def get_urls(self) -> list[Any]:
        """Add the page that undoes the last bulk action."""
        view = self.admin_site.admin_view(lambda request: undoing.page(self, request))
        return [path("undo/", view, name=undoing.NAME), *super().get_urls()]


def _keys_of_id(text: str) -> list[str] | None:
    """Return the keys of the task with the id ``text``, one or none; None if it is not an id.

    One short Query: an id contains the millisecond of its creation, and the feed is ordered by time.
    """
    if not is_id(text):
        return None
    moment = moment_of(text)
    place = feed_keys("TASK", text, "")["GSI5PK"]
    low, high = (timestamp(moment + delta) for delta in (-_MILLISECOND, 2 * _MILLISECOND))
    feed = Path(place, index="gsi5", sort="GSI5SK", timed=True)
    rows = feed.rows(TaskItem, Criteria(since=low, until=high), Reads())
    tasks: Any = Task
    return [tasks.from_values(values).pk for position, values in rows if position.endswith(f"#{text}")]


class TrashAdmin(AuditedRecord):
    """Everybody's trash: tasks get there by being deleted, and are restored or deleted, not edited."""

    audit_kind = "task"
    people = ("user_id", "deleted_by")
    list_display = ("title", OWNER, "status", "category", *DELETED)
    list_filter = (("user_id", PersonFilter), ("deleted_at", PeriodFilter))
    search_fields = ("title", "category")
    actions = ("restore",)
    readonly_fields = (OWNER, CREATED, *DELETED, EXPIRES, "entries")
    fields = (
        *("title", OWNER, "status", "priority", "category", "tags", "due_date", "description", "entries"),
        *(*DELETED, EXPIRES, CREATED, "id", "version", "request_id"),
    )

    @admin.display(description=_("checklist"), empty_value="-")
    def entries(self, obj: Any) -> str:
        """Return the checklist as lines."""
        return checklists.to_text(obj.checklist or ())

    def has_restore_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may change tasks, which restoring requires."""
        return bool(request.user.has_perm("tasks.change_task"))

    @admin.action(description=_("Restore selected tasks"), permissions=["restore"])
    def restore(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Restore tasks under their old ids."""
        tasks = list(queryset)
        question = ngettext("Restore %(number)s task?", "Restore %(number)s tasks?", len(tasks))
        if page := self.ask(request, tasks, question % {"number": len(tasks)}):
            return page

        def restore(obj: Any) -> None:
            with admin_errors():
                services.restore_task(
                    admin_context(request, obj.stored["user_id"], "restore"), obj.stored["id"]
                )

        following = reverse("admin:tasks_task_changelist")
        self.for_each(request, tasks, restore, gettext("restored"), following=following)
        return None

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Permanently delete a task."""
        with admin_errors():
            context = admin_context(request, obj.stored["user_id"], "delete for good")
            services.purge_task(context, obj.stored["id"], if_version=obj.stored["version"])


ADMINS = {Task: TaskAdmin, TrashedTask: TrashAdmin}
