"""Sessions of the person, signing out, and the password."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from identity import accounts, administration, browsers, profiles, revocations, sign_in
from identity.errors import IdentityError
from identity.forms import posted
from identity.sign_in import context, person
from todo_site.account.forms import ChangePasswordForm
from todo_site.account.pages import page, show
from web.answers import fit_page


@page
def security(request: HttpRequest) -> HttpResponse:
    """Show where the person is signed in, and change the password."""
    form = ChangePasswordForm(posted(request))
    if form.is_valid() and (issued := form.prove(request)):
        given = form.cleaned_data
        try:
            me = person(request)
            accounts.change_password(
                issued.access_token, given["password"], given["new_password"], me.email, me.username, me.name
            )
        except IdentityError as error:
            form.add_error("new_password", str(error))
        else:
            _end_the_others(request, wholly=given["programs"])
            return redirect("account-security")
    signed_in = browsers.signed_in(person(request).id, request.session.session_key)

    def build(rows: int) -> HttpResponse:
        shown, unshown = signed_in[:rows], len(signed_in[rows:])
        return show(request, "security", form=form, signed_in=shown, unshown=unshown)

    return fit_page(build, len(signed_in))


def _end_the_others(request: HttpRequest, *, wholly: bool) -> None:
    """End every session and token but this browser's, after a change of the password."""
    try:
        administration.password_changed(context(request), person(request).username, wholly=wholly)
    except administration.Refused:
        messages.warning(
            request,
            _("Your password is changed, but not everything else is signed out yet. Sign out everywhere."),
        )
        return
    revocations.outlast()
    sign_in.renew(request)
    if wholly:
        messages.success(
            request,
            _("Your password is changed. Every other browser, program, token and calendar was signed out."),
        )
    else:
        messages.success(
            request, _("Your password is changed. All other browsers are signed out; access tokens stay.")
        )


@page
def sign_out(request: HttpRequest) -> HttpResponse:
    """End one session (``id``), or without an id every session and token, this session too."""
    if request.method != "POST":
        return redirect("account-security")
    if session_id := request.POST.get("id"):
        ended = browsers.end(person(request).id, session_id)
        messages.success(request, _("Signed out there") if ended else _("That session had already ended."))
        return redirect("account-security")
    stored = profiles.ensure_profile(context(request), {"username": person(request).username})[0]
    administration.sign_out_everywhere(context(request), stored)
    sign_in.sign_out(request)
    revocations.outlast()
    messages.success(request, _("You are signed out everywhere."))
    return redirect("login")
