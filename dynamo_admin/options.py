"""DynamoModelAdmin, a ModelAdmin that reads and writes DynamoDB items instead of using SQL."""

import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext, unquote
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS, NotSupportedError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from pynamodb.exceptions import DeleteError, PutError, PynamoDBException

from dynamo_admin.changelist import READING_FAILED, CursorChangeList, reason
from dynamo_admin.errors import CannotServe, StaleForm, WriteRefused
from dynamo_admin.forms import VERSION_PARAMETER, DynamoForm, seen_version
from dynamo_admin.query import CannotRead
from dynamo_admin.reading import Values, values_of

EXPORT, EXPORTED = "export.csv", 5000
HISTORY = 100


class _Unreadable(Exception):  # noqa: N818
    """An object was asked for whose item cannot be read."""

    def __init__(self, obj: Any) -> None:
        super().__init__()
        self.obj = obj


class _FormRefused(Exception):  # noqa: N818
    """Ends the saving of a form whose write was refused; the form says why."""

    def __init__(self, form: DynamoForm) -> None:
        super().__init__()
        self.form = form


def _refused_form(request: HttpRequest) -> DynamoForm | None:
    return getattr(request, "refused_form", None)


def prime_content_type(model: Any) -> None:
    """Cache a content type for ``model``: the admin looks it up by id, and there is no table to hold it."""
    opts = model._meta
    number = zlib.crc32(opts.label_lower.encode())
    content_type = ContentType(number, opts.app_label, opts.model_name)
    manager: Any = ContentType.objects
    manager._add_to_cache(DEFAULT_DB_ALIAS, content_type)


class DynamoModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of a DynamoModel.

    Override ``create_item``, ``change_item`` and ``delete_item`` to write through the domain's services (the defaults
    write the PynamoDB model), ``history`` to show past changes, ``also_deleted`` to list what deletion also removes.
    """

    form = DynamoForm
    list_per_page = 25
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    change_form_template = "dynamo_admin/change_form.html"
    change_list_template = "dynamo_admin/change_list.html"
    delete_confirmation_template = "dynamo_admin/delete_confirmation.html"
    action_template = "dynamo_admin/ask.html"
    unreadable_template = "dynamo_admin/unreadable.html"
    rows: Any = ""  # name of several rows, where the model's plural names only the list
    deletion_note: Any = ""  # shown below each object to be deleted

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        prime_content_type(model)

    # --- Writing: three methods to override -----------------------------------------------------------------

    def create_item(self, request: HttpRequest, given: Values, form: Any) -> Values:
        """Store a new item with the given fields and return it as stored. Raises WriteRefused."""
        item = self.model.item(**given)
        return self._put(item, type(item)._hash_key_attribute().does_not_exist())

    def change_item(self, request: HttpRequest, obj: Any, changes: Values, form: Any) -> Values:
        """Change fields of the item (None removes one) and return it as stored. Raises WriteRefused."""
        item = self.model.item()
        stored = dict(obj.stored)
        if obj.version is not None:
            stored[self.model.version_field] = obj.version + 1
        item.attribute_values = {k: v for k, v in {**stored, **changes}.items() if v is not None}
        return self._put(item, self._unchanged(obj))

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Delete the item. Raises WriteRefused."""
        item = self.model.item()
        item.attribute_values = dict(obj.stored)
        try:
            item.delete(condition=self._unchanged(obj))
        except DeleteError as error:
            raise _refusal(error) from error

    def _unchanged(self, obj: Any) -> Any:
        item = self.model.item
        if obj.version is None:
            return item._hash_key_attribute().exists()
        return getattr(item, self.model.version_field) == obj.version

    def _put(self, item: Any, condition: Any) -> Values:
        try:
            item.save(condition=condition)
        except PutError as error:
            raise _refusal(error) from error
        return values_of(item)

    # --- Information about items: two more methods to override -----------------------------------------------

    def history(self, request: HttpRequest, obj: Any) -> Sequence[Any]:
        """Return the latest changes of an object, with the attributes of Django's LogEntry."""
        return []

    def also_deleted(self, request: HttpRequest, obj: Any) -> list[str]:
        """Return, one line each, what deleting ``obj`` also removes. Raises WriteRefused if that is too much."""
        return []

    # --- Lists -------------------------------------------------------------------------------------------------

    def prepare(self, request: HttpRequest, objects: Sequence[Any]) -> None:
        """Read at once what a page of the list shows of other items. Here, nothing."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the change list that pages by cursor."""
        return CursorChangeList

    def get_urls(self) -> list[Any]:
        """Add the URL of the CSV export."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(self.export_view)
        return [path(EXPORT, view, name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Return the filtered list as CSV, up to EXPORTED rows and what fits (``DynamoAdminSite.fitting``).

        ``X-Rows-Truncated`` says whether there are more.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        names = self.export_fields(request)
        try:
            found, truncated = self._rows_to_export(request)
        except (CannotServe, *READING_FAILED) as error:
            if not isinstance(error, CannotServe | CannotRead):  # the list itself reports those
                self.message_user(request, reason(error), messages.WARNING)
            address = request.path.removesuffix(EXPORT)
            return HttpResponseRedirect(f"{address}?{request.GET.urlencode()}")
        site: Any = self.admin_site
        more = any(obj.unreadable for obj in found)
        rows = (
            [getattr(obj, name) for name in names] + ([obj.why_unreadable()] if more else []) for obj in found
        )
        names += ["unreadable"] if more else []
        lines = list(takewhile(site.fitting(), site.csv_lines(names, rows)))
        truncated = truncated or len(lines) <= len(found)
        answer: Any = HttpResponse("".join(lines), content_type="text/csv; charset=utf-8")
        moment = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
        filename = f"{self.opts.model_name}-{moment}{'-part' if truncated else ''}.csv"
        answer["Content-Disposition"] = f'attachment; filename="{filename}"'
        answer["X-Rows-Truncated"] = "true" if truncated else "false"
        return answer  # type: ignore[no-any-return]

    def export_fields(self, request: HttpRequest) -> list[str]:
        """Return the names of the fields that an export has. Where an item cannot be read, a last column says why."""
        return [field.name for field in self.opts.concrete_fields]

    def _rows_to_export(self, request: HttpRequest) -> tuple[list[Any], bool]:
        request.dynamo_unread = True  # type: ignore[attr-defined]
        changelist: Any = self.get_changelist_instance(request)
        if changelist.refusal:
            raise CannotServe(changelist.refusal)
        queryset, found, read = changelist.queryset, [], 0
        page = queryset.page(None, EXPORTED)
        while True:
            found += page.objects
            read += page.reads.items
            if page.next is None or read >= EXPORTED or len(found) >= EXPORTED:
                return found[:EXPORTED], page.next is not None
            page = queryset.page(page.next, EXPORTED - len(found))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Add the link to the CSV export; show as many rows as fit (``DynamoAdminSite.fit_page``)."""
        url = f"{request.path}{EXPORT}?{request.GET.urlencode()}"
        context = {"export_url": url, **(extra_context or {})}
        show = super().changelist_view
        if request.method == "POST":  # an action, which must not run twice
            return show(request, context)

        def build(rows: int) -> Any:
            request.dynamo_rows = rows  # type: ignore[attr-defined]
            page: Any = show(request, dict(context))
            return page.render() if hasattr(page, "render") else page

        site: Any = self.admin_site
        return site.fit_page(build, self.list_per_page)

    def response_action(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """Run an action on the selected rows; refuse to run it on all pages, which has no bound."""
        if request.POST.get("select_across") == "1":
            self.message_user(
                request, _("Select rows of this page: all pages at once is not offered."), messages.ERROR
            )
            return None
        if refusal := getattr(request, "dynamo_refusal", ""):
            self.message_user(request, refusal, messages.ERROR)
            return None
        try:
            return super().response_action(request, queryset, *args, **kwargs)  # 6.1 adds the location
        except (WriteRefused, NotSupportedError, PynamoDBException) as error:
            self.message_user(request, reason(error), messages.ERROR)
            return None

    # --- Forms -------------------------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class; for a form to be shown again, one that yields this form."""
        made = super().get_form(request, obj, change=change, **kwargs)
        form = _refused_form(request)
        return type(made.__name__, (made,), {"__new__": lambda *args, **kwargs: form}) if form else made

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return the object; for a form to be shown again, the one that the form was filled from."""
        form = _refused_form(request)
        found: Any = form.instance if form else super().get_object(request, object_id, from_field)
        if found is not None and found.unreadable:
            raise _Unreadable(found)
        return found

    def _unreadable_page(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Return the page in place of those of an object whose item cannot be read: its key, and why."""
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("This %(name)s cannot be read") % {"name": self.opts.verbose_name},
            "opts": self.opts,
            "object": obj,
            "preserved_filters": self.get_preserved_filters(request),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.unreadable_template, context)

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Show the form again when the write is refused; Django expects that saving a valid form succeeds."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except _Unreadable as unreadable:
            return self._unreadable_page(request, unreadable.obj)
        except _FormRefused as refused:
            request.refused_form = refused.form  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Put the version that the form shows on the page; after a mistake, the version that was sent."""
        original = context.get("original")
        seen = original.version if original is not None else None
        context["seen_version"] = request.POST.get(VERSION_PARAMETER, "" if seen is None else seen)
        if (
            original is not None and request.method == "POST"
        ):  # a form names what is stored, not what was typed
            stored = type(original).from_values(original.stored)
            context |= {"original": stored, "subtitle": str(stored)}
            if getattr(request, "form_is_stale", False):
                context["stale"] = context["adminform"].form.differences()
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write the item through ``create_item`` or ``change_item``."""
        try:
            if not change:
                given = {k: v for k, v in form.stored_changes(form.fields).items() if v is not None}
                written = self.create_item(request, given, form)
            elif obj.version is not None and seen_version(request.POST) != obj.version:
                raise StaleForm
            else:
                written = self.change_item(request, obj, form.stored_changes(form.changed_data), form)
        except WriteRefused as refused:
            request.form_is_stale = isinstance(refused, StaleForm)  # type: ignore[attr-defined]
            form.add_refusal(refused)
            raise _FormRefused(form) from refused
        obj.__dict__.update(type(obj).from_values(written).__dict__)

    # --- History: the writing methods record it ---------------------------------------------------------------------

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Do nothing: ``create_item`` records what it did."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Do nothing: ``change_item`` records what it did."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Do nothing: ``delete_item`` records what it did."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Show ``history`` on Django's own page."""
        try:
            obj = self.get_object(request, unquote(object_id))
        except _Unreadable as unreadable:
            return self._unreadable_page(request, unreadable.obj)
        if obj is None:
            stock: Any = self
            return stock._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        entries: Any = list(self.history(request, obj))[:HISTORY]
        page = self.get_paginator(request, entries, HISTORY).get_page(1)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Change history: %s") % obj,
            "subtitle": None,
            "action_list": page,
            "page_range": [1],
            "page_var": "p",
            "pagination_required": False,
            "module_name": str(capfirst(self.opts.verbose_name_plural)),
            "object": obj,
            "opts": self.opts,
            "preserved_filters": self.get_preserved_filters(request),
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        template = self.object_history_template or "admin/object_history.html"
        return TemplateResponse(request, template, context)

    # --- Deleting ------------------------------------------------------------------------------------------------

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Any:
        """Return what the deletion removes: the objects and, below each, ``also_deleted``."""
        tree: list[Any] = []
        counts: dict[str, int] = {}
        objects = list(objs)
        protected = []
        for obj in objects:
            if obj.unreadable:
                protected.append(_cannot_read(obj))
                continue
            tree.append(f"{capfirst(str(self.opts.verbose_name))}: {obj}")
            try:
                others = self.also_deleted(request, obj)
            except WriteRefused as refused:
                protected.append(str(refused))
                continue
            if others or self.deletion_note:
                tree.append([*others, *([self.deletion_note] if self.deletion_note else [])])
            if others:
                with_them = _("what goes with them")
                counts[with_them] = counts.get(with_them, 0) + len(others)
        allowed = all(self.has_delete_permission(request, obj) for obj in objects)
        counts = {str(self.opts.verbose_name_plural): len(objects), **counts}
        return tree, counts, set() if allowed else {str(self.opts.verbose_name)}, protected

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete an object unless it changed after the page was shown. Raises WriteRefused."""
        if obj.version is not None and seen_version(request.POST) != obj.version:
            raise StaleForm(
                _(
                    "Not deleted: somebody else changed this after you opened the page. It shows how it is now."
                )
            )
        self.delete_item(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Delete objects one by one. Raises WriteRefused."""
        for obj in list(queryset):
            if obj.unreadable:
                raise WriteRefused(_cannot_read(obj))
            self.delete_item(request, obj)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Confirm and delete; show why a deletion was refused."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except _Unreadable as unreadable:
            return self._unreadable_page(request, unreadable.obj)
        except WriteRefused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    # --- Actions -------------------------------------------------------------------------------------------------

    def ask(
        self,
        request: HttpRequest,
        objects: Sequence[Any],
        question: str,
        *,
        note: Any = "",
        form: Any = None,
    ) -> HttpResponse | None:
        """Return the page that asks before an action runs; None once it was answered, with a valid ``form`` if given.

        Parameters
        ----------
        objects
            What the action is about to change; the page lists them.
        question
            Such as "Lend 3 books?".
        note
            What happens then.
        form
            A form for what else the action needs, bound if ``asked(request)``.
        """
        if self.asked(request) and (form is None or form.is_valid()):
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": question,
            "opts": self.opts,
            "objects": objects,
            "note": note,
            "form": form,
            "action": request.POST.get("action", ""),
            "checkbox": ACTION_CHECKBOX_NAME,
            "back": request.get_full_path(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.action_template, context)

    @staticmethod
    def asked(request: HttpRequest) -> bool:
        """Return whether the page of ``ask`` was answered."""
        return "apply" in request.POST

    def for_each(
        self,
        request: HttpRequest,
        objects: Iterable[Any],
        do: Any,
        done: str,
        *,
        following: str = "",
        undo: Callable[[], str] | None = None,
    ) -> None:
        """Apply an action to each object and report the outcome; a refusal does not stop the others.

        Parameters
        ----------
        do
            Called with each object; may raise WriteRefused.
        done
            Participle for the report, such as "lent" in "3 books lent".
        following
            The address of a list that shows, filtered by their keys, what the report is about: where it can be undone.
        undo
            Returns, after the last object, the address of a page that undoes all of it; "" if it cannot be undone.
        """
        changed = []
        for obj in objects:
            try:
                if obj.unreadable:
                    raise WriteRefused(obj.why_unreadable())
                do(obj)
                changed.append(str(obj.pk))
            except WriteRefused as refused:
                name = obj.pk if obj.unreadable else obj
                self.message_user(request, f"{name}: {refused}", messages.ERROR)
        if changed:
            names = model_ngettext(self.opts, len(changed))
            text = _("%(number)s %(names)s %(done)s.") % {
                "number": len(changed),
                "names": names,
                "done": done,
            }
            if following:
                query = urlencode({"key__in": ",".join(changed)})
                text = format_html('{} <a href="{}?{}">{}</a>', text, following, query, _("Undo it there"))
            elif undo and (address := undo()):
                text = format_html('{} <a href="{}">{}</a>', text, address, _("Undo"))
            self.message_user(request, text, messages.SUCCESS)


class RecordAdmin(DynamoModelAdmin):
    """An admin of rows that are not written by hand, but may be deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False


class ReadOnlyAdmin(RecordAdmin):
    """An admin that only shows rows."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False


def _cannot_read(obj: Any) -> str:
    return _("%(key)s cannot be read: %(reason)s") % {"key": obj.pk, "reason": obj.why_unreadable()}


def _refusal(error: Any) -> Exception:
    stale = error.cause_response_code == "ConditionalCheckFailedException"
    return StaleForm() if stale else WriteRefused(reason(error))
