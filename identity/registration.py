"""Pages to sign up, to confirm the e-mail address, to reset the password, and for the second step of signing in.

The account that a page is for is in its URL, encrypted: it survives a restart, another tab, and a lost cookie.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from identity import (
    accounts,
    directory,
    mailbox,
    preference_cookies,
    recovery_codes,
    revocations,
    sealing,
    sign_in,
    tries,
    workspace,
)
from identity.cognito import NEW_PASSWORD, TOTP
from identity.decorators import form_page
from identity.errors import ChallengeRequired, IdentityError, InvalidCredentials, WeakPassword, WrongCode
from identity.forms import (
    CodeForm,
    ForgottenForm,
    NewPasswordForm,
    RecoveryForm,
    ResetForm,
    SignUpForm,
    StyledForm,
    posted,
    show,
)
from identity.next_page import safe_url
from identity.users import Person
from identity.workspace import SignUpClosed
from store.errors import DomainError

LINK_SECONDS = 24 * 3600
SIGNED_UP, SIGNED_UP_SECONDS = "signed_up", 3600
CHALLENGE_SECONDS = 180  # as long as Cognito waits for the response
CHALLENGE_KEY = "challenge"
_log = logging.getLogger(__name__)


def _link(name: str, *about: str) -> str:
    return f"{reverse(name)}?for={sealing.seal(name, *about)}"


def _about(request: HttpRequest, name: str) -> list[str] | None:
    """Return what the link to the page ``name`` is about; None for a link to another page, or an old one."""
    return sealing.unseal(name, request.GET.get("for", ""), LINK_SECONDS)


def _tried(form: StyledForm, do: Callable[[], Any], field: str | None = None) -> bool:
    """Call ``do``; if it raises an IdentityError, add it to the form and return False."""
    try:
        do()
    except IdentityError as error:
        form.explain(error, field)
        return False
    return True


def _show(request: HttpRequest, name: str, form: StyledForm, **shown: Any) -> HttpResponse:
    return show(request, f"identity/{name}.html", {"form": form, **shown})


def enter(request: HttpRequest, signed_in: Person, following: str = "") -> HttpResponse:
    """Redirect somebody whose session has just begun to the page ``following``, and remember this browser."""
    answer = preference_cookies.apply(request, signed_in, redirect(safe_url(request, following)))
    tries.remember(request, answer, signed_in.username, signed_in.email)
    return answer


@form_page
def sign_up(request: HttpRequest) -> HttpResponse:
    """Create an account and redirect to the confirmation of its e-mail address."""
    if request.user.is_authenticated:
        return redirect("task-list")
    form = SignUpForm(posted(request))
    if form.is_valid():
        given = form.cleaned_data
        try:
            workspace.check_sign_up(given["email"])
            username = accounts.sign_up(
                tries.visitor(request),
                given["email"],
                given["password"],
                given["given_name"],
                given["family_name"],
            )
        except IdentityError as error:
            fields = {WeakPassword: "password", SignUpClosed: "email"}
            form.explain(error, fields.get(type(error)))
        else:
            request.session[SIGNED_UP] = {
                "username": username,
                "until": int(time.time()) + SIGNED_UP_SECONDS,
            }
            return redirect(_link("confirm", username, given["email"]))
    return _show(request, "sign_up", form)


@form_page
def confirm(request: HttpRequest) -> HttpResponse:
    """Confirm the e-mail address of a new account with the code that was sent to it, or send another code.

    The browser that made the account is signed in. Another one may be anybody's who has the link, and has to sign in.
    """
    about = _about(request, "confirm")
    if about is None:
        return redirect("sign-up")
    username, email = about
    who = tries.visitor(request)
    form = CodeForm(posted(request))
    if "again" in request.POST:
        form = CodeForm({})
        form.errors.clear()
        if _tried(form, lambda: accounts.resend(who, username, email)):
            messages.success(request, _("Another code is on its way."))
            return redirect(request.get_full_path())
    elif form.is_valid():
        code = form.cleaned_data["code"].strip()
        if _tried(form, lambda: accounts.confirm(who, username, code), "code"):
            return _confirmed(request, username, email)
    return _show(request, "confirm", form, email=email, local_code=mailbox.code_for(email))


def _confirmed(request: HttpRequest, username: str, email: str) -> HttpResponse:
    """Sign the new account in, if this browser made it a short while ago, with the password that only it knows."""
    made = request.session.pop(SIGNED_UP, None)
    own = made and made["username"] == username and made["until"] > time.time()
    try:
        new = directory.person(username) if own else None
        signed_in = new and sign_in.begin(request, new)
    except IdentityError:
        signed_in = None
    if signed_in is None:
        messages.success(request, _("Your address is confirmed. Sign in to begin."))
        return redirect(_link("login", email))
    messages.success(request, _("Your address is confirmed, and you are signed in."))
    return enter(request, signed_in)


@form_page
def forgotten(request: HttpRequest) -> HttpResponse:
    """Send a code for setting a new password."""
    form = ForgottenForm(posted(request))
    if form.is_valid():
        identifier = form.cleaned_data["identifier"].strip()
        if _tried(form, lambda: accounts.forgot_password(tries.visitor(request), identifier)):
            return redirect(_link("reset", identifier))
    return _show(request, "forgotten", form)


@form_page
def reset(request: HttpRequest) -> HttpResponse:
    """Set a new password with the code that was sent."""
    about = _about(request, "reset")
    if about is None:
        return redirect("forgotten")
    (identifier,) = about
    form = ResetForm(posted(request))
    if form.is_valid():
        who, given = tries.visitor(request), form.cleaned_data
        if _tried(
            form, lambda: accounts.reset_password(who, identifier, given["code"].strip(), given["password"])
        ):
            answer = redirect("login")
            tries.remember(request, answer, identifier)  # in case strangers use up the account's tries
            _end_what_was_issued(request, identifier)
            return answer
    return _show(request, "reset", form, identifier=identifier, local_code=mailbox.code_for(identifier))


def _end_what_was_issued(request: HttpRequest, identifier: str) -> None:
    """End all sessions and tokens of an account whose password was reset; whoever had them may be a thief."""
    from identity import administration  # here: no other page for strangers needs it

    try:
        account = directory.account(identifier)
        ctx = sign_in.context_of(request, account.id)
        administration.password_changed(ctx, account.username, wholly=True)
    except DomainError:
        _log.exception("a password was reset, but not everything that was issued to its account has ended")
        messages.warning(
            request, _("Your password is changed. Sign in with it, and then sign out everywhere in Security.")
        )
        return
    revocations.outlast()
    messages.success(
        request,
        _(
            "Your password is changed. Every browser, program, access token and calendar address was signed out."
        ),
    )


# --- The second step of signing in ---------------------------------------------------------------------------


def redirect_to_challenge(
    request: HttpRequest, challenge: ChallengeRequired, following: str
) -> HttpResponse | None:
    """Store Cognito's challenge and redirect to its page; return None if this site does not support the challenge."""
    if challenge.name not in {TOTP, NEW_PASSWORD}:
        return None
    request.session[CHALLENGE_KEY] = {
        "name": challenge.name,
        "session": challenge.session,
        "username": challenge.username,
        "next": following,
        "until": int(time.time()) + CHALLENGE_SECONDS,
    }
    return redirect("challenge")


