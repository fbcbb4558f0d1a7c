"""Codes of an authenticator app as a second factor."""

import textwrap

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from identity import accounts, notices, recovery_codes
from identity.errors import IdentityError, WrongCode
from identity.forms import posted
from identity.notices import Notice
from identity.sign_in import FACTOR_KEY, context, person
from todo_site.account import enrolment
from todo_site.account.forms import EnrolForm, ProofForm
from todo_site.account.pages import page, show


@page
def second_factor(request: HttpRequest) -> HttpResponse:
    """Begin to enrol an authenticator app, finish it, make recovery codes, or stop asking for codes (``act``)."""
    act = request.POST.get("act", "")
    if act == "finish":
        return _finish(request)
    form = ProofForm(posted(request))
    if form.is_valid() and (issued := form.prove(request)):
        if act == "codes":
            return _codes(request, notices.CODES)
        if act == "stop":
            accounts.stop_totp(issued.access_token)
            recovery_codes.forget(person(request).id)
            request.session[FACTOR_KEY] = False
            notices.tell(person(request).id, person(request).username, notices.FACTOR_OFF)
            messages.success(request, _("Sign-in no longer asks for a code."))
            return redirect("account-security")
        secret = accounts.begin_totp(issued.access_token)
        sealed = enrolment.seal(person(request), issued.access_token, secret)
        return _enrol(request, EnrolForm(initial={"sealed": sealed}), secret)
    return show(request, "second_factor", form=form, left=recovery_codes.left(person(request).id))


def _finish(request: HttpRequest) -> HttpResponse:
    form = EnrolForm(request.POST)
    opened = enrolment.unseal(person(request), request.POST.get("sealed", ""))
    if opened is None:
        return _too_late(request)
    access_token, secret = opened
    if form.is_valid():
        try:
            accounts.finish_totp(access_token, form.cleaned_data["code"].replace(" ", ""))
        except WrongCode as error:
            form.add_error("code", str(error))
        except IdentityError:
            return _too_late(request)
        else:
            request.session[FACTOR_KEY] = True
            messages.success(request, _("From now on, sign-in asks for a code from your app."))
            return _codes(request, notices.FACTOR_ON)
    return _enrol(request, form, secret)


def _codes(request: HttpRequest, notice: Notice) -> HttpResponse:
    """Show new recovery codes, which only this answer does."""
    codes = recovery_codes.make(context(request))
    notices.tell(person(request).id, person(request).username, notice)
    return show(request, "recovery_codes", codes=codes)


def _too_late(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("That took too long. Start again."))
    return redirect("account-second-factor")


def _enrol(request: HttpRequest, form: EnrolForm, secret: str) -> HttpResponse:
    address = enrolment.app_address(person(request), secret)
    picture = mark_safe(enrolment.qr_code(address))  # noqa: S308 (an SVG of our own, without the text)
    spaced = " ".join(textwrap.wrap(secret, 4))
    return show(request, "enrol", form=form, picture=picture, secret=spaced, address=address)
