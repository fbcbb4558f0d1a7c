"""Users in the admin: each is a profile in the table and an account in Cognito."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from dynamo_admin.columns import moment
from dynamo_admin.errors import CannotServe, WriteRefused
from dynamo_admin.filters import PeriodFilter
from dynamo_admin.forms import DynamoForm
from dynamo_admin.query import MAX_KEYS
from etl.jobs import job_requests
from etl.lake.config import ConfigError
from identity import administration, directory, email_addresses, sign_ins
from identity.admin_models import User
from identity.admin_people import person as person_link
from identity.audited_admin import Audited, admin_context, admin_errors, name_of
from identity.errors import IdentityError
from identity.users import ROLES
from store import audit
from store.model import Item, KeysAtLeast
from store.writing import write
from todo_site.erasure import lake, person
from todo_site.operations import account_help

SHOWN_ITEMS = 100
MAX_MEMBERS = 120  # of a role that a list reads: two requests
CREATED = moment("created_at", _("created"))
# Cognito's words.
ACCOUNT_STATES = {
    "CONFIRMED": _("confirmed"),
    "UNCONFIRMED": _("address not confirmed yet"),
    "FORCE_CHANGE_PASSWORD": _("invited, no password chosen yet"),
    "RESET_REQUIRED": _("has to choose a new password"),
}
ROLE_NAMES = {"admins": _("Admins"), "viewers": _("Viewers"), "managers": _("Managers")}


class UserForm(DynamoForm):
    """A profile, and the roles, which are groups in Cognito."""

    roles = forms.MultipleChoiceField(
        choices=[(role, ROLE_NAMES[role]) for role in ROLES],
        label=_("Roles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Admins can change things here, viewers can only look, managers see everybody's insights. "
            "Changes take effect within a minute."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known_roles: frozenset[str] | None = frozenset()
        if "roles" in self.fields and not self.instance._state.adding:  # noqa: SLF001
            self.known_roles = _roles_of(self.instance.stored["username"])
            self.initial["roles"] = sorted(self.known_roles or ())
            self.fields["roles"].disabled = self.known_roles is None
        if "email" in self.fields:
            self.fields["email"].required = True
        if "username" in self.fields:
            self.fields["username"].required = False
            self.fields["username"].help_text = _(
                "Generated if left blank. People sign in with it or with their e-mail address."
            )


def _roles_of(username: str) -> frozenset[str] | None:
    """Return a user's roles, or None if there is no account."""
    try:
        return directory.groups_of(username) & frozenset(ROLES)
    except IdentityError:
        return None


