"""Helping people with their account: a page for each user, and one that invites several people at once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from identity import account_help, administration, directory, looking, sign_ins
from identity.audited_admin import admin_context
from identity.errors import IdentityError
from identity.items import UserItem
from identity.users import ROLES
from store.errors import DomainError
from todo_site.operations import merging, person_data, usage
from todo_site.operations.person_pages import person_or_list, render

REMOVE_FACTOR = "remove second factor"
LOOK = looking.BEGIN
# What can be done -> its name, what it does, and what is said once it is done.
DEEDS: dict[str, tuple[Any, Any, Any]] = {  # lazy translations
    account_help.RESEND: (
        _("Send the invitation again"),
        _("A new invitation with a new temporary password goes to %(email)s. The old one no longer works."),
        _("The invitation was sent again to %(email)s."),
    ),
    account_help.CONFIRM: (
        _("Send the confirmation again"),
        _("Another code goes to %(email)s, with which the address is confirmed."),
        _("Another confirmation code was sent to %(email)s."),
    ),
    account_help.RESET: (
        _("Send a password reset"),
        _(
            "The password stops working at once, and a code to set a new one goes to %(email)s. "
            "Browsers and programs stay signed in until the new password is set, which ends them all."
        ),
        _("The password was reset; a code to set a new one was sent to %(email)s."),
    ),
    LOOK: (
        _("Look as this person"),
        _(
            "You see the site as %(email)s does, for half an hour at most, and can change nothing. "
            "Secrets are hidden. It is recorded."
        ),
        "",
    ),
    REMOVE_FACTOR: (
        _("Remove the second factor"),
        _("%(email)s can sign in with the password alone, and the recovery codes no longer work."),
        _("%(email)s can sign in without a second factor."),
    ),
}
SENT = (account_help.RESEND, account_help.CONFIRM, account_help.RESET)
STATES = {
    "FORCE_CHANGE_PASSWORD": _("invited, has not signed in yet"),
    "UNCONFIRMED": _("has not confirmed the e-mail address yet"),
    "CONFIRMED": _("confirmed"),
    "RESET_REQUIRED": _("has to set a new password"),
}


class InviteForm(forms.Form):
    """The addresses of people to invite, and the roles that they get."""

    addresses = forms.CharField(
        label=_("E-mail addresses"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60}),
        help_text=_("One a line, or with commas or semicolons between them. At most 25 at once."),
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=[(role, role.capitalize()) for role in ROLES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def clean_addresses(self) -> account_help.Addresses:
        """Return the addresses, if all can be used."""
        found = account_help.addresses_in(self.cleaned_data["addresses"])
        if found.wrong:
            wrong = ", ".join(found.wrong[:5])
            raise forms.ValidationError(gettext("Not an e-mail address: %(wrong)s") % {"wrong": wrong})
        if len(found.valid) > account_help.MOST_INVITED:
            most = {"most": account_help.MOST_INVITED}
            raise forms.ValidationError(gettext("At most %(most)d people can be invited at once.") % most)
        return found


def urls(model_admin: Any) -> list[Any]:
    """Return the URLs of the pages, below those of the admin of users."""
    view = model_admin.admin_site.admin_view

    def help_page(request: HttpRequest, object_id: str) -> HttpResponse:
        return _help(model_admin, request, object_id)

    def data_page(request: HttpRequest, object_id: str) -> HttpResponse:
        return person_data.page(model_admin, request, object_id)

    def merge_page(request: HttpRequest, object_id: str) -> HttpResponse:
        return merging.page(model_admin, request, object_id)

    def invite_page(request: HttpRequest) -> HttpResponse:
        return _invite(model_admin, request)

    return [
        path("invite/", view(invite_page), name="tasks_user_invite"),
        path("<str:object_id>/data/", view(data_page), name="tasks_user_data"),
        path("<str:object_id>/merge/", view(merge_page), name="tasks_user_merge"),
        path("<str:object_id>/help/", view(help_page), name="tasks_user_help"),
    ]


def _help(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Show what is known of an account and what can be done; ``do`` asks first, and a POST does it."""
    obj = person_or_list(model_admin, request, object_id)
    if isinstance(obj, HttpResponse):
        return obj
    may_change = model_admin.has_change_permission(request, obj)
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        if request.POST.get("do") == LOOK and _look(request, obj.as_item()):
            return redirect("task-list")
        _do(request, obj.as_item(), request.POST.get("do", ""))
        return redirect("admin:tasks_user_help", obj.pk)
    account, problem = _account(obj.stored["username"])
    deeds = (*_deeds(account), LOOK) if account and may_change else ()
    asked = request.GET.get("do", "")
    said = {"email": obj.stored.get("email") or obj}
    return render(
        model_admin,
        request,
        "help",
        title=gettext("Account of %(who)s") % {"who": obj},
        person=obj,
        account=account,
        problem=problem,
        may_change=may_change,
        usage=usage.of_person(obj.pk),
        holdings=usage.holdings(obj.pk),
        state=STATES.get(account.status, account.status) if account else "",
        last_sign_in=parse_datetime(sign_ins.last_of(obj.pk)),
        deeds=[(name, DEEDS[name][0]) for name in deeds],
        asked=asked if asked in deeds else "",
        asked_name=DEEDS[asked][0] if asked in deeds else "",
        asked_effect=DEEDS[asked][1] % said if asked in deeds else "",
    )


def _account(username: str) -> tuple[directory.Account | None, str]:
    try:
        return directory.account(username), ""
    except IdentityError as error:
        return None, str(error)


def _deeds(account: directory.Account) -> tuple[str, ...]:
    return (*account_help.offered(account), *((REMOVE_FACTOR,) if account.second_factor else ()))


def _look(request: HttpRequest, profile: UserItem) -> bool:
    """Let the admin look as somebody, or say why not."""
    try:
        looking.begin(request, admin_context(request, profile.id, LOOK), profile)
    except DomainError as error:
        messages.error(request, str(error))
        return False
    return True


def _do(request: HttpRequest, profile: UserItem, what: str) -> None:
    context = admin_context(request, profile.id, what)
    try:
        if what == REMOVE_FACTOR:
            administration.remove_second_factor(context, profile)
        elif what in SENT:
            account_help.send(context, profile, what)
        else:
            return
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, DEEDS[what][2] % {"email": profile.email})


def _invite(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Ask for addresses, show who would be invited (``check``), and invite them."""
    if not model_admin.has_add_permission(request):
        raise PermissionDenied
    form = InviteForm(request.POST if request.method == "POST" else None)
    found: list[account_help.Invited] = []
    asks = False
    if form.is_bound and form.is_valid():
        addresses, groups = form.cleaned_data["addresses"].valid, frozenset(form.cleaned_data["roles"])
        try:
            if "sure" in request.POST:
                found = list(account_help.invite(admin_context(request, ""), addresses, groups))
            else:
                account_help.check_mails(admin_context(request, ""), len(addresses))
                asks = True
        except DomainError as error:
            form.add_error("addresses", str(error))
        invited = sum(one.profile is not None for one in found)
        if found:
            text = ngettext("%(count)d person was invited.", "%(count)d people were invited.", invited)
            messages.add_message(
                request, messages.SUCCESS if invited else messages.WARNING, text % {"count": invited}
            )
        shown = {"addresses": addresses, "groups": sorted(groups), "asks": asks, "found": found}
    else:
        shown = {}
    return render(
        model_admin,
        request,
        "invite",
        title=gettext("Invite people"),
        form=form,
        back=reverse("admin:tasks_user_changelist"),
        **shown,
    )
