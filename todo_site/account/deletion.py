"""Deleting the account, and the progress of its erasure in the lake."""

import logging

from botocore.exceptions import BotoCoreError, ClientError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from etl.lake.config import ConfigError
from identity.sign_in import context, person, sign_out
from store.errors import DomainError
from store.request_context import RequestContext
from todo_site.account.forms import DeleteForm, ImportForm
from todo_site.account.pages import page, show
from todo_site.erasure import lake
from todo_site.erasure.person import erase

REFRESH_SECONDS = 5
_log = logging.getLogger(__name__)


@page
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete the account and everything in it, after the owner has proved who they are."""
    if request.method != "POST":
        return redirect("account-data")
    form = DeleteForm(request.POST, auto_id="delete_%s")
    if form.is_valid() and form.prove(request):
        try:
            receipt = _erase(context(request), person(request).username)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            sign_out(request)
            query = f"?{urlencode({'receipt': receipt})}" if receipt else ""
            return redirect(f"{reverse('account-deleted')}{query}")
    return show(request, "data", form=ImportForm(), report=None, delete_form=form)


def _erase(ctx: RequestContext, username: str) -> str:
    """Erase the person who asks; return a receipt, blank if the erasure in the lake could not be requested."""
    about = {"component": "web", "operation": "delete_account", "metadata": {"user_id": ctx.user_id}}
    erase(ctx, username)
    try:
        receipt = lake.request(ctx)
    except (ClientError, BotoCoreError, ConfigError):
        _log.exception("account deleted, its copies in the lake are not: run erase_user", extra=about)
        return ""
    _log.info("account deleted by its owner", extra=about)
    return receipt


@never_cache
@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """Say what has been deleted and what is still going on; the page refreshes itself until all is done."""
    try:
        state = lake.state_of(request.GET.get("receipt", ""))
    except (LookupError, ConfigError, BotoCoreError, ClientError):
        state = ""
    answer = render(request, "account/deleted.html", {"state": state})
    if state in {"waiting", "running"}:
        answer["Refresh"] = str(REFRESH_SECONDS)
    return answer