@form_page
def challenge(request: HttpRequest) -> HttpResponse:
    """Respond to Cognito's challenge: with a code from the authenticator app, or with a new password."""
    asked = request.session.get(CHALLENGE_KEY)
    if not asked or asked["until"] < time.time():
        return redirect("login")
    wants_code = asked["name"] == TOTP
    form = (CodeForm if wants_code else NewPasswordForm)(posted(request))
    if form.is_valid():
        given = form.cleaned_data["code"].replace(" ", "") if wants_code else form.cleaned_data["password"]
        try:
            issued = accounts.answer_challenge(
                tries.visitor(request), asked["name"], asked["session"], asked["username"], given
            )
        except ChallengeRequired as more:
            if (answer := redirect_to_challenge(request, more, asked["next"])) is not None:
                return answer
            form.explain(more)
        except InvalidCredentials:
            request.session.pop(CHALLENGE_KEY, None)
            messages.error(request, _("That took too long, or failed too often. Sign in again."))
            return redirect("login")
        except IdentityError as error:
            form.explain(error)
        else:
            request.session.pop(CHALLENGE_KEY, None)
            return enter(request, sign_in.admit(request, issued, second_factor=wants_code), asked["next"])
    return _show(request, "challenge", form, wants_code=wants_code)


@form_page
def recovery(request: HttpRequest) -> HttpResponse:
    """Sign in with the password and a recovery code, in place of a code from the authenticator app."""
    asked = request.session.get(CHALLENGE_KEY)
    if not asked or asked["name"] != TOTP:
        return redirect("login")
    form = RecoveryForm(posted(request))
    if form.is_valid():
        given = form.cleaned_data
        try:
            issued = recovery_codes.sign_in(
                tries.visitor(request), asked["username"], given["password"], given["code"]
            )
        except WrongCode as error:
            form.explain(error, "code")
        except IdentityError as error:
            form.explain(error, "password")
        else:
            request.session.pop(CHALLENGE_KEY, None)
            signed_in = sign_in.admit(request, issued, second_factor=True)
            left = recovery_codes.left(signed_in.id)
            text = ngettext(
                "%(left)d recovery code is left. Make new ones in Security.",
                "%(left)d recovery codes are left. Make new ones in Security.",
                left,
            )
            messages.warning(request, text % {"left": left})
            return enter(request, signed_in, asked["next"])
    return _show(request, "recovery", form)
