"""The pages about oneself. Whatever cannot be taken back asks for the password again."""

import io
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from etl.lake.config import ConfigError
from identity import (
    access_tokens,
    accounts,
    administration,
    browsers,
    calendar_address,
    preferences,
    revocations,
)
from identity import preference_cookies as kept
from identity.decorators import person_required
from identity.errors import AccessTokenNotFound, CalendarFeedNotFound, IdentityError, WrongCode
from identity.forms import posted
from identity.sign_in import SESSION_KEY, context, person, sign_out
from store.errors import DomainError, ValidationFailed
from tasks import services
from tasks.transfer import exporting
from todo_site.account import erasure, importing, proofs
from todo_site.account.forms import (
    ChangePasswordForm,
    DeleteForm,
    EnrolForm,
    ImportForm,
    ProfileForm,
    ProofForm,
    TokenForm,
)

View = Callable[[HttpRequest], HttpResponse]
DELETED_REFRESH_SECONDS = 5


def page(view: View, *, methods: tuple[str, ...] = ("GET", "HEAD", "POST")) -> View:
    """Make ``view`` a page about the signed-in person; what is sent to it is kept out of error reports."""
    guarded: View = never_cache(
        person_required(sensitive_post_parameters()(require_http_methods(list(methods))(view)))
    )
    return guarded


def _show(request: HttpRequest, name: str, status: int = 200, **shown: Any) -> HttpResponse:
    return render(request, f"account/{name}.html", {"here": name, **shown}, status=status)


# --- Profile -------------------------------------------------------------------------------------------------


@page
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change one's name, time zone, language and colours."""
    me = person(request)
    stored = services.create_profile(context(request), email=me.email, username=me.username, name=me.name)
    if request.method != "POST":
        values = stored.attribute_values
        initial = {name: values.get(name, "") for name in ("given_name", "family_name", "name", "timezone")}
        chosen = preferences.get(me.id)
        initial |= {name: chosen.get(name, "") for name in ("language", "theme")}
        return _show(request, "profile", form=ProfileForm(initial=initial), email=stored.email or me.email)
    form = ProfileForm(request.POST)
    if form.is_valid() and _saved(request, form):
        messages.success(request, _("Saved"))
        answer = redirect("account")
        for cookie, name in (("language", "language"), ("theme", "theme")):
            kept.set_cookie(request, answer, cookie, form.cleaned_data[name])
        return answer
    return _show(request, "profile", 422, form=form, email=stored.email or me.email)


def _saved(request: HttpRequest, form: ProfileForm) -> bool:
    given = form.cleaned_data
    changes = {name: given[name] or None for name in ("given_name", "family_name", "name", "timezone")}
    try:
        services.update_profile(context(request), changes)
        preferences.save(context(request), language=given["language"], theme=given["theme"])
    except ValidationFailed as failure:
        for error in failure.errors:
            form.add_error(error["field"] if error["field"] in form.fields else None, error["message"])
        return False
    request.session["timezone"] = given["timezone"]
    request.session[SESSION_KEY] = request.session[SESSION_KEY] | {
        "name": given["name"], "given_name": given["given_name"], "family_name": given["family_name"],
    }  # fmt: skip
    return True


# --- Security ------------------------------------------------------------------------------------------------


@page
def security(request: HttpRequest) -> HttpResponse:
    """Show where one is signed in, and change the password."""
    form = ChangePasswordForm(posted(request))
    if form.is_bound and form.is_valid() and (issued := proofs.prove(form, person(request))):
        given = form.cleaned_data
        try:
            accounts.change_password(issued.access_token, given["password"], given["new_password"])
        except IdentityError as error:
            form.add_error("new_password", str(error))
        else:
            messages.success(request, _("Your password is changed. Other browsers stay signed in."))
            return redirect("account-security")
    signed_in = browsers.of(person(request).id, request.session.session_key)
    return _show(request, "security", 422 if form.is_bound else 200, form=form, signed_in=signed_in)


@page
def second_factor(request: HttpRequest) -> HttpResponse:
    """Begin with, finish, or stop using an authenticator app."""
    act = request.POST.get("act", "")
    if act == "finish":
        return _finish(request)
    form = ProofForm(posted(request))
    if form.is_bound and form.is_valid() and (issued := proofs.prove(form, person(request))):
        if act == "stop":
            accounts.stop_totp(issued.access_token)
            messages.success(request, _("Sign-in no longer asks for a code."))
            return redirect("account-security")
        secret = accounts.begin_totp(issued.access_token)
        sealed = proofs.seal(person(request), issued.access_token, secret)
        return _enrol(request, EnrolForm(initial={"sealed": sealed}), secret)
    return _show(request, "second_factor", 422 if form.is_bound else 200, form=form)


def _finish(request: HttpRequest) -> HttpResponse:
    form = EnrolForm(request.POST)
    opened = proofs.unseal(person(request), request.POST.get("sealed", ""))
    if opened is None:
        messages.error(request, _("That took too long. Begin again."))
        return redirect("account-second-factor")
    access_token, secret = opened
    if form.is_valid():
        try:
            accounts.finish_totp(access_token, form.cleaned_data["code"].replace(" ", ""))
        except WrongCode as error:
            form.add_error("code", str(error))
        except IdentityError:
            messages.error(request, _("That took too long. Begin again."))
            return redirect("account-second-factor")
        else:
            messages.success(request, _("From now on, sign-in asks for a code of your app."))
            return redirect("account-security")
    return _enrol(request, form, secret, 422)


