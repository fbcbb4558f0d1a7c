"""Forms of the account pages."""

import hashlib
import json
import uuid
from datetime import tzinfo
from functools import cache
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from identity import accounts, sign_in, tries, week, workspace
from identity.access_tokens import DAYS, NAME_MAX
from identity.cognito import Tokens
from identity.errors import IdentityError, WrongCode
from identity.forms import (
    StyledForm,
    code_field,
    email_field,
    name_field,
    new_password_field,
    password_field,
)
from identity.today import name_of
from store import time_zones
from store.idempotency import Once, StoredReply
from tasks.transfer.rows import MAX_ROWS
from web.forms import TextField


@cache
def _zones() -> list[tuple[str, str]]:
    names = sorted(name for name in time_zones.names() if "/" in name and not name.startswith("Etc/"))
    return [(name, name_of(name)) for name in ("UTC", *names)]


class ProfileForm(StyledForm):
    """Name, time zone, first day of the week, language and colours; ``device`` is the zone that the browser reports."""

    given_name = name_field(_("First name"), "given-name")
    family_name = name_field(_("Last name"), "family-name")
    name = name_field(_("Shown as"), "name", required=True, longest=200)
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        help_text=_("Decides what is due today, and when reminders come."),
    )
    first_day_of_week = forms.ChoiceField(label=_("First day of the week"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    theme = forms.ChoiceField(
        label=_("Colours"),
        required=False,
        choices=[("", _("As the system")), ("light", _("Light")), ("dark", _("Dark"))],
    )

    def __init__(self, *args: Any, device: tzinfo | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone, language = self.fields["timezone"], self.fields["language"]
        assert isinstance(zone, forms.ChoiceField)  # noqa: S101
        assert isinstance(language, forms.ChoiceField)  # noqa: S101
        own = (
            _("The one of my device (%(zone)s)") % {"zone": name_of(device)}
            if device
            else _("The one of my device")
        )
        zone.choices = [("", own), *_zones()]
        days: Any = self.fields["first_day_of_week"]
        first = workspace.current().first_day
        usual = next(name for name, number in week.DAYS.items() if number == first)
        days.choices = [
            ("", _("%(day)s (workspace)") % {"day": week.NAMES[usual]}),
            *week.NAMES.items(),
        ]
        language.choices = [("", _("The one of my browser")), *workspace.current().offered]


class ProofForm(StyledForm):
    """The password again, and a code if an authenticator app is used: for what cannot be undone."""

    password = password_field(_("Password"), "current-password")
    code = code_field(_("Code of your authenticator app, if you use one"), required=False)

    def prove(self, request: HttpRequest) -> Tokens | None:
        """Return fresh tokens for the password and the code of the valid form, or add the error and return None."""
        given, me = self.cleaned_data, sign_in.person(request)
        code = given.get("code", "").replace(" ", "")
        try:
            return accounts.prove(tries.visitor(request), me.username, given["password"], code)
        except WrongCode as error:
            self.explain(error, "code")
        except IdentityError as error:
            self.explain(error, "password")
        return None


class ChangePasswordForm(ProofForm):
    """The old password and a new one, and whether programs are to lose their access, too."""

    field_order = ["password", "new_password", "code", "programs"]
    new_password = new_password_field(_("New password"))
    programs = forms.BooleanField(
        label=_("Also end my access tokens and the address of my calendar"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = _("Current password")


class NewAddressForm(ProofForm):
    """Another e-mail address, with the password and code again."""

    field_order = ["email", "password", "code"]
    email = email_field(_("New e-mail address"))


class AddressCodeForm(StyledForm):
    """The code that was sent to a new address; ``sealed`` says to which one, and for whom."""

    code = code_field(_("Code"))
    sealed = forms.CharField(widget=forms.HiddenInput, max_length=8000)


class EnrolForm(StyledForm):
    """The first code of a new authenticator app; ``sealed`` comes from ``enrolment.seal``."""

    code = code_field(_("Code that the app shows now"))
    sealed = forms.CharField(widget=forms.HiddenInput, max_length=8000)


class TokenForm(StyledForm):
    """A new access token. ``key`` is made with the form, so that sending it twice creates one token."""

    key = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    name = TextField(
        label=_("What is it for?"),
        max_length=NAME_MAX,
        error_messages={"required": _("Give the token a name.")},
    )
    scope = forms.ChoiceField(
        label=_("It may"), choices=[("read", _("only read")), ("write", _("read and write"))]
    )
    days = forms.TypedChoiceField(
        label=_("It works for"),
        coerce=int,
        initial=DAYS,
        choices=[(7, _("a week")), (30, _("30 days")), (90, _("90 days")), (366, _("a year"))],
    )

    @classmethod
    def fresh(cls) -> "TokenForm":
        """Return an empty form with a key of its own."""
        return cls(initial={"key": uuid.uuid4().hex})

    def once(self) -> Once | None:
        """Return the idempotency key of this form with its fields, or None without a key."""
        given = self.cleaned_data
        asked = [given["key"], given["name"], given["scope"], given["days"]]
        digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
        # The token's item is the answer: its secret must not be stored.
        return Once(f"web-token-{digest}", digest, lambda _: StoredReply(201, "")) if given["key"] else None


class ImportForm(StyledForm):
    """A file of tasks: uploaded, or ``carried`` from step to step with the number of rows ``done``.

    ``part`` is the number of rows of the next step; JavaScript, which submits by itself, asks for small ones.
    """

    PART = 250
    carried = forms.CharField(widget=forms.HiddenInput, required=False)
    done = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0, max_value=MAX_ROWS)
    part = forms.IntegerField(
        widget=forms.HiddenInput(attrs={"data-part": 100}), required=False, min_value=1, max_value=PART
    )
    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "A CSV or JSON file exported here, also as a spreadsheet saved it, or Todoist's CSV template; of any size."
        ),
        required=False,
        error_messages={"required": _("Choose a file."), "empty": _("That file is empty.")},
    )

    def clean(self) -> dict[str, Any]:
        """Check that there is a file."""
        given = super().clean() or {}
        if not given.get("file") and not given.get("carried") and "file" not in self.errors:
            self.add_error("file", self.fields["file"].error_messages["required"])
        return given


class DeleteForm(ProofForm):
    """A confirmation, with the password and code again."""

    field_order = ["sure", "password", "code"]
    sure = forms.BooleanField(
        label=_("I understand that my tasks cannot be brought back."),
        error_messages={"required": _("Tick the box if you mean it.")},
    )
