"""Exporting and importing tasks."""

from collections.abc import Container
from functools import partial

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from identity import allowance
from identity.decorators import person_required
from identity.forms import posted
from identity.sign_in import context
from store.errors import DomainError
from tasks.transfer import export_jobs, exporting, import_jobs
from tasks.transfer.export_jobs import ExportItem, ExportNotFound
from tasks.transfer.import_jobs import ImportItem, ImportNotFound
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
@require_POST
@person_required
def import_start(request: HttpRequest) -> HttpResponse:
    """Begin an import of a file of ``bytes`` bytes, for a script that sends it in pieces; ``dry_run`` tries it out."""
    size = request.GET.get("bytes", "")
    if not size.isdecimal() or not 1 <= int(size[:20]) <= import_jobs.FILE_MAX:
        text = _("The file has %(measured)s bytes, and at most %(most)d can be imported.")
        return _refused(text % {"measured": size[:20] or 0, "most": import_jobs.FILE_MAX}, 413)
    try:
        return _job(import_jobs.start(context(request), int(size), dry_run="dry_run" in request.GET).known)
    except DomainError as error:
        return _refused(str(error), error.status)


@page
def import_job(request: HttpRequest, import_id: str) -> HttpResponse:
    """Import a piece of a file that begins at byte ``offset`` (POST), or show how far the import is (GET)."""
    ctx, offset = context(request), request.GET.get("offset", "")
    try:
        if request.method == "POST":
            at = int(offset[:20]) if offset.isdecimal() else -1
            counted = partial(allowance.owe_rows, request)
            return _job(import_jobs.step(ctx, import_id, at, request.body, counted=counted).known)
        item = import_jobs.get_import(ctx, import_id)
    except ImportNotFound:
        raise Http404 from None
    except DomainError as error:
        return _refused(str(error), error.status, again=error.status == 409)
    wanted = request.GET.get("page", "1")
    number = min(int(wanted[:9]) if wanted.isdecimal() else 1, max(1, item.pages))
    return show(request, "imported", job=item, number=number, results=import_jobs.rows_of(item, number))


def _job(item: ImportItem) -> HttpResponse:
    url = reverse("account-import-job", args=[item.id])
    running = item.status == export_jobs.RUNNING
    return JsonResponse({"url": url, "running": running, "offset": item.offset, "wanted": item.wanted})


def _refused(why: str, status: int, *, again: bool = False) -> HttpResponse:
    return JsonResponse({"error": why, "again": again}, status=status)


@never_cache
@require_safe
@person_required
def export(request: HttpRequest) -> HttpResponseBase:
    """Send every task as a file (``format`` is json or csv); one too large for an answer is made in steps."""
    file_format = _format(request.GET.get("format", "json"), exporting.FORMATS)
    in_steps = redirect(f"{reverse('account-export-steps')}?format={file_format}")
    return exporting.download(
        context(request), file_format, too_large=in_steps, read=partial(allowance.owe, request)
    )


def _format(given: str, formats: Container[str] = export_jobs.FORMATS) -> str:
    if given not in formats:
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
            export_jobs.step(ctx, export_id, read=partial(allowance.owe, request))
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