def _enrol(request: HttpRequest, form: EnrolForm, secret: str, status: int = 200) -> HttpResponse:
    import segno

    me = person(request)
    address = f"otpauth://totp/Todo:{me.email or me.username}?secret={secret}&issuer=Todo"
    drawing = io.BytesIO()
    segno.make(address, error="m").save(
        drawing, kind="svg", scale=5, border=2, dark="#000", light="#fff", xmldecl=False, svgns=True
    )
    picture = mark_safe(drawing.getvalue().decode())  # noqa: S308 (drawn by us, of an address that is text in it nowhere)
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return _show(request, "enrol", status, form=form, picture=picture, secret=spaced, address=address)


@page
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End one session (``id``), or every session and token there is, this one too."""
    if request.method != "POST":
        return redirect("account-security")
    if session_id := request.POST.get("id"):
        ended = browsers.end(person(request).id, session_id)
        messages.success(request, _("Signed out there") if ended else _("That session had ended already"))
        return redirect("account-security")
    stored = services.ensure_profile(context(request), {"username": person(request).username})[0]
    administration.sign_out_everywhere(context(request), stored.attribute_values)
    sign_out(request)
    revocations.outlast()
    messages.success(request, _("You are signed out everywhere."))
    return redirect("login")


# --- Access for programs -------------------------------------------------------------------------------------


@page
def access(request: HttpRequest) -> HttpResponse:
    """Show the access tokens, and make one; its secret is shown on the answer and never again."""
    form, made = TokenForm(posted(request)) if request.method == "POST" else TokenForm.fresh(), None
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            made = access_tokens.create(
                context(request), given["name"], given["scope"], given["days"], once=form.once()
            )
            form = TokenForm.fresh()
        except ValidationFailed as failure:
            form.add_error("name", failure.errors[0]["message"])
        except DomainError as error:
            form.add_error(None, str(error))
    tokens = access_tokens.list(person(request).id)
    if made and made[0].id not in {token.id for token in tokens}:  # the index is a moment behind
        tokens = [made[0], *tokens]
    feed = calendar_address.get(person(request).id)
    return _show(
        request, "access", 422 if form.errors else 200, form=form, tokens=tokens, made=made, feed=feed
    )


@page
def feed(request: HttpRequest) -> HttpResponse:
    """Give the calendar feed an address, which is shown on the answer and never again, or end it (``stop``)."""
    if request.method != "POST":
        return redirect("account-access")
    if "stop" in request.POST:
        with suppress(CalendarFeedNotFound):
            calendar_address.disable(context(request))
        messages.success(request, _("The address works no more."))
        return redirect("account-access")
    secret = calendar_address.enable(context(request))
    address = request.build_absolute_uri(
        reverse("api:calendar_feed", settings.URLS_BY_PREFIX["api"], [secret])
    )
    me = person(request).id
    shown: dict[str, Any] = {
        "tokens": access_tokens.list(me),
        "feed": calendar_address.get(me),
        "feed_address": address,
    }
    return _show(request, "access", form=TokenForm.fresh(), made=None, **shown)


@never_cache
@require_POST
@person_required
def revoke_token(request: HttpRequest) -> HttpResponse:
    """End an access token."""
    try:
        access_tokens.revoke(context(request), request.POST.get("id", ""))
        messages.success(request, _("The token works no more."))
    except AccessTokenNotFound:
        messages.error(request, _("That token had ended already."))
    return redirect("account-access")


# --- One's data ----------------------------------------------------------------------------------------------


@page
def data(request: HttpRequest) -> HttpResponse:
    """Offer export, import and the end of the account; take a file to import, or try it out (``dry_run``)."""
    form, report, going = ImportForm(posted(request), request.FILES or None), None, None
    if form.is_bound and form.is_valid():
        try:
            report, going = importing.step(request, form)
        except DomainError as error:
            form.add_error("file", str(error))
    if going:
        return _show(request, "importing", going=going)
    return _show(
        request,
        "data",
        422 if form.errors else 200,
        form=form,
        report=report,
        delete_form=DeleteForm(auto_id="delete_%s"),
    )


@never_cache
@require_safe
@person_required
def export(request: HttpRequest) -> Any:
    """Send every task as a file: ``format`` is json or csv."""
    wanted = request.GET.get("format", "json")
    if wanted not in exporting.FORMATS:
        raise BadRequest(_("There is no such format."))
    return exporting.download(context(request), wanted)


@page
def delete_account(request: HttpRequest) -> HttpResponse:
    """Delete the account and everything in it, for whoever proves to be its owner."""
    if request.method != "POST":
        return redirect("account-data")
    form = DeleteForm(request.POST, auto_id="delete_%s")
    if form.is_valid() and proofs.prove(form, person(request)):
        try:
            receipt = erasure.erase(context(request))
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            sign_out(request)
            query = f"?{urlencode({'receipt': receipt})}" if receipt else ""
            return redirect(f"{reverse('account-deleted')}{query}")
    return _show(request, "data", 422, form=ImportForm(), report=None, delete_form=form)


@never_cache
@require_safe
def deleted(request: HttpRequest) -> HttpResponse:
    """Tell whoever deleted their account what is gone and what is still going; the page looks again by itself."""
    try:
        state = erasure.state_of(request.GET.get("receipt", ""))
    except (LookupError, ConfigError, BotoCoreError, ClientError):
        state = ""
    answer = render(request, "account/deleted.html", {"state": state})
    if state in {"waiting", "running"}:
        answer["Refresh"] = str(DELETED_REFRESH_SECONDS)
    return answer
