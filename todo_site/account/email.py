"""Changing one's e-mail address: a code goes to the new one, a notice to the old one."""

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from identity import accounts, administration, mailbox, profiles, revocations, sealing, sign_in, tries
from identity.errors import CodeExpired, IdentityError, TooManyTries, WrongCode
from identity.forms import posted
from identity.items import folded_address
from identity.sign_in import context, person
from store.audit import Trail
from store.errors import DomainError
from todo_site.account.forms import AddressCodeForm, NewAddressForm
from todo_site.account.pages import page, show
from web import mail

KIND, SECONDS = "new-address", 1800  # the access token that it takes lives for an hour


@page
def email(request: HttpRequest) -> HttpResponse:
    """Ask for a new address and prove who asks, send it a code, and take it when the code comes back (``act``)."""
    if request.POST.get("act") == "finish":
        return _finish(request)
    form, me = NewAddressForm(posted(request)), person(request)
    if form.is_valid() and folded_address(form.cleaned_data["email"]) == folded_address(me.email):
        form.add_error("email", _("That is your address already."))
    elif form.is_valid() and (issued := form.prove(request)):
        wanted = form.cleaned_data["email"]
        try:
            accounts.ask_for_address(tries.visitor(request), issued.access_token, wanted)
        except IdentityError as error:
            form.explain(error, "email")
        else:
            asked = _("Somebody asked to change it to %(new)s. It is changed once a code confirms that.")
            _notify(me.email, asked % {"new": wanted})
            sealed = sealing.seal(KIND, me.id, issued.access_token, wanted)
            return _ask_for_code(request, AddressCodeForm(initial={"sealed": sealed}), wanted)
    return show(request, "email", form=form, email=me.email)


def _ask_for_code(request: HttpRequest, form: AddressCodeForm, wanted: str) -> HttpResponse:
    return show(request, "email_code", form=form, email=wanted, local_code=mailbox.code_for(wanted))


def _finish(request: HttpRequest) -> HttpResponse:
    form, me = AddressCodeForm(request.POST), person(request)
    opened = sealing.unseal(KIND, request.POST.get("sealed", ""), SECONDS)
    if opened is None or opened[0] != me.id:
        return _too_late(request)
    _owner, access_token, wanted = opened
    if not form.is_valid():
        return _ask_for_code(request, form, wanted)
    who, code = tries.visitor(request), form.cleaned_data["code"].strip()
    ctx = replace(context(request), trail=Trail(actor=me.email or str(me), action="change address"))
    stored, _created = profiles.ensure_profile(context(request), profiles.described(me))
    try:
        administration.take_address(
            ctx, stored, wanted, lambda: accounts.take_address(who, me.id, access_token, code)
        )
    except (WrongCode, CodeExpired, TooManyTries) as error:
        form.explain(error, "code")
        return _ask_for_code(request, form, wanted)
    except administration.Refused as error:  # it is changed, but something may still be signed in
        messages.warning(request, str(error))
    except IdentityError:
        return _too_late(request)
    except DomainError as error:
        form.explain(error)
        return _ask_for_code(request, form, wanted)
    return _taken(request, me.email, wanted)


def _taken(request: HttpRequest, earlier: str, email: str) -> HttpResponse:
    _notify(earlier, _("It was changed to %(new)s.") % {"new": email})
    revocations.outlast()
    sign_in.renew(request)
    sign_in.rename(request, email=email)
    messages.success(
        request,
        _("You sign in with %(email)s from now on. All other browsers are signed out.") % {"email": email},
    )
    answer = redirect("account")
    tries.remember(request, answer, person(request).username, email)
    return answer


def _notify(address: str, what: str) -> None:
    """Tell the owner of the old address what happens to it, so that a thief does not do it unseen."""
    if not address:
        return
    text = _(
        "This is about the e-mail address of your account at %(site)s.\n\n%(what)s\n\n"
        "If that was not you, somebody knows your password: reset it at once, and write to the site's administrators."
    )
    mail.send(
        address, _("The e-mail address of your account"), text % {"site": settings.APP_URL, "what": what}
    )


def _too_late(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("That took too long. Start again."))
    return redirect("account-email")
