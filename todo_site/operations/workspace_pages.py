"""The pages on which admins set up the workspace and announce things; viewers read them."""

import secrets
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from identity import workspace
from identity.audited_admin import admin_context
from identity.items import folded_address
from identity.today import name_of
from identity.workspace import Announcement, Workspace
from store import time_zones
from store.errors import VersionConflict
from todo_site.operations.pages import Page
from web.forms import TextField

NAME_MAX, TEXT_MAX, URL_MAX, MOST_DOMAINS = 60, 300, 500, 20
DAYS = ((0, _("Monday")), (6, _("Sunday")), (5, _("Saturday")))
SIGN_UP = (
    (workspace.EVERYBODY, _("everybody")),
    (workspace.DOMAINS, _("people with an address of these domains")),
    (workspace.NOBODY, _("nobody: by invitation only")),
)
LEVELS = (("info", _("information")), ("warning", _("warning")), ("danger", _("important")))
AUDIENCES = (
    (workspace.EVERYBODY, _("everybody, also before signing in")),
    (workspace.PEOPLE, _("people who are signed in")),
    (workspace.MANAGERS, _("managers and admins")),
    (workspace.STAFF, _("admins and viewers")),
)
_STALE = _("Somebody else has changed this meanwhile. It is shown as it is now; enter your change again.")


class WorkspaceForm(forms.Form):
    """The settings of the workspace."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    name = TextField(
        label=_("Name"),
        max_length=NAME_MAX,
        required=False,
        help_text=_("At the top of every page. Blank: Todo."),
    )
    languages = forms.MultipleChoiceField(
        label=_("Languages on offer"),
        required=False,
        choices=settings.LANGUAGES,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all of them."),
    )
    language = forms.ChoiceField(
        label=_("Language for those who have not chosen one"),
        required=False,
        choices=[("", _("the one that their browser asks for")), *settings.LANGUAGES],
    )
    timezone = forms.ChoiceField(
        label=_("Time zone of new people"),
        required=False,
        help_text=_("Everybody can choose another one in their settings."),
    )
    first_day = forms.TypedChoiceField(
        label=_("First day of the week"),
        choices=DAYS,
        coerce=int,
        help_text=_(
            "Of the calendar, for people who have chosen none. Quick add and insights count weeks from Monday."
        ),
    )
    sign_up = forms.ChoiceField(
        label=_("Who may sign up"), choices=SIGN_UP, help_text=_("Admins can invite anybody.")
    )
    domains = forms.CharField(
        label=_("Domains"),
        required=False,
        max_length=2000,
        help_text=_("Such as example.com, with commas between them. Subdomains do not count."),
    )
    contact = forms.EmailField(
        label=_("Address for questions about privacy"),
        required=False,
        help_text=_("On the page about privacy. Blank: people are told to ask an administrator."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone: Any = self.fields["timezone"]
        names = sorted(name for name in time_zones.names() if "/" in name and not name.startswith("Etc/"))
        zone.choices = [
            ("", _("the one that their browser reports")),
            *((name, name_of(name)) for name in ("UTC", *names)),
        ]

    def clean_domains(self) -> list[str]:
        """Return the domains as addresses are compared."""
        given = self.cleaned_data["domains"].replace(",", " ").replace(";", " ").split()
        domains = list(dict.fromkeys(folded_address(text.removeprefix("@")) for text in given))
        for domain in domains:
            forms.EmailField().clean(f"someone@{domain}")
        if len(domains) > MOST_DOMAINS:
            raise forms.ValidationError(gettext("At most %(most)d domains.") % {"most": MOST_DOMAINS})
        return domains

    def clean(self) -> Any:
        """Check that the fields fit each other."""
        given = super().clean() or self.cleaned_data
        if given.get("sign_up") == workspace.DOMAINS and "domains" in given and not given["domains"]:
            self.add_error("domains", gettext("Name at least one domain."))
        if given.get("languages") and given.get("language", "") not in ("", *given["languages"]):
            self.add_error("language", gettext("This language is not on offer."))
        return given


class AnnouncementForm(forms.Form):
    """An announcement; its times are in UTC."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    text = TextField(label=_("Text"), max_length=TEXT_MAX, widget=forms.Textarea(attrs={"rows": 3}))
    url = forms.CharField(
        label=_("Address of a link"),
        required=False,
        max_length=URL_MAX,
        help_text=_("A page of this site, such as /account/, or an address that begins with https://."),
    )
    link_text = TextField(label=_("Text of the link"), required=False, max_length=NAME_MAX)
    level = forms.ChoiceField(label=_("Level"), choices=LEVELS)
    audience = forms.ChoiceField(label=_("Shown to"), choices=AUDIENCES)
    since = forms.DateTimeField(
        label=_("From (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Blank: at once."),
    )
    until = forms.DateTimeField(
        label=_("Until (UTC)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Blank: until it is removed."),
    )
    dismissible = forms.BooleanField(label=_("Can be dismissed"), required=False)

    def clean_url(self) -> str:
        """Return an address that a page may link to."""
        url = str(self.cleaned_data["url"]).strip()
        if url.startswith("/") and not url.startswith(("//", "/\\")):
            return url
        if url:
            forms.URLField(assume_scheme="https").clean(url)
            if not url.lower().startswith("https://"):
                raise forms.ValidationError(gettext("The address must begin with https:// or /."))
        return url

    def clean(self) -> Any:
        """Check that it ends after it begins."""
        given = super().clean() or self.cleaned_data
        if given.get("since") and given.get("until") and given["until"] <= given["since"]:
            self.add_error("until", gettext("It must end after it begins."))
        return given


