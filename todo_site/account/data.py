"""Exporting and importing tasks."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from identity.decorators import person_required
from identity.forms import posted
from identity.sign_in import context
from store.errors import DomainError
from tasks.transfer import export_jobs, exporting
from tasks.transfer.export_jobs import ExportItem, ExportNotFound
from todo_site.account import import_steps
from todo_site.account.forms import DeleteForm, ImportForm
from todo_site.account.pages import page, show
from web.answers import fit_page


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
    remarks = [result for result in report.results if result.errors or result.notes] if report else []
    shown = {
        "form": form,
        "report": report,
        "delete_form": DeleteForm(auto_id="delete_%s"),
        "exports": export_jobs.list_exports(context(request)),
    }

    def build(rows: int) -> HttpResponse:
        return show(request, "data", remarks=remarks[:rows], unshown=len(remarks[rows:]), **shown)

    return fit_page(build, len(remarks))


@never_cache
@require_safe
@person_required
def export(request: HttpRequest) -> HttpResponseBase:
    """Send every task as a file (``format`` is json or csv); one too large for an answer is made in steps."""
    file_format = _format(request.GET.get("format", "json"))
    in_steps = redirect(f"{reverse('account-export-steps')}?format={file_format}")
    return exporting.download(context(request), file_format, too_large=in_steps)


def _format(given: str) -> str:
    if given not in exporting.FORMATS:
        raise BadRequest(_("There is no such format."))
    return given


@page
def export_steps(request: HttpRequest) -> HttpResponse:
    """Make a file step by step: ``format`` begins one, ``id`` is one that was begun. Each POST does a step.

    The page carries a form for the next step, which JavaScript submits by itself, as for imports.
    """
    ctx = context(request)
    export_id, error = request.GET.get("id", ""), ""
    if not export_id and request.method != "POST":
        return show(request, "exporting", format=_format(request.GET.get("format", "json")))
    try:
        if not export_id:
            export_id = export_jobs.start(ctx, _format(request.POST.get("format", ""))).known.id
        if request.method == "POST":
            export_jobs.step(ctx, export_id)
    except ExportNotFound:
        raise Http404 from None
    except DomainError as failure:
        if not export_id:
            messages.error(request, str(failure))
            return redirect("account-data")
        error = str(failure)
    return show(request, "exporting", export=_found(request, export_id), error=error)


@never_cache
@require_safe
@person_required
def export_file(request: HttpRequest, export_id: str) -> HttpResponse:
    """Lead to the finished file, by a link that works for some minutes."""
    if not (link := _found(request, export_id).link):
        raise Http404
    return redirect(link)


def _found(request: HttpRequest, export_id: str) -> ExportItem:
    try:
        return export_jobs.get_export(context(request), export_id)
    except ExportNotFound:
        raise Http404 from None