class StateFilter(admin.SimpleListFilter):
    """Filter by whether people can sign in."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Return the choices."""
        return [("active", _("Active")), ("disabled", _("Disabled"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the users in the chosen state."""
        if self.value() not in {"active", "disabled"}:
            return queryset
        return queryset.filter(disabled_at__isnull=self.value() == "active")


def _members() -> dict[str, set[str] | None]:
    """Return the ids of the members of each role; None where they are many or unknown, and profiles have to do."""
    found: dict[str, set[str] | None] = {}
    for role in ROLE_NAMES:
        try:
            members = {member.id for member in islice(directory.members_of(role), MAX_MEMBERS + 1)}
        except IdentityError:
            members = None
        found[role] = members if members is not None and len(members) <= MAX_MEMBERS else None
    return found


def _has(obj: Any, role: str, members: set[str] | None) -> bool:
    return role in (obj.stored.get("roles") or ()) if members is None else obj.pk in members


class RoleFilter(admin.SimpleListFilter):
    """Filter by role, as Cognito has it."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Return the choices."""
        return list(ROLE_NAMES.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the users with the role. Raises CannotServe if they are too many, or Cognito does not answer."""
        if self.value() not in ROLE_NAMES:
            return queryset
        try:
            members = list(islice(directory.members_of(str(self.value())), MAX_KEYS + 1))
        except IdentityError as error:
            raise CannotServe(str(error)) from error
        if len(members) > MAX_KEYS:
            raise CannotServe(
                gettext("More than %(most)d people have this role. Search for somebody instead.")
                % {"most": MAX_KEYS}
            )
        return queryset.filter(pk__in=[member.id for member in members])


class UserAdmin(Audited):
    """Profiles and accounts."""

    audit_kind = "user"
    form = UserForm
    change_form_template = "admin/tasks/user/change_form.html"
    change_list_template = "admin/tasks/user/change_list.html"
    people = ("updated_by",)
    list_display = ("email", "name", "kept_roles", "active", "last_sign_in", CREATED)
    list_filter = (RoleFilter, StateFilter, ("created_at", PeriodFilter))
    search_fields = ("email", "name", "username")
    search_help_text = _(
        "Part of an e-mail address, a name or a username; or a user's id. "
        "Sign-ins are stored apart from users, so the list cannot be sorted by the last one."
    )
    actions = ("disable", "enable", "sign_out_everywhere", "remove_second_factor")
    record = (
        *("id", "state", "holdings", "trail", CREATED, moment("updated_at", _("changed")), "version"),
        *(person_link("updated_by", _("changed by")), "request_id"),
    )

    def get_urls(self) -> list[Any]:
        """Add the pages that help people with their account."""
        return [*account_help.urls(self), *super().get_urls()]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets; the username can only be set for a new user, who has no record yet."""
        names = ("email", "name", "given_name", "family_name", "timezone", "first_day_of_week")
        who = (None, {"fields": names if obj else ("username", *names)})
        access = (_("Access"), {"fields": ("username", "roles") if obj else ("roles",)})
        return (who, access, (_("Record"), {"fields": self.record})) if obj else (who, access)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields that cannot be edited."""
        if obj is not None and not self.has_change_permission(request, obj):
            return (*self.record, "username", "roles")
        return (*self.record, "username") if obj else self.record

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """Return no initial values."""
        return {}

    def prepare(self, request: HttpRequest, objects: Iterable[Any]) -> None:
        """Read roles and last sign-ins of a page: a request to Cognito for 60 members of a role, a BatchGetItem."""
        shown = list(objects)
        super().prepare(request, shown)
        members = _members()
        signed_in = sign_ins.last_of_many([obj.pk for obj in shown])
        for obj in shown:
            obj.shown_roles = [role for role, known in members.items() if _has(obj, role, known)]
            obj.signed_in = signed_in.get(obj.pk, "")

    @admin.display(description=_("Roles"), empty_value="-")
    def kept_roles(self, obj: Any) -> str:
        """Return the roles."""
        return ", ".join(str(ROLE_NAMES[role]) for role in obj.shown_roles)

    @admin.display(description=_("last sign-in"), empty_value="-")
    def last_sign_in(self, obj: Any) -> str:
        """Return when the person last signed in with a browser."""
        return f"{obj.signed_in[:10]} {obj.signed_in[11:19]} UTC" if obj.signed_in else ""

    @admin.display(description=_("can sign in"), boolean=True, ordering="disabled_at")
    def active(self, obj: Any) -> bool:
        """Whether the person can sign in."""
        return obj.disabled_at is None

    @admin.display(description=_("Roles"))
    def roles(self, obj: Any) -> str:
        """Return the roles as text, for viewers."""
        found = _roles_of(obj.stored["username"])
        if found is None:
            return gettext("no account")
        return ", ".join(str(ROLE_NAMES[role]) for role in sorted(found)) or gettext("none")

    @admin.display(description=_("Account"))
    def state(self, obj: Any) -> str:
        """Return the state of the account in Cognito."""
        try:
            account = directory.account(obj.stored["username"])
        except IdentityError as error:
            return str(error)
        state = gettext("enabled") if account.enabled else gettext("disabled")
        return f"{state} ({ACCOUNT_STATES.get(account.status, account.status)})"

    @admin.display(description=_("See also"))
    def holdings(self, obj: Any) -> str:
        """Return links to the person's items."""
        names = {
            "task": gettext("Tasks"),
            "trashedtask": gettext("Trash"),
            "session": gettext("Sessions"),
            "accesstoken": gettext("Access tokens"),
        }
        rows = [(reverse(f"admin:tasks_{name}_changelist"), obj.pk, title) for name, title in names.items()]
        return format_html_join(" · ", '<a href="{}?user_id__exact={}">{}</a>', rows)

    @admin.display(description=_("Audit trail"))
    def trail(self, obj: Any) -> str:
        """Return links to what the person did as an admin, and to what admins did to what is theirs."""
        names = {"actor_id": gettext("What they did"), "subject_id": gettext("What was done to them")}
        address = reverse("admin:tasks_auditentry_changelist")
        rows = [(address, name, obj.pk, title) for name, title in names.items()]
        return format_html_join(" · ", '<a href="{}?{}__exact={}">{}</a>', rows)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Find an id or a reserved e-mail address with one read, and search for anything else."""
        term = search_term.strip()
        if term and " " not in term:
            holder = email_addresses.holder_of(term) if "@" in term else None
            found = list(queryset.filter(pk__in=[key for key in (term, holder) if key]))
            if found:
                return queryset.filter(pk__in=[user.pk for user in found]), False
        return super().get_search_results(request, queryset, search_term)

    # --- Writing -------------------------------------------------------------------------------------------

    def create_item(self, request: HttpRequest, given: Any, form: Any) -> Any:
        """Create the account and the profile."""
        groups = frozenset(form.cleaned_data.get("roles", ()))
        given.pop("roles", None)
        with admin_errors():
            return administration.create_user(admin_context(request, ""), given, groups).attribute_values

    def change_item(self, request: HttpRequest, obj: Any, changes: Any, form: Any) -> Any:
        """Change the profile, then the roles if they were changed."""
        chosen = changes.pop("roles", None)
        profile = obj.as_item()
        with admin_errors():
            if changes:
                profile = administration.change_user(admin_context(request, obj.pk), profile, changes)
            if chosen is not None:
                context = admin_context(request, obj.pk, "change roles")
                profile = administration.change_groups(context, profile, frozenset(chosen))
        return profile.attribute_values

    def delete_item(self, request: HttpRequest, obj: Any) -> None:
        """Delete the person with all items, and request the erasure in the lake."""
        self._not_myself(request, obj)
        self._owned(obj)
        with admin_errors():
            administration.check_an_admin_stays(obj.stored["username"])
        context = admin_context(request, obj.pk)
        # The trail keeps that somebody was erased, but not who: only the digest by which a job request knows them.
        digest = job_requests.subject_of(obj.pk)
        nameless, actor = replace(context, user_id=digest), name_of(request)
        write(
            [
                audit.entry(
                    nameless, actor=actor, action="delete", kind="user", identifier=digest, name="erased user"
                )
            ]
        )
        with admin_errors():
            person.erase(context, obj.stored["username"])
        try:
            lake.request(context, name_of(request))  # without a lake there is nothing to erase in it
        except ConfigError:
            return
        except (BotoCoreError, ClientError) as error:
            raise WriteRefused(
                gettext(
                    "Deleted here, but the erasure in the lake could not be requested: %(error)s. Use: %(command)s"
                )
                % {"error": error, "command": f"manage.py erase_user {obj.pk}"}
            ) from error

    def also_deleted(self, request: HttpRequest, obj: Any) -> list[str]:
        """Return everything that is deleted with the person."""
        names = {
            "SESSION": gettext("Session: since %(created_at)s"),
            "ACCESS_TOKEN": gettext("Access token: %(name)s"),
            "TASK": gettext("Task: %(title)s"),
            "TRASH": gettext("Task in the trash: %(title)s"),
        }
        damaged = gettext("Cannot be read: %(PK)s %(SK)s")
        lines = [
            (damaged if isinstance(item, KeysAtLeast) else names[item.entity_type])
            % defaultdict(str, item.attribute_values)
            for item in self._owned(obj)
            if isinstance(item, KeysAtLeast)
            or (item.entity_type in names and "purged_at" not in item.attribute_values)
        ]
        more = len(lines) - SHOWN_ITEMS
        return [
            *lines[:SHOWN_ITEMS],
            *([gettext("… and %(number)s more tasks") % {"number": more}] if more > 0 else []),
            gettext("Preferences and saved filters"),
            gettext("The calendar address"),
            gettext("The account in Cognito"),
            gettext("Copies in the lake, by a job request that the Pipeline page shows"),
        ]

    def _owned(self, obj: Any) -> list[Item]:
        """Return the items of a person. Raises WriteRefused if they are too many for a request."""
        items = list(islice(person.owned_by(obj.pk), person.MAX_ERASED + 1))
        if len(items) > person.MAX_ERASED:
            raise WriteRefused(
                gettext("%(name)s has more than %(most)s items. Use: %(command)s")
                % {
                    "name": obj.stored.get("email") or obj.pk,
                    "most": person.MAX_ERASED,
                    "command": f"manage.py erase_user {obj.pk}",
                }
            )
        return items

    # --- Actions -------------------------------------------------------------------------------------------

    @admin.action(description=_("Disable selected users at once"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Disable people at once."""
        note = _(
            "They are signed out everywhere, and their access tokens and calendar addresses end for good."
        )
        return self._do(request, queryset, administration.disable_user, "disable", gettext("disabled"), note)

    @admin.action(description=_("Enable selected users"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Enable people again."""
        note = _("They may sign in again.")
        return self._do(request, queryset, administration.enable_user, "enable", gettext("enabled"), note)

    @admin.action(description=_("Sign selected users out everywhere"), permissions=["change"])
    def sign_out_everywhere(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """End people's sessions and tokens; they may sign in again."""
        done, note = gettext("signed out everywhere"), _("They may sign in again. Their access tokens stay.")
        do = administration.sign_out_everywhere
        return self._do(request, queryset, do, "sign out everywhere", done, note)

    @admin.action(description=_("Remove the second factor of selected users"), permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        """Let people who have lost their app and codes sign in with their password alone."""
        done = gettext("may sign in without a second factor")
        note = _("Their password alone signs them in until they set up a second factor again.")
        do = administration.remove_second_factor
        return self._do(request, queryset, do, "remove second factor", done, note)

    def _do(
        self, request: HttpRequest, queryset: Any, do: Any, action: str, done: str, note: Any
    ) -> HttpResponse | None:
        users = list(queryset)
        questions = {
            "disable": ngettext("Disable %(number)s user?", "Disable %(number)s users?", len(users)),
            "enable": ngettext("Enable %(number)s user?", "Enable %(number)s users?", len(users)),
            "sign out everywhere": ngettext(
                "Sign %(number)s user out everywhere?", "Sign %(number)s users out everywhere?", len(users)
            ),
            "remove second factor": ngettext(
                "Remove the second factor of %(number)s user?",
                "Remove the second factor of %(number)s users?",
                len(users),
            ),
        }
        if page := self.ask(request, users, questions[action] % {"number": len(users)}, note=note):
            return page

        def one(obj: Any) -> None:
            if action == "disable":
                self._not_myself(request, obj)
            with admin_errors():
                do(admin_context(request, obj.pk, action), obj.as_item())

        following = reverse("admin:tasks_user_changelist") if action in {"disable", "enable"} else ""
        self.for_each(request, users, one, done, following=following)
        return None

    def _not_myself(self, request: HttpRequest, obj: Any) -> None:
        if obj.pk == request.user.pk:
            raise WriteRefused(gettext("You cannot disable or delete yourself. Ask another admin."))


ADMINS = {User: UserAdmin}