def _may_change(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("tasks.change_workspace"))


def _require(request: HttpRequest) -> None:
    if not _may_change(request):
        raise PermissionDenied(gettext("Viewers can only look."))


def _initial(here: Workspace) -> dict[str, Any]:
    names = ("version", "name", "languages", "language", "timezone", "first_day", "sign_up", "contact")
    return {name: getattr(here, name) for name in names} | {"domains": ", ".join(here.domains)}


def settings_page(request: HttpRequest) -> dict[str, Any] | HttpResponse:
    """Return the context of the page of settings; a POST stores them."""
    form = WorkspaceForm(request.POST) if request.method == "POST" else None
    if form is not None:
        _require(request)
        if form.is_valid():
            given = form.cleaned_data
            try:
                workspace.change(
                    admin_context(request, "", "change settings"), given, if_version=given.pop("version")
                )
            except VersionConflict:
                messages.error(request, _STALE)
            else:
                messages.success(request, gettext("The settings are saved; they hold within a minute."))
            return redirect("admin:workspace")
    form = form or WorkspaceForm(initial=_initial(workspace.stored()))
    return {"form": _for_viewers(request, form), "may_change": _may_change(request)}


def _for_viewers(request: HttpRequest, form: forms.Form) -> forms.Form:
    if not _may_change(request):
        for field in form.fields.values():
            field.disabled = True
    return form


def announcements_page(request: HttpRequest) -> dict[str, Any] | HttpResponse:
    """Return the context of the announcements; ``id`` edits one, a POST stores it, or removes it (``remove``)."""
    here = workspace.stored()
    chosen = next((one for one in here.announcements if one.id == request.GET.get("id")), None)
    form = AnnouncementForm(request.POST) if request.method == "POST" else None
    if form is not None:
        _require(request)
        try:
            if "remove" in request.POST:
                _withdraw(request, chosen)
                return redirect("admin:announcements")
            if form.is_valid() and _announced(request, here, chosen, form):
                return redirect("admin:announcements")
        except VersionConflict:
            messages.error(request, _STALE)
            return redirect("admin:announcements")
    return {
        "form": _for_viewers(request, form or AnnouncementForm(initial=_filled(here, chosen))),
        "chosen": chosen,
        "asks": chosen is not None and "remove" in request.GET,
        "version": here.version,
        "shown": [_shown(one) for one in here.announcements],
        "may_change": _may_change(request),
    }


def _announced(
    request: HttpRequest, here: Workspace, chosen: Announcement | None, form: AnnouncementForm
) -> bool:
    given = form.cleaned_data
    if chosen is None and len(here.announcements) >= workspace.MOST_ANNOUNCEMENTS:
        text = gettext("There are %(most)d announcements, which is the limit. Remove one first.")
        form.add_error(None, text % {"most": workspace.MOST_ANNOUNCEMENTS})
        return False
    version = given.pop("version")
    times = {
        name: given[name].astimezone(UTC).isoformat() if given[name] else "" for name in ("since", "until")
    }
    # Another id for what says something else: who dismissed the old text has not seen the new one.
    same = chosen is not None and (chosen.text, chosen.url) == (given["text"], given["url"])
    announcement = Announcement(
        **{**given, **times, "id": chosen.id if chosen and same else secrets.token_hex(4)}
    )
    context = admin_context(request, "", "announce")
    workspace.announce(context, announcement, instead_of=chosen.id if chosen else "", if_version=version)
    messages.success(request, gettext("It is announced; pages show it within a minute."))
    return True


def _withdraw(request: HttpRequest, chosen: Announcement | None) -> None:
    version = request.POST.get("version", "")
    if chosen and version.isdecimal():
        context = admin_context(request, "", "withdraw announcement")
        workspace.withdraw(context, chosen.id, if_version=int(version[:9]))
        messages.success(request, gettext("The announcement is removed."))


def _filled(here: Workspace, chosen: Announcement | None) -> dict[str, Any]:
    if chosen is None:
        return {"version": here.version, "dismissible": True}
    values = {name: getattr(chosen, name) for name in Announcement.__slots__}
    times = {
        name: datetime.fromisoformat(values[name]) if values[name] else None for name in ("since", "until")
    }
    return {**values, **times, "version": here.version}


def _shown(one: Announcement) -> dict[str, Any]:
    return {
        "id": one.id,
        "text": one.text,
        "level": dict(LEVELS)[one.level],
        "audience": dict(AUDIENCES)[one.audience],
        "since": datetime.fromisoformat(one.since) if one.since else None,
        "until": datetime.fromisoformat(one.until) if one.until else None,
        "on": one.is_on(workspace.now()),
    }


SETTINGS = Page("workspace", _("Workspace"), "admin/workspace.html", settings_page)
ANNOUNCEMENTS = Page("announcements", _("Announcements"), "admin/announcements.html", announcements_page)
