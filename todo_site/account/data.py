"""Exporting and importing tasks."""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from identity.decorators import person_required
from identity.forms import posted
from identity.sign_in import context
from store.errors import DomainError
from tasks.transfer import exporting
from todo_site.account import import_steps
from todo_site.account.forms import DeleteForm, ImportForm
from todo_site.account.pages import page, show


@page
def data(request: HttpRequest) -> HttpResponse:
    """Offer export, import and deletion of the account; import a file, or only try it out (``dry_run``)."""
    form, report, progress = ImportForm(posted(request), request.FILES or None), None, None
    if form.is_valid():
        try:
            report, progress = import_steps.step(request, form)
        except DomainError as error:
            form.add_error("file", str(error))
    if progress:
        return show(request, "importing", progress=progress)
    return show(request, "data", form=form, report=report, delete_form=DeleteForm(auto_id="delete_%s"))


@never_cache
@require_safe
@person_required
def export(request: HttpRequest) -> Any:
    """Send every task as a file: ``format`` is json or csv."""
    file_format = request.GET.get("format", "json")
    if file_format not in exporting.FORMATS:
        raise BadRequest(_("There is no such format."))
    return exporting.download(context(request), file_format)
