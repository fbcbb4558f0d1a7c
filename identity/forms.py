"""Forms of the identity pages."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from identity import passwords
from store.errors import DomainError
from web.forms import TextField

_IDENTIFIER = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
_CODE_ATTRS = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
PASSWORD_HELP = format_lazy(
    _(
        "At least {least} characters. A few words that do not belong together are easy to remember and hard to guess."
    ),
    least=passwords.MIN_LENGTH,
)


def password_field(label: Any, autocomplete: str, required: Any = None, **options: Any) -> forms.CharField:
    """Return a password field; ``autocomplete`` is current-password or new-password."""
    return forms.CharField(
        label=label,
        # Not max_length: browsers would cut off what is pasted, without a word.
        validators=[MaxLengthValidator(passwords.TYPED_MAX)],
        strip=False,
        error_messages={"required": required or _("Enter your password.")},
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        **options,
    )


def code_field(label: Any, **options: Any) -> forms.CharField:
    """Return a field for a code of six digits."""
    return forms.CharField(
        label=label,
        max_length=40,
        error_messages={"required": _("Enter the code.")},
        widget=forms.TextInput(attrs=_CODE_ATTRS),
        **options,
    )


def email_field(label: Any) -> forms.CharField:
    """Return a field for the e-mail address of an account."""
    return forms.EmailField(
        label=label,
        max_length=254,
        error_messages={
            "required": _("Enter your e-mail address."),
            "invalid": _("Enter an e-mail address like ada@example.com."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


def name_field(
    label: Any, autocomplete: str, *, required: bool = False, longest: int = 100
) -> forms.CharField:
    """Return a field for a name or a part of it."""
    return TextField(
        label=label,
        required=required,
        max_length=longest,
        error_messages={"required": _("Enter your name.")},
        widget=forms.TextInput(attrs={"autocomplete": autocomplete}),
    )


def new_password_field(label: Any) -> forms.CharField:
    """Return a field for a new password."""
    return password_field(label, "new-password", _("Choose a password."), help_text=PASSWORD_HELP)


def _identifier_field(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=254,
        error_messages={"required": _("Enter your e-mail address or username.")},
        widget=forms.TextInput(attrs=_IDENTIFIER),
    )


def posted(request: HttpRequest) -> QueryDict | None:
    """Return the data of a POST to bind a form to, or None for another method."""
    return request.POST if request.method == "POST" else None


def show(request: HttpRequest, template: str, shown: Mapping[str, Any]) -> HttpResponse:
    """Render a page with forms: 422 if one of those in the context has errors, 429 or 503 if it may work later."""
    refused = [form for form in shown.values() if isinstance(form, forms.Form) and form.errors]
    answer = render(request, template, dict(shown), status=422 if refused else 200)
    for form in refused:
        if error := getattr(form, "later", None):
            answer.status_code = error.status
            for name, value in error.headers.items():
                answer[name] = value
    return answer


class StyledForm(forms.Form):
    """A form with the style of the pages."""

    use_required_attribute = False
    later: DomainError | None = None  # why it cannot be done now

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if not field.widget.is_hidden and not isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("class", "input")

    def explain(self, error: DomainError, field: str | None = None) -> None:
        """Show why what the form asks for was not done: at a field, unless it has only to be asked for later."""
        if "Retry-After" in error.headers:
            self.later, field = error, None
        self.add_error(field, str(error))


class SignInForm(StyledForm):
    """An e-mail address or username, and the password."""

    identifier = _identifier_field(_("E-mail or username"))
    password = password_field(_("Password"), "current-password")
    next = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["identifier"].widget.attrs["autofocus"] = True

    def fill_in(self, identifier: str, password: str) -> None:
        """Prefill the form; only for the demo accounts, whose password is not secret."""
        self.initial.update(identifier=identifier, password=password)
        self.fields["password"].widget.render_value = True


class SignUpForm(StyledForm):
    """A new account."""

    given_name = name_field(_("First name"), "given-name", required=True)
    family_name = name_field(_("Last name"), "family-name")
    email = email_field(_("E-mail"))
    password = new_password_field(_("Password"))


class CodeForm(StyledForm):
    """A code from an e-mail or an authenticator app."""

    code = code_field(_("Code"))


class ForgottenForm(StyledForm):
    """The account whose password was forgotten."""

    identifier = _identifier_field(_("E-mail or username"))


class ResetForm(StyledForm):
    """A new password, with the code from the e-mail."""

    code = code_field(_("Code"))
    password = new_password_field(_("New password"))


class RecoveryForm(StyledForm):
    """The password again, and a recovery code."""

    password = password_field(_("Password"), "current-password")
    code = forms.CharField(
        label=_("Recovery code"),
        max_length=40,
        error_messages={"required": _("Enter the code.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


class NewPasswordForm(StyledForm):
    """A new password in place of the one that an administrator set."""

    password = new_password_field(_("New password"))
