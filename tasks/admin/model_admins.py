"""The admin pages of tasks and the trash."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dynamo_admin.errors import InvalidFields
from dynamo_admin.filters import ExactFilter, TextFilter
from dynamo_admin.forms import DynamoForm
from identity import profiles
from identity.audited_admin import Audited, AuditedRecord, admin_context, admin_errors
from store.model import Item, feed_keys
from store.reading import query
from store.request_context import timestamp
from tasks import recurrence, services
from tasks.admin.models import Task, TrashedTask
from tasks.fields import CATEGORY_MAX
from tasks.ids import is_id, moment_of
from tasks.items import TaskItem
from tasks.language import repeats, rule_words
from tasks.write_plans import DEFAULTS
from web.forms import TextField

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


class TaskForm(DynamoForm):
    """The form of a task; for a new task it also asks for the owner."""

    recurrence = RuleField(
        required=False,
        max_length=recurrence.MAX_LENGTH,
        help_text=_("In words, such as “every 3 weeks on friday”."),
        widget=AdminTextInputWidget,
    )

    class Meta:
        widgets = {"description": forms.Textarea(attrs={"rows": 6})}

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
        max_length=CATEGORY_MAX, required=False, help_text=_("Leave it blank to remove the category.")
    )


class TaskAdmin(Audited):
    """Everybody's tasks."""

    audit_kind = "task"
    save_as = True
    deletion_note = _("It stays in the trash for 30 days and can be restored from there.")
    form = TaskForm
    list_display = ("title", "status", "priority", "category", "due_date", "created_at", "user_id")
    list_filter = (
        "status",
        "priority",
        "due_date",
        ("category", TextFilter),
        ("user_id", ExactFilter),
        "created_at",
    )
    search_fields = ("title", "description", "category")
    search_help_text = _("Words of title, description or category, or a task's id.")
    actions = ("complete", "change_category", "move_to_trash")
    record = ("id", "created_at", "updated_at", "completed_at", "version", "updated_by", "request_id")
    fieldsets = (
        (None, {"fields": ("user_id", "title", "description", "status", "priority", "category", "tags")}),
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
        return (*self.record, "user_id") if obj else self.record

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """Return the defaults of a new task."""
        return {**DEFAULTS, **super().get_changeform_initial_data(request)}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets: a new task has no record yet, and who only reads gets the repeat in words."""
        if not obj:
            return self.fieldsets[:-1]
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

    @admin.display(description=_("recurrence"), empty_value="-")
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
        return super().get_search_results(request, queryset, search_term)

    def create_item(self, request: HttpRequest, given: Any, form: Any) -> Any:
        """Create a task for its owner through the services."""
        owner = given.pop("user_id", "")
        if profiles.get_profile(owner) is None:
            raise InvalidFields({"user_id": [gettext("There is no user with this id.")]})
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
        return [gettext("Checklist entry: %(text)s") % entry for entry in obj.stored.get("checklist") or ()]

    @admin.action(description=_("Complete selected tasks"), permissions=["change"])
    def complete(self, request: HttpRequest, queryset: Any) -> None:
        """Complete tasks, and create the next occurrence of recurring ones."""
        self._update(
            request,
            queryset.exclude(status="completed"),
            {"status": "completed"},
            "complete",
            gettext("completed"),
        )

    @admin.action(description=_("Change category of selected tasks"), permissions=["change"])
    def change_category(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Ask for a category, and set it."""
        form = CategoryForm(request.POST if "apply" in request.POST else None)
        if form.is_bound and form.is_valid():
            category = form.cleaned_data["category"] or None
            self._update(
                request, queryset, {"category": category}, "change category", gettext("moved to the category")
            )
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Change category"),
            "opts": self.opts,
            "form": form,
            "objects": list(queryset),
            "action": "change_category",
            "checkbox": helpers.ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/tasks/task/change_category.html", context)

    @admin.action(description=_("Move selected tasks to the trash"), permissions=["delete"])
    def move_to_trash(self, request: HttpRequest, queryset: Any) -> None:
        """Move tasks to the trash."""
        self.for_each(
            request, queryset, lambda obj: self.delete_item(request, obj), gettext("moved to the trash")
        )

    def _update(self, request: HttpRequest, objects: Any, changes: Any, action: str, done: str) -> None:
        def update(obj: Any) -> None:
            with admin_errors():
                context = admin_context(request, obj.stored["user_id"], action)
                services.update_task(context, obj.stored["id"], dict(changes))

        self.for_each(request, objects, update, done)


def _keys_of_id(text: str) -> list[str] | None:
    """Return the keys of the task with the id ``text``, one or none; None if it is not an id.

    One short Query: an id contains the millisecond of its creation, and the feed is ordered by time.
    """
    if not is_id(text):
        return None
    moment = moment_of(text)
    place = feed_keys("TASK", text, "")["GSI5PK"]
    low, high = (timestamp(moment + delta) for delta in (-_MILLISECOND, 2 * _MILLISECOND))
    page = query(TaskItem, place, Item.GSI5SK.between(low, high), index="GSI5")
    return [task.audit_id for task in page.items if task.id == text]


class TrashAdmin(AuditedRecord):
    """Everybody's trash: tasks get there by being deleted, and are restored or deleted, not edited."""

    audit_kind = "task"
    list_display = ("title", "status", "category", "user_id", "deleted_at", "deleted_by")
    list_filter = (("user_id", ExactFilter), "deleted_at")
    search_fields = ("title", "category")
    actions = ("restore",)

    def has_restore_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may change tasks, which restoring requires."""
        return bool(request.user.has_perm("tasks.change_task"))

    @admin.action(description=_("Restore selected tasks"), permissions=["restore"])
    def restore(self, request: HttpRequest, queryset: Any) -> None:
        """Restore tasks under their old ids."""

        def restore(obj: Any) -> None:
            with admin_errors():
                services.restore_task(
                    admin_context(request, obj.stored["user_id"], "restore"), obj.stored["id"]
                )

        self.for_each(request, queryset, restore, gettext("restored"))

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Permanently delete a task."""
        with admin_errors():
            context = admin_context(request, obj.stored["user_id"], "delete for good")
            services.purge_task(context, obj.stored["id"], if_version=obj.stored["version"])


ADMINS = {Task: TaskAdmin, TrashedTask: TrashAdmin}
