"""Access for programs: personal access tokens and the address of the calendar feed."""

from contextlib import suppress

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from identity import access_tokens, calendar_address
from identity.access_tokens import AccessToken
from identity.decorators import person_required
from identity.errors import AccessTokenNotFound, CalendarFeedNotFound
from identity.sign_in import context, person
from store.errors import DomainError, ValidationFailed
from tasks import calendar_feed
from todo_site.account.forms import TokenForm
from todo_site.account.pages import page, show


@page
def access(request: HttpRequest) -> HttpResponse:
    """Show the tokens and the feed, or create a token, whose secret only this answer shows."""
    if request.method != "POST":
        return _show(request)
    form = TokenForm(request.POST)
    made = _create_token(request, form) if form.is_valid() else None
    return _show(request, made=made) if made else _show(request, form)


def _create_token(request: HttpRequest, form: TokenForm) -> tuple[AccessToken, str] | None:
    given = form.cleaned_data
    try:
        return access_tokens.create(
            context(request), given["name"], given["scope"], given["days"], once=form.once()
        )
    except ValidationFailed as failure:
        form.add_error("name", failure.errors[0]["message"])
    except DomainError as error:
        form.add_error(None, str(error))
    return None


def _show(
    request: HttpRequest,
    form: TokenForm | None = None,
    *,
    made: tuple[AccessToken, str] | None = None,
    feed_address: str = "",
) -> HttpResponse:
    me = person(request).id
    tokens = access_tokens.list_tokens(me)
    if made and made[0].id not in {token.id for token in tokens}:  # the index is a moment behind
        tokens = [made[0], *tokens]
    return show(
        request,
        "access",
        form=form or TokenForm.fresh(),
        tokens=tokens,
        made=made,
        feed=calendar_address.get(me),
        feed_address=feed_address,
    )


@never_cache
@require_POST
@person_required
def revoke_token(request: HttpRequest) -> HttpResponse:
    """Revoke an access token."""
    try:
        access_tokens.revoke(context(request), request.POST.get("id", ""))
        messages.success(request, _("The token no longer works."))
    except AccessTokenNotFound:
        messages.error(request, _("That token had already been revoked."))
    return redirect("account-access")


@page
def feed(request: HttpRequest) -> HttpResponse:
    """Give the calendar feed a new address, which only this answer shows, or disable it (``stop``)."""
    if request.method != "POST":
        return redirect("account-access")
    if "stop" in request.POST:
        with suppress(CalendarFeedNotFound):
            calendar_address.disable(context(request))
        messages.success(request, _("The calendar address no longer works."))
        return redirect("account-access")
    return _show(request, feed_address=calendar_feed.address(calendar_address.enable(context(request))))
